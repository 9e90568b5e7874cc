//! What goes wrong: crashes and cuts at random, and a validator that says something else to everybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use dalil_consensus::{Message, Proposal, ProposalSubject, Statement, Vote};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{ValidatorIndex, VoteKind, VoteSubject};

use super::chain::{BAD_STATE, build, sign};
use super::node::{Disk, Node};
use super::world::{Happening, Weather, World};

/// How often something goes wrong, in milliseconds.
const CHAOS_MS: u64 = 250;

/// How often the equivocator speaks at one place.
const ACTS_MAX: u32 = 6;

impl World {
    pub fn start_chaos(&mut self) {
        self.chaos = true;
        self.weather = Weather::STORM;
        self.at(CHAOS_MS, Happening::Chaos);
    }

    pub fn on_chaos(&mut self) {
        if !self.chaos {
            return;
        }
        let nodes = self.nodes.len() as u64;
        match self.rng.below(13) {
            0 => {
                let node = self.rng.below(nodes) as usize;
                self.crash_and_restart(node);
            }
            1 if self.rng.chance(300) => (0..self.nodes.len()).for_each(|node| self.crash_and_restart(node)),
            2 => {
                let side: Vec<bool> = (0..nodes).map(|_| self.rng.chance(500)).collect();
                for from in 0..self.nodes.len() {
                    for to in (0..self.nodes.len()).filter(|to| side[*to] != side[from]) {
                        self.cut.insert((from, to));
                    }
                }
            }
            3 => {
                let (from, to) = (self.rng.below(nodes) as usize, self.rng.below(nodes) as usize);
                self.cut.insert((from, to));
            }
            4..=6 => self.cut.clear(),
            7 => self.weather.loss_per_mille = self.rng.below(400),
            8 => self.weather.delay_max_ms = self.rng.between(5, 400),
            9 => self.lose_database(),
            _ => {
                let node = self.rng.below(nodes) as usize;
                self.submit(&[node]);
            }
        }
        self.at(CHAOS_MS, Happening::Chaos);
    }

    /// The rewound node's database goes back to an earlier copy, or to nothing; its sign record stays.
    fn lose_database(&mut self) {
        let Some(node) = self.rewound else { return };
        if self.backup.is_none() || self.rng.chance(400) {
            self.backup = Some(self.nodes[node].disk.clone());
            return;
        }
        self.crash(node);
        self.rewind(node);
        self.at(50, Happening::Start { node });
    }

    /// The database of a node that is down is a copy of some time ago, or empty.
    pub fn rewind(&mut self, node: usize) {
        let sign_record = self.nodes[node].disk.sign_record.clone();
        let backup = if self.rng.chance(300) { Disk::default() } else { self.backup.clone().unwrap_or_default() };
        self.nodes[node].disk = Disk { sign_record, ..backup };
    }

    fn crash_and_restart(&mut self, node: usize) {
        if Some(node) != self.equivocator {
            self.crash(node);
            let down_ms = self.rng.between(10, 2_000);
            self.at(down_ms, Happening::Start { node });
        }
    }

    /// Turns a node into one that signs whatever splits the others.
    pub fn make_equivocator(&mut self, node: usize) {
        self.crash(node);
        self.equivocator = Some(node);
        let validator = self.nodes[node].validator;
        self.oracle.byzantine.insert(validator);
    }

    /// Adds a second node with the key of validator `of`: both are honest programs, the key is not.
    pub fn add_twin(&mut self, of: usize) {
        let offset_ms = self.rng.below(200);
        self.nodes.push(Node::new(of, offset_ms));
        self.oracle.byzantine.insert(of);
        self.start(self.nodes.len() - 1);
    }

    /// Reacts to whatever it hears of (h, r) with different votes and proposals for everybody.
    pub fn equivocate(&mut self, node: usize, _from: usize, message: &Message) {
        let (height, round) = match message {
            Message::Proposal(it) => (it.subject.height, it.subject.round),
            Message::Vote(it) => (it.subject.height, it.subject.round),
            Message::Certificate(it) => (it.subject.height, it.subject.round),
            Message::Status(it) => (it.height, it.round),
        };
        let acts = self.acted.entry((height, round)).or_default();
        *acts += 1;
        if *acts > ACTS_MAX {
            return;
        }
        let first = *acts == 1;
        let Some(informed) = self.honest().into_iter().find(|it| self.height(*it) + 1 >= height) else { return };
        let mut ids: BTreeSet<Option<Hash>> = BTreeSet::from([None, message_block(message)]);
        let me = self.nodes[node].validator;
        if first && self.set.proposer(height, round) == ValidatorIndex(me) && self.height(informed) + 1 == height {
            ids.extend(self.split_proposals(node, informed, height, round).into_iter().map(Some));
        }
        let ids: Vec<Option<Hash>> = ids.into_iter().collect();
        for to in 0..self.nodes.len() {
            for kind in [VoteKind::Prevote, VoteKind::Precommit] {
                if self.rng.chance(700) {
                    let block = self.rng.pick(&ids).copied().flatten();
                    let round = if self.rng.chance(20) { u32::MAX } else { round };
                    let vote = signed_vote(me, kind, VoteSubject { height, round, block });
                    self.note_own(node, &vote);
                    self.send_message(node, to, &vote);
                }
            }
        }
    }

    fn split_proposals(&mut self, node: usize, informed: usize, height: u64, round: u32) -> Vec<Hash> {
        let head = self.nodes[informed].disk.head();
        let me = self.nodes[node].validator;
        let now_ms = self.now_ms.max(head.time_ms + 1);
        let state = if self.rng.chance(200) { BAD_STATE } else { Hash::ZERO };
        let (one, two) = (self.submitted + 1, self.submitted + 2);
        self.submitted += 2;
        let blocks = [
            build(&head, me, now_ms, &BTreeSet::from([one]), Hash::ZERO),
            build(&head, me, now_ms + 1, &BTreeSet::from([two]), state),
        ];
        for block in &blocks {
            self.nodes[node].disk.bodies.insert(block.id(), Arc::clone(block));
        }
        for to in 0..self.nodes.len() {
            let block = &blocks[self.rng.below(2) as usize];
            let subject = ProposalSubject { height, round, block: block.id(), valid_round: None };
            let statement = Statement::Proposal(subject);
            let signature = sign(me, statement.domain(), &statement.sign_bytes());
            let proposal = Message::Proposal(Proposal { subject, signer: me as u8, signature, polka: None });
            self.send_message(node, to, &proposal);
        }
        blocks.iter().map(|block| block.id()).collect()
    }
}

fn message_block(message: &Message) -> Option<Hash> {
    match message {
        Message::Proposal(it) => Some(it.subject.block),
        Message::Vote(it) => it.subject.block,
        Message::Certificate(it) => it.subject.block,
        Message::Status(_) => None,
    }
}

/// A vote by the key of a validator.
pub fn signed_vote(signer: usize, kind: VoteKind, subject: VoteSubject) -> Message {
    let signature = sign(signer, kind.domain(), &subject.sign_bytes());
    Message::Vote(Vote { kind, subject, signer: signer as u8, signature })
}
