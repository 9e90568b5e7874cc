//! One honest node: the product's engine over two durable stores, with a driver that answers at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use dalil_consensus::{
    Action, BlockDemand, ConsensusRecord, Cosigned, Engine, Event, HeightKnowledge, Message, Output, Persist, Restored,
    SignRecord, Signer, Standing, Status, TimerId, TimerKind, Verdict,
};
use dalil_ledger::block::Block;
use dalil_ledger::validators::{ValidatorIndex, VoteKind};

use super::chain::{CHAIN, Head, START_MS, consensus_key};
use super::said::{Said, Value, What};
use super::setup::{Bodies, Dead, Search, Shared};

/// What may happen to a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stimulus {
    /// It hears votes.
    Votes(Vec<Said>),
    /// It hears a proposal; a re-proposal brings the polka of these signers.
    Proposal(Said, u64),
    /// The Byzantine validator shows it a vote under another's name.
    ForgedVote(Said),
    Certificate {
        kind: VoteKind,
        round: u32,
        value: Option<Value>,
        signers: u64,
    },
    Fire(TimerKind),
    /// The block it asked for is built.
    Built,
    /// A body that it asked for comes.
    Body(Value),
    /// It crashes and restarts.
    Crash,
    /// As `Crash`, and its database is gone; the sign record is not.
    LoseDatabase,
    /// It crashes while something else happens: at an odd number 2k − 1 between the k-th write and what that releases, at
    /// 2k after that.
    CrashAt(Box<Stimulus>, u8),
}

impl Stimulus {
    pub fn is_crash(&self) -> bool {
        matches!(self, Self::Crash | Self::LoseDatabase | Self::CrashAt(..))
    }

    /// Whether this is more of the same as `other`.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Votes(these), Self::Votes(those)) => those.iter().all(|vote| these.contains(vote)),
            _ => false,
        }
    }
}

/// A promise that a node broke by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    CannotStart,
    Halts,
    AccusesHonest,
    BlamesHonest,
    RoundsOutOfOrder,
    CosignsAfterPrecommit,
    PrecommitsBeforeCosigning,
}

/// What is seen of a node from outside, apart from its votes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    pub round: u32,
    pub locked: Option<(Value, u32)>,
    pub valid: Option<(Value, u32)>,
    pub commit: bool,
    pub standing: Standing,
    /// The block and the round of its certificate.
    pub decided: Option<(Value, u32)>,
    pub signed: u64,
    building: bool,
    wanted: BTreeSet<Value>,
    armed: BTreeMap<TimerKind, u32>,
}

#[derive(Debug, Clone)]
struct Disk {
    record: Option<ConsensusRecord>,
    bodies: BTreeMap<Value, Arc<Block>>,
    sign_record: SignRecord,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    pub engine: Engine,
    disk: Disk,
    timers: BTreeMap<TimerKind, (TimerId, u32)>,
    demand: Option<BlockDemand>,
    wanted: BTreeSet<Value>,
    decided: Option<(Value, u32)>,
    cosigned: Option<Cosigned>,
    precommitted: bool,
    /// What happened to it since it started, for searches that take one thing at a time.
    history: BTreeSet<u64>,
}

/// A node as part of a global state.
#[derive(Debug, Clone)]
pub struct Local {
    pub node: Node,
    pub view: View,
    /// Names all that a later output depends on.
    pub digest: u64,
    /// By what a search knows the node again.
    pub identity: u64,
}

/// What a stimulus led to.
#[derive(Debug)]
pub struct Outcome {
    pub local: Arc<Local>,
    /// Own statements that left, in order.
    pub said: Vec<Said>,
    pub flaws: BTreeSet<Flaw>,
    /// Somebody was proven to have said two things.
    pub proven: bool,
    /// Writes on the way.
    pub writes: u8,
    /// Everything that left, for those who carry it on themselves.
    pub sent: Vec<(Option<usize>, Message)>,
}

