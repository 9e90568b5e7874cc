//! One engine on a bench: persists are carried out at once, answers are given by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use dalil_consensus::{
    Action, Config, Engine, Event, HeightKnowledge, Message, Output, Persist, Proposal, ProposalSubject, Restored,
    SignRecord, Signer, Statement, TimerId, TimerKind, Verdict, Vote,
};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind, VoteSubject};

use super::chain::{CHAIN, DRIFT_MS, Head, START_MS, TIMEOUTS, build, consensus_key, sign, validator_set};

pub use VoteKind::{Precommit, Prevote};

/// What carries out persists on the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// At once.
    Fast,
    /// Never, until [`Bench::flush`].
    Stuck,
}

pub struct Bench {
    pub engine: Engine,
    pub me: usize,
    pub set: ValidatorSet,
    pub head: Head,
    pub now_ms: u64,
    pub disk: Disk,
    /// Outputs not carried out.
    pub waiting: Vec<Output>,
    /// Actions released and not looked at.
    pub actions: Vec<Action>,
    /// Everything persisted, in order.
    pub persisted: Vec<Persist>,
    /// The verdict on every block; none leaves checks unanswered.
    pub verdict: Option<Verdict>,
}

impl Bench {
    /// Validator `me` of four at height 1, with a record pending. proposer(1, r) = (1 + r) mod 4.
    pub fn new(me: usize) -> Self {
        let mut bench = Self::idle(me);
        bench.feed(Event::RecordsPending(true));
        bench
    }

    /// As [`Self::new`], without a record.
    pub fn idle(me: usize) -> Self {
        let record = SignRecord::new(CHAIN, consensus_key(me).public());
        Self::start(me, 4, record, Restored::default()).expect("a fresh node starts")
    }

    pub fn start(
        me: usize,
        n: usize,
        record: SignRecord,
        restored: Restored,
    ) -> Result<Self, dalil_consensus::StartError> {
        let set = validator_set(n);
        let head = Head::genesis();
        let config = Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
        let signer = Signer { key: consensus_key(me), record };
        let context = head.context(&set, HeightKnowledge::Open);
        let (engine, outputs) = Engine::start(config, Some(signer), restored, context, START_MS)?;
        let mut bench = Self {
            engine,
            me,
            set,
            head,
            now_ms: START_MS,
            disk: Disk::Fast,
            waiting: Vec::new(),
            actions: Vec::new(),
            persisted: Vec::new(),
            verdict: Some(Verdict::Valid),
        };
        bench.take(outputs);
        Ok(bench)
    }

    pub fn feed(&mut self, event: Event) {
        let outputs = self.engine.handle(event, self.now_ms);
        self.take(outputs);
    }

    pub fn take(&mut self, outputs: Vec<Output>) {
        self.waiting.extend(outputs);
        if self.disk == Disk::Fast {
            self.flush();
        }
    }

    /// Carries out everything that waits and all that follows.
    pub fn flush(&mut self) {
        while !self.waiting.is_empty() {
            let output = self.waiting.remove(0);
            if let Some(persist) = output.persist {
                self.persisted.push(persist);
                let more = self.engine.handle(Event::Persisted(output.seq), self.now_ms);
                self.waiting.extend(more);
            }
            for action in output.then {
                if let (Action::CheckBlock { height, parent, id, .. }, Some(verdict)) = (&action, self.verdict) {
                    let checked = Event::BlockChecked { height: *height, parent: *parent, id: *id, verdict };
                    let more = self.engine.handle(checked, self.now_ms);
                    self.waiting.extend(more);
                }
                self.actions.push(action);
            }
        }
    }

    pub fn message(&mut self, from: usize, message: Message) {
        self.feed(Event::Message { from: Some(ValidatorIndex(from)), message });
    }

    pub fn block(&self, proposer: usize, records: &[u64]) -> Arc<Block> {
        build(&self.head, proposer, self.now_ms, &records.iter().copied().collect::<BTreeSet<_>>(), Hash::ZERO)
    }

    /// A fresh proposal of `block` by the proposer of `round`, with its body.
    pub fn propose(&mut self, round: u32, block: &Arc<Block>) {
        self.propose_with(round, block, None);
    }

