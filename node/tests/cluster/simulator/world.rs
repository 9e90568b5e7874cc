//! The world of the simulated nodes: clock, network and disks, all drawn from one seed.
//!
//! Everything that happens later waits in one queue ordered by time. A crash ends a life; what belonged to it (timers,
//! work, writes that were not yet durable, messages on the way in) falls away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalil_ledger::block::Attachment;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::{Answer, Effect, Event, Message, Notice, Persist, RequestId, Timer, Work};

use dalil_node::shell::home::NodeKeys;

use super::chain::Chain;
use super::node::{Conduct, Node};
use super::oracle::Oracle;
use super::rng::Rng;
use crate::support::{START_MS, VALIDATORS, domicile, key_of, signed_for};

/// What the network does to messages.
#[derive(Clone, Copy)]
pub struct Weather {
    pub delay_ms: (u64, u64),
    pub lost_per_mille: u64,
    pub twice_per_mille: u64,
}

/// A local network on a good day.
pub const FAIR: Weather = Weather { delay_ms: (1, 20), lost_per_mille: 0, twice_per_mille: 0 };
/// Loss, duplicates, and delays that reorder.
pub const FOUL: Weather = Weather { delay_ms: (1, 300), lost_per_mille: 100, twice_per_mille: 50 };

enum Item {
    Deliver { from: PublicKey, message: Box<Message> },
    Timer(Timer),
    Work(Work),
    Write(u64, Persist),
}

/// For a node's life; a delivery belongs to the life in which it was sent out.
struct Due {
    node: usize,
    life: u64,
    item: Item,
}

pub struct World {
    pub seed: u64,
    pub chain: Arc<Chain>,
    pub rng: Rng,
    pub now_ms: u64,
    pub weather: Weather,
    /// How long a piece of work takes, from and to.
    pub work_ms: (u64, u64),
    pub nodes: Vec<Node>,
    pub oracle: Oracle,
    /// Answers by request; a request of a crashed node gets none.
    pub answers: BTreeMap<RequestId, Vec<Answer>>,
    /// Faults that nodes saw in peers.
    pub scores: Vec<(usize, PublicKey, String)>,
    pub halts: Vec<(usize, String)>,
    /// Cosignatures that nodes refused.
    pub notices: Vec<(usize, String)>,
    /// Messages sent since the test last cleared it.
    pub sent: Vec<Message>,
    /// Directions in which nothing gets through.
    pub cut: BTreeSet<(usize, usize)>,
    queue: BTreeMap<(u64, u64), Due>,
    serial: u64,
    request: RequestId,
}