impl Node {
    /// A fresh node, and what it says at once.
    pub fn fresh(shared: &Shared, me: usize) -> Outcome {
        let key = consensus_key(me);
        let sign_record = SignRecord::new(CHAIN, key.public());
        let disk = Disk { record: None, bodies: BTreeMap::new(), sign_record };
        let (engine, outputs) = match shared.setup.dead {
            Dead::Nobody => boot(shared, me, &disk, &shared.head).expect("a fresh node starts"),
            Dead::Byzantine => {
                let (mut engine, mut outputs) = boot(shared, me, &disk, &Head::genesis()).expect("a fresh node starts");
                let context = shared.head.context(&shared.set, HeightKnowledge::Open);
                outputs.extend(engine.handle(Event::NewHeight(context), START_MS));
                for peer in shared.honest().filter(|peer| *peer != me) {
                    let status = Status { height: shared.height(), round: 0, head_size: shared.head.size };
                    let from = Some(ValidatorIndex(peer));
                    outputs.extend(engine.handle(Event::Message { from, message: Message::Status(status) }, START_MS));
                }
                (engine, outputs)
            }
        };
        let node = Self {
            engine,
            disk,
            timers: BTreeMap::new(),
            demand: None,
            wanted: BTreeSet::new(),
            decided: None,
            cosigned: None,
            precommitted: false,
            history: BTreeSet::new(),
        };
        let mut run = Run::new(shared, me, node, None);
        run.fifo.extend(outputs);
        run.pump();
        run.event(Event::RecordsPending(true));
        run.end()
    }

    /// What follows from a stimulus.
    pub fn after(&self, shared: &Shared, me: usize, stimulus: &Stimulus) -> Outcome {
        let (stimulus, crash_at) = match stimulus {
            Stimulus::CrashAt(inner, at) => (inner.as_ref(), Some(*at)),
            other => (other, None),
        };
        let mut run = Run::new(shared, me, self.clone(), crash_at);
        if shared.setup.search == Search::Single && !matches!(stimulus, Stimulus::Fire(_) | Stimulus::Built) {
            run.node.history.insert(hash_of(stimulus));
        }
        match stimulus {
            Stimulus::Votes(votes) => {
                for vote in votes {
                    run.hear(usize::from(vote.who), shared.message(*vote, 0));
                }
            }
            Stimulus::Proposal(said, signers) => run.hear(usize::from(said.who), shared.message(*said, *signers)),
            Stimulus::ForgedVote(vote) => {
                let from = shared.setup.byzantine.expect("who else forges");
                run.hear(from, shared.forged(*vote, from));
            }
            Stimulus::Certificate { kind, round, value, signers } => {
                let from = signers.trailing_zeros() as usize;
                let certificate = shared.certificate(*kind, *round, *value, *signers);
                run.hear(from, Message::Certificate(certificate));
            }
            Stimulus::Fire(kind) => run.fire(*kind),
            Stimulus::Built => run.built(),
            Stimulus::Body(value) => {
                run.node.wanted.remove(value);
                run.event(Event::Block(Arc::clone(shared.body(*value))));
            }
            Stimulus::Crash => run.restart(),
            Stimulus::LoseDatabase => {
                run.node.disk.record = None;
                run.node.disk.bodies.clear();
                run.restart();
            }
            Stimulus::CrashAt(..) => panic!("one crash at a time"),
        }
        run.end()
    }

    /// What follows from a message, whoever brings it.
    pub fn hearing(&self, shared: &Shared, me: usize, from: usize, message: Message) -> Outcome {
        let mut run = Run::new(shared, me, self.clone(), None);
        run.hear(from, message);
        run.end()
    }

    /// Whether just this happened since the node started.
    pub fn knows(&self, stimulus: &Stimulus) -> bool {
        self.history.contains(&hash_of(stimulus))
    }

    pub fn armed_in(&self, kind: TimerKind) -> Option<u32> {
        self.timers.get(&kind).map(|(_, round)| *round)
    }

    pub fn builds(&self) -> bool {
        self.demand.is_some()
    }

    pub fn wanted(&self) -> impl Iterator<Item = Value> + '_ {
        self.wanted.iter().copied()
    }

    fn view(&self, shared: &Shared) -> View {
        let engine = &self.engine;
        let armed = self.timers.iter().filter(|(kind, _)| **kind != TimerKind::Rebroadcast);
        View {
            round: engine.round(),
            locked: engine.locked().map(|lock| (shared.value(&lock.block), lock.round)),
            valid: engine.valid().map(|valid| (shared.value(&valid.block), valid.round)),
            commit: engine.commit().is_some(),
            standing: engine.standing(),
            decided: self.decided,
            signed: engine.sign_record().map_or(0, SignRecord::counter),
            building: self.demand.is_some(),
            wanted: self.wanted.clone(),
            armed: armed.map(|(kind, (_, round))| (*kind, *round)).collect(),
        }
    }

    fn digest(&self) -> u64 {
        let bodies: Vec<_> = self.disk.bodies.keys().collect();
        let disk = (&self.disk.record, bodies, &self.disk.sign_record);
        let demand = self.demand.map(|demand| demand.round);
        let driver = (&self.wanted, demand, self.decided, self.cosigned, self.precommitted, &self.history);
        hash_of(&(&self.engine, disk, driver))
    }
}