    /// A re-proposal where `polka` is given.
    pub fn propose_with(&mut self, round: u32, block: &Arc<Block>, polka: Option<Certificate>) {
        let height = self.head.height + 1;
        let valid_round = polka.as_ref().map(|polka| polka.subject.round);
        let subject = ProposalSubject { height, round, block: block.id(), valid_round };
        let signer = self.set.proposer(height, round).0;
        self.message(signer, signed_proposal(signer, subject, polka));
        self.feed(Event::Block(Arc::clone(block)));
    }

    pub fn vote(&mut self, signer: usize, kind: VoteKind, round: u32, block: Option<Hash>) {
        let message = signed_vote(signer, kind, VoteSubject { height: self.head.height + 1, round, block });
        self.message(signer, message);
    }

    /// The certificate of `signers`.
    pub fn certificate(&self, kind: VoteKind, round: u32, block: Option<Hash>, signers: &[usize]) -> Certificate {
        let subject = VoteSubject { height: self.head.height + 1, round, block };
        let signatures: Vec<_> = signers
            .iter()
            .map(|signer| (ValidatorIndex(*signer), sign(*signer, kind.domain(), &subject.sign_bytes())))
            .collect();
        let votes = signatures.iter().map(|(signer, signature)| (*signer, signature));
        Certificate::assemble(&self.set, kind, subject, votes).expect("a quorum")
    }

    pub fn certify(&mut self, kind: VoteKind, round: u32, block: Option<Hash>, signers: &[usize]) {
        let certificate = self.certificate(kind, round, block, signers);
        self.message(signers[0], Message::Certificate(certificate));
    }

    /// Own votes and proposals released since the last look; everything released is forgotten.
    pub fn signed(&mut self) -> Vec<Statement> {
        let me = self.me;
        let own = |action: Action| match action {
            Action::Broadcast(Message::Vote(vote)) if usize::from(vote.signer) == me => Some(vote.statement()),
            Action::Broadcast(Message::Proposal(it)) if usize::from(it.signer) == me => Some(it.statement()),
            _ => None,
        };
        std::mem::take(&mut self.actions).into_iter().filter_map(own).collect()
    }

    /// The newest arming of a timer that was released.
    pub fn armed(&self, kind: TimerKind) -> Option<(TimerId, u64)> {
        let armed = |action: &Action| match action {
            Action::ArmTimer { id, after_ms } if id.kind == kind => Some((*id, *after_ms)),
            _ => None,
        };
        self.actions.iter().rev().find_map(armed)
    }

    pub fn fire(&mut self, kind: TimerKind) {
        let (id, after_ms) = self.armed(kind).expect("the timer is armed");
        self.now_ms += after_ms;
        self.feed(Event::Timer(id));
    }

    pub fn saw(&self, wanted: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(wanted)
    }

    /// The newest sign record that was persisted.
    pub fn sign_record(&self) -> SignRecord {
        self.engine.sign_record().expect("a validator").clone()
    }

    /// The database as it is after all persists.
    pub fn restored(&self) -> Restored {
        let mut restored = Restored::default();
        for persist in &self.persisted {
            if let Persist::Database(batch) = persist {
                restored.record = Some(batch.record.clone());
                restored.blocks.extend(batch.blocks.iter().cloned());
            }
        }
        restored
    }

    /// Commits `block` and goes on to the next height.
    pub fn next_height(&mut self, block: &Block) {
        self.head = Head::of(block);
        let context = self.head.context(&self.set, HeightKnowledge::Open);
        self.feed(Event::NewHeight(context));
    }
}

pub fn signed_vote(signer: usize, kind: VoteKind, subject: VoteSubject) -> Message {
    let signature = sign(signer, kind.domain(), &subject.sign_bytes());
    Message::Vote(Vote { kind, subject, signer: signer as u8, signature })
}

pub fn signed_proposal(signer: usize, subject: ProposalSubject, polka: Option<Certificate>) -> Message {
    let statement = Statement::Proposal(subject);
    let signature = sign(signer, statement.domain(), &statement.sign_bytes());
    Message::Proposal(Proposal { subject, signer: signer as u8, signature, polka })
}

pub fn prevote(round: u32, block: Option<Hash>) -> Statement {
    Statement::vote(Prevote, 1, round, block)
}

pub fn precommit(round: u32, block: Option<Hash>) -> Statement {
    Statement::vote(Precommit, 1, round, block)
}
