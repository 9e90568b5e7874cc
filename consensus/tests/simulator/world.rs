//! The simulated world: a clock, a network with faults, disks, and nodes that crash between any two writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalil_consensus::{
    Action, BlockDemand, EmptyBlocks, Event, HeightKnowledge, Message, Output, Persist, TimerId, Verdict,
};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind};

use super::chain::{CHAIN, Head, START_MS, build, decides, judge, records_of, validator_set};
use super::node::{Disk, Node, WriteOrder};
use super::oracle::Oracle;
use super::rng::Rng;

/// Blocks sent in answer to one request of block sync.
const SYNC_BLOCKS: u64 = 5;

/// What happens at a moment.
#[derive(Debug)]
pub enum Happening {
    Message { to: usize, from: usize, message: Message },
    Fetch { to: usize, asker: usize, id: Hash },
    Body { to: usize, block: Arc<Block> },
    Timer { node: usize, life: u64, id: TimerId },
    Written { node: usize, life: u64 },
    Checked { node: usize, life: u64, height: u64, parent: Hash, id: Hash, verdict: Verdict },
    Built { node: usize, life: u64, demand: BlockDemand },
    Committed { node: usize, life: u64 },
    SyncAsk { to: usize, asker: usize, height: u64 },
    Blocks { to: usize, blocks: Vec<(Arc<Block>, Certificate)> },
    Record { to: usize, number: u64 },
    Start { node: usize },
    Chaos,
}

/// What the network and the disks do to the nodes at present.
#[derive(Debug, Clone)]
pub struct Weather {
    pub delay_max_ms: u64,
    pub loss_per_mille: u64,
    pub duplicate_per_mille: u64,
    /// Chance of a crash at each write, half before and half after it.
    pub crash_per_mille: u64,
    pub write_max_ms: u64,
}

impl Weather {
    pub const CALM: Self =
        Self { delay_max_ms: 10, loss_per_mille: 0, duplicate_per_mille: 0, crash_per_mille: 0, write_max_ms: 3 };
    pub const STORM: Self =
        Self { delay_max_ms: 120, loss_per_mille: 120, duplicate_per_mille: 50, crash_per_mille: 8, write_max_ms: 5 };
}

/// Everything.
pub struct World {
    pub rng: Rng,
    pub now_ms: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    queued: u64,
    pub set: ValidatorSet,
    pub nodes: Vec<Node>,
    pub weather: Weather,
    /// Links that carry nothing, from node to node.
    pub cut: BTreeSet<(usize, usize)>,
    pub order: WriteOrder,
    pub oracle: Oracle,
    pub violation: Option<String>,
    pub submitted: u64,
    pub chaos: bool,
    /// Messages sent, by (validator, height), statuses apart.
    pub sent: usize,
    /// Lets a scenario drop messages: (from validator, to node, message) → whether it passes.
    pub filter: Option<Box<dyn Fn(usize, usize, &Message) -> bool>>,
    /// Crash this node right after it has released such a message.
    pub crash_after: Option<Box<dyn Fn(usize, &Message) -> bool>>,
    /// Crash this node just before such a write.
    pub crash_before_write: Option<Box<dyn Fn(usize, &Persist) -> bool>>,
    /// Places at which the equivocator acted already.
    pub acted: BTreeMap<(u64, u32), u32>,
    pub equivocator: Option<usize>,
    /// The node whose database is lost or rolled back now and then; its sign record is kept.
    pub rewound: Option<usize>,
    pub backup: Option<Disk>,
}

impl World {
    /// n honest validators, all up, with slightly different clocks.
    pub fn new(seed: u64, n: usize) -> Self {
        let mut world = Self::stopped(seed, n);
        for node in 0..n {
            world.start(node);
        }
        world
    }

    /// n honest validators that are not started.
    pub fn stopped(seed: u64, n: usize) -> Self {
        let set = validator_set(n);
        let mut rng = Rng::new(seed);
        let nodes = (0..n).map(|index| Node::new(index, rng.below(200))).collect();
        let oracle = Oracle::new(set.quorum());
        Self {
            rng,
            now_ms: START_MS,
            queue: BTreeMap::new(),
            queued: 0,
            set,
            nodes,
            weather: Weather::CALM,
            cut: BTreeSet::new(),
            order: WriteOrder::PersistThenSend,
            oracle,
            violation: None,
            submitted: 0,
            chaos: false,
            sent: 0,
            filter: None,
            crash_after: None,
            crash_before_write: None,
            rewound: None,
            backup: None,
            acted: BTreeMap::new(),
            equivocator: None,
        }
    }

