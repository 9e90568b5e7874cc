//! What an operator sets about clients, in `[http]` of the configuration.

use std::net::IpAddr;
use std::path::PathBuf;

use dalil_ledger::crypto::Hash;
use serde::{Deserialize, Serialize};

use super::cors::Origin;
use crate::portal::fonts::FOLDER_DEFAULT;

/// Requests a second from one address. It stops programs that run away, not a crowd: a node for the public sets less.
pub const REQUESTS_PER_SECOND_DEFAULT: u32 = 10_000;
/// Requests at once from one address.
pub const BURST_DEFAULT: u32 = 20_000;

/// How clients are served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// What one address may ask.
    pub limits: RateLimits,
    /// Addresses of the department's own proxies, whose `X-Forwarded-For` is believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins whose pages may read questions' answers and receipts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_origins: Vec<Origin>,
    /// Programs with an API key, which have a rate of their own.
    #[serde(rename = "client", skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<KeyedClient>,
    /// TLS; without it the node speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// The folder with the portal's fonts.
    pub fonts: PathBuf,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            limits: RateLimits::default(),
            trusted_proxies: Vec::new(),
            allow_origins: Vec::new(),
            clients: Vec::new(),
            tls: None,
            fonts: FOLDER_DEFAULT.into(),
        }
    }
}

impl HttpConfig {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How often somebody may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// Requests a second in the long run.
    pub requests_per_second: u32,
    /// Requests at once after a quiet while.
    pub burst: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { requests_per_second: REQUESTS_PER_SECOND_DEFAULT, burst: BURST_DEFAULT }
    }
}

/// A program that shows an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyedClient {
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of its key, as `dalil gateway new-key` prints it.
    pub key_sha256: Hash,
    /// Its rate.
    #[serde(default)]
    pub limits: RateLimits,
}

/// Certificate and key of the node's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the chain of certificates, relative to the home.
    pub certificate: PathBuf,
    /// PEM file with the private key, readable by the owner alone, relative to the home.
    pub key: PathBuf,
}
