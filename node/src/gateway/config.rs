//! What an operator sets about the gateway, under `[gateway]` in `config.toml`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use dalil_contracts::authority::PostingId;
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::Hash;
use dalil_ledger::transaction::EXPIRY_WINDOW_MS;
use serde::{Deserialize, Serialize};

/// A client's name, in logs and in the book.
pub type ClientName = Token<48>;

const DAY_MS: u64 = 24 * 3_600_000;
/// The longest and the usual time that an idempotency key is remembered, in days.
const REMEMBER_DAYS_MAX: u32 = 90;
const REMEMBER_DAYS_DEFAULT: u32 = 7;
/// The shortest and the usual time that a record may wait for its block, in seconds.
const LAPSE_AFTER_S_MIN: u32 = 5;
const LAPSE_AFTER_S_DEFAULT: u32 = 600;
/// The most and the usual number of requests a second.
const PER_SECOND_MAX: u32 = 10_000;
const PER_SECOND_DEFAULT: u32 = 20;
/// The most clients of one gateway.
const CLIENTS_MAX: usize = 64;

/// The gateway of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Where clients of the gateway connect: an address of its own, on this machine unless [`Self::allow_remote`].
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Lets [`Self::listen`] be an address that other machines reach. API keys then cross the network: put TLS before it.
    #[serde(default)]
    pub allow_remote: bool,
    /// The gateway's key file, relative to the home; readable by its owner alone.
    pub key: PathBuf,
    /// How long an idempotency key is remembered after its record lapsed or was recorded, in days.
    #[serde(default = "default_remember_days")]
    pub remember_days: u32,
    /// How long a record may wait for its block before it lapses, in seconds.
    #[serde(default = "default_lapse_after_s")]
    pub lapse_after_s: u32,
    /// The systems that may ask.
    pub clients: Vec<ClientConfig>,
}

/// A system that may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its name. Another name is another client, with idempotency keys of its own.
    pub name: ClientName,
    /// SHA-256 of its API key.
    pub key_sha256: Hash,
    /// The postings for which it may ask.
    pub postings: Vec<PostingPattern>,
    /// How many requests a second, on average and at once.
    #[serde(default = "default_per_second")]
    pub per_second: u32,
}

/// A posting, or with a final `*` all whose ids begin so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostingPattern(pub Token<49>);

impl PostingPattern {
    /// Whether `posting` is meant.
    pub fn covers(&self, posting: &PostingId) -> bool {
        let pattern = self.0.as_str();
        match pattern.strip_suffix('*') {
            Some(start) => posting.as_str().starts_with(start),
            None => posting.as_str() == pattern,
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

fn default_remember_days() -> u32 {
    REMEMBER_DAYS_DEFAULT
}

fn default_lapse_after_s() -> u32 {
    LAPSE_AFTER_S_DEFAULT
}

fn default_per_second() -> u32 {
    PER_SECOND_DEFAULT
}

/// A configuration that a node does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Another interface listens there.
    #[error("[{section}] listen = {address} is another interface's address too; give it a port of its own")]
    Shared {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Other machines would reach it.
    #[error(
        "[{section}] listen = {address} is reached by other machines: use 127.0.0.1 behind a proxy with TLS, or set allow_remote = true"
    )]
    Remote {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A number out of bounds.
    #[error("[gateway] {name} = {got}: expected {least} to {most}")]
    Range {
        /// The setting.
        name: &'static str,
        /// Its value.
        got: u64,
        /// The least that is allowed.
        least: u64,
        /// The most that is allowed.
        most: u64,
    },
    /// Two clients that cannot be told apart.
    #[error("[gateway] client {0} has the name or the API key of another one")]
    Repeated(ClientName),
    /// A client that may ask for nothing.
    #[error("[gateway] client {0} has no posting; name the postings for which it may ask, such as \"district/*\"")]
    NoPosting(ClientName),
    /// A star that does not stand at the end.
    #[error("[gateway] client {0}: posting {1}: a * stands only at the end")]
    Pattern(ClientName, String),
}

/// Checks the address of an interface that is not for everybody: its own, and on this machine unless `allow_remote`.
pub fn check_address(
    section: &'static str,
    address: SocketAddr,
    allow_remote: bool,
    taken: &[SocketAddr],
) -> Result<(), ConfigError> {
    let same = |other: &SocketAddr| {
        let overlap = other.ip() == address.ip() || other.ip().is_unspecified() || address.ip().is_unspecified();
        other.port() == address.port() && address.port() != 0 && overlap
    };
    if taken.iter().any(same) {
        return Err(ConfigError::Shared { section, address });
    }
    if !address.ip().is_loopback() && !allow_remote {
        return Err(ConfigError::Remote { section, address });
    }
    Ok(())
}

impl GatewayConfig {
    /// Checks everything that can be checked without the disk. `taken` are the addresses of the other interfaces.
    pub fn check(&self, taken: &[SocketAddr]) -> Result<(), ConfigError> {
        check_address("gateway", self.listen, self.allow_remote, taken)?;
        let range = |name, got: u32, least: u32, most: u32| {
            let bounds = ConfigError::Range { name, got: got.into(), least: least.into(), most: most.into() };
            if (least..=most).contains(&got) { Ok(()) } else { Err(bounds) }
        };
        range("remember_days", self.remember_days, 1, REMEMBER_DAYS_MAX)?;
        // Half of what the chain allows, so that a clock a little ahead of the chain's still signs well.
        range("lapse_after_s", self.lapse_after_s, LAPSE_AFTER_S_MIN, (EXPIRY_WINDOW_MS / 2_000) as u32)?;
        range("number of clients", u32::try_from(self.clients.len()).unwrap_or(u32::MAX), 1, CLIENTS_MAX as u32)?;
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for client in &self.clients {
            range("per_second", client.per_second, 1, PER_SECOND_MAX)?;
            if !names.insert(&client.name) || !keys.insert(&client.key_sha256) {
                return Err(ConfigError::Repeated(client.name.clone()));
            }
            if client.postings.is_empty() {
                return Err(ConfigError::NoPosting(client.name.clone()));
            }
            for PostingPattern(pattern) in &client.postings {
                if pattern.as_str().trim_end_matches('*').contains('*') || pattern.as_str().ends_with("**") {
                    return Err(ConfigError::Pattern(client.name.clone(), pattern.to_string()));
                }
            }
        }
        Ok(())
    }

    /// How long a key is remembered, in milliseconds of block time.
    pub fn remember_ms(&self) -> u64 {
        u64::from(self.remember_days) * DAY_MS
    }

    /// How long a record may wait for its block, in milliseconds.
    pub fn lapse_after_ms(&self) -> u64 {
        u64::from(self.lapse_after_s) * 1_000
    }
}