impl View {
    /// What is left when all that a node can do alone, or can hear later, is taken away.
    fn essence(&self) -> u64 {
        hash_of(&(self.round, self.locked, self.valid, self.standing, self.decided, self.signed))
    }
}

fn hash_of(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

type Booted = Result<(Engine, Vec<Output>), dalil_consensus::StartError>;

fn boot(shared: &Shared, me: usize, disk: &Disk, head: &Head) -> Booted {
    let signer = Signer { key: consensus_key(me), record: disk.sign_record.clone() };
    let restored = Restored { record: disk.record.clone(), blocks: disk.bodies.values().cloned().collect() };
    let context = head.context(&shared.set, HeightKnowledge::Open);
    Engine::start(shared.config, Some(signer), restored, context, START_MS)
}

/// A node under way from one quiet moment to the next.
struct Run<'a> {
    shared: &'a Shared,
    me: usize,
    node: Node,
    fifo: VecDeque<Output>,
    events: VecDeque<Event>,
    said: Vec<Said>,
    flaws: BTreeSet<Flaw>,
    proven: bool,
    writes: u8,
    crash_at: Option<u8>,
    sent: Vec<(Option<usize>, Message)>,
}

impl<'a> Run<'a> {
    fn new(shared: &'a Shared, me: usize, node: Node, crash_at: Option<u8>) -> Self {
        Self {
            shared,
            me,
            node,
            crash_at,
            fifo: VecDeque::new(),
            events: VecDeque::new(),
            said: Vec::new(),
            flaws: BTreeSet::new(),
            proven: false,
            writes: 0,
            sent: Vec::new(),
        }
    }

    fn hear(&mut self, from: usize, message: Message) {
        self.event(Event::Message { from: Some(ValidatorIndex(from)), message });
    }

    fn fire(&mut self, kind: TimerKind) {
        if let Some((id, _)) = self.node.timers.remove(&kind) {
            self.event(Event::Timer(id));
        }
    }

    fn built(&mut self) {
        if let Some(demand) = self.node.demand.take() {
            let block = Some(Arc::clone(self.shared.body(Value::of_proposer(self.me, 0))));
            let (height, round, parent) = (demand.height, demand.round, demand.parent);
            self.event(Event::BlockBuilt { height, round, parent, block });
        }
    }

    fn event(&mut self, event: Event) {
        self.events.push_back(event);
        self.pump();
    }

    /// Writes before it releases, one output after the other, and answers what the engine asks.
    fn pump(&mut self) {
        loop {
            if let Some(output) = self.fifo.pop_front() {
                if let Some(persist) = &output.persist {
                    self.write(persist);
                    self.writes += 1;
                    if self.crash_at == Some(2 * self.writes - 1) {
                        return self.restart();
                    }
                }
                output.then.into_iter().for_each(|action| self.act(action));
                if output.persist.is_some() {
                    if self.crash_at == Some(2 * self.writes) {
                        return self.restart();
                    }
                    self.events.push_front(Event::Persisted(output.seq));
                }
            } else if let Some(event) = self.events.pop_front() {
                self.fifo.extend(self.node.engine.handle(event, START_MS));
            } else {
                return;
            }
        }
    }

    fn write(&mut self, persist: &Persist) {
        match persist {
            Persist::Database(batch) => {
                self.node.disk.record = Some(batch.record.clone());
                let bodies = batch.blocks.iter().map(|block| (self.shared.value(&block.id()), Arc::clone(block)));
                self.node.disk.bodies.extend(bodies);
            }
            Persist::SignRecord(record) => self.node.disk.sign_record = record.as_ref().clone(),
        }
    }

