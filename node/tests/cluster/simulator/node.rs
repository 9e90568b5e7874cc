//! One simulated node: what survives a crash, and the core that does not.

use std::sync::Arc;

use dalil_consensus::SignRecord;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::store::{Kv, Ledger, LedgerView, MemoryKv};
use dalil_node::core::cosign::Published;
use dalil_node::core::{Core, Effect, Persist, ValidatorKeys};
use dalil_node::shell::home::NodeKeys;
use dalil_node::shell::workers::Workers;

use super::chain::Chain;

/// What is on disk: the database and, apart from it, the sign record of a node that has a consensus key.
pub struct Disk {
    pub kv: MemoryKv,
    pub sign_record: Option<Vec<u8>>,
}

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

/// A validator, one to be, or an observer; up or down.
pub struct Node {
    pub peer: PublicKey,
    pub keys: NodeKeys,
    pub conduct: Conduct,
    chain: Arc<Chain>,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Counts the starts: what was under way at a crash belongs to an earlier one.
    pub life: u64,
    /// When the disk has done all that was asked of it.
    pub disk_free_ms: u64,
    /// Added to the world's time.
    pub clock_ahead_ms: i64,
}

impl Node {
    /// A node that was just set up: an empty chain and, for a consensus key, the sign record that was made with it.
    pub fn new(chain: &Arc<Chain>, keys: NodeKeys) -> Self {
        let sign_record = keys.consensus().map(|key| SignRecord::new(chain.id, key.public()).encode());
        Self {
            peer: keys.network.public(),
            keys,
            conduct: Conduct::Honest,
            disk: Disk { kv: chain.fresh_database(), sign_record },
            chain: chain.clone(),
            running: None,
            life: 0,
            disk_free_ms: 0,
            clock_ahead_ms: 0,
        }
    }

    /// Loses the database but not the sign record.
    pub fn wipe(&mut self) {
        self.disk.kv = self.chain.fresh_database();
    }

    pub fn start(&mut self, now_ms: u64) -> Vec<Effect> {
        self.life += 1;
        let kv: Arc<dyn Kv> = Arc::new(self.disk.kv.clone());
        let ledger = Ledger::open(kv, Some(&self.chain.id)).unwrap();
        let (core, effects) = Core::start(ledger.clone(), self.validator_keys(), now_ms).unwrap();
        let workers = Workers::new(self.chain.genesis.parameters);
        self.running = Some(Running { core, ledger, workers, published: None });
        effects
    }

    fn validator_keys(&self) -> Option<ValidatorKeys> {
        Some(ValidatorKeys {
            consensus: self.keys.consensus()?,
            cosigner: self.keys.cosigner()?,
            log: self.keys.log()?,
            record: SignRecord::decode(self.disk.sign_record.as_ref()?).unwrap(),
        })
    }

    /// Makes one write durable.
    pub fn write(&mut self, persist: Persist) {
        let Some(running) = &self.running else { return };
        match persist {
            Persist::SignRecord(bytes) => self.disk.sign_record = Some(bytes),
            Persist::Batch(batch) => self.disk.kv.write(batch).unwrap(),
            Persist::Commit { executed, certificate, also } => {
                running.ledger.commit(&executed, Some(&certificate), also).unwrap();
            }
        }
    }

    /// The ledger as it is on disk.
    pub fn view(&self) -> LedgerView {
        let kv: Arc<dyn Kv> = Arc::new(self.disk.kv.clone());
        Ledger::open(kv, None).unwrap().view().unwrap()
    }
}