impl World {
    /// Four validators, all down.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, VALIDATORS)
    }

    /// Four validators, all up.
    pub fn up(seed: u64) -> Self {
        let mut world = Self::new(seed);
        world.start_all();
        world
    }

    /// `n` validators, all down.
    pub fn with(seed: u64, n: usize) -> Self {
        Self::on(seed, &Chain::of(n))
    }

    /// The validators of a chain, all down.
    pub fn on(seed: u64, chain: &Arc<Chain>) -> Self {
        let mut oracle = Oracle::default();
        let nodes: Vec<_> = chain.validators.iter().map(|keys| Node::new(chain, keys.clone())).collect();
        oracle.committed(&nodes[0].view());
        Self {
            seed,
            chain: chain.clone(),
            rng: Rng::new(seed),
            now_ms: START_MS + 1_000,
            weather: FAIR,
            work_ms: (0, 15),
            nodes,
            oracle,
            answers: BTreeMap::new(),
            scores: Vec::new(),
            halts: Vec::new(),
            notices: Vec::new(),
            sent: Vec::new(),
            cut: BTreeSet::new(),
            queue: BTreeMap::new(),
            serial: 0,
            request: 0,
        }
    }

    /// A further node that is no validator of genesis, with a home of its own; down. Returns its place.
    pub fn add_node(&mut self, keys: NodeKeys) -> usize {
        self.nodes.push(Node::new(&self.chain, keys));
        self.nodes.len() - 1
    }

    /// A further node without a consensus key; down.
    pub fn add_observer(&mut self, name: &str) -> usize {
        self.add_node(NodeKeys { network: key_of(&format!("network {name}")), validator: None })
    }

    /// From now on the oracle expects nothing of a node and of its key.
    pub fn expect_nothing_of(&mut self, node: usize) {
        self.nodes[node].conduct = Conduct::Byzantine;
        self.oracle.byzantine.extend(self.nodes[node].keys.consensus().map(|key| key.public()));
    }

    pub fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.is_up(node) {
                self.start(node);
            }
        }
    }

    pub fn start(&mut self, node: usize) {
        let now_ms = self.clock(node);
        self.nodes[node].disk_free_ms = self.now_ms;
        let effects = self.nodes[node].start(now_ms);
        self.carry_out(node, effects);
    }

    /// Power off: what was not durable is gone, and so are all that wait for an answer.
    pub fn crash(&mut self, node: usize) {
        self.nodes[node].running = None;
    }

    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].running.is_some()
    }

    pub fn clock(&self, node: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.nodes[node].clock_ahead_ms)
    }

    /// A certificate of domicile for this world's chain, signed now.
    pub fn domicile(&self, number: u64) -> SignedTransaction {
        signed_for(self.chain.id, crate::support::SDO.1, &domicile(number, self.now_ms), number, self.now_ms)
    }

    /// Hands a record to a node.
    pub fn submit(&mut self, node: usize, record: SignedTransaction, attachment: Option<Attachment>) -> RequestId {
        self.request += 1;
        let request = self.request;
        self.answers.insert(request, Vec::new());
        self.feed(node, Event::Submit { request, record: Box::new(record), attachment });
        request
    }

    /// A message from whoever holds the network key `from`, past all of its rules.
    pub fn inject(&mut self, from: PublicKey, to: usize, message: &Message) {
        let message = Box::new(Message::decode(&message.encode()).unwrap());
        let at = self.now_ms + 1;
        self.later(to, at, Item::Deliver { from, message });
    }

    /// Nothing passes between the groups.
    pub fn part(&mut self, one: &[usize], other: &[usize]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
            self.cut.extend([(a, b), (b, a)]);
        }
    }

    /// Nothing passes in this direction.
    pub fn cut_one_way(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    pub fn height(&self, node: usize) -> u64 {
        self.nodes[node].running.as_ref().map_or(0, |running| running.core.standing().height)
    }

    /// The only answer to a request, if it was answered.
    pub fn answer(&self, request: RequestId) -> Option<&Answer> {
        let answers = &self.answers[&request];
        assert!(answers.len() <= 1, "request {request} was answered {} times", answers.len());
        answers.first()
    }

    /// The code of a refusal, or `recorded`, or `none`.
    pub fn outcome(&self, request: RequestId) -> String {
        match self.answer(request) {
            None => "none".to_owned(),
            Some(Answer::Recorded { .. }) => "recorded".to_owned(),
            Some(Answer::Rejected(rejection)) => rejection.code.clone(),
        }
    }

    pub fn is_recorded(&self, request: RequestId) -> bool {
        self.outcome(request) == "recorded"
    }

    pub fn run_for(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.step(end) {}
        self.now_ms = end;
    }

    /// Runs until `done`, which must happen within `ms`.
    pub fn run_until(&mut self, ms: u64, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now_ms + ms;
        while !done(self) {
            if !self.step(end) {
                let standings: Vec<_> = (0..self.nodes.len()).map(|node| self.standing(node)).collect();
                panic!("seed {}: not within {ms} ms: {what}\n{}", self.seed, standings.join("\n"));
            }
        }
    }

    pub fn standing(&self, node: usize) -> String {
        match &self.nodes[node].running {
            None => format!("{node}: down"),
            Some(running) => format!("{node}: {:?}", running.core.standing()),
        }
    }

    /// Whether all running nodes have the same head, at least of `height`.
    pub fn agree_at(&self, height: u64) -> bool {
        let mut heads = self.nodes.iter().filter_map(|node| node.running.as_ref()).map(|it| it.core.standing());
        let Some(first) = heads.next() else { return false };
        first.height >= height && heads.all(|head| head.head == first.head)
    }

    /// What must hold at the end of a run in which all running nodes have caught up.
    pub fn check(&self) {
        assert!(self.halts.is_empty(), "seed {}: {:?}", self.seed, self.halts);
        for (place, node) in self.nodes.iter().enumerate() {
            let view = node.view();
            self.oracle.check_log(&view);
            if self.is_up(place) {
                self.oracle.check_complete(&view);
            }
        }
        for request in self.answers.keys() {
            self.answer(*request);
        }
    }

    fn step(&mut self, end: u64) -> bool {
        let Some(entry) = self.queue.first_entry() else { return false };
        let at = entry.key().0;
        if at > end {
            return false;
        }
        let due = entry.remove();
        self.now_ms = self.now_ms.max(at);
        if !self.is_up(due.node) || self.nodes[due.node].life != due.life {
            return true;
        }
        let event = match due.item {
            Item::Deliver { from, message } => {
                let sender = self.nodes.iter().position(|node| node.peer == from);
                if sender.is_some_and(|sender| self.cut.contains(&(sender, due.node))) {
                    return true;
                }
                Event::Message { from, message }
            }
            Item::Timer(timer) => Event::Timer(timer),
            Item::Work(work) => {
                let Some(running) = &self.nodes[due.node].running else { return true };
                Event::Done(running.workers.run(work))
            }
            Item::Write(seq, persist) => {
                let is_commit = matches!(persist, Persist::Commit { .. });
                self.nodes[due.node].write(persist);
                if is_commit && self.nodes[due.node].conduct == Conduct::Honest {
                    self.oracle.committed(&self.nodes[due.node].view());
                }
                Event::Persisted(seq)
            }
        };
        self.feed(due.node, event);
        true
    }

    fn feed(&mut self, node: usize, event: Event) {
        let now_ms = self.clock(node);
        let Some(running) = &mut self.nodes[node].running else { return };
        let effects = running.core.handle(event, now_ms);
        self.carry_out(node, effects);
    }

    fn later(&mut self, node: usize, at: u64, item: Item) {
        self.serial += 1;
        let life = self.nodes[node].life;
        self.queue.insert((at, self.serial), Due { node, life, item });
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist { seq, persist } => {
                    let at = self.nodes[node].disk_free_ms.max(self.now_ms) + self.rng.between(1, 6);
                    self.nodes[node].disk_free_ms = at;
                    self.later(node, at, Item::Write(seq, persist));
                }
                Effect::Send(peer, message) => self.send(node, Some(peer), &message),
                Effect::Broadcast(message) => self.send(node, None, &message),
                Effect::Arm { timer, after_ms } => self.later(node, self.now_ms + after_ms, Item::Timer(timer)),
                Effect::Work(work) => {
                    let at = self.now_ms + self.rng.between(self.work_ms.0, self.work_ms.1);
                    self.later(node, at, Item::Work(work));
                }
                Effect::Answer(request, answer) => {
                    if let Answer::Recorded { id, index, .. } = &answer {
                        self.oracle.acknowledged(*id, *index);
                    }
                    self.answers.entry(request).or_default().push(answer);
                }
                Effect::Publish(published) => {
                    if let Some(running) = &mut self.nodes[node].running {
                        running.published = Some(published);
                    }
                }
                Effect::Score(peer, fault) => self.scores.push((node, peer, fault)),
                Effect::Halt(reason) => self.halts.push((node, reason)),
                Effect::Log(Notice::BadCosignature(why)) => self.notices.push((node, why)),
                Effect::Log(_) => {}
            }
        }
    }

    /// Sends to whoever holds the key `peer`, or to everybody else.
    fn send(&mut self, from: usize, peer: Option<PublicKey>, message: &Message) {
        if self.nodes[from].conduct == Conduct::Honest {
            self.oracle.sent(message);
        }
        // What arrives went over the wire.
        let message = Message::decode(&message.encode()).unwrap();
        for to in 0..self.nodes.len() {
            if to != from && peer.is_none_or(|peer| self.nodes[to].peer == peer) {
                self.send_to(from, to, &message);
            }
        }
    }

    fn send_to(&mut self, from: usize, to: usize, message: &Message) {
        let weather = self.weather;
        let copies = if self.rng.chance(weather.twice_per_mille) { 2 } else { 1 };
        self.sent.push(message.clone());
        if self.cut.contains(&(from, to)) || !self.is_up(to) {
            return;
        }
        for _ in 0..copies {
            if !self.rng.chance(weather.lost_per_mille) {
                let at = self.now_ms + self.rng.between(weather.delay_ms.0, weather.delay_ms.1);
                let from = self.nodes[from].peer;
                self.later(to, at, Item::Deliver { from, message: Box::new(message.clone()) });
            }
        }
    }
}
