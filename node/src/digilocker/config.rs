//! What an operator sets about the pull interface, under `[digilocker]` in `config.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use dalil_ledger::codec::Token;
use serde::{Deserialize, Serialize};

use crate::gateway::config::{ConfigError, check_address};

/// The shortest and the longest API key, in bytes.
pub const API_KEY_BYTES_MIN: usize = 32;
/// See [`API_KEY_BYTES_MIN`].
pub const API_KEY_BYTES_MAX: usize = 256;

/// Name of an element of a request, such as `UDF1`.
pub type ParameterName = Token<32>;

/// The pull interface of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigiLockerConfig {
    /// Where DigiLocker's requests arrive: an address of its own, behind a proxy with TLS.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Lets [`Self::listen`] be an address that other machines reach.
    #[serde(default)]
    pub allow_remote: bool,
    /// The issuer's id at DigiLocker, as requests name it in `orgId`.
    pub org_id: Token<64>,
    /// The file with the API key that DigiLocker was given, relative to the home; readable by its owner alone.
    pub key: PathBuf,
    /// The folder with the department's files and their index, relative to the home.
    pub store: PathBuf,
    /// The element of a request that holds a document's number.
    #[serde(default = "default_number")]
    pub number: ParameterName,
    /// The element of a request that holds the holder's name.
    #[serde(default = "default_name")]
    pub name: ParameterName,
    /// Refuses requests without `x-digilocker-hmac`, which binds the whole body; the key hash binds the time alone.
    #[serde(default)]
    pub require_hmac: bool,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8091))
}

fn default_number() -> ParameterName {
    "UDF1".parse().expect("a short name")
}

fn default_name() -> ParameterName {
    "FullName".parse().expect("a short name")
}

impl DigiLockerConfig {
    /// Checks the address. `taken` are the addresses of the other interfaces.
    pub fn check(&self, taken: &[SocketAddr]) -> Result<(), ConfigError> {
        check_address("digilocker", self.listen, self.allow_remote, taken)
    }
}
