//! Bodies of blocks that are being decided: rebuilt from a compact proposal and the mempool, or fetched whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, Height};
use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::BlockLimits;
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

/// The most assemblies of what one peer sent at once. Whoever sends leaves that lead nowhere hinders nobody else.
const ASSEMBLIES_MAX: usize = 4;

struct Assembly {
    compact: CompactBlock,
    records: BTreeMap<Hash, Candidate>,
    missing: BTreeSet<Hash>,
    record_bytes: usize,
    list_bytes: usize,
}

impl Assembly {
    /// None if a leaf stands in it twice, as in no valid block.
    fn new(compact: CompactBlock) -> Option<Self> {
        let missing: BTreeSet<_> = compact.leaves.iter().copied().collect();
        let distinct = missing.len() == compact.leaves.len();
        distinct.then(|| Self { compact, records: BTreeMap::new(), missing, record_bytes: 0, list_bytes: 0 })
    }

    /// Takes a record if it misses it.
    fn take(&mut self, candidate: &Candidate) {
        if self.missing.remove(&candidate.leaf) {
            self.record_bytes += candidate.bytes;
            self.list_bytes += candidate.list_bytes();
            self.records.insert(candidate.leaf, candidate.clone());
        }
    }

    /// Whether what it has may stand in one block.
    fn fits(&self, limits: &BlockLimits) -> bool {
        self.record_bytes <= limits.bytes_max as usize && self.list_bytes <= limits.attachment_bytes_max as usize
    }

    fn assemble(&self) -> Option<Block> {
        if !self.missing.is_empty() {
            return None;
        }
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
    assembling: BTreeMap<(Peer, BlockId), Assembly>,
    wanted: BTreeMap<BlockId, Vec<Peer>>,
    attempts: usize,
    armed: bool,
}

impl Bodies {
    /// A record arrived; assemblies that miss it take it, whether or not the mempool does, but with its own leaf list only. What
    /// becomes larger than a block may be is dropped: whoever sends leaves of its own making must not fill the memory.
    pub(super) fn offer(&mut self, candidate: &Candidate, limits: &BlockLimits) {
        let misses = |assembly: &Assembly| assembly.missing.contains(&candidate.leaf);
        if self.assembling.values().any(misses) && candidate.has_named_list() {
            self.assembling.values_mut().for_each(|assembly| assembly.take(candidate));
            self.assembling.retain(|_, assembly| assembly.fits(limits));
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
pub(super) fn fits(view: &LedgerView, block: &Block) -> bool {
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
            if self.deliver_body(block) {
                return;
            }
            // It was assembled before its parent was here, from other signatures than the header commits to.
            self.bodies.known.remove(&id);
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

    /// The body of a block that is being decided, if it is here.
    pub(super) fn held_body(&self, id: &BlockId) -> Option<Arc<Block>> {
        self.bodies.known.get(id).cloned().or_else(|| self.engine.block(id))
    }

    pub(super) fn compact_arrived(&mut self, from: Peer, compact: CompactBlock) {
        let header = &compact.header;
        let height = self.engine.height();
        let near = header.chain == self.chain && (header.height == height || header.height == height + 1);
        let sized = compact.leaves.len() == header.record_count as usize
            && compact.leaves.len() <= self.parameters.limits.records_max as usize;
        if !near || !sized {
            return;
        }
        let id = header.id();
        let known = self.bodies.known.contains_key(&id) || self.bodies.assembling.contains_key(&(from, id));
        if known || self.bodies.assembling.keys().filter(|(peer, _)| *peer == from).count() >= ASSEMBLIES_MAX {
            return;
        }
        let held: Vec<_> = compact.leaves.iter().filter_map(|leaf| self.mempool.get(leaf)).collect();
        let Some(mut assembly) = Assembly::new(compact) else { return };
        held.into_iter().for_each(|candidate| assembly.take(candidate));
        if !assembly.fits(&self.parameters.limits) {
            return;
        }
        let ask: Vec<_> = assembly.missing.iter().copied().collect();
        self.bodies.assembling.insert((from, id), assembly);
        if ask.is_empty() {
            self.complete_bodies();
        } else {
            self.effect(Effect::Send(from, Message::FetchRecords(ask)));
        }
    }

    /// Delivers assemblies that miss nothing any more.
    pub(super) fn complete_bodies(&mut self) {
        let complete: Vec<_> =
            self.bodies.assembling.iter().filter_map(|(key, assembly)| Some((*key, assembly.assemble()?))).collect();
        for (key, block) in complete {
            self.bodies.assembling.remove(&key);
            let block = Arc::new(block);
            // At the next height the log that it continues is not here yet: checked when it is wanted.
            let early = block.header.height != self.engine.height() && body_matches(&block);
            if early || fits(&self.view, &block) {
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
        if block.header.height == self.engine.height() && !self.deliver_body(Arc::new(block)) {
            self.effect(Effect::Score(from, "a block's body does not match its header".to_owned()));
        }
    }

    /// Hands a wanted body to consensus, unless it is not the one that its header commits to.
    fn deliver_body(&mut self, block: Arc<Block>) -> bool {
        let id = block.id();
        let wanted = block.header.height == self.engine.height() && self.bodies.wanted.contains_key(&id);
        if !wanted {
            return true;
        }
        let fits = fits(&self.view, &block);
        if fits {
            self.bodies.wanted.remove(&id);
            self.bodies.keep(block.clone());
            self.engine(dalil_consensus::Event::Block(block));
        }
        fits
    }
}
