//! The world of the simulated nodes: one clock, one queue of what happens later, and everything drawn from one seed.
//!
//! A crash ends a life; what belonged to it (timers, work, writes that were not yet durable, messages on the way in) falls
//! away.

use std::collections::BTreeMap;
use std::sync::Arc;

use dalil_ledger::block::Attachment;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::{Answer, Effect, Event, Message, Notice, RequestId, Source, Timer, Work, executor};
use dalil_node::shell::home::NodeKeys;
use dalil_node::shell::workers::Workers;

use super::byzantine::{Adversary, Situation, Strategy};
use super::chain::Chain;
use super::disk::Completed;
use super::network::Cuts;
pub use super::network::{FAIR, FOUL, Weather};
use super::node::{Conduct, Node};
use super::oracle::Oracle;
use super::rng::Rng;
use super::trace::{self, Trace};
use crate::support::{START_MS, VALIDATORS, domicile, key_of, signed_for};

/// How long work takes, in milliseconds.
const WORK_MS: (u64, u64) = (0, 15);

enum Item {
    Deliver {
        from: usize,
        message: Box<Message>,
    },
    Injected {
        from: PublicKey,
        message: Box<Message>,
    },
    Timer(Timer),
    Work(Work),
    /// The oldest write of the disk is done.
    Written,
    Start,
}

/// Changes what a node sends, or keeps it back.
pub type Tamper = Box<dyn FnMut(Message) -> Option<Message>>;

/// For a node's life; a delivery belongs to the life in which it was sent out.
struct Due {
    node: usize,
    /// None if it outlives a crash.
    life: Option<u64>,
    item: Item,
}

/// How often the world did what a test asks of it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub delivered: u64,
    pub lost: u64,
    pub doubled: u64,
    pub cut_off: u64,
    pub crashes: u64,
    pub lost_writes: u64,
    pub torn_records: u64,
    pub full_disks: u64,
    pub synced_blocks: u64,
    pub evidence: u64,
    pub altered: u64,
}

