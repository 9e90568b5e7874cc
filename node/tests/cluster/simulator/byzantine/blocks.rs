//! Proposals that no honest node makes: two in one round, or one that is not valid.

use dalil_consensus::{Message as Vote, Proposal, ProposalSubject};
use dalil_ledger::block::{Block, BlockId};
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::Message;
use dalil_node::core::executor::{self, Candidate, EmptyBlocks, Signatures};
use dalil_node::core::message::CompactBlock;

use super::{Adversary, Said, Situation, Split};

/// Believes every signature.
struct Credulous;

impl Signatures for Credulous {
    fn verify(&self, _leaf: &Hash, _record: &SignedTransaction) -> bool {
        true
    }
}

impl Adversary {
    /// One block to some, another to the rest, and to each a vote for what it was shown.
    pub(super) fn conflict(&mut self, situation: &Situation<'_>, peer: Option<PublicKey>, message: &Message) -> Said {
        match message {
            Message::Consensus(Vote::Proposal(proposal)) if self.is_fresh(situation, proposal) => {
                let deceived = self.rng.next();
                self.split_with(situation, proposal, deceived, Self::other_block);
                self.to_each(situation, peer, message)
            }
            _ => self.to_each(situation, peer, message),
        }
    }

    /// A block that is not valid in place of the core's, to everybody.
    pub(super) fn propose_wrong(
        &mut self,
        situation: &Situation<'_>,
        peer: Option<PublicKey>,
        message: &Message,
    ) -> Said {
        if let Message::Consensus(Vote::Proposal(proposal)) = message
            && self.is_fresh(situation, proposal)
        {
            self.split_with(situation, proposal, u64::MAX, Self::wrong_block);
        }
        self.to_each(situation, peer, message)
    }

    /// Whether this is the first sight of an own proposal of a new block.
    fn is_fresh(&self, situation: &Situation<'_>, proposal: &Proposal) -> bool {
        let own = situation.set().is_some_and(|set| situation.place(&set) == Some(proposal.signer));
        let subject = &proposal.subject;
        let known = |split: &Split| (split.height, split.round) == (subject.height, subject.round);
        own && subject.valid_round.is_none() && !self.split.as_ref().is_some_and(known)
    }

    fn split_with(
        &mut self,
        situation: &Situation<'_>,
        proposal: &Proposal,
        deceived: u64,
        make: impl Fn(&mut Self, &Situation<'_>) -> Option<Block>,
    ) {
        let Some(block) = make(self, situation) else { return };
        let (other, subject) = (block.id(), &proposal.subject);
        if other != subject.block && block.header.height == subject.height {
            self.bodies.insert(other, block);
            let (height, round, real) = (subject.height, subject.round, subject.block);
            self.split = Some(Split { height, round, real, other, deceived });
        }
    }

    /// What the core says of its block is said to those who are deceived of the other one.
    fn to_each(&self, situation: &Situation<'_>, peer: Option<PublicKey>, message: &Message) -> Said {
        let mut said = Said::new();
        for (place, to) in situation.peers.iter().enumerate().filter(|(_, to)| peer.is_none_or(|peer| peer == **to)) {
            let split = self.split.as_ref().filter(|split| split.deceived >> (place % 64) & 1 == 1);
            let said_to = split.and_then(|split| self.translated(situation, split, message));
            said.push((Some(*to), said_to.unwrap_or_else(|| message.clone())));
        }
        said
    }

    fn translated(&self, situation: &Situation<'_>, split: &Split, message: &Message) -> Option<Message> {
        match message {
            Message::Consensus(Vote::Proposal(it)) if it.subject.block == split.real => {
                Some(situation.proposal(ProposalSubject { block: split.other, ..it.subject }, it.signer))
            }
            Message::Consensus(Vote::Vote(it)) if it.subject.block == Some(split.real) && situation.is_own(it) => {
                Some(situation.instead(it, Some(split.other)))
            }
            Message::Compact(it) if it.header.id() == split.real => {
                let block = self.bodies.get(&split.other)?;
                let leaf = |record: &SignedTransaction| Candidate::new(record.clone(), None).leaf;
                let leaves = block.records.iter().map(leaf).collect();
                Some(Message::Compact(CompactBlock { header: block.header.clone(), leaves }))
            }
            _ => None,
        }
    }

    /// A valid block beside the core's own: a little later, of other records.
    fn other_block(&mut self, situation: &Situation<'_>) -> Option<Block> {
        let later_ms = self.rng.between(1, 5);
        let candidates: Vec<_> = self.records.iter().filter(|_| self.rng.chance(600)).cloned().collect();
        build(situation, later_ms, &candidates)
    }

    fn wrong_block(&mut self, situation: &Situation<'_>) -> Option<Block> {
        let mut candidates: Vec<_> = self.records.iter().cloned().collect();
        let fault = self.rng.below(9);
        if fault == 0 {
            let mut forged = SignedTransaction::clone(&candidates.first()?.record);
            forged.signature = Signature([9; 64]);
            candidates[0] = Candidate::new(forged, candidates[0].attachment.as_deref().cloned());
        }
        let ahead_ms = if fault == 1 { 86_400_000 } else { 0 };
        let mut block = build(situation, ahead_ms, &candidates)?;
        let header = &mut block.header;
        match fault {
            2 => header.timestamp_ms = situation.ledger.view().ok()?.head().timestamp_ms,
            3 => header.state_root = Hash([1; 32]),
            4 => header.records_root = Hash([2; 32]),
            5 => header.parent = BlockId::default(),
            6 => header.next_validators_hash = Hash([3; 32]),
            7 => header.proposer = situation.set()?.iter().next()?.department.clone(),
            8 => header.version += 1,
            _ => {}
        }
        Some(block)
    }
}

fn build(situation: &Situation<'_>, later_ms: u64, candidates: &[Candidate]) -> Option<Block> {
    let view = situation.ledger.view().ok()?;
    let set = situation.set()?;
    let proposer = set.iter().nth(usize::from(situation.place(&set)?))?.department.clone();
    let time_ms = situation.now_ms.max(view.head().timestamp_ms + 1) + later_ms;
    let parameters = situation.chain.genesis.parameters;
    let built = executor::build(&view, parameters, time_ms, proposer, candidates, &Credulous, EmptyBlocks::Allowed);
    Some(Block::clone(&built.ok()?.executed?.block))
}
