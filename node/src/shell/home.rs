//! A node's home folder: configuration, genesis, keys and the sign record.
//!
//! ```text
//! config.toml        addresses, peers, observers
//! genesis.bin        canonical genesis
//! keys/              validator.seed, network.seed: 32 bytes in hexadecimal, readable by the owner alone
//! sign-record        what the consensus key has signed; made with the key, never part of a backup
//! webhooks/          how far each webhook is done
//! data/              RocksDB
//! gateway/           what the gateway signed for which idempotency key, where there is one
//! lock               held by the process that uses the folder
//! ```

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use dalil_consensus::{Quarantine, SignRecord};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey};
use dalil_ledger::genesis::{GENESIS_BYTES_MAX, Genesis};
use dalil_ledger::validators::Validator;
use serde::{Deserialize, Serialize};

use super::http::config::HttpConfig;
use super::webhooks::WebhookConfig;
use super::witnesses::WitnessConfig;
use crate::core::{SyncSettings, ValidatorKeys};
use crate::digilocker::config::DigiLockerConfig;
use crate::gateway::config::GatewayConfig;

/// What an operator sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where peers connect, as `address:port`.
    pub p2p_listen: std::net::SocketAddr,
    /// Where clients connect, as `address:port`.
    pub http_listen: std::net::SocketAddr,
    /// Multiaddresses of peers to dial, each ending in `/p2p/<peer id>`.
    pub peers: Vec<String>,
    /// Network keys of nodes that may connect without being validators.
    #[serde(default)]
    pub observers: Vec<PublicKey>,
    /// When to fetch a snapshot, and which to offer.
    #[serde(default)]
    pub sync: SyncSettings,
    /// Limits on clients, and TLS.
    #[serde(default, skip_serializing_if = "HttpConfig::is_default")]
    pub http: HttpConfig,
    /// The department gateway; none if the node has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayConfig>,
    /// The pull interface for DigiLocker; none if the node has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digilocker: Option<DigiLockerConfig>,
    /// Where to post events.
    #[serde(default, rename = "webhook", skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookConfig>,
    /// Whom to ask for cosignatures.
    #[serde(default, rename = "witness", skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessConfig>,
}

impl Config {
    /// Reads the text of a configuration file.
    pub fn from_toml(text: &str) -> anyhow::Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The text of a configuration file.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

/// A home folder.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// The home in `folder`, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database's folder.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The sign record's file.
    pub fn sign_record_path(&self) -> PathBuf {
        self.0.join("sign-record")
    }

    /// Takes the folder for this process until the lock is dropped: what two processes sign with one key contradicts itself.
    pub fn lock(&self) -> anyhow::Result<HomeLock> {
        let path = self.0.join("lock");
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(|| {
            format!("cannot open {}; run `dalil node init` or `dalil testnet generate` first", path.display())
        })?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => {
                bail!("another process uses {}: stop that node first", self.0.display())
            }
            Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    fn genesis_path(&self) -> PathBuf {
        self.0.join("genesis.bin")
    }

    /// Reads the configuration.
    pub fn config(&self) -> anyhow::Result<Config> {
        let path = self.0.join("config.toml");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}; run `dalil node init` or `dalil testnet generate` first", path.display())
        })?;
        Config::from_toml(&text).with_context(|| format!("{} is not a configuration", path.display()))
    }

    /// Writes the configuration.
    pub fn write_config(&self, config: &Config) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        Ok(std::fs::write(self.0.join("config.toml"), config.to_toml()?)?)
    }

    /// Reads genesis.
    pub fn genesis(&self) -> anyhow::Result<Genesis> {
        read_genesis(&self.genesis_path())
    }

    /// Writes genesis.
    pub fn write_genesis(&self, genesis: &Genesis) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        Ok(std::fs::write(self.genesis_path(), codec::encode(genesis))?)
    }

    /// Makes the keys that are missing and returns them with the network key.
    pub fn make_keys(&self, role: NodeRole) -> anyhow::Result<NodeKeys> {
        let network = make_seed(&self.0.join("keys/network.seed"))?;
        let validator = match role {
            NodeRole::Validator => Some(make_seed(&self.0.join("keys/validator.seed"))?),
            NodeRole::Observer => None,
        };
        Ok(NodeKeys { network, validator })
    }

    /// Reads the keys.
    pub fn keys(&self) -> anyhow::Result<NodeKeys> {
        let network = read_seed(&self.0.join("keys/network.seed"))?;
        let path = self.0.join("keys/validator.seed");
        let validator = if path.exists() { Some(read_seed(&path)?) } else { None };
        if validator.is_none() && self.sign_record_path().exists() {
            // Else a validator that lost its key would follow silently as an observer.
            bail!(
                "{} is missing, but {} is there: put the validator's key back; if this node is to be an observer, move the \
                 sign record away",
                path.display(),
                self.sign_record_path().display()
            );
        }
        Ok(NodeKeys { network, validator })
    }

    /// Makes the sign record of a key that was made just now. Refuses to replace one.
    pub fn make_sign_record(&self, keys: &NodeKeys, genesis: &Genesis) -> anyhow::Result<()> {
        let Some(consensus) = keys.consensus() else { return Ok(()) };
        let path = self.sign_record_path();
        if path.exists() {
            bail!("{} exists: a sign record is never made anew for a key that may have signed", path.display());
        }
        replace_file(&path, &SignRecord::new(genesis.chain_id(), consensus.public()).encode())?;
        Ok(())
    }

    /// The sign record of a key that came here without its own: it signs nothing until two heights beyond the highest that
    /// a quorum of its peers reports are decided. Refuses to replace one.
    pub fn adopt_key(&self, keys: &NodeKeys, genesis: &Genesis) -> anyhow::Result<()> {
        let Some(consensus) = keys.consensus() else { bail!("{} holds no validator's key", self.0.display()) };
        let path = self.sign_record_path();
        if path.exists() {
            bail!(
                "{} exists: the key is not new to this machine. If the file is damaged, move it away first",
                path.display()
            );
        }
        replace_file(&path, &SignRecord::for_moved_key(genesis.chain_id(), consensus.public()).encode())?;
        Ok(())
    }

    /// Lifts the quarantine of a key that came here without its sign record: an operator's override.
    pub fn lift_quarantine(&self) -> anyhow::Result<()> {
        let mut record = self.sign_record()?;
        if matches!(record.quarantine(), Quarantine::None | Quarantine::Lifted) {
            bail!("{} is not in quarantine", self.sign_record_path().display());
        }
        record.lift_quarantine();
        Ok(replace_file(&self.sign_record_path(), &record.encode())?)
    }

    fn sign_record(&self) -> anyhow::Result<SignRecord> {
        let path = self.sign_record_path();
        if !path.exists() {
            bail!("{}: {}", path.display(), dalil_consensus::StartError::Missing);
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        SignRecord::decode(&bytes).with_context(|| path.display().to_string())
    }

    /// The validator's keys with their sign record, which must be of this key and of the chain `chain`; none for an
    /// observer.
    pub fn validator_keys(&self, keys: &NodeKeys, chain: &Hash) -> anyhow::Result<Option<ValidatorKeys>> {
        let (Some(consensus), Some(cosigner), Some(log)) = (keys.consensus(), keys.cosigner(), keys.log()) else {
            return Ok(None);
        };
        let record = self.sign_record()?;
        record.check_owner(&consensus, chain).with_context(|| self.sign_record_path().display().to_string())?;
        Ok(Some(ValidatorKeys { consensus, cosigner, log, record }))
    }
}

