//! One engine with its disk, its workers and its timers, all driven by the input.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dalil_consensus::{
    Action, BlockDemand, Config, ConsensusRecord, Engine, Event, HeightKnowledge, Message, Output, Persist, Proposal,
    ProposalSubject, Restored, SignRecord, Signer, Statement, Status, TimerId, Verdict, Vote,
};
use dalil_ledger::block::{Block, BlockId};
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind, VoteSubject};

use super::oracle::{ACTIONS_MAX, Oracle};
use super::toy::{
    BAD_STATE, CHAIN, DRIFT_MS, Head, START_MS, TIMEOUTS, build, consensus_key, judge, sign, validator_set,
};
use crate::{Input, Taken};

/// Blocks that others propose at one height; the last of them is invalid.
const BLOCKS: usize = 4;
/// Timers and pieces of work that wait.
const WAITING_MAX: usize = 64;
/// Writes that wait, and those that follow from them.
const WRITES_MAX: usize = 1_000;

/// What survives a crash.
struct Disk {
    sign_record: SignRecord,
    record: Option<ConsensusRecord>,
    bodies: BTreeMap<BlockId, Arc<Block>>,
}

/// What is asked of workers.
enum Task {
    Check { height: u64, parent: BlockId, block: Arc<Block> },
    Build(BlockDemand),
}

pub(super) struct Machine {
    engine: Engine,
    set: ValidatorSet,
    me: usize,
    head: Head,
    disk: Disk,
    now_ms: u64,
    /// Outputs whose writes are not durable, oldest first.
    outputs: VecDeque<Output>,
    next_seq: u64,
    tasks: VecDeque<Task>,
    timers: VecDeque<TimerId>,
    decided: Option<Arc<Block>>,
    decisions: usize,
    halted: bool,
    oracle: Oracle,
}

fn start(me: usize, set: &ValidatorSet, head: &Head, disk: &Disk, now_ms: u64) -> (Engine, Vec<Output>) {
    let config = Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
    let signer = Signer { key: consensus_key(me), record: disk.sign_record.clone() };
    let ids = disk.record.as_ref().map(ConsensusRecord::block_ids).unwrap_or_default();
    let blocks = ids.iter().filter_map(|id| disk.bodies.get(id).cloned()).collect();
    let restored = Restored { record: disk.record.clone(), blocks };
    let context = head.context(set, HeightKnowledge::Open);
    Engine::start(config, Some(signer), restored, context, now_ms).expect("what was durable is enough to start from")
}