    /// Loses all but the disk, and comes back.
    fn restart(&mut self) {
        (self.crash_at, self.writes) = (None, 0);
        self.fifo.clear();
        self.events.clear();
        self.node.timers.clear();
        self.node.history.clear();
        self.node.wanted.clear();
        self.node.demand = None;
        match boot(self.shared, self.me, &self.node.disk, &self.shared.head) {
            Ok((engine, outputs)) => {
                self.node.engine = engine;
                self.fifo.extend(outputs);
                self.event(Event::RecordsPending(true));
            }
            Err(_) => {
                self.flaws.insert(Flaw::CannotStart);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Broadcast(message) => {
                self.note_own(&message);
                self.sent.push((None, message));
            }
            Action::SendTo(to, message) => self.sent.push((Some(to.0), message)),
            Action::ArmTimer { id, .. } => {
                self.node.timers.insert(id.kind, (id, self.node.engine.round()));
            }
            Action::FetchBlock { id, .. } => {
                let value = self.shared.value(&id);
                match self.shared.setup.bodies {
                    Bodies::Prompt => self.events.push_back(Event::Block(Arc::clone(self.shared.body(value)))),
                    Bodies::AnyTime => drop(self.node.wanted.insert(value)),
                }
            }
            Action::CheckBlock { height, parent, id, .. } => {
                self.events.push_back(Event::BlockChecked { height, parent, id, verdict: Verdict::Valid });
            }
            Action::BuildBlock(demand) => self.node.demand = Some(demand),
            Action::Decide { block, certificate } => {
                self.node.decided = Some((self.shared.value(&block.id()), certificate.subject.round));
            }
            Action::Cosign(cosigned) => self.note_cosigned(cosigned),
            Action::Evidence(evidence) => {
                self.proven = true;
                let proven = evidence.verify(&CHAIN).is_ok();
                let accused = self.shared.set.iter().position(|member| member.consensus == evidence.key);
                if !proven || accused.is_none_or(|who| !self.shared.is_byzantine(who as u8)) {
                    self.flaws.insert(Flaw::AccusesHonest);
                }
            }
            // One faulty validator alone breaks no quorum's lock rule.
            Action::Accusation(_) => drop(self.flaws.insert(Flaw::AccusesHonest)),
            Action::Misbehaviour { from, .. } => {
                if from.is_none_or(|from| !self.shared.is_byzantine(from.0 as u8)) {
                    self.flaws.insert(Flaw::BlamesHonest);
                }
            }
            Action::Halt { .. } => drop(self.flaws.insert(Flaw::Halts)),
            Action::PeerBehind { .. } | Action::Behind { .. } | Action::AdvertiseRecords => {}
        }
    }

    fn note_own(&mut self, message: &Message) {
        let own = Said::of(self.shared, message).filter(|said| usize::from(said.who) == self.me);
        let Some(said) = own else { return };
        if matches!(said.what, What::Vote { kind: VoteKind::Precommit, value: Some(_) }) {
            self.node.precommitted = true;
            if self.node.cosigned.is_none_or(|it| it.size != self.shared.head.size) {
                self.flaws.insert(Flaw::PrecommitsBeforeCosigning);
            }
        }
        if !self.said.contains(&said) {
            self.said.push(said);
        }
    }

    fn note_cosigned(&mut self, cosigned: Cosigned) {
        if self.node.precommitted && self.node.cosigned != Some(cosigned) {
            self.flaws.insert(Flaw::CosignsAfterPrecommit);
        }
        self.node.cosigned = Some(cosigned);
    }

    fn end(mut self) -> Outcome {
        let view = self.node.view(self.shared);
        let locked = view.locked.map(|(_, round)| round);
        let valid = view.valid.map(|(_, round)| round);
        if locked > valid || valid > Some(view.round) {
            self.flaws.insert(Flaw::RoundsOutOfOrder);
        }
        // A cosigner may ask at any time.
        let later_ms = START_MS + 3_600_000;
        if self.node.precommitted && view.decided.is_none() && self.node.engine.clone().cosign(later_ms).is_ok() {
            self.flaws.insert(Flaw::CosignsAfterPrecommit);
        }
        let digest = self.node.digest();
        let identity = match self.shared.setup.search {
            Search::Grouped => view.essence(),
            Search::Single => digest,
        };
        Outcome {
            local: Arc::new(Local { node: self.node, view, digest, identity }),
            said: self.said,
            flaws: self.flaws,
            proven: self.proven,
            writes: self.writes,
            sent: self.sent,
        }
    }
}
