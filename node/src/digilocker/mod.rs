//! A pull interface in the shape that DigiLocker asks of issuers, before a department's own store of files.
//!
//! [`config`] what an operator sets · [`request`] the two requests, from XML · [`access`] whether DigiLocker sent them ·
//! [`store`] the department's files and their index · [`response`] the answers, as XML.
//!
//! Element and attribute names are those of the public Issuer API specification (versions 1.11 and 1.12). Called by
//! `shell/http/digilocker.rs` alone, which has the socket, the clock and the ledger. A file leaves the store only if the
//! ledger proves that it is on record as it is. The ledger is never asked about a person: what a request says of one is
//! compared with a salted commitment in the store's index.

pub mod access;
pub mod config;
pub mod request;
pub mod response;
pub mod store;

use anyhow::Context as _;
use dalil_ledger::crypto::sha256;

use crate::shell::home::{Home, check_private};
use config::DigiLockerConfig;
use store::Store;

/// The interface at work.
pub struct DigiLocker {
    /// What the operator set.
    pub config: DigiLockerConfig,
    /// The department's files.
    pub store: Store,
    api_key: Vec<u8>,
}

impl DigiLocker {
    /// The interface of a home.
    pub fn open(home: &Home, config: &DigiLockerConfig) -> anyhow::Result<Self> {
        let path = home.path().join(&config.key);
        check_private(&path).context("DigiLocker's API key; `dalil digilocker new-key` makes one")?;
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let api_key = text.trim().as_bytes().to_vec();
        anyhow::ensure!(
            (config::API_KEY_BYTES_MIN..=config::API_KEY_BYTES_MAX).contains(&api_key.len()),
            "{}: expected an API key of {} to {} characters",
            path.display(),
            config::API_KEY_BYTES_MIN,
            config::API_KEY_BYTES_MAX
        );
        let store = Store::open(&home.path().join(&config.store))?;
        Ok(Self { config: config.clone(), store, api_key })
    }

    /// Tells one key from another in a log without showing it.
    pub fn key_mark(&self) -> String {
        sha256(&self.api_key).to_string().chars().take(8).collect()
    }
}