impl Machine {
    /// A validator of 4, 5 or 7 at height 1.
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        let n = [4, 4, 5, 7][input.below(4)];
        let (me, set, head) = (input.below(n), validator_set(n), Head::genesis());
        let sign_record = SignRecord::new(CHAIN, consensus_key(me).public());
        let disk = Disk { sign_record, record: None, bodies: BTreeMap::new() };
        let (engine, outputs) = start(me, &set, &head, &disk, START_MS);
        let mut machine = Self {
            engine,
            set,
            me,
            head,
            disk,
            now_ms: START_MS,
            outputs: VecDeque::new(),
            next_seq: 1,
            tasks: VecDeque::new(),
            timers: VecDeque::new(),
            decided: None,
            decisions: 0,
            halted: false,
            oracle: Oracle::default(),
        };
        machine.take(outputs);
        machine
    }

    /// Whether the engine voted at all.
    pub(super) fn finish(mut self) -> Taken {
        self.flush();
        if self.oracle.voted() || self.decisions > 0 { Taken::Yes } else { Taken::No }
    }

    pub(super) fn step(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0 | 1 => self.vote(input),
            2 => self.certificate(input),
            3 | 4 => self.proposal(input),
            5 => self.everybody_votes(input),
            6 => self.raw(input),
            7 => {
                let block = self.block(input);
                if let Some(block) = block {
                    self.feed(Event::Block(block));
                }
            }
            8 => self.persist_next(),
            9 => self.flush(),
            10 => self.work(input),
            11 => self.fire(input),
            12 => self.pass(input),
            13 => self.crash(input),
            14 => self.next_height(input),
            _ => self.other(input),
        }
    }

    fn feed(&mut self, event: Event) {
        let outputs = self.engine.handle(event, self.now_ms);
        assert!(!self.halted || outputs.is_empty(), "a halted engine acts");
        self.take(outputs);
        let (locked, valid) = (self.engine.locked(), self.engine.valid().map(|valid| valid.round));
        assert!(locked.map(|lock| lock.round) <= valid && valid <= Some(self.engine.round()));
    }

    /// Queues outputs; those that wait for no write are released at once.
    fn take(&mut self, outputs: Vec<Output>) {
        let actions: usize = outputs.iter().map(|output| output.then.len()).sum();
        assert!(actions <= ACTIONS_MAX, "{actions} actions at once");
        for output in outputs {
            assert_eq!(output.seq, self.next_seq, "outputs are numbered without a gap");
            self.next_seq += 1;
            self.outputs.push_back(output);
        }
        self.release();
    }

    fn release(&mut self) {
        while let Some(output) = self.outputs.front_mut() {
            if output.persist.is_some() {
                return;
            }
            let actions = std::mem::take(&mut output.then);
            self.outputs.pop_front();
            for action in actions {
                self.carry_out(action);
            }
        }
    }

    /// Makes the oldest write durable.
    fn persist_next(&mut self) {
        let Some(output) = self.outputs.front_mut() else { return };
        let (seq, Some(persist)) = (output.seq, output.persist.take()) else { return };
        match persist {
            Persist::Database(batch) => {
                self.disk.record = Some(batch.record);
                self.disk.bodies.extend(batch.blocks.into_iter().map(|block| (block.id(), block)));
            }
            Persist::SignRecord(record) => {
                self.disk.sign_record = *record;
                let height = self.head.height + 1;
                self.oracle.sign_record(height, &self.disk.sign_record, self.disk.record.as_ref());
            }
        }
        self.release();
        self.feed(Event::Persisted(seq));
    }

    fn flush(&mut self) {
        for _ in 0..WRITES_MAX {
            if self.outputs.is_empty() {
                return;
            }
            self.persist_next();
        }
        panic!("a signature leads to the next without end");
    }

    fn carry_out(&mut self, action: Action) {
        self.oracle.released(&action, self.me);
        match action {
            Action::CheckBlock { height, parent, id, block } => {
                assert_eq!(id, block.id());
                self.tasks.push_back(Task::Check { height, parent, block });
            }
            Action::BuildBlock(demand) => self.tasks.push_back(Task::Build(demand)),
            Action::ArmTimer { id, after_ms } => {
                assert!(after_ms <= u64::from(TIMEOUTS.cap_ms), "{id:?} after {after_ms} ms");
                self.timers.push_back(id);
            }
            Action::Decide { block, certificate } => {
                assert!(certificate.commits(self.head.height + 1, &block.id()));
                assert_eq!(certificate.verify(&self.set, &CHAIN), Ok(()));
                assert_eq!(self.verdict(&block), Verdict::Valid);
                self.decided = Some(block);
                self.decisions += 1;
            }
            Action::Evidence(evidence) => {
                assert_eq!(evidence.verify(&CHAIN), Ok(()));
                assert!(self.set.iter().any(|validator| validator.consensus == evidence.key));
            }
            Action::Halt { .. } => self.halted = true,
            _ => {}
        }
        self.tasks.truncate(WAITING_MAX);
        self.timers.drain(..self.timers.len().saturating_sub(WAITING_MAX));
    }

    fn verdict(&self, block: &Block) -> Verdict {
        judge(&self.head, &Default::default(), block)
    }

    /// A block of the present height by a small number; none for 0, which is nil.
    fn block(&self, input: &mut Input<'_>) -> Option<Arc<Block>> {
        let number = input.below(BLOCKS + 1);
        let state_root = if number == BLOCKS { BAD_STATE } else { Hash::ZERO };
        let records = [number as u64].into();
        // Number 1 is of the proposer of round 0, number 2 of round 1's.
        let proposer = self.set.proposer(self.head.height, number as u32).0;
        let time_ms = self.head.time_ms.max(START_MS) + number as u64;
        (number > 0).then(|| build(&self.head, proposer, time_ms, &records, state_root))
    }

    /// Mostly one near the present one.
    fn round(&self, input: &mut Input<'_>) -> u32 {
        match input.byte() {
            byte @ 0..=191 => self.engine.round().saturating_sub(2).saturating_add(u32::from(byte) % 6),
            192..=223 => u32::MAX,
            _ => u32::from(input.short()),
        }
    }

    fn kind(input: &mut Input<'_>) -> VoteKind {
        if input.below(2) == 0 { VoteKind::Prevote } else { VoteKind::Precommit }
    }

    fn message(&mut self, from: Option<usize>, message: Message) {
        self.feed(Event::Message { from: from.map(ValidatorIndex), message });
    }

    /// Another validator; never the own key, which nobody else has.
    fn other_validator(&self, input: &mut Input<'_>) -> usize {
        (self.me + 1 + input.below(self.set.len() - 1)) % self.set.len()
    }

    fn vote(&mut self, input: &mut Input<'_>) {
        let (signer, kind, round) = (self.other_validator(input), Self::kind(input), self.round(input));
        let block = self.block(input).map(|block| block.id());
        let subject = VoteSubject { height: self.head.height + 1 + u64::from(input.below(16) == 15), round, block };
        let signature = match input.below(16) {
            15 => Signature([input.byte(); 64]),
            _ => sign(signer, kind.domain(), &subject.sign_bytes()),
        };
        self.message(Some(signer), Message::Vote(Vote { kind, subject, signer: signer as u8, signature }));
    }

    /// All others vote the same.
    fn everybody_votes(&mut self, input: &mut Input<'_>) {
        let (kind, round) = (Self::kind(input), self.round(input));
        let block = self.block(input).map(|block| block.id());
        let subject = VoteSubject { height: self.head.height + 1, round, block };
        let me = self.me;
        for signer in (0..self.set.len()).filter(|signer| *signer != me) {
            let signature = sign(signer, kind.domain(), &subject.sign_bytes());
            self.message(Some(signer), Message::Vote(Vote { kind, subject, signer: signer as u8, signature }));
        }
    }

    /// The certificate of all others but `left_out`.
    fn certificate_of(&self, kind: VoteKind, subject: VoteSubject, left_out: usize) -> Option<Certificate> {
        let signers = (0..self.set.len()).filter(|signer| *signer != self.me);
        let spare = self.set.len() - 1 > self.set.quorum();
        let signers = signers.filter(|signer| !(spare && *signer == left_out));
        let votes: Vec<_> = signers
            .map(|signer| (ValidatorIndex(signer), sign(signer, kind.domain(), &subject.sign_bytes())))
            .collect();
        Certificate::assemble(&self.set, kind, subject, votes.iter().map(|(index, signature)| (*index, signature)))
    }

    fn certificate(&mut self, input: &mut Input<'_>) {
        let (kind, round, block) = (Self::kind(input), self.round(input), self.block(input));
        let subject =
            VoteSubject { height: self.head.height + 1, round, block: block.as_ref().map(|block| block.id()) };
        let left_out = input.below(self.set.len());
        let Some(mut certificate) = self.certificate_of(kind, subject, left_out) else { return };
        match input.below(16) {
            15 => certificate.signers ^= 1 << input.below(64),
            14 => certificate.subject.round ^= u32::from(input.byte()),
            13 => drop(certificate.signatures.pop()),
            _ => {}
        }
        let from = self.other_validator(input);
        self.message(Some(from), Message::Certificate(certificate));
    }

    fn proposal(&mut self, input: &mut Input<'_>) {
        let round = self.round(input);
        let Some(block) = self.block(input) else { return };
        let height = self.head.height + 1;
        let valid_round = (input.below(3) == 2).then(|| u32::from(input.byte() % 4));
        let subject = ProposalSubject { height, round, block: block.id(), valid_round };
        let polka = valid_round.and_then(|round| {
            let subject = VoteSubject { height, round, block: Some(block.id()) };
            self.certificate_of(VoteKind::Prevote, subject, usize::MAX)
        });
        let signer = match input.below(8) {
            7 => self.other_validator(input),
            _ => self.set.proposer(height, round).0,
        };
        if signer == self.me {
            return;
        }
        let statement = Statement::Proposal(subject);
        let signature = sign(signer, statement.domain(), &statement.sign_bytes());
        let proposal = Proposal { subject, signer: signer as u8, signature, polka };
        self.message(Some(signer), Message::Proposal(proposal));
        if input.below(4) != 3 {
            self.feed(Event::Block(block));
        }
    }

    /// Any bytes that are a message.
    fn raw(&mut self, input: &mut Input<'_>) {
        let from = input.below(self.set.len() + 1).checked_sub(1);
        if let Ok(message) = Message::decode(input.piece()) {
            self.message(from, message);
        }
    }

    /// Answers one request for a check or a block.
    fn work(&mut self, input: &mut Input<'_>) {
        let number = input.below(3) as u64;
        let Some(task) = self.tasks.pop_front() else { return };
        match task {
            Task::Check { height, parent, block } => {
                let (id, verdict) = (block.id(), self.verdict(&block));
                self.feed(Event::BlockChecked { height, parent, id, verdict });
            }
            Task::Build(BlockDemand { height, round, parent, timestamp_ms, .. }) => {
                let on_head = parent == self.head.id;
                let block = (number > 0 && on_head)
                    .then(|| build(&self.head, self.me, timestamp_ms, &[100 + number].into(), Hash::ZERO));
                self.feed(Event::BlockBuilt { height, round, parent, block });
            }
        }
    }

    fn fire(&mut self, input: &mut Input<'_>) {
        if !self.timers.is_empty() {
            let at = input.below(self.timers.len());
            let timer = self.timers.remove(at).expect("below the length");
            self.feed(Event::Timer(timer));
        }
    }

    fn pass(&mut self, input: &mut Input<'_>) {
        let ms = u64::from(input.short());
        // A clock may be set back.
        self.now_ms = if input.below(8) == 7 { self.now_ms.saturating_sub(ms) } else { self.now_ms + ms };
    }

    /// Power off, and on again with what was durable.
    fn crash(&mut self, input: &mut Input<'_>) {
        self.outputs.clear();
        self.tasks.clear();
        self.timers.clear();
        self.decided = None;
        self.halted = false;
        self.next_seq = 1;
        if input.below(8) == 7 {
            // The database is lost, the sign record is not.
            self.disk.record = None;
            self.disk.bodies.clear();
            self.head = Head::genesis();
        }
        let (engine, outputs) = start(self.me, &self.set, &self.head, &self.disk, self.now_ms);
        self.engine = engine;
        self.take(outputs);
    }

    /// The decided block is committed, or one that others decided is synced.
    fn next_height(&mut self, input: &mut Input<'_>) {
        let synced = input.below(4) == 3;
        let block = match self.decided.take() {
            Some(block) => block,
            None if synced => {
                let Some(block) = self.block(input).filter(|block| block.header.state_root != BAD_STATE) else {
                    return;
                };
                block
            }
            None => return,
        };
        // A commit is durable before the next height, and so is all that was written before.
        self.flush();
        if self.verdict(&block) == Verdict::Invalid {
            return;
        }
        self.head = Head::of(&block);
        let knowledge = if input.below(4) == 3 { HeightKnowledge::Decided } else { HeightKnowledge::Open };
        self.feed(Event::NewHeight(self.head.context(&self.set, knowledge)));
    }

    fn other(&mut self, input: &mut Input<'_>) {
        match input.below(4) {
            0 => self.feed(Event::RecordsPending(input.below(2) == 1)),
            1 => {
                let (from, height) = (self.other_validator(input), self.head.height + 1);
                let height = [height, height + 1, height + 9, u64::MAX, 0][input.below(5)];
                let status = Status { height, round: u32::from(input.byte()), head_size: input.long() };
                self.message(Some(from), Message::Status(status));
            }
            2 => {
                let outputs = self.engine.cosign(self.now_ms).unwrap_or_default();
                self.take(outputs);
            }
            _ => {
                let signer = input.below(256);
                let subject = VoteSubject { height: self.head.height + 1, round: 0, block: None };
                let vote =
                    Vote { kind: Self::kind(input), subject, signer: signer as u8, signature: Signature([0; 64]) };
                if signer != self.me {
                    self.message(None, Message::Vote(vote));
                }
            }
        }
    }
}
