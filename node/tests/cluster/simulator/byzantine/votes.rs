//! Signatures that contradict one another, or what was found out.

use dalil_consensus::{Message as Vote, Proposal, ProposalSubject, Statement};
use dalil_ledger::block::BlockId;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::validators::{VoteKind, VoteSubject};
use dalil_node::core::Message;

use super::{ACTS_MAX, Adversary, Said, Situation};

impl Situation<'_> {
    pub(super) fn vote(&self, kind: VoteKind, subject: VoteSubject, signer: u8) -> Message {
        let statement = Statement::Vote { kind, subject };
        let signature = self.key.sign(statement.domain(), &self.chain.id, &statement.sign_bytes());
        Message::Consensus(Vote::Vote(dalil_consensus::Vote { kind, subject, signer, signature }))
    }

    pub(super) fn proposal(&self, subject: ProposalSubject, signer: u8) -> Message {
        let statement = Statement::Proposal(subject);
        let signature = self.key.sign(statement.domain(), &self.chain.id, &statement.sign_bytes());
        Message::Consensus(Vote::Proposal(Proposal { subject, signer, signature, polka: None }))
    }

    /// A vote of the core for another block.
    pub(super) fn instead(&self, vote: &dalil_consensus::Vote, block: Option<BlockId>) -> Message {
        self.vote(vote.kind, VoteSubject { block, ..vote.subject }, vote.signer)
    }

    /// Whether this node's key signed the vote: all others are passed on as they are.
    pub(super) fn is_own(&self, vote: &dalil_consensus::Vote) -> bool {
        self.set().is_some_and(|set| self.place(&set) == Some(vote.signer))
    }
}

impl Adversary {
    pub(super) fn nil(&mut self, situation: &Situation<'_>, message: &Message) -> Message {
        match message {
            Message::Consensus(Vote::Vote(vote)) if situation.is_own(vote) => situation.instead(vote, None),
            _ => message.clone(),
        }
    }

    /// To each peer its own version of each own vote.
    pub(super) fn equivocate(&mut self, situation: &Situation<'_>, peer: Option<PublicKey>, message: &Message) -> Said {
        let Message::Consensus(Vote::Vote(vote)) = message else { return vec![(peer, message.clone())] };
        if !situation.is_own(vote) {
            return vec![(peer, message.clone())];
        }
        let mut said = Said::new();
        for to in situation.peers.iter().filter(|to| peer.is_none_or(|peer| peer == **to)) {
            match self.rng.below(4) {
                0 => {}
                1 => {
                    let block = self.any_block();
                    said.push((Some(*to), situation.instead(vote, block)));
                }
                2 => {
                    let block = self.any_block();
                    said.push((Some(*to), situation.instead(vote, block)));
                    said.push((Some(*to), message.clone()));
                }
                _ => said.push((Some(*to), message.clone())),
            }
        }
        said
    }

    /// Votes nobody asked for, in the round that somebody speaks of and now and then far beyond.
    pub(super) fn provoke(&mut self, situation: &Situation<'_>, heard: &Vote) -> Said {
        let (height, round) = match heard {
            Vote::Proposal(it) => (it.subject.height, it.subject.round),
            Vote::Vote(it) => (it.subject.height, it.subject.round),
            Vote::Certificate(_) | Vote::Status(_) => return Said::new(),
        };
        let acts = self.acts.entry((height, round)).or_default();
        *acts += 1;
        if *acts > ACTS_MAX {
            return Said::new();
        }
        let Some(signer) = situation.set().and_then(|set| situation.place(&set)) else { return Said::new() };
        let mut said = Said::new();
        for to in &situation.peers {
            if self.rng.chance(400) {
                let kind = if self.rng.chance(500) { VoteKind::Prevote } else { VoteKind::Precommit };
                let round = if self.rng.chance(30) { u32::MAX } else { round };
                let block = self.any_block();
                said.push((Some(*to), situation.vote(kind, VoteSubject { height, round, block }, signer)));
            }
        }
        said
    }

    fn any_block(&mut self) -> Option<BlockId> {
        if self.rng.chance(300) { None } else { self.rng.pick(&self.seen.1) }
    }
}
