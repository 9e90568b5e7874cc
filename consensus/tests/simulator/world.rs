//! The simulated world: a clock, a network with faults, disks, and nodes that crash between any two writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalil_consensus::{BlockDemand, Event, Message, Persist, TimerId, Verdict};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet};

use super::chain::{START_MS, records_of, validator_set};
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

/// (from validator, to node, message) → whether it passes.
pub type Filter = Box<dyn Fn(usize, usize, &Message) -> bool>;
/// (node, message that left it) → whether it crashes now.
pub type MessageTrap = Box<dyn Fn(usize, &Message) -> bool>;
/// (node, next write) → whether it crashes before it.
pub type WriteTrap = Box<dyn Fn(usize, &Persist) -> bool>;

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
    /// Lets a scenario drop messages.
    pub filter: Option<Filter>,
    /// Crash this node right after it has released such a message.
    pub crash_after: Option<MessageTrap>,
    /// Crash this node just before such a write.
    pub crash_before_write: Option<WriteTrap>,
    /// Places at which the equivocator acted already.
    pub acted: BTreeMap<(u64, u32), u32>,
    pub equivocator: Option<usize>,
    /// Nodes that are not honest and halted.
    pub halted: BTreeSet<usize>,
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
            halted: BTreeSet::new(),
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

    pub fn is_alive(&self, node: usize, life: u64) -> bool {
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
            Happening::Record { to, number } if self.nodes[to].lacks(number) => {
                self.nodes[to].pool.insert(number);
                self.feed_pending(to);
            }
            Happening::Start { node } => self.start(node),
            Happening::Chaos => self.on_chaos(),
            _ => {}
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