/// A home that is in use by this process.
#[derive(Debug)]
pub struct HomeLock {
    _file: std::fs::File,
}

/// Reads a canonical genesis file.
pub fn read_genesis(path: &Path) -> anyhow::Result<Genesis> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    codec::decode(&bytes, GENESIS_BYTES_MAX).with_context(|| {
        format!("{} is not a genesis file; copy it anew from another node of the chain", path.display())
    })
}

/// Whether a node votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// It has consensus keys.
    Validator,
    /// It follows.
    Observer,
}

/// A node's seeds. All proof keys of a validator come from one seed, each for one purpose.
#[derive(Debug, Clone)]
pub struct NodeKeys {
    /// The libp2p identity.
    pub network: SecretKey,
    /// The seed of consensus, cosigner and log key.
    pub validator: Option<SecretKey>,
}

impl NodeKeys {
    /// Signs proposals and votes.
    pub fn consensus(&self) -> Option<SecretKey> {
        self.validator.as_ref().map(|seed| seed.derive("consensus"))
    }

    /// Signs cosignatures.
    pub fn cosigner(&self) -> Option<SecretKey> {
        self.validator.as_ref().map(|seed| seed.derive("cosigner"))
    }

    /// Signs checkpoints as the log.
    pub fn log(&self) -> Option<SecretKey> {
        self.validator.as_ref().map(|seed| seed.derive("log"))
    }

    /// The public keys under which a department's validator is known.
    pub fn validator(&self, department: dalil_ledger::block::DepartmentId) -> Option<Validator> {
        Some(Validator {
            department,
            consensus: self.consensus()?.public(),
            cosigner: self.cosigner()?.public(),
            log: self.log()?.public(),
            network: self.network.public(),
        })
    }
}

/// Reads a seed file.
pub fn read_seed(path: &Path) -> anyhow::Result<SecretKey> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read key file {}", path.display()))?;
    parse_seed(&text).with_context(|| path.display().to_string())
}

/// Reads a seed file that nobody but its owner can read.
pub fn read_private_seed(path: &Path) -> anyhow::Result<SecretKey> {
    check_private(path)?;
    read_seed(path)
}

/// Refuses a file with a secret that others than its owner can read.
pub fn check_private(path: &Path) -> anyhow::Result<()> {
    let file = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mode = file.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("{0} can be read by others (mode {mode:03o}): chmod 600 {0}", path.display());
    }
    Ok(())
}

/// Reads the text of a seed file.
pub fn parse_seed(text: &str) -> anyhow::Result<SecretKey> {
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).context("expected 64 hexadecimal digits")?;
    Ok(SecretKey::from_seed(&seed))
}

/// Makes a seed file that only the owner can read. Refuses to replace one.
pub fn make_seed(path: &Path) -> anyhow::Result<SecretKey> {
    let key = SecretKey::generate().context("no randomness from the operating system")?;
    write_seed(path, &key)?;
    Ok(key)
}

fn write_seed(path: &Path, key: &SecretKey) -> anyhow::Result<()> {
    write_secret(path, format!("{}\n", hex::encode(key.seed())).as_bytes())
        .with_context(|| format!("cannot make key file {}", path.display()))
}

/// Makes a file that only the owner can read, and its folder. Refuses to replace one.
pub fn write_secret(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Replaces a file so that after a crash it is either the old or the new one.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    // The new name too must be on the disk, or a power cut brings the old file back.
    sync_folder(folder)
}

/// Makes the names in `folder` durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
