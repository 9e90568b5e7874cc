//! One simulated validator: what survives a crash, and the core that does not.

use std::sync::Arc;

use dalil_consensus::SignRecord;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::store::{Kv, Ledger, LedgerView, MemoryKv};
use dalil_node::core::cosign::Published;
use dalil_node::core::{Core, Effect, Persist, ValidatorKeys};
use dalil_node::shell::home::NodeKeys;
use dalil_node::shell::workers::Workers;

use crate::support::{VALIDATORS, genesis, node_keys};

/// What is on disk: the database and, apart from it, the sign record.
pub struct Disk {
    pub kv: MemoryKv,
    pub sign_record: Vec<u8>,
}

/// A running core.
pub struct Running {
    pub core: Core,
    pub ledger: Ledger,
    pub workers: Arc<Workers>,
    pub published: Option<Arc<Published>>,
}

/// A validator, up or down.
pub struct Node {
    pub peer: PublicKey,
    keys: NodeKeys,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Counts the starts: what was under way at a crash belongs to an earlier one.
    pub life: u64,
    /// When the disk has done all that was asked of it.
    pub disk_free_ms: u64,
    /// Added to the world's time.
    pub clock_ahead_ms: i64,
}

fn fresh_database() -> MemoryKv {
    static BASE: std::sync::OnceLock<MemoryKv> = std::sync::OnceLock::new();
    let base = BASE.get_or_init(|| {
        let kv = MemoryKv::default();
        Ledger::create(Arc::new(kv.clone()), genesis()).unwrap();
        kv
    });
    base.fork()
}

impl Node {
    pub fn new(place: usize) -> Self {
        let keys = node_keys(VALIDATORS[place]);
        let sign_record = SignRecord::new(genesis().chain_id(), keys.consensus().unwrap().public()).encode();
        Self {
            peer: keys.network.public(),
            keys,
            disk: Disk { kv: fresh_database(), sign_record },
            running: None,
            life: 0,
            disk_free_ms: 0,
            clock_ahead_ms: 0,
        }
    }

    /// Loses the database but not the sign record.
    pub fn wipe(&mut self) {
        self.disk.kv = fresh_database();
    }

    pub fn start(&mut self, now_ms: u64) -> Vec<Effect> {
        self.life += 1;
        let kv: Arc<dyn Kv> = Arc::new(self.disk.kv.clone());
        let ledger = Ledger::open(kv, Some(&genesis().chain_id())).unwrap();
        let keys = ValidatorKeys {
            consensus: self.keys.consensus().unwrap(),
            cosigner: self.keys.cosigner().unwrap(),
            log: self.keys.log().unwrap(),
            record: SignRecord::decode(&self.disk.sign_record).unwrap(),
        };
        let (core, effects) = Core::start(ledger.clone(), Some(keys), now_ms).unwrap();
        let workers = Workers::new(genesis().parameters);
        self.running = Some(Running { core, ledger, workers, published: None });
        effects
    }

    /// Makes one write durable.
    pub fn write(&mut self, persist: Persist) {
        let Some(running) = &self.running else { return };
        match persist {
            Persist::SignRecord(bytes) => self.disk.sign_record = bytes,
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
