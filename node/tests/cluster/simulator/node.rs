//! One simulated node: a disk that survives a crash, and a core that does not.

use std::collections::BTreeSet;
use std::sync::Arc;

use dalil_consensus::SignRecord;
use dalil_ledger::crypto::{PublicKey, SecretKey};
use dalil_ledger::store::{Kv, Ledger, LedgerView};
use dalil_node::core::cosign::Published;
use dalil_node::core::{Core, Effect, SyncSettings, ValidatorKeys};
use dalil_node::shell::home::NodeKeys;
use dalil_node::shell::workers::Workers;

use super::byzantine::Adversary;
use super::chain::Chain;
use super::disk::Disk;

/// A running core.
pub struct Running {
    pub core: Core,
    pub ledger: Ledger,
    pub workers: Arc<Workers>,
    pub published: Option<Arc<Published>>,
}

/// Whether a node keeps the rules, as far as the oracle may hold it to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    Honest,
    Byzantine,
}

/// The three keys of a validator.
#[derive(Clone)]
struct Secrets {
    consensus: SecretKey,
    cosigner: SecretKey,
    log: SecretKey,
}

/// A validator, one to be, or an observer; up or down.
pub struct Node {
    pub peer: PublicKey,
    pub keys: NodeKeys,
    /// Its consensus key.
    pub consensus: Option<PublicKey>,
    secrets: Option<Secrets>,
    pub conduct: Conduct,
    pub sync: SyncSettings,
    pub adversary: Option<Box<Adversary>>,
    chain: Arc<Chain>,
    workers: Arc<Workers>,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Counts the starts: what was under way at a crash belongs to an earlier one.
    pub life: u64,
    /// Added to the world's time.
    pub clock_ahead_ms: i64,
    /// Ends the life when so many more effects were carried out.
    pub crash_after_effects: Option<u32>,
    /// A crash by itself is followed by a start so much later.
    pub down_ms: u64,
    /// Whom the core lets in.
    pub admitted: BTreeSet<PublicKey>,
    /// Whom the operator lets in besides: observers, and the peers that are dialled.
    pub configured: BTreeSet<PublicKey>,
}

impl Node {
    /// A node that was just set up: an empty chain and, for a consensus key, the sign record that was made with it. Nodes
    /// of one world share their workers, which remember the good signatures of records.
    pub fn new(chain: &Arc<Chain>, workers: &Arc<Workers>, keys: NodeKeys) -> Self {
        let secrets = keys.validator.is_some().then(|| Secrets {
            consensus: keys.consensus().unwrap(),
            cosigner: keys.cosigner().unwrap(),
            log: keys.log().unwrap(),
        });
        let consensus = secrets.as_ref().map(|secrets| secrets.consensus.public());
        let sign_record = consensus.map(|key| SignRecord::new(chain.id, key).encode());
        Self {
            peer: keys.network.public(),
            keys,
            consensus,
            secrets,
            conduct: Conduct::Honest,
            sync: SyncSettings::default(),
            adversary: None,
            disk: Disk::new(chain.fresh_database(), sign_record),
            chain: chain.clone(),
            workers: workers.clone(),
            running: None,
            life: 0,
            clock_ahead_ms: 0,
            crash_after_effects: None,
            down_ms: 0,
            admitted: BTreeSet::new(),
            configured: BTreeSet::new(),
        }
    }

    /// Loses the database but not the sign record.
    pub fn wipe(&mut self) {
        self.disk.kv = self.chain.fresh_database();
    }

    pub fn start(&mut self, now_ms: u64) -> Result<Vec<Effect>, String> {
        self.life += 1;
        let kv: Arc<dyn Kv> = Arc::new(self.disk.kv.clone());
        let ledger = Ledger::open(kv, Some(&self.chain.id)).map_err(|error| error.to_string())?;
        let keys = self.validator_keys()?;
        let (core, effects) =
            Core::start_with(ledger.clone(), keys, self.sync, now_ms).map_err(|error| error.to_string())?;
        let workers = self.workers.clone();
        self.running = Some(Running { core, ledger, workers, published: None });
        Ok(effects)
    }

    fn validator_keys(&self) -> Result<Option<ValidatorKeys>, String> {
        let (Some(secrets), Some(bytes)) = (self.secrets.clone(), &self.disk.sign_record) else { return Ok(None) };
        let record = SignRecord::decode(bytes).map_err(|error| error.to_string())?;
        let Secrets { consensus, cosigner, log } = secrets;
        Ok(Some(ValidatorKeys { consensus, cosigner, log, record }))
    }

    /// The consensus key of a node that keeps the rules.
    pub fn honest_key(&self) -> Option<PublicKey> {
        self.consensus.filter(|_| self.is_honest())
    }

    pub fn is_honest(&self) -> bool {
        self.conduct == Conduct::Honest
    }

    /// Signs what its core would not.
    pub fn secret(&self) -> Option<&SecretKey> {
        self.secrets.as_ref().map(|secrets| &secrets.consensus)
    }

    /// The ledger as it is on disk.
    pub fn view(&self) -> LedgerView {
        let kv: Arc<dyn Kv> = Arc::new(self.disk.kv.clone());
        Ledger::open(kv, None).unwrap().view().unwrap()
    }
}
