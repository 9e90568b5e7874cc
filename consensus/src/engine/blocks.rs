//! The blocks of one height: which bodies are wanted, asked for, being checked, valid or invalid.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId};
use dalil_ledger::validators::ValidatorIndex;

use super::Engine;
use crate::event::Verdict;
use crate::output::{Action, HaltReason};

/// What this node knows of valid(b). Everything but `Valid` leaves the rules that need it waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Judgement {
    Unknown,
    Checking,
    Valid,
    Invalid,
}

#[derive(Debug, Clone)]
struct Entry {
    body: Option<Arc<Block>>,
    judgement: Judgement,
    /// Whom the body was asked from since the last rebroadcast.
    asked: BTreeSet<ValidatorIndex>,
    /// Whether the body went into a batch.
    stored: bool,
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { body, judgement, asked, stored } = self;
        // The id, under which the entry is filed, names the body.
        (body.is_some(), judgement, asked, stored).hash(state);
    }
}

/// The blocks of one height.
#[derive(Debug, Clone, Default, Hash)]
pub(super) struct Blocks(BTreeMap<BlockId, Entry>);

impl Blocks {
    fn entry(&mut self, id: BlockId) -> &mut Entry {
        let empty = || Entry { body: None, judgement: Judgement::Unknown, asked: BTreeSet::new(), stored: false };
        self.0.entry(id).or_insert_with(empty)
    }

    pub(super) fn judgement(&self, id: &BlockId) -> Judgement {
        self.0.get(id).map_or(Judgement::Unknown, |entry| entry.judgement)
    }

    pub(super) fn is_valid(&self, id: &BlockId) -> bool {
        self.judgement(id) == Judgement::Valid
    }

    pub(super) fn body(&self, id: &BlockId) -> Option<&Arc<Block>> {
        self.0.get(id)?.body.as_ref()
    }

    /// Takes a body; one that is held already stays.
    pub(super) fn insert(&mut self, id: BlockId, block: Arc<Block>) {
        self.entry(id).body.get_or_insert(block);
    }

    /// Takes a body that was in the database.
    pub(super) fn restore(&mut self, block: Arc<Block>) {
        let entry = self.entry(block.id());
        entry.body = Some(block);
        entry.stored = true;
    }

    pub(super) fn judge(&mut self, id: BlockId, verdict: Verdict) {
        self.entry(id).judgement = match verdict {
            Verdict::Valid => Judgement::Valid,
            Verdict::Invalid => Judgement::Invalid,
        };
    }

    /// The bodies of `ids` that no batch held yet; from now on one does.
    pub(super) fn take_unstored(&mut self, ids: &[BlockId]) -> Vec<Arc<Block>> {
        let mut bodies = Vec::new();
        for id in ids {
            if let Some(entry) = self.0.get_mut(id).filter(|entry| !entry.stored)
                && let Some(body) = &entry.body
            {
                bodies.push(Arc::clone(body));
                entry.stored = true;
            }
        }
        bodies
    }

    /// Lets every missing body be asked for again.
    pub(super) fn forget_requests(&mut self) {
        for entry in self.0.values_mut() {
            entry.asked.clear();
        }
    }

    fn retain(&mut self, wanted: &BTreeSet<BlockId>) {
        self.0.retain(|id, _| wanted.contains(id));
    }
}

impl Engine {
    /// Blocks that anything held refers to.
    pub(super) fn wanted(&self) -> BTreeSet<BlockId> {
        let at = &self.at;
        let mut wanted: BTreeSet<BlockId> = at.tally.proposals().map(|held| held.proposal.subject.block).collect();
        wanted.extend(at.tally.polkas().filter_map(|(_, polka)| polka.subject.block));
        wanted.extend(at.tally.commit().and_then(|commit| commit.subject.block));
        wanted.extend(at.locked.map(|lock| lock.block));
        wanted.extend(at.valid.as_ref().map(|valid| valid.block));
        wanted.extend(at.proposed);
        wanted
    }

    /// Blocks that a rule waits for now, with those who hold the body.
    fn awaited(&self) -> Vec<(BlockId, Vec<ValidatorIndex>)> {
        let at = &self.at;
        let mut awaited = Vec::new();
        let certified = at.tally.polkas().map(|(_, polka)| polka).chain(at.tally.commit());
        for certificate in certified.chain(at.valid.as_ref().map(|valid| &valid.polka)) {
            awaited.extend(certificate.subject.block.map(|block| (block, certificate.signer_indexes().collect())));
        }
        if let Some(held) = at.tally.proposal(at.round) {
            let subject = held.proposal.subject;
            let mut holders = at.tally.prevoters(at.round, subject.block);
            holders.push(held.proposal.signer());
            awaited.push((subject.block, holders));
        }
        awaited
    }

    /// Asks for the bodies that rules wait for and has them checked.
    pub(super) fn seek_blocks(&mut self) {
        for (id, holders) in self.awaited() {
            let (height, parent, me) = (self.context.height, self.context.parent_id, self.index);
            let entry = self.at.blocks.entry(id);
            match (&entry.body, entry.judgement) {
                (None, _) => {
                    let from: BTreeSet<_> = holders.into_iter().filter(|holder| Some(*holder) != me).collect();
                    if !from.is_subset(&entry.asked) {
                        entry.asked.extend(&from);
                        let from = entry.asked.iter().copied().collect();
                        self.outbox.act(Action::FetchBlock { id, height, from });
                    }
                }
                (Some(body), Judgement::Unknown) => {
                    let block = Arc::clone(body);
                    entry.judgement = Judgement::Checking;
                    self.outbox.act(Action::CheckBlock { height, parent, id, block });
                }
                _ => {}
            }
        }
    }

    /// A block that a quorum vouches for and that is invalid here.
    pub(super) fn divergence(&self) -> Option<HaltReason> {
        let certificates = self.at.tally.polkas().map(|(_, polka)| polka).chain(self.at.tally.commit());
        for certificate in certificates.chain(self.at.valid.as_ref().map(|valid| &valid.polka)) {
            let Some(block) = certificate.subject.block else { continue };
            if self.at.blocks.judgement(&block) == Judgement::Invalid {
                let certificate = Box::new(certificate.clone());
                return Some(HaltReason::Diverged { height: self.context.height, block, certificate });
            }
        }
        None
    }

    /// Drops the bodies that nothing refers to any more.
    pub(super) fn drop_unwanted_blocks(&mut self) {
        let mut wanted = self.wanted();
        wanted.extend(self.in_flight.as_ref().and_then(|flight| flight.block()));
        self.at.blocks.retain(&wanted);
    }
}
