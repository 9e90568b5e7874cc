//! Who may ask, for which postings, and how often.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use dalil_contracts::authority::PostingId;
use dalil_ledger::crypto::{Hash, hash_parts, sha256};
use subtle::ConstantTimeEq as _;

use super::IdempotencyKey;
use super::config::{ClientConfig, ClientName, PostingPattern};
use crate::bucket::Bucket;
use crate::signing::random;

/// The longest API key that is looked at, in bytes.
const API_KEY_BYTES_MAX: usize = 256;
/// What API keys begin with, so that one that leaked is recognised.
const API_KEY_PREFIX: &str = "dalil-gateway-";

/// A fresh API key of 256 random bits, and its digest for the configuration.
pub fn new_api_key() -> anyhow::Result<(String, Hash)> {
    let key = format!("{API_KEY_PREFIX}{}", BASE64_URL.encode(random::<32>()?));
    let digest = sha256(key.as_bytes());
    Ok((key, digest))
}

/// All clients of a gateway.
pub struct Clients(Vec<Arc<Client>>);

impl Clients {
    /// The clients of a configuration.
    pub fn new(configs: &[ClientConfig]) -> Self {
        Self(configs.iter().map(|config| Arc::new(Client::new(config))).collect())
    }

    /// The client with this API key. Takes as long for a wrong key as for a right one, whichever client's it is.
    pub fn by_key(&self, presented: &[u8]) -> Option<Arc<Client>> {
        if presented.len() > API_KEY_BYTES_MAX {
            return None;
        }
        let digest = sha256(presented);
        let mut found = None;
        for client in &self.0 {
            if bool::from(client.key_sha256.0.ct_eq(&digest.0)) {
                found = Some(client);
            }
        }
        found.cloned()
    }
}

/// A system that may ask.
pub struct Client {
    name: ClientName,
    key_sha256: Hash,
    postings: Vec<PostingPattern>,
    bucket: Mutex<Bucket>,
}

impl Client {
    fn new(config: &ClientConfig) -> Self {
        Self {
            name: config.name.clone(),
            key_sha256: config.key_sha256,
            postings: config.postings.clone(),
            bucket: Mutex::new(Bucket::full(config.per_second, config.per_second)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &ClientName {
        &self.name
    }

    /// Whether it may ask for `posting`. Whether the posting exists, is in force and lists the gateway, the chain says.
    pub fn may_act_for(&self, posting: &PostingId) -> bool {
        self.postings.iter().any(|pattern| pattern.covers(posting))
    }

    /// Counts one request, or says after how many seconds there is room for it. `now_ms` never goes back.
    pub fn take(&self, now_ms: u64) -> Result<(), u64> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now_ms)
    }

    /// Under which the book knows an idempotency key of this client.
    pub(super) fn book_key(&self, key: &IdempotencyKey) -> Hash {
        hash_parts(&[self.name.as_str().as_bytes(), &[0], key.as_str().as_bytes()])
    }
}