pub struct World {
    pub seed: u64,
    pub chain: Arc<Chain>,
    workers: Arc<Workers>,
    pub rng: Rng,
    pub now_ms: u64,
    pub weather: Weather,
    /// How long a piece of work takes, from and to.
    pub work_ms: (u64, u64),
    pub nodes: Vec<Node>,
    pub oracle: Oracle,
    pub tally: Tally,
    pub trace: Option<Trace>,
    /// Answers by request; a request of a crashed node gets none.
    pub answers: BTreeMap<RequestId, Vec<Answer>>,
    /// Faults that nodes saw in peers.
    pub scores: Vec<(usize, PublicKey, String)>,
    pub halts: Vec<(usize, String)>,
    /// Cosignatures that nodes refused.
    pub notices: Vec<(usize, String)>,
    /// Messages sent since the test last cleared it; none if it does not want to know.
    pub sent: Vec<Message>,
    pub keep_sent: bool,
    pub cuts: Cuts,
    /// What nodes do to what they send.
    pub tamper: BTreeMap<usize, Tamper>,
    /// A node crashes when so many more writes are durable, before it is told of the last one.
    pub crash_after_writes: Option<(usize, u64)>,
    /// Snapshots that became a node's ledger, with their heights.
    pub restored: Vec<(usize, u64)>,
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
        let mut oracle = Oracle::new(chain.id, chain.genesis.origin.as_str());
        let workers = Workers::new(chain.genesis.parameters);
        let nodes: Vec<_> = chain.validators.iter().map(|keys| Node::new(chain, &workers, keys.clone())).collect();
        oracle.committed(None, &nodes[0].view(), &chain.genesis.validators);
        Self {
            seed,
            chain: chain.clone(),
            workers,
            rng: Rng::stream(seed, "world"),
            now_ms: START_MS + 1_000,
            weather: FAIR,
            work_ms: WORK_MS,
            nodes,
            oracle,
            tally: Tally::default(),
            trace: None,
            answers: BTreeMap::new(),
            scores: Vec::new(),
            halts: Vec::new(),
            notices: Vec::new(),
            sent: Vec::new(),
            keep_sent: true,
            cuts: Cuts::default(),
            tamper: BTreeMap::new(),
            crash_after_writes: None,
            restored: Vec::new(),
            queue: BTreeMap::new(),
            serial: 0,
            request: 0,
        }
    }

    /// A further node that is no validator of genesis, with a home of its own; down. It dials the validators of genesis;
    /// they let it in once the chain names it. Returns its place.
    pub fn add_node(&mut self, keys: NodeKeys) -> usize {
        let mut node = Node::new(&self.chain, &self.workers, keys);
        node.configured = self.chain.validators.iter().map(|keys| keys.network.public()).collect();
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A further node without a consensus key, known to all operators; down.
    pub fn add_observer(&mut self, name: &str) -> usize {
        let place = self.add_node(NodeKeys { network: key_of(&format!("network {name}")), validator: None });
        let peer = self.nodes[place].peer;
        self.nodes.iter_mut().for_each(|node| node.configured.extend([peer]));
        place
    }

    /// Whether each lets the other in.
    pub fn are_connected(&self, one: usize, other: usize) -> bool {
        let lets_in = |node: &Node, peer| node.admitted.contains(peer) || node.configured.contains(peer);
        let (one, other) = (&self.nodes[one], &self.nodes[other]);
        lets_in(one, &other.peer) && lets_in(other, &one.peer)
    }

    /// A second node with the keys of another, each with a disk of its own; down. Nothing is expected of either.
    pub fn add_twin(&mut self, of: usize) -> usize {
        let twin = self.add_node(self.nodes[of].keys.clone());
        self.expect_nothing_of(of);
        self.expect_nothing_of(twin);
        twin
    }

    /// From now on the oracle expects nothing of a node and of its key.
    pub fn expect_nothing_of(&mut self, node: usize) {
        self.nodes[node].conduct = Conduct::Byzantine;
        self.oracle.byzantine.extend(self.nodes[node].consensus);
    }

    /// What the core of a node sends leaves as the strategy has it.
    pub fn corrupt(&mut self, node: usize, strategy: Strategy) {
        self.expect_nothing_of(node);
        let rng = Rng::stream(self.seed, &format!("adversary {node}"));
        self.nodes[node].adversary = Some(Box::new(Adversary::new(strategy, rng)));
    }

    pub fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
    }

    /// Starts a node that is down. One that refuses although it kept the rules breaks them.
    pub fn start(&mut self, node: usize) {
        if self.is_up(node) {
            return;
        }
        self.note(|| format!("n{node} starts"));
        let now_ms = self.clock(node);
        match self.nodes[node].start(now_ms) {
            Ok(effects) => self.carry_out(node, effects),
            Err(why) if self.nodes[node].is_honest() => {
                self.oracle.judge(Err(format!("node {node} refuses to start: {why}")));
            }
            Err(_) => {}
        }
    }

    /// Starts a node so much later, unless it is up by then.
    pub fn start_in(&mut self, node: usize, ms: u64) {
        self.put(self.now_ms + ms, Due { node, life: None, item: Item::Start });
    }

    /// Power off: what was not durable is gone, and so are all that wait for an answer.
    pub fn crash(&mut self, node: usize) {
        if self.nodes[node].running.take().is_some() {
            let disk = &mut self.nodes[node].disk;
            let lost = disk.lose();
            let torn = disk.beside.is_some();
            self.tally.crashes += 1;
            self.tally.lost_writes += u64::from(lost > 0);
            self.tally.torn_records += u64::from(torn);
            self.nodes[node].crash_after_effects = None;
            self.note(|| format!("n{node} crashes, {lost} writes are lost"));
        }
    }

    /// The process ends after some of the writes that were under way are done: they are durable, and nobody was told.
    pub fn crash_late(&mut self, node: usize) {
        if self.is_up(node) {
            for _ in 0..self.rng.between(0, self.nodes[node].disk.waiting() as u64) {
                self.complete_write(node);
            }
            self.crash(node);
        }
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
        self.note(|| format!("n{node} is handed record {}", &record.id().to_string()[..6]));
        self.feed(node, Event::Submit { request, record: Box::new(record), attachment });
        request
    }

    /// A message from whoever holds the network key `from`, past all of its rules.
    pub fn inject(&mut self, from: PublicKey, to: usize, message: &Message) {
        self.oracle.sent(None, false, message);
        let message = Box::new(Message::decode(&message.encode()).unwrap());
        let at = self.now_ms + 1;
        self.later(to, at, Item::Injected { from, message });
    }

    /// Nothing passes between the groups.
    pub fn part(&mut self, one: &[usize], other: &[usize]) {
        self.cuts.part(one, other);
    }

    /// Nothing passes in this direction.
    pub fn cut_one_way(&mut self, from: usize, to: usize) {
        self.cuts.one_way(from, to);
    }

    pub fn heal(&mut self) {
        self.cuts.heal();
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
        self.run_to(self.now_ms + ms);
        self.assert_clean();
    }

    /// Runs to a moment, or to the first broken rule.
    pub fn run_to(&mut self, end: u64) {
        while self.oracle.violation().is_none() && self.step(end) {}
        self.now_ms = self.now_ms.max(end);
    }

    /// Runs until `done`, which must happen within `ms`.
    pub fn run_until(&mut self, ms: u64, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now_ms + ms;
        while !done(self) {
            self.assert_clean();
            if !self.step(end) {
                panic!("seed {}: not within {ms} ms: {what}\n{}", self.seed, self.standings());
            }
        }
        self.assert_clean();
    }

    fn assert_clean(&self) {
        if let Some(violation) = self.oracle.violation() {
            panic!("seed {}: {violation}", self.seed);
        }
    }

    pub fn standings(&self) -> String {
        (0..self.nodes.len()).map(|node| self.standing(node)).collect::<Vec<_>>().join("\n")
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
    pub fn check(&mut self) {
        assert!(self.halts.is_empty(), "seed {}: {:?}", self.seed, self.halts);
        self.check_disks(u64::MAX);
        self.assert_clean();
        for request in self.answers.keys() {
            self.answer(*request);
        }
    }

    /// Shows the disks of honest nodes to the oracle; those that are up must lack nothing of the first `size` entries.
    pub fn check_disks(&mut self, size: u64) {
        for node in self.nodes.iter().filter(|node| node.is_honest()) {
            let view = node.view();
            if node.running.is_some() {
                self.oracle.check_complete(&view, size);
            } else {
                self.oracle.check_prefix(&view);
            }
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
        let node = due.node;
        if due.life.is_some_and(|life| life != self.nodes[node].life || !self.is_up(node)) {
            return true;
        }
        match due.item {
            Item::Deliver { from, message } => self.deliver(from, node, message),
            Item::Injected { from, message } => self.feed(node, Event::Message { from, message }),
            Item::Timer(timer) => self.feed(node, Event::Timer(timer)),
            Item::Work(work) => {
                let done = self.nodes[node].running.as_ref().map(|running| running.workers.run(work));
                if let Some(done) = done {
                    self.feed(node, Event::Done(done));
                }
            }
            Item::Written => {
                let done = self.complete_write(node);
                if let Some((_, left)) = self.crash_after_writes.as_mut().filter(|(victim, _)| *victim == node) {
                    *left -= 1;
                    if *left == 0 {
                        self.crash_after_writes = None;
                        self.crash(node);
                        return true;
                    }
                }
                if let Some(seq) = done {
                    self.feed(node, Event::Persisted(seq));
                }
            }
            Item::Start => self.start(node),
        }
        true
    }

    /// Makes a node's oldest write durable and returns its number; a full disk ends the process.
    fn complete_write(&mut self, node: usize) -> Option<u64> {
        let running = self.nodes[node].running.as_ref()?;
        let ledger = running.ledger.clone();
        match self.nodes[node].disk.complete(&ledger)? {
            Completed::Full => {
                self.tally.full_disks += 1;
                self.note(|| format!("n{node} has no room"));
                self.stop(node);
                None
            }
            Completed::Durable { seq, committed } => {
                if committed {
                    let view = ledger.view().unwrap();
                    let next = executor::next_validators(&view).unwrap();
                    if self.nodes[node].is_honest() {
                        self.oracle.committed(self.nodes[node].consensus, &view, &next);
                    } else {
                        self.oracle.decides(view.head().height + 1, &next);
                    }
                }
                Some(seq)
            }
        }
    }

    /// A crash from within; the process is started again later.
    fn stop(&mut self, node: usize) {
        self.crash(node);
        self.start_in(node, self.nodes[node].down_ms);
    }

    fn deliver(&mut self, from: usize, to: usize, message: Box<Message>) {
        if self.cuts.hold(from, to) {
            self.tally.cut_off += 1;
            return;
        }
        self.tally.delivered += 1;
        self.note(|| format!("n{to} <- n{from} {}", trace::message(&message)));
        let peer = self.nodes[from].peer;
        if let Some(mut adversary) = self.nodes[to].adversary.take() {
            let said = self.situation(to).map(|situation| adversary.hear(&situation, &peer, &message));
            self.nodes[to].adversary = Some(adversary);
            self.say(to, said.unwrap_or_default());
        }
        self.feed(to, Event::Message { from: peer, message });
    }

    fn feed(&mut self, node: usize, event: Event) {
        let now_ms = self.clock(node);
        let Some(running) = &mut self.nodes[node].running else { return };
        let effects = running.core.handle(event, now_ms);
        self.carry_out(node, effects);
    }

    fn later(&mut self, node: usize, at: u64, item: Item) {
        let life = Some(self.nodes[node].life);
        self.put(at, Due { node, life, item });
    }

    fn put(&mut self, at: u64, due: Due) {
        self.serial += 1;
        self.queue.insert((at, self.serial), due);
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match &mut self.nodes[node].crash_after_effects {
                Some(0) => {
                    self.stop(node);
                    return;
                }
                Some(left) => *left -= 1,
                None => {}
            }
            self.carry_out_one(node, effect);
        }
    }

    fn carry_out_one(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Persist { seq, persist } => {
                self.note(|| format!("n{node} {}", trace::persist(&persist)));
                let disk = &mut self.nodes[node].disk;
                let write_ms = self.rng.between(disk.write_ms.0, disk.write_ms.1);
                let at = disk.ask(seq, persist, self.now_ms, write_ms);
                self.later(node, at, Item::Written);
            }
            Effect::Send(peer, message) => self.send(node, Some(peer), message),
            Effect::Broadcast(message) => self.send(node, None, message),
            Effect::Arm { timer, after_ms } => self.later(node, self.now_ms + after_ms, Item::Timer(timer)),
            Effect::Work(work) => {
                let at = self.now_ms + self.rng.between(self.work_ms.0, self.work_ms.1);
                self.later(node, at, Item::Work(work));
            }
            Effect::Answer(request, answer) => {
                if let (Answer::Recorded { id, index, .. }, true) = (&answer, self.nodes[node].is_honest()) {
                    self.oracle.acknowledged(*id, *index);
                }
                self.answers.entry(request).or_default().push(answer);
            }
            Effect::Publish(published) => {
                if self.nodes[node].is_honest() {
                    self.oracle.published(&published.note);
                }
                if let Some(running) = &mut self.nodes[node].running {
                    running.published = Some(published);
                }
            }
            Effect::Admit(peers) => self.nodes[node].admitted = peers,
            Effect::Score(peer, fault) => self.score(node, peer, fault),
            Effect::Halt(reason) => {
                self.note(|| format!("n{node} halts: {reason}"));
                self.halts.push((node, reason));
            }
            Effect::Log(notice) => self.notice(node, notice),
        }
    }

    /// A fault that one message shows is never found in a node that keeps the rules.
    fn score(&mut self, node: usize, peer: PublicKey, fault: String) {
        let blamed = self.nodes.iter().position(|it| it.peer == peer);
        let wronged = blamed.filter(|blamed| self.nodes[*blamed].is_honest() && self.is_up(*blamed));
        if let Some(wronged) = wronged.filter(|_| self.nodes[node].is_honest()) {
            self.oracle
                .judge(Err(format!("node {node} finds fault with node {wronged}, which kept the rules: {fault}")));
        }
        self.scores.push((node, peer, fault));
    }

    fn notice(&mut self, node: usize, notice: Notice) {
        match notice {
            Notice::BadCosignature(why) => self.notices.push((node, why)),
            Notice::Evidence(_) => self.tally.evidence += u64::from(self.nodes[node].is_honest()),
            Notice::Restored { height, .. } => self.restored.push((node, height)),
            Notice::Committed { source: Source::Sync, .. } => self.tally.synced_blocks += 1,
            _ => {}
        }
    }

    /// Sends to whoever holds the key `peer`, or to everybody else.
    fn send(&mut self, from: usize, peer: Option<PublicKey>, message: Message) {
        let Some(mut adversary) = self.nodes[from].adversary.take() else {
            self.spread(from, peer, &message);
            return;
        };
        let said = self.situation(from).map(|situation| adversary.say(&situation, peer, &message));
        self.nodes[from].adversary = Some(adversary);
        // What is said on the way up, before there is a core, is lost.
        self.say(from, said.unwrap_or_default());
    }

    fn say(&mut self, from: usize, said: Vec<(Option<PublicKey>, Message)>) {
        for (peer, message) in said {
            self.tally.altered += 1;
            self.spread(from, peer, &message);
        }
    }

    fn situation(&self, node: usize) -> Option<Situation<'_>> {
        let peers = self.nodes.iter().map(|it| it.peer).filter(|peer| *peer != self.nodes[node].peer).collect();
        Some(Situation {
            chain: &self.chain,
            key: self.nodes[node].secret()?,
            ledger: &self.nodes[node].running.as_ref()?.ledger,
            now_ms: self.clock(node),
            peers,
        })
    }

    fn spread(&mut self, from: usize, peer: Option<PublicKey>, message: &Message) {
        let altered = self.tamper.get_mut(&from).map(|tamper| tamper(message.clone()));
        let message = match &altered {
            Some(None) => return,
            Some(Some(altered)) => altered,
            None => message,
        };
        let sender = &self.nodes[from];
        self.oracle.sent(sender.honest_key(), sender.is_honest(), message);
        // What arrives went over the wire.
        let message = Message::decode(&message.encode()).unwrap();
        for to in 0..self.nodes.len() {
            if to != from && peer.is_none_or(|peer| self.nodes[to].peer == peer) && self.are_connected(from, to) {
                self.send_to(from, to, &message);
            }
        }
    }

    fn send_to(&mut self, from: usize, to: usize, message: &Message) {
        if self.keep_sent {
            self.sent.push(message.clone());
        }
        let arrivals = self.weather.arrivals(&mut self.rng);
        if self.cuts.hold(from, to) {
            self.tally.cut_off += 1;
            return;
        }
        if !self.is_up(to) {
            return;
        }
        match arrivals.len() {
            0 => self.tally.lost += 1,
            1 => {}
            _ => self.tally.doubled += 1,
        }
        for after_ms in arrivals {
            let at = self.now_ms + after_ms;
            self.later(to, at, Item::Deliver { from, message: Box::new(message.clone()) });
        }
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.line(self.now_ms - START_MS, &line());
        }
    }
}
