//! What validators have said, in small. A message is a statement and a signature that follows from it.

use std::collections::HashMap;
use std::sync::Mutex;

use dalil_consensus::{Message, Proposal, ProposalSubject, Statement, Vote};
use dalil_ledger::crypto::Signature;
use dalil_ledger::validators::{Certificate, VoteKind, VoteSubject};

use super::chain::sign;
use super::setup::Shared;

/// Blocks that a validator may build; an honest one builds the first alone.
pub const BLOCKS_A_PROPOSER: usize = 2;

/// A block by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u8);

impl Value {
    pub fn of_proposer(who: usize, nth: usize) -> Self {
        Self((who * BLOCKS_A_PROPOSER + nth) as u8)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Proposal { value: Value, valid_round: Option<u32> },
    Vote { kind: VoteKind, value: Option<Value> },
}

/// A statement with its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    pub who: u8,
    pub round: u32,
    pub what: What,
}

impl Said {
    pub fn vote(who: usize, kind: VoteKind, round: u32, value: Option<Value>) -> Self {
        Self { who: who as u8, round, what: What::Vote { kind, value } }
    }

    pub fn of(shared: &Shared, message: &Message) -> Option<Self> {
        match message {
            Message::Proposal(it) => {
                let value = shared.value(&it.subject.block);
                let what = What::Proposal { value, valid_round: it.subject.valid_round };
                Some(Self { who: it.signer, round: it.subject.round, what })
            }
            Message::Vote(it) => {
                let what = What::Vote { kind: it.kind, value: it.subject.block.map(|id| shared.value(&id)) };
                Some(Self { who: it.signer, round: it.subject.round, what })
            }
            Message::Certificate(_) | Message::Status(_) => None,
        }
    }

    /// The block that it is about.
    pub fn value(&self) -> Option<Value> {
        match self.what {
            What::Proposal { value, .. } => Some(value),
            What::Vote { value, .. } => value,
        }
    }

    /// The round of the polka that a re-proposal claims.
    pub fn valid_round(&self) -> Option<u32> {
        match self.what {
            What::Proposal { valid_round, .. } => valid_round,
            What::Vote { .. } => None,
        }
    }

    /// The place at which a key signs one statement only.
    pub fn place(&self) -> (u8, u32, Option<VoteKind>) {
        let kind = match self.what {
            What::Proposal { .. } => None,
            What::Vote { kind, .. } => Some(kind),
        };
        (self.who, self.round, kind)
    }

    pub fn statement(&self, shared: &Shared) -> Statement {
        let (height, round) = (shared.height(), self.round);
        match self.what {
            What::Proposal { value, valid_round } => {
                Statement::Proposal(ProposalSubject { height, round, block: shared.id(value), valid_round })
            }
            What::Vote { kind, value } => Statement::vote(kind, height, round, value.map(|value| shared.id(value))),
        }
    }
}

/// Signatures made so far.
#[derive(Debug, Default)]
pub struct Seals(Mutex<HashMap<Said, Signature>>);

impl Seals {
    fn seal(&self, shared: &Shared, said: Said) -> Signature {
        let statement = said.statement(shared);
        let make = || sign(usize::from(said.who), statement.domain(), &statement.sign_bytes());
        *self.0.lock().unwrap().entry(said).or_insert_with(make)
    }
}

impl Shared {
    /// The message; a re-proposal brings the polka of `polka_signers`, if any.
    pub fn message(&self, said: Said, polka_signers: u64) -> Message {
        let signature = self.seals.seal(self, said);
        match said.statement(self) {
            Statement::Vote { kind, subject } => Message::Vote(Vote { kind, subject, signer: said.who, signature }),
            Statement::Proposal(subject) => {
                let polka = match said.what {
                    What::Proposal { value, valid_round: Some(round) } if polka_signers != 0 => {
                        Some(self.certificate(VoteKind::Prevote, round, Some(value), polka_signers))
                    }
                    _ => None,
                };
                Message::Proposal(Proposal { subject, signer: said.who, signature, polka })
            }
        }
    }

    /// A vote of one validator that another signed.
    pub fn forged(&self, said: Said, by: usize) -> Message {
        let mut message = self.message(said, 0);
        if let Message::Vote(vote) = &mut message {
            vote.signature = self.seals.seal(self, Said { who: by as u8, ..said });
        }
        message
    }

    /// The certificate of `signers`, which proves something if they are a quorum.
    pub fn certificate(&self, kind: VoteKind, round: u32, value: Option<Value>, signers: u64) -> Certificate {
        let block = value.map(|value| self.id(value));
        let subject = VoteSubject { height: self.height(), round, block };
        let authors = (0..self.setup.n).filter(|who| signers >> who & 1 == 1);
        let signatures = authors.map(|who| self.seals.seal(self, Said::vote(who, kind, round, value))).collect();
        Certificate { kind, subject, signers, signatures }
    }
}
