//! Judges a run from what left the nodes, by code that shares nothing with the engine.

use std::collections::{BTreeMap, BTreeSet};

use dalil_consensus::{Cosigned, Message};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::VoteKind;

type Place = (u64, u32);

/// What was seen so far. Every `Err` names a broken promise.
#[derive(Debug, Default)]
pub struct Oracle {
    pub quorum: usize,
    pub byzantine: BTreeSet<usize>,
    decided: BTreeMap<u64, Hash>,
    /// (validator, phase, height, round) → what an honest validator signed there.
    signed: BTreeMap<(usize, u8, u64, u32), Option<Hash>>,
    prevotes: BTreeMap<Place, BTreeMap<Hash, BTreeSet<usize>>>,
    cosigned: BTreeMap<usize, Cosigned>,
    /// The size of the log whose head is below the height.
    sizes: BTreeMap<u64, u64>,
    pub evidence: BTreeSet<usize>,
    pub relocked: usize,
    pub decided_in_past_round: usize,
    pub reproposed: usize,
    pub round_max: u32,
}

impl Oracle {
    pub fn new(quorum: usize) -> Self {
        Self { quorum, ..Self::default() }
    }

    /// A message that left a node signed by its own key.
    pub fn sent(&mut self, message: &Message) -> Result<(), String> {
        match message {
            Message::Vote(vote) => {
                let (who, subject) = (usize::from(vote.signer), vote.subject);
                let place = (subject.height, subject.round);
                let phase = if vote.kind == VoteKind::Prevote { 1 } else { 2 };
                if let (VoteKind::Prevote, Some(block)) = (vote.kind, subject.block) {
                    self.prevotes.entry(place).or_default().entry(block).or_default().insert(who);
                    self.one_polka(place)?;
                }
                self.round_max = self.round_max.max(if self.byzantine.contains(&who) { 0 } else { subject.round });
                if self.sign(who, phase, place, subject.block)? == Seen::First {
                    match (vote.kind, subject.block) {
                        (VoteKind::Precommit, Some(block)) => self.precommit_has_polka(who, place, block)?,
                        (VoteKind::Prevote, Some(block)) => self.prevote_respects_lock(who, place, block)?,
                        _ => {}
                    }
                }
                Ok(())
            }
            Message::Proposal(proposal) => {
                let subject = proposal.subject;
                if subject.valid_round.is_some() {
                    self.reproposed += 1;
                }
                self.sign(usize::from(proposal.signer), 0, (subject.height, subject.round), Some(subject.block))
                    .map(|_| ())
            }
            Message::Certificate(_) | Message::Status(_) => Ok(()),
        }
    }

    fn sign(&mut self, who: usize, phase: u8, place: Place, block: Option<Hash>) -> Result<Seen, String> {
        if self.byzantine.contains(&who) {
            return Ok(Seen::Before);
        }
        match self.signed.insert((who, phase, place.0, place.1), block) {
            None => Ok(Seen::First),
            Some(before) if before == block => Ok(Seen::Before),
            Some(before) => Err(format!("validator {who} signed {before:?} and {block:?} at {place:?} phase {phase}")),
        }
    }

    fn polka(&self, place: Place, block: Hash) -> bool {
        self.prevotes.get(&place).and_then(|ids| ids.get(&block)).is_some_and(|who| who.len() >= self.quorum)
    }

    fn one_polka(&self, place: Place) -> Result<(), String> {
        let ids = self.prevotes.get(&place);
        let polkas = ids.map_or(0, |ids| ids.values().filter(|who| who.len() >= self.quorum).count());
        if polkas > 1 { Err(format!("two polkas at {place:?}")) } else { Ok(()) }
    }

    fn precommit_has_polka(&mut self, who: usize, place: Place, block: Hash) -> Result<(), String> {
        let earlier = self.signed.range((who, 2, place.0, 0)..(who, 2, place.0, place.1));
        if earlier.filter_map(|(_, block)| *block).any(|before| before != block) {
            self.relocked += 1;
        }
        if self.polka(place, block) {
            Ok(())
        } else {
            Err(format!("validator {who} precommitted without a polka at {place:?}"))
        }
    }

    fn prevote_respects_lock(&self, who: usize, (height, round): Place, block: Hash) -> Result<(), String> {
        let precommits = self.signed.range((who, 2, height, 0)..(who, 2, height, round));
        let lock = precommits.filter_map(|((_, _, _, at), block)| block.map(|block| (*at, block))).next_back();
        let Some((locked_round, locked)) = lock.filter(|(_, locked)| *locked != block) else { return Ok(()) };
        let released = (locked_round..round).any(|at| self.polka((height, at), block));
        if released {
            Ok(())
        } else {
            Err(format!(
                "validator {who} prevoted {block:?} at ({height}, {round}) against its lock {locked:?} of {locked_round}"
            ))
        }
    }

    /// A node decided.
    pub fn decide(
        &mut self,
        who: usize,
        height: u64,
        round: u32,
        block: Hash,
        certified_round: u32,
    ) -> Result<(), String> {
        if certified_round < round {
            self.decided_in_past_round += 1;
        }
        match self.decided.insert(height, block) {
            Some(before) if before != block => {
                Err(format!("node {who} decided {block:?} at {height}, another {before:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A cosignature was released by an honest validator for the head below `height`.
    pub fn cosign(&mut self, who: usize, height: u64, cosigned: Cosigned) -> Result<(), String> {
        self.sizes.insert(height, cosigned.size);
        let again = self.cosigned.insert(who, cosigned);
        if again == Some(cosigned) {
            return Ok(());
        }
        if let Some(before) = again {
            let down = cosigned.size < before.size;
            let back =
                cosigned.size == before.size && (cosigned.time_s <= before.time_s || cosigned.root != before.root);
            if down || back {
                return Err(format!("validator {who} cosigned {cosigned:?} after {before:?}"));
            }
        }
        let precommitted =
            self.signed.range((who, 2, height, 0)..=(who, 2, height, u32::MAX)).any(|(_, block)| block.is_some());
        if precommitted {
            Err(format!("validator {who} cosigned below {height} after its precommit there"))
        } else {
            Ok(())
        }
    }

    /// A validator must have cosigned the head before it precommits a block on top of it.
    pub fn head_was_cosigned(&self, who: usize, height: u64) -> Result<(), String> {
        let size = self.sizes.get(&height);
        let cosigned = self.cosigned.get(&who).map(|it| it.size);
        if self.byzantine.contains(&who) || size.is_some() && cosigned >= size.copied() {
            Ok(())
        } else {
            Err(format!("validator {who} precommitted at {height} without cosigning the head below"))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    First,
    Before,
}
