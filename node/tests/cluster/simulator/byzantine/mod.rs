//! Faulty nodes: a real core whose messages are altered on their way out, with its real keys.
//!
//! `votes` makes what a consensus key must not sign, `blocks` the blocks that no honest proposer builds. Twins are no
//! strategy: they are two nodes with one key.

mod blocks;
mod votes;

use std::collections::{BTreeMap, VecDeque};

use dalil_consensus::{Message as Vote, Status};
use dalil_ledger::block::{Block, BlockId, Height, Round};
use dalil_ledger::crypto::{PublicKey, SecretKey, Signature};
use dalil_ledger::store::Ledger;
use dalil_ledger::validators::ValidatorSet;
use dalil_node::core::executor::{self, Candidate};
use dalil_node::core::{Message, message};

use super::chain::Chain;
use super::rng::Rng;

/// How a faulty node misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Votes that contradict its own, to whoever may believe them, also unasked.
    Equivocator,
    /// Two blocks for one round, each to a part of the others.
    Conflicter,
    /// Takes part in nothing but says where it is.
    Silent,
    /// Votes nil always.
    NilVoter,
    /// Repeats what was said long ago, by itself or by others.
    Outdated,
    /// Proposes, and lets nobody have bodies, records or blocks.
    Withholder,
    /// Proposes blocks that are not valid, and votes for them.
    WrongBlocks,
    /// Statuses, certificates, decided blocks and cosignatures that are not true.
    Liar,
}

pub const STRATEGIES: [Strategy; 8] = [
    Strategy::Equivocator,
    Strategy::Conflicter,
    Strategy::Silent,
    Strategy::NilVoter,
    Strategy::Outdated,
    Strategy::Withholder,
    Strategy::WrongBlocks,
    Strategy::Liar,
];

/// How many earlier messages are kept to be repeated.
const OLD_MAX: usize = 64;
/// How many records are kept to build other blocks of.
const RECORDS_MAX: usize = 8;
/// How often something is said unasked about one round.
const ACTS_MAX: u32 = 4;

/// What is said: to one peer, or to all.
pub type Said = Vec<(Option<PublicKey>, Message)>;

/// Where the node of an adversary stands.
pub struct Situation<'a> {
    pub chain: &'a Chain,
    pub key: &'a SecretKey,
    pub ledger: &'a Ledger,
    pub now_ms: u64,
    pub peers: Vec<PublicKey>,
}

/// What the adversary proposes in place of its core's block, and to whom.
struct Split {
    height: Height,
    round: Round,
    /// The core's block.
    real: BlockId,
    other: BlockId,
    /// Bit i: peer i hears of `other`.
    deceived: u64,
}

/// One faulty node's mind.
pub struct Adversary {
    strategy: Strategy,
    rng: Rng,
    old: VecDeque<Message>,
    records: VecDeque<Candidate>,
    bodies: BTreeMap<BlockId, Block>,
    /// Blocks spoken of at the present height.
    seen: (Height, Vec<BlockId>),
    acts: BTreeMap<(Height, Round), u32>,
    split: Option<Split>,
}

impl Adversary {
    pub fn new(strategy: Strategy, rng: Rng) -> Self {
        Self {
            strategy,
            rng,
            old: VecDeque::new(),
            records: VecDeque::new(),
            bodies: BTreeMap::new(),
            seen: (0, Vec::new()),
            acts: BTreeMap::new(),
            split: None,
        }
    }

    /// What leaves in place of what the core sends.
    pub fn say(&mut self, situation: &Situation<'_>, peer: Option<PublicKey>, message: &Message) -> Said {
        self.remember(message);
        match self.strategy {
            Strategy::Equivocator => self.equivocate(situation, peer, message),
            Strategy::Conflicter => self.conflict(situation, peer, message),
            Strategy::WrongBlocks => self.propose_wrong(situation, peer, message),
            Strategy::NilVoter => vec![(peer, self.nil(situation, message))],
            Strategy::Silent => match message {
                Message::Consensus(Vote::Status(_)) => vec![(peer, message.clone())],
                _ => Vec::new(),
            },
            Strategy::Outdated => self.repeat(situation, peer, message),
            Strategy::Withholder => match message {
                Message::Compact(_) | Message::Block(_) | Message::Records(_) | Message::Decided(_) => Vec::new(),
                _ => vec![(peer, message.clone())],
            },
            Strategy::Liar => vec![(peer, self.lie(message))],
        }
    }

