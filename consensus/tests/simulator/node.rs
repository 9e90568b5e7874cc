//! One simulated node: an engine over two durable stores, and a driver as small as the contract allows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use dalil_consensus::{
    Action, Config, ConsensusRecord, Engine, HeightKnowledge, Output, Persist, Restored, SignRecord, Signer, StartError,
};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, ValidatorSet};

use super::chain::{CHAIN, DRIFT_MS, Head, TIMEOUTS, consensus_key, records_of};

/// What outlives a crash.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    pub record: Option<ConsensusRecord>,
    pub bodies: BTreeMap<Hash, Arc<Block>>,
    pub chain: Vec<(Arc<Block>, Certificate)>,
    /// A file of its own, never in a backup of the rest.
    pub sign_record: Option<Vec<u8>>,
}

impl Disk {
    pub fn head(&self) -> Head {
        self.chain.last().map_or_else(Head::genesis, |(block, _)| Head::of(block))
    }

    pub fn write(&mut self, persist: &Persist) {
        match persist {
            Persist::Database(batch) => {
                self.record = Some(batch.record.clone());
                self.bodies.extend(batch.blocks.iter().map(|block| (block.id(), Arc::clone(block))));
            }
            Persist::SignRecord(record) => self.sign_record = Some(record.encode()),
        }
    }

    pub fn commit(&mut self, block: Arc<Block>, certificate: Certificate) {
        self.chain.push((block, certificate));
        self.bodies.clear();
    }

    pub fn recorded(&self) -> BTreeSet<u64> {
        self.chain.iter().flat_map(|(block, _)| records_of(block)).collect()
    }

    pub fn block(&self, height: u64) -> Option<&(Arc<Block>, Certificate)> {
        self.chain.get(usize::try_from(height).ok()?.checked_sub(1)?)
    }
}

/// When messages leave, for the mutation that must be caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOrder {
    PersistThenSend,
    SendThenPersist,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its key's place in the set; twins share one.
    pub validator: usize,
    pub disk: Disk,
    pub engine: Option<Engine>,
    /// Counts starts; what was under way for an earlier life is dropped.
    pub life: u64,
    pub fifo: VecDeque<Output>,
    pub writing: bool,
    /// Records held and not decided.
    pub pool: BTreeSet<u64>,
    pub clock_offset_ms: u64,
    /// Whether it finds every block invalid.
    pub diverges: bool,
    /// The block being committed.
    pub committing: Option<(Arc<Block>, Certificate)>,
}

impl Node {
    pub fn new(validator: usize, clock_offset_ms: u64) -> Self {
        let record = SignRecord::new(CHAIN, consensus_key(validator).public());
        Self {
            validator,
            disk: Disk { sign_record: Some(record.encode()), ..Disk::default() },
            engine: None,
            life: 0,
            fifo: VecDeque::new(),
            writing: false,
            pool: BTreeSet::new(),
            clock_offset_ms,
            diverges: false,
            committing: None,
        }
    }

    /// Loses everything but the disk.
    pub fn crash(&mut self) {
        self.engine = None;
        self.life += 1;
        self.fifo.clear();
        self.writing = false;
        self.committing = None;
        self.pool.clear();
    }

    /// Starts from the disk.
    pub fn start(&mut self, set: &ValidatorSet, now_ms: u64) -> Result<Vec<Output>, StartError> {
        let bytes = self.disk.sign_record.as_ref().ok_or(StartError::Missing)?;
        let record = SignRecord::decode(bytes).expect("the file is whole");
        let restored =
            Restored { record: self.disk.record.clone(), blocks: self.disk.bodies.values().cloned().collect() };
        let context = self.disk.head().context(set, HeightKnowledge::Open);
        let config = Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
        let signer = Signer { key: consensus_key(self.validator), record };
        let (engine, outputs) = Engine::start(config, Some(signer), restored, context, now_ms)?;
        self.engine = Some(engine);
        Ok(outputs)
    }

    /// Whether a record is news to this node.
    pub fn lacks(&self, number: u64) -> bool {
        self.engine.is_some() && !self.disk.recorded().contains(&number)
    }

    /// A body this node can serve.
    pub fn body(&self, id: &Hash) -> Option<Arc<Block>> {
        let held = self.engine.as_ref().and_then(|engine| engine.block(id));
        held.or_else(|| self.disk.bodies.get(id).cloned())
            .or_else(|| self.disk.chain.iter().rev().map(|(block, _)| block).find(|block| block.id() == *id).cloned())
    }

    /// Actions whose persists are durable, up to the next write; that write if there is one.
    pub fn released(&mut self, order: WriteOrder) -> (Vec<Action>, Option<u64>) {
        let mut actions = Vec::new();
        if order == WriteOrder::SendThenPersist {
            actions.extend(self.fifo.iter_mut().flat_map(|output| output.then.drain(..)));
        }
        if self.writing {
            return (actions, None);
        }
        while let Some(front) = self.fifo.front_mut() {
            if front.persist.is_some() {
                self.writing = true;
                return (actions, Some(front.seq));
            }
            actions.append(&mut front.then);
            self.fifo.pop_front();
        }
        (actions, None)
    }

    /// The write at the front is done.
    pub fn written(&mut self) -> (Vec<Action>, u64) {
        self.writing = false;
        let output = self.fifo.pop_front().expect("a write was under way");
        self.disk.write(output.persist.as_ref().expect("a write was under way"));
        (output.then, output.seq)
    }
}
