//! What must hold in every run, judged from disks, messages and answers alone.

use std::collections::{BTreeMap, BTreeSet};

use dalil_consensus::{Message as Vote, Phase};
use dalil_ledger::block::{BlockId, Entry, Height};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::store::LedgerView;
use dalil_node::core::{Message, executor};

/// A consensus key, and height, round and kind of a statement that it signed.
type Place = (PublicKey, Height, u32, Phase);

#[derive(Default)]
pub struct Oracle {
    blocks: BTreeMap<Height, (BlockId, Hash)>,
    /// The consensus keys of the set of each height, in canonical order.
    sets: BTreeMap<Height, Vec<PublicKey>>,
    /// Consensus keys that need not keep the rules.
    pub byzantine: BTreeSet<PublicKey>,
    signed: BTreeMap<Place, Vec<u8>>,
    acknowledged: BTreeMap<Hash, u64>,
}

impl Oracle {
    /// A node that keeps the rules sent this with its own signature, or relayed it.
    pub fn sent(&mut self, message: &Message) {
        let Message::Consensus(message) = message else { return };
        let (signer, statement) = match message {
            Vote::Proposal(proposal) => (proposal.signer, proposal.statement()),
            Vote::Vote(vote) => (vote.signer, vote.statement()),
            Vote::Certificate(_) | Vote::Status(_) => return,
        };
        let at = statement.position();
        let Some(key) = self.sets.get(&at.height).and_then(|set| set.get(usize::from(signer))) else { return };
        if self.byzantine.contains(key) {
            return;
        }
        let bytes = statement.sign_bytes();
        let first = self.signed.entry((*key, at.height, at.round, at.phase)).or_insert_with(|| bytes.clone());
        assert_eq!(*first, bytes, "validator {signer} signed two statements at {at:?}");
    }

    /// A block is durable on one node; genesis counts as one.
    pub fn committed(&mut self, view: &LedgerView) {
        let head = view.head();
        let found = (view.head_id(), head.state_root);
        let first = self.blocks.entry(head.height).or_insert(found);
        assert_eq!(*first, found, "a fork at height {}", head.height);
        let keys = || executor::next_validators(view).unwrap().iter().map(|member| member.consensus).collect();
        self.sets.entry(head.height + 1).or_insert_with(keys);
    }

    /// A submitter was told that its record is final.
    pub fn acknowledged(&mut self, id: Hash, index: u64) {
        let first = *self.acknowledged.entry(id).or_insert(index);
        assert_eq!(first, index, "record {id} acknowledged at two places");
    }

    /// Every acknowledged record up to the view's head stands where it was said to stand, and no record twice.
    pub fn check_log(&self, view: &LedgerView) {
        let mut ids = BTreeSet::new();
        for index in 0..view.log_size() {
            match view.entry(index).unwrap().unwrap() {
                Entry::Record(record) => {
                    assert!(ids.insert(record.id()), "record {} stands twice", record.id());
                    assert!(self.acknowledged.get(&record.id()).is_none_or(|told| *told == index));
                }
                Entry::Header(header) => {
                    assert_eq!(self.blocks.get(&header.height).map_or(header.id(), |it| it.0), header.id())
                }
            }
        }
    }

    /// Additionally none is missing: for a node that is known to have caught up.
    pub fn check_complete(&self, view: &LedgerView) {
        self.check_log(view);
        for (id, index) in &self.acknowledged {
            assert_eq!(view.index_of(id).unwrap(), Some(*index), "acknowledged record {id} is lost");
        }
    }
}
