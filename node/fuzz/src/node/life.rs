//! A node with its disk and workers, and what must hold while it lives.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use dalil_consensus::{Message as Vote, Position, SignRecord, Statement};
use dalil_ledger::block::{Attachment, BlockId};
use dalil_ledger::checkpoint::Policy;
use dalil_ledger::store::{Executed, Kv as _, Ledger, LedgerView, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::cosign::Published;
use dalil_node::core::message::MESSAGE_BYTES_MAX;
use dalil_node::core::snapshot::SyncSettings;
use dalil_node::core::{
    Answer, Core, Effect, Event, Message, Persist, RequestId, StartError, Timer, ValidatorKeys, Work,
};
use dalil_node::shell::workers::Workers;

use super::chain::{fresh_database, keys, open};
use super::fixture::{START_MS, genesis};
use crate::Taken;

/// Effects of one event: everything held of two rounds, a request for each missing body, and a little more.
const EFFECTS_MAX: usize = 800;
/// Pieces of work and timers that wait.
const WAITING_MAX: usize = 64;
/// Writes that wait, and those that follow from them.
const WRITES_MAX: usize = 1_000;

/// Parts of snapshots that are remembered.
const SERVED_MAX: usize = 32;
/// A chain of a few blocks is worth a snapshot, and its state many parts.
const SYNC: SyncSettings = SyncSettings { snapshot_after: 2, snapshot_every: 1, snapshot_part_bytes: 512 };

/// What survives a crash.
struct Disk {
    kv: MemoryKv,
    sign_record: Vec<u8>,
}

pub(super) struct Life {
    pub(super) me: usize,
    pub(super) workers: Arc<Workers>,
    pub(super) now_ms: u64,
    /// Blocks that others built, in order; also of heights that are over.
    pub(super) blocks: Vec<Arc<Executed>>,
    core: Core,
    ledger: Ledger,
    disk: Disk,
    writes: VecDeque<(u64, Persist)>,
    next_seq: u64,
    work: VecDeque<Work>,
    timers: VecDeque<Timer>,
    /// By position: the one statement that was durable there.
    signed: BTreeMap<Position, Statement>,
    request: RequestId,
    answered: BTreeSet<RequestId>,
    released: usize,
    /// Parts and offers of snapshots that it served, and the newest that it offered.
    pub(super) served: Vec<Message>,
    pub(super) offered: Option<BlockId>,
    /// It diverged, and its database is not started again.
    ended: bool,
}

/// None where the node had diverged.
fn start(me: usize, disk: &Disk, now_ms: u64) -> Option<(Core, Ledger, Vec<Effect>)> {
    let ledger = open(&disk.kv);
    let keys = keys(me);
    let keys = ValidatorKeys {
        consensus: keys.consensus().unwrap(),
        cosigner: keys.cosigner().unwrap(),
        log: keys.log().unwrap(),
        record: SignRecord::decode(&disk.sign_record).expect("the file is as it was written"),
    };
    match Core::start_with(ledger.clone(), Some(keys), SYNC, now_ms) {
        Ok((core, effects)) => Some((core, ledger, effects)),
        Err(StartError::Diverged(why)) if !why.is_empty() => None,
        Err(error) => panic!("what is durable is not enough: {error}"),
    }
}

impl Life {
    /// The validator at a place of the set, at genesis.
    pub(super) fn new(me: usize) -> Self {
        let sign_record = SignRecord::new(genesis().chain_id(), keys(me).consensus().unwrap().public()).encode();
        let disk = Disk { kv: fresh_database(), sign_record };
        let now_ms = START_MS + 1_000;
        let (core, ledger, effects) = start(me, &disk, now_ms).expect("a fresh database");
        let mut life = Self {
            me,
            workers: Workers::new(genesis().parameters),
            now_ms,
            blocks: Vec::new(),
            core,
            ledger,
            disk,
            writes: VecDeque::new(),
            next_seq: 1,
            work: VecDeque::new(),
            timers: VecDeque::new(),
            signed: BTreeMap::new(),
            request: 0,
            answered: BTreeSet::new(),
            released: 0,
            served: Vec::new(),
            offered: None,
            ended: false,
        };
        life.carry_out(effects);
        life
    }

    /// Whether this node said or committed anything.
    pub(super) fn finish(mut self) -> Taken {
        self.write_all();
        drop(open(&self.disk.kv));
        if self.released > 0 || self.height() > 0 { Taken::Yes } else { Taken::No }
    }

    /// Height of the head.
    pub(super) fn height(&self) -> u64 {
        self.view().head().height
    }

    pub(super) fn view(&self) -> LedgerView {
        self.ledger.view().unwrap()
    }

    pub(super) fn feed(&mut self, event: Event) {
        if self.ended {
            return;
        }
        let effects = self.core.handle(event, self.now_ms);
        self.carry_out(effects);
        let standing = self.core.standing();
        assert!(standing.height <= self.height(), "the core is ahead of its ledger");
    }

    pub(super) fn submit(&mut self, record: SignedTransaction, attachment: Option<Attachment>) {
        self.request += 1;
        self.feed(Event::Submit { request: self.request, record: Box::new(record), attachment });
    }

    /// Makes the oldest write durable.
    pub(super) fn write_next(&mut self) {
        let Some((seq, persist)) = self.writes.pop_front() else { return };
        match persist {
            Persist::SignRecord(bytes) => {
                self.remember(&SignRecord::decode(&bytes).expect("a sign record can be read again"));
                self.disk.sign_record = bytes;
            }
            Persist::Batch(batch) => self.disk.kv.write(batch).unwrap(),
            Persist::Commit { executed, certificate, also } => {
                let view = self.view();
                let header = &executed.block.header;
                assert_eq!((header.height, header.parent), (view.head().height + 1, view.head_id()));
                assert!(header.timestamp_ms > view.head().timestamp_ms);
                assert!(certificate.commits(header.height, &executed.block.id()));
                assert_eq!(certificate.verify(&genesis().validators, &genesis().chain_id()), Ok(()));
                self.ledger.commit(&executed, Some(&certificate), also).unwrap();
            }
        }
        self.feed(Event::Persisted(seq));
    }

    pub(super) fn write_all(&mut self) {
        for _ in 0..WRITES_MAX {
            if self.writes.is_empty() {
                return;
            }
            self.write_next();
        }
        panic!("a write leads to the next without end");
    }

    pub(super) fn work_next(&mut self) {
        if let Some(work) = self.work.pop_front() {
            let done = self.workers.run(work);
            self.feed(Event::Done(done));
        }
    }

    pub(super) fn fire(&mut self, which: u8) {
        if !self.timers.is_empty() {
            let at = usize::from(which) % self.timers.len();
            let timer = self.timers.remove(at).expect("below the length");
            self.feed(Event::Timer(timer));
        }
    }

    /// Power off, and on again with what was durable.
    pub(super) fn crash(&mut self) {
        self.writes.clear();
        self.work.clear();
        self.timers.clear();
        self.next_seq = 1;
        match start(self.me, &self.disk, self.now_ms) {
            Some((core, ledger, effects)) => {
                (self.core, self.ledger, self.ended) = (core, ledger, false);
                self.carry_out(effects);
            }
            None => self.ended = true,
        }
    }

    /// The database is lost, the sign record kept.
    pub(super) fn wipe(&mut self) {
        self.disk.kv = fresh_database();
        self.crash();
    }

    fn remember(&mut self, record: &SignRecord) {
        // A block that was decided elsewhere may be written before what was signed at its height.
        let head = self.height();
        for signed in [head, head + 1].into_iter().flat_map(|height| record.signed_at(height)) {
            let before = self.signed.insert(signed.statement.position(), signed.statement);
            assert!(before.is_none_or(|before| before == signed.statement), "{before:?} and {signed:?}");
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        assert!(effects.len() <= EFFECTS_MAX, "{} effects of one event", effects.len());
        for effect in effects {
            match effect {
                Effect::Persist { seq, persist } => {
                    assert_eq!(seq, self.next_seq, "writes are numbered without a gap");
                    self.next_seq += 1;
                    self.writes.push_back((seq, persist));
                }
                Effect::Send(_, message) | Effect::Broadcast(message) => self.sent(&message),
                Effect::Arm { timer, .. } => self.timers.push_back(timer),
                Effect::Work(work) => self.work.push_back(work),
                Effect::Answer(request, answer) => self.check_answer(request, &answer),
                Effect::Publish(published) => self.check_published(&published),
                Effect::Halt(reason) => assert!(!reason.is_empty()),
                Effect::Score(..) | Effect::Log(_) | Effect::Admit(_) => {}
            }
        }
        self.work.truncate(WAITING_MAX);
        self.timers.drain(..self.timers.len().saturating_sub(WAITING_MAX));
    }

    fn sent(&mut self, message: &Message) {
        let bytes = message.encode();
        assert!(bytes.len() <= MESSAGE_BYTES_MAX);
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(message), "peers can read it");
        match message {
            Message::Snapshot(offer) => self.offered = Some(offer.header.id()),
            Message::Part { .. } => {}
            _ => return self.stated(message),
        }
        if self.served.len() < SERVED_MAX {
            self.served.push(message.clone());
        }
    }

    fn stated(&mut self, message: &Message) {
        let statement = match message {
            Message::Consensus(Vote::Vote(vote)) if usize::from(vote.signer) == self.me => vote.statement(),
            Message::Consensus(Vote::Proposal(it)) if usize::from(it.signer) == self.me => it.statement(),
            _ => return,
        };
        assert_eq!(self.signed.get(&statement.position()), Some(&statement), "left before it was durable");
        self.released += 1;
    }

    fn check_answer(&mut self, request: RequestId, answer: &Answer) {
        assert!(self.answered.insert(request), "request {request} is answered twice");
        if let Answer::Recorded { id, index, height, timestamp_ms } = answer {
            let view = self.view();
            assert_eq!(view.index_of(id), Ok(Some(*index)));
            assert_eq!(view.header(*height).unwrap().unwrap().timestamp_ms, *timestamp_ms);
        }
    }

    fn check_published(&self, published: &Published) {
        let origin = genesis().origin.as_str().parse().unwrap();
        let policy = Policy::of_set(&origin, &published.validators).unwrap();
        let skew_ms = genesis().parameters.cosignature_skew_ms.into();
        let endorsed = policy.verify(published.note.as_bytes(), self.now_ms, skew_ms).expect("a quorum cosigned it");
        assert_eq!(endorsed.checkpoint.size, published.view.log_size());
        assert_eq!(endorsed.checkpoint.root, published.view.log_root().unwrap());
        assert_eq!(endorsed.freshness_ms, published.freshness_ms);
    }
}