    /// What a message from a peer provokes, beside what the core does.
    pub fn hear(&mut self, situation: &Situation<'_>, from: &PublicKey, message: &Message) -> Said {
        self.remember(message);
        if let Message::FetchBlock(id) = message
            && let Some(block) = self.bodies.get(id)
        {
            return vec![(Some(*from), Message::Block(block.clone()))];
        }
        match (self.strategy, message) {
            (Strategy::Equivocator, Message::Consensus(heard)) => self.provoke(situation, heard),
            _ => Vec::new(),
        }
    }

    fn remember(&mut self, message: &Message) {
        match message {
            Message::Consensus(vote) => {
                self.see(vote);
                self.keep_old(message);
            }
            Message::Cosignature(_) => self.keep_old(message),
            Message::Records(loose) => {
                for message::LooseRecord { record, attachment } in loose {
                    self.records.push_back(Candidate::new(record.clone(), attachment.clone()));
                    if self.records.len() > RECORDS_MAX {
                        self.records.pop_front();
                    }
                }
            }
            _ => {}
        }
    }

    fn keep_old(&mut self, message: &Message) {
        if self.strategy == Strategy::Outdated && self.rng.chance(300) {
            self.old.push_back(message.clone());
            if self.old.len() > OLD_MAX {
                self.old.pop_front();
            }
        }
    }

    fn see(&mut self, vote: &Vote) {
        let (height, block) = match vote {
            Vote::Proposal(it) => (it.subject.height, Some(it.subject.block)),
            Vote::Vote(it) => (it.subject.height, it.subject.block),
            Vote::Certificate(it) => (it.subject.height, it.subject.block),
            Vote::Status(_) => return,
        };
        if height > self.seen.0 {
            self.seen = (height, Vec::new());
        }
        if let Some(block) = block.filter(|block| height == self.seen.0 && !self.seen.1.contains(block)) {
            self.seen.1.push(block);
        }
    }

    fn repeat(&mut self, situation: &Situation<'_>, peer: Option<PublicKey>, message: &Message) -> Said {
        let mut said = Said::new();
        if self.rng.chance(700) {
            said.push((peer, message.clone()));
        }
        if self.rng.chance(400) && !self.old.is_empty() {
            let old = self.old[self.rng.below(self.old.len())].clone();
            said.push((self.rng.pick(&situation.peers), old));
        }
        said
    }

    fn lie(&mut self, message: &Message) -> Message {
        let mut said = message.clone();
        match &mut said {
            Message::Consensus(Vote::Status(status)) => {
                let further = [0, 1, 2, 1_000, u64::MAX / 2][self.rng.below(5)];
                *status = Status { height: status.height.saturating_add(further), ..*status };
            }
            Message::Consensus(Vote::Certificate(certificate)) if self.rng.chance(500) => match self.rng.below(3) {
                0 => certificate.subject.round = certificate.subject.round.saturating_add(1),
                1 => certificate.signers = certificate.signers.rotate_left(1),
                _ => certificate.signatures.truncate(1),
            },
            Message::Consensus(Vote::Vote(vote)) if self.rng.chance(200) => vote.signature = Signature([5; 64]),
            Message::Cosignature(cosignature) if self.rng.chance(500) => cosignature.log_signature = Signature([6; 64]),
            Message::Decided(blocks) => {
                if let Some(last) = blocks.last_mut().filter(|_| self.rng.chance(700)) {
                    match self.rng.below(3) {
                        0 => last.certificate.signatures.truncate(1),
                        1 => last.block.header.timestamp_ms += 1,
                        _ => last.block.records.clear(),
                    }
                }
            }
            _ => {}
        }
        said
    }
}

impl Situation<'_> {
    fn set(&self) -> Option<ValidatorSet> {
        executor::next_validators(&self.ledger.view().ok()?).ok()
    }

    /// This node's place in the set that decides the present height.
    fn place(&self, set: &ValidatorSet) -> Option<u8> {
        let key = self.key.public();
        set.iter().position(|member| member.consensus == key).map(|place| place as u8)
    }
}
