//! Bodies of blocks that are being decided: rebuilt from a compact proposal and the mempool, or fetched whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, Height};
use dalil_ledger::crypto::Hash;
use dalil_ledger::log;
use dalil_ledger::store::LedgerView;
use dalil_ledger::transaction::SignedTransaction;

use super::Core;
use super::event::{Effect, Peer, Timer};
use super::executor::{Candidate, body_matches};
use super::message::{CompactBlock, Message};

/// How long a wanted body may take to come by itself before it is asked for, in milliseconds.
const FETCH_AFTER_MS: u64 = 150;
/// The most bodies kept or assembled at once.
const BODIES_MAX: usize = 16;

struct Assembly {
    compact: CompactBlock,
    records: BTreeMap<Hash, Candidate>,
}

impl Assembly {
    fn missing(&self) -> Vec<Hash> {
        self.compact.leaves.iter().filter(|leaf| !self.records.contains_key(*leaf)).copied().collect()
    }

    fn assemble(&self) -> Option<Block> {
        let found = self.compact.leaves.iter().map(|leaf| self.records.get(leaf)).collect::<Option<Vec<_>>>()?;
        let attachments = found.iter().filter_map(|candidate| candidate.attachment.as_deref().cloned());
        Some(Block {
            header: self.compact.header.clone(),
            attachments: attachments.collect(),
            records: found.iter().map(|candidate| SignedTransaction::clone(&candidate.record)).collect(),
        })
    }
}

/// What is known of bodies at the present height and the next.
#[derive(Default)]
pub(super) struct Bodies {
    known: BTreeMap<BlockId, Arc<Block>>,
    assembling: BTreeMap<BlockId, Assembly>,
    wanted: BTreeMap<BlockId, Vec<Peer>>,
    attempts: usize,
    armed: bool,
}

impl Bodies {
    /// A record arrived; assemblies that miss it take it, whether or not the mempool does.
    pub(super) fn offer(&mut self, candidate: &Candidate) {
        for assembly in self.assembling.values_mut() {
            if assembly.compact.leaves.contains(&candidate.leaf) {
                assembly.records.entry(candidate.leaf).or_insert_with(|| candidate.clone());
            }
        }
    }

    /// Keeps a body that was built or assembled here.
    pub(super) fn keep(&mut self, block: Arc<Block>) {
        if self.known.len() < BODIES_MAX {
            self.known.insert(block.id(), block);
        }
    }

    /// Forgets what lies below `height`, the height being decided.
    pub(super) fn prune(&mut self, height: Height) {
        self.known.retain(|_, block| block.header.height >= height);
        self.assembling.retain(|_, assembly| assembly.compact.header.height >= height);
        self.wanted.clear();
    }
}

/// Whether the body is the one that the header commits to. The same ids under other signatures are another body.
fn fits(view: &LedgerView, block: &Block) -> bool {
    let leaves = block.records.iter().map(|record| Candidate::new(record.clone(), None).leaf);
    let root = log::frontier_at(view, view.log_size()).map(|mut frontier| {
        frontier.append(leaves);
        frontier.root()
    });
    body_matches(block) && root.is_ok_and(|root| root == block.header.records_root)
}

impl Core {
    /// Consensus wants a body, which `holders` claim to have.
    pub(super) fn want_body(&mut self, id: BlockId, holders: Vec<Peer>) {
        self.bodies.wanted.insert(id, holders);
        if let Some(block) = self.bodies.known.get(&id).cloned() {
            self.deliver_body(block);
            return;
        }
        if !self.bodies.armed {
            self.bodies.armed = true;
            self.effect(Effect::Arm { timer: Timer::Fetch, after_ms: FETCH_AFTER_MS });
        }
    }

    pub(super) fn fetch_missing(&mut self) {
        self.bodies.armed = false;
        if self.bodies.wanted.is_empty() {
            return;
        }
        self.bodies.attempts += 1;
        let attempts = self.bodies.attempts;
        let asks: Vec<_> = self
            .bodies
            .wanted
            .iter()
            .filter(|(_, holders)| !holders.is_empty())
            .map(|(id, holders)| (holders[attempts % holders.len()], *id))
            .collect();
        for (holder, id) in asks {
            self.effect(Effect::Send(holder, Message::FetchBlock(id)));
        }
        self.bodies.armed = true;
        let after_ms = u64::from(self.parameters.timeouts.rebroadcast_ms);
        self.effect(Effect::Arm { timer: Timer::Fetch, after_ms });
    }

    pub(super) fn serve_body(&mut self, to: Peer, id: &BlockId) {
        let known = self.bodies.known.get(id).cloned().or_else(|| self.engine.block(id));
        let stored = || {
            let height = self.view.height_of(id).ok().flatten()?;
            self.view.block(height).ok().flatten().map(Arc::new)
        };
        if let Some(block) = known.or_else(stored) {
            self.effect(Effect::Send(to, Message::Block(Block::clone(&block))));
        }
    }

    pub(super) fn compact_arrived(&mut self, from: Peer, compact: CompactBlock) {
        let header = &compact.header;
        let height = self.engine.height();
        let near = header.chain == self.chain && (header.height == height || header.height == height + 1);
        let sized = compact.leaves.len() == header.record_count as usize
            && compact.leaves.len() <= self.parameters.limits.records_max as usize;
        let id = header.id();
        let known = self.bodies.known.contains_key(&id) || self.bodies.assembling.contains_key(&id);
        if !near || !sized || known || self.bodies.assembling.len() >= BODIES_MAX {
            return;
        }
        let held = compact.leaves.iter().filter_map(|leaf| Some((*leaf, self.mempool.get(leaf)?.clone())));
        let assembly = Assembly { records: held.collect(), compact };
        let missing = assembly.missing();
        self.bodies.assembling.insert(id, assembly);
        if missing.is_empty() {
            self.complete_bodies();
        } else {
            self.effect(Effect::Send(from, Message::FetchRecords(missing)));
        }
    }

    /// Delivers assemblies that miss nothing any more.
    pub(super) fn complete_bodies(&mut self) {
        let complete: Vec<_> =
            self.bodies.assembling.iter().filter_map(|(id, assembly)| Some((*id, assembly.assemble()?))).collect();
        for (id, block) in complete {
            self.bodies.assembling.remove(&id);
            let block = Arc::new(block);
            if body_matches(&block) {
                self.bodies.keep(block.clone());
                self.deliver_body(block);
            }
        }
    }

    pub(super) fn body_arrived(&mut self, from: Peer, block: Block) {
        let id = block.id();
        if !self.bodies.wanted.contains_key(&id) {
            return;
        }
        if !body_matches(&block) {
            self.effect(Effect::Score(from, "a block's body does not match its header".to_owned()));
            return;
        }
        self.deliver_body(Arc::new(block));
    }

    fn deliver_body(&mut self, block: Arc<Block>) {
        let id = block.id();
        if block.header.height != self.engine.height() || !self.bodies.wanted.contains_key(&id) {
            return;
        }
        if fits(&self.view, &block) {
            self.bodies.wanted.remove(&id);
            self.bodies.keep(block.clone());
            self.engine(dalil_consensus::Event::Block(block));
        }
    }
}