    pub fn is_honest(&self, node: usize) -> bool {
        !self.oracle.byzantine.contains(&self.nodes[node].validator)
    }

    pub fn honest(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.is_honest(*node)).collect()
    }

    pub fn nodes_of(&self, validator: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].validator == validator).collect()
    }

    pub fn height(&self, node: usize) -> u64 {
        self.nodes[node].disk.head().height
    }

    pub fn heights(&self) -> Vec<u64> {
        self.honest().into_iter().map(|node| self.height(node)).collect()
    }

    /// Notes a broken promise; the first counts.
    pub fn check(&mut self, result: Result<(), String>) {
        if let Err(violation) = result {
            self.violation.get_or_insert(violation);
        }
    }

    pub fn at(&mut self, after_ms: u64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((self.now_ms + after_ms, self.queued), happening);
    }

    /// Sends over the network, with its faults.
    pub fn send(&mut self, from: usize, to: usize, make: impl Fn() -> Happening) {
        if from == to || self.cut.contains(&(from, to)) || self.rng.chance(self.weather.loss_per_mille) {
            return;
        }
        let copies = if self.rng.chance(self.weather.duplicate_per_mille) { 2 } else { 1 };
        for _ in 0..copies {
            let delay_ms = self.rng.between(1, self.weather.delay_max_ms);
            self.at(delay_ms, make());
        }
    }

    pub fn send_message(&mut self, from: usize, to: usize, message: &Message) {
        let validator = self.nodes[from].validator;
        if self.filter.as_ref().is_some_and(|passes| !passes(validator, to, message)) {
            return;
        }
        if !matches!(message, Message::Status(_)) {
            self.sent += 1;
        }
        self.send(from, to, || Happening::Message { to, from: validator, message: message.clone() });
    }

    /// Lets time pass. Stops at a violation.
    pub fn run_ms(&mut self, duration_ms: u64) {
        let end_ms = self.now_ms + duration_ms;
        self.run_while(end_ms, |_| true);
    }

    /// Lets time pass until `done` or for at most `limit_ms`; true if it was done.
    pub fn run_until(&mut self, limit_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end_ms = self.now_ms + limit_ms;
        self.run_while(end_ms, |world| !done(world));
        done(self)
    }

    fn run_while(&mut self, end_ms: u64, go_on: impl Fn(&Self) -> bool) {
        while self.violation.is_none() && go_on(self) {
            match self.queue.first_key_value() {
                Some(((at_ms, _), _)) if *at_ms <= end_ms => {}
                _ => break,
            }
            let Some(((at_ms, _), happening)) = self.queue.pop_first() else { break };
            self.now_ms = at_ms;
            self.happen(happening);
        }
        if self.violation.is_none() && go_on(self) {
            self.now_ms = end_ms;
        }
    }

    fn is_alive(&self, node: usize, life: u64) -> bool {
        self.nodes[node].engine.is_some() && self.nodes[node].life == life
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Message { to, from, message } if Some(to) == self.equivocator => {
                self.equivocate(to, from, &message)
            }
            Happening::Message { to, from, message } => {
                self.feed(to, Event::Message { from: Some(ValidatorIndex(from)), message });
            }
            Happening::Fetch { to, asker, id } => {
                if let Some(block) = self.nodes[to].body(&id) {
                    self.send(to, asker, || Happening::Body { to: asker, block: Arc::clone(&block) });
                }
            }
            Happening::Body { to, block } => {
                // Records of a received block count as held.
                let fresh: Vec<_> = records_of(&block).difference(&self.nodes[to].disk.recorded()).copied().collect();
                self.nodes[to].pool.extend(fresh);
                self.feed(to, Event::Block(block));
                self.feed_pending(to);
            }
            Happening::Timer { node, life, id } if self.is_alive(node, life) => self.feed(node, Event::Timer(id)),
            Happening::Written { node, life } if self.is_alive(node, life) => self.on_written(node),
            Happening::Checked { node, life, height, parent, id, verdict } if self.is_alive(node, life) => {
                self.feed(node, Event::BlockChecked { height, parent, id, verdict });
            }
            Happening::Built { node, life, demand } if self.is_alive(node, life) => self.on_built(node, demand),
            Happening::Committed { node, life } if self.is_alive(node, life) => self.on_committed(node),
            Happening::SyncAsk { to, asker, height } => {
                let disk = &self.nodes[to].disk;
                let blocks: Vec<_> = (height..height + SYNC_BLOCKS).filter_map(|at| disk.block(at).cloned()).collect();
                if !blocks.is_empty() {
                    self.send(to, asker, || Happening::Blocks { to: asker, blocks: blocks.clone() });
                }
            }
            Happening::Blocks { to, blocks } if self.nodes[to].engine.is_some() => self.on_blocks(to, &blocks),
            Happening::Record { to, number } => {
                if self.nodes[to].engine.is_some() && !self.nodes[to].disk.recorded().contains(&number) {
                    self.nodes[to].pool.insert(number);
                    self.feed_pending(to);
                }
            }
            Happening::Start { node } => self.start(node),
            Happening::Chaos => self.on_chaos(),
            _ => {}
        }
    }

    fn clock_ms(&self, node: usize) -> u64 {
        self.now_ms + self.nodes[node].clock_offset_ms
    }

    pub fn start(&mut self, node: usize) {
        if self.nodes[node].engine.is_some() || Some(node) == self.equivocator {
            return;
        }
        let (set, now_ms) = (self.set.clone(), self.clock_ms(node));
        match self.nodes[node].start(&set, now_ms) {
            Ok(outputs) => {
                self.carry_out(node, outputs);
                self.feed_pending(node);
            }
            Err(error) => self.check(Err(format!("node {node} cannot start: {error}"))),
        }
    }

    pub fn crash(&mut self, node: usize) {
        self.nodes[node].crash();
    }

    pub fn feed(&mut self, node: usize, event: Event) {
        let now_ms = self.clock_ms(node);
        if let Some(engine) = &mut self.nodes[node].engine {
            let outputs = engine.handle(event, now_ms);
            self.carry_out(node, outputs);
        }
    }

    pub fn feed_pending(&mut self, node: usize) {
        let pending = !self.nodes[node].pool.is_empty();
        self.feed(node, Event::RecordsPending(pending));
    }

    fn carry_out(&mut self, node: usize, outputs: Vec<Output>) {
        self.nodes[node].fifo.extend(outputs);
        self.pump(node);
    }

    fn pump(&mut self, node: usize) {
        let (actions, write) = self.nodes[node].released(self.order);
        let life = self.nodes[node].life;
        if write.is_some() {
            let delay_ms = self.rng.between(0, self.weather.write_max_ms);
            self.at(delay_ms, Happening::Written { node, life });
        }
        self.act_all(node, life, actions);
    }

    fn act_all(&mut self, node: usize, life: u64, actions: Vec<Action>) {
        for action in actions {
            if self.is_alive(node, life) {
                self.act(node, action);
            }
        }
    }

    fn on_written(&mut self, node: usize) {
        let next = self.nodes[node].fifo.front().and_then(|output| output.persist.as_ref());
        if let (Some(crash), Some(persist)) = (&self.crash_before_write, next)
            && crash(node, persist)
        {
            return self.crash(node);
        }
        let crash = self.is_honest(node) && self.rng.chance(self.weather.crash_per_mille);
        if crash && self.rng.chance(500) {
            return self.crash_for_a_while(node);
        }
        let (actions, seq) = self.nodes[node].written();
        if crash {
            return self.crash_for_a_while(node);
        }
        let life = self.nodes[node].life;
        self.act_all(node, life, actions);
        if self.is_alive(node, life) {
            self.feed(node, Event::Persisted(seq));
            self.pump(node);
        }
    }

    fn crash_for_a_while(&mut self, node: usize) {
        self.crash(node);
        let down_ms = self.rng.between(20, 1_500);
        self.at(down_ms, Happening::Start { node });
    }

    fn act(&mut self, node: usize, action: Action) {
        let life = self.nodes[node].life;
        match action {
            Action::Broadcast(message) => self.broadcast(node, &message),
            Action::SendTo(to, message) => {
                for to in self.nodes_of(to.0) {
                    self.send_message(node, to, &message);
                }
            }
            Action::ArmTimer { id, after_ms } => self.at(after_ms, Happening::Timer { node, life, id }),
            Action::FetchBlock { id, from, .. } => {
                let holder = self.rng.pick(&from).copied();
                for to in holder.map(|holder| self.nodes_of(holder.0)).unwrap_or_default() {
                    self.send(node, to, || Happening::Fetch { to, asker: node, id });
                }
            }
            Action::CheckBlock { height, parent, id, block } => {
                let head = self.nodes[node].disk.head();
                let verdict = judge(&head, &self.nodes[node].disk.recorded(), &block);
                let took_ms = self.rng.between(1, 10);
                self.at(took_ms, Happening::Checked { node, life, height, parent, id, verdict });
            }
            Action::BuildBlock(demand) => {
                let took_ms = self.rng.between(1, 10);
                self.at(took_ms, Happening::Built { node, life, demand });
            }
            Action::Decide { block, certificate } => {
                let height = block.header.height;
                let round = self.nodes[node].engine.as_ref().map_or(0, |engine| engine.round());
                if self.is_honest(node) {
                    let decided = self.oracle.decide(node, height, round, block.id(), certificate.subject.round);
                    self.check(decided);
                }
                self.nodes[node].committing = Some((block, certificate));
                let took_ms = self.rng.below(8);
                self.at(took_ms, Happening::Committed { node, life });
            }
            Action::Cosign(cosigned) => {
                let disk = &self.nodes[node].disk;
                let below = disk.chain.iter().position(|(block, _)| block.header.log_size() == cosigned.size);
                let height = below.map_or(1, |at| at as u64 + 2);
                if self.is_honest(node) {
                    let result = self.oracle.cosign(self.nodes[node].validator, height, cosigned);
                    self.check(result);
                }
            }
            Action::PeerBehind { who, height } => {
                if let Some(entry) = self.nodes[node].disk.block(height).cloned() {
                    for to in self.nodes_of(who.0) {
                        self.send(node, to, || Happening::Blocks { to, blocks: vec![entry.clone()] });
                    }
                }
            }
            Action::Behind { from, .. } => {
                let height = self.height(node) + 1;
                let helper = self.rng.pick(&from).copied();
                for to in helper.map(|helper| self.nodes_of(helper.0)).unwrap_or_default() {
                    self.send(node, to, || Happening::SyncAsk { to, asker: node, height });
                }
            }
            Action::AdvertiseRecords => {
                let numbers: Vec<_> = self.nodes[node].pool.iter().take(8).copied().collect();
                for to in 0..self.nodes.len() {
                    for number in numbers.iter().copied() {
                        self.send(node, to, || Happening::Record { to, number });
                    }
                }
            }
            Action::Evidence(evidence) => {
                let proven = evidence.verify(&self.set, &CHAIN).map_err(|error| error.to_string());
                self.check(proven);
                let signer = usize::from(evidence.signer);
                self.oracle.evidence.insert(signer);
                if !self.oracle.byzantine.contains(&signer) {
                    self.check(Err(format!("evidence against honest validator {signer}: {evidence:?}")));
                }
            }
            Action::Misbehaviour { from: Some(from), fault } if !self.oracle.byzantine.contains(&from.0) => {
                self.check(Err(format!("node {node} blames honest validator {}: {fault}", from.0)));
            }
            Action::Misbehaviour { .. } => {}
            Action::Halt { reason } if self.is_honest(node) => self.check(Err(format!("node {node} halts: {reason}"))),
            Action::Halt { .. } => {}
        }
    }

    fn broadcast(&mut self, node: usize, message: &Message) {
        let signer = match message {
            Message::Proposal(proposal) => Some(usize::from(proposal.signer)),
            Message::Vote(vote) => Some(usize::from(vote.signer)),
            _ => None,
        };
        if signer == Some(self.nodes[node].validator) {
            self.note_own(node, message);
        }
        for to in 0..self.nodes.len() {
            self.send_message(node, to, message);
        }
        if self.crash_after.as_ref().is_some_and(|crash| crash(node, message)) {
            self.crash(node);
        }
    }

    /// Shows the oracle what a key signed.
    pub fn note_own(&mut self, node: usize, message: &Message) {
        let sent = self.oracle.sent(message);
        self.check(sent);
        if let Message::Vote(vote) = message
            && vote.kind == VoteKind::Precommit
            && vote.subject.block.is_some()
        {
            let cosigned = self.oracle.head_was_cosigned(self.nodes[node].validator, vote.subject.height);
            self.check(cosigned);
        }
    }

    fn on_built(&mut self, node: usize, demand: BlockDemand) {
        let it = &self.nodes[node];
        let head = it.disk.head();
        let may = !it.pool.is_empty() || demand.empty == EmptyBlocks::Allowed;
        let block = (may && head.id == demand.parent)
            .then(|| build(&head, it.validator, demand.timestamp_ms, &it.pool, Hash::ZERO));
        let (height, round, parent) = (demand.height, demand.round, demand.parent);
        self.feed(node, Event::BlockBuilt { height, round, parent, block });
    }

    fn on_committed(&mut self, node: usize) {
        if let Some((block, certificate)) = self.nodes[node].committing.take() {
            self.commit(node, block, certificate, HeightKnowledge::Open);
        }
    }

    fn commit(&mut self, node: usize, block: Arc<Block>, certificate: Certificate, knowledge: HeightKnowledge) {
        let head = self.nodes[node].disk.head();
        if !decides(&self.set, &head, &block, &certificate) {
            return;
        }
        let crash = self.is_honest(node) && self.rng.chance(self.weather.crash_per_mille);
        if crash && self.rng.chance(500) {
            return self.crash_for_a_while(node);
        }
        for number in records_of(&block) {
            self.nodes[node].pool.remove(&number);
        }
        self.nodes[node].disk.commit(Arc::clone(&block), certificate);
        if crash {
            return self.crash_for_a_while(node);
        }
        let context = Head::of(&block).context(&self.set, knowledge);
        self.feed(node, Event::NewHeight(context));
        self.feed_pending(node);
    }

    fn on_blocks(&mut self, node: usize, blocks: &[(Arc<Block>, Certificate)]) {
        for (at, (block, certificate)) in blocks.iter().enumerate() {
            let head = self.nodes[node].disk.head();
            let valid = judge(&head, &self.nodes[node].disk.recorded(), block) == Verdict::Valid;
            if self.nodes[node].engine.is_none() || !valid || !decides(&self.set, &head, block, certificate) {
                continue;
            }
            if self.is_honest(node) {
                let round = certificate.subject.round;
                let decided = self.oracle.decide(node, block.header.height, round, block.id(), round);
                self.check(decided);
            }
            let last = at + 1 == blocks.len();
            let knowledge = if last { HeightKnowledge::Open } else { HeightKnowledge::Decided };
            self.commit(node, Arc::clone(block), certificate.clone(), knowledge);
        }
    }

    /// Hands a new record to some nodes.
    pub fn submit(&mut self, nodes: &[usize]) {
        self.submitted += 1;
        let number = self.submitted;
        for to in nodes.iter().copied() {
            self.at(1, Happening::Record { to, number });
        }
    }

    /// Where every node is, for a failure's report.
    pub fn describe(&self) -> String {
        let one = |node: &Node| match &node.engine {
            None => format!("validator {} is down", node.validator),
            Some(it) => {
                let valid = it.valid().map(|valid| (valid.block, valid.round));
                let (standing, commit) = (it.standing(), it.commit().map(|commit| commit.subject));
                let (height, round, pool) = (it.height(), it.round(), node.pool.len());
                format!(
                    "({height}, {round}) {standing:?} locked {:?} valid {valid:?} commit {commit:?} pool {pool}",
                    it.locked()
                )
            }
        };
        self.nodes.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// Calm weather, no cuts, everybody up.
    pub fn heal(&mut self) {
        self.chaos = false;
        self.weather = Weather::CALM;
        self.cut.clear();
        self.filter = None;
        self.crash_after = None;
        self.crash_before_write = None;
        for node in 0..self.nodes.len() {
            self.start(node);
        }
    }
}
