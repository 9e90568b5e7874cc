//! Validators are killed at random moments under load; everything that any client was told must still hold.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dalil_ledger::receipt::verify_inclusion;
use tokio::sync::RwLock;
use tokio::time::sleep;

use crate::network::{NODES, Network, Signed, now_ms};
use crate::oracle::{BUNDLE, Checkpoint, Told, bundle_path, unbundle};
use crate::rng::Rng;

/// Kills in `make test`.
const KILLS: u64 = 20;
/// Clients that submit records, each one after the other.
const CLIENTS: u64 = 5;
/// How long a submission waits for finality.
const WAIT_MS: u64 = 4_000;
/// Records whose fate a client does not know and submits again, at most.
const UNSETTLED_MAX: usize = 64;
/// After so many kills everything is looked at.
const CHECK_EVERY: u64 = 10;
/// How long the network may take to come to rest with everybody up.
const REST_WITHIN: Duration = Duration::from_secs(60);
/// How often checkpoints are asked for, and a recovery is looked for.
const WATCH_EVERY: Duration = Duration::from_millis(50);
const RECOVERY_EVERY: Duration = Duration::from_millis(10);

/// What no log may ever say: a node that signed twice, diverged, lost what it had synced, or broke.
const NEVER_LOGGED: [&str; 6] = ["panicked", "ERROR", "evidence", "votes no more", "lost its lock", "below height"];

struct World {
    network: Network,
    seed: u64,
    told: Mutex<Told>,
    /// Clients hold it while they submit; whoever writes has a network that nobody asks anything.
    load: RwLock<()>,
    ended: AtomicBool,
    numbers: AtomicU64,
    /// How often each node was started.
    lives: [AtomicU64; NODES],
    recoveries: Mutex<Vec<Duration>>,
    submitted: AtomicU64,
}

impl World {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Submits records to random nodes. What was not answered goes out again, to another node.
    async fn client(self: Arc<Self>, seed: u64) {
        let mut rng = Rng::new(seed);
        let mut unsettled: VecDeque<Signed> = VecDeque::new();
        while !self.is_over() {
            let _load = self.load.read().await;
            let again = if rng.chance(500) { unsettled.pop_front() } else { None };
            let signed = again.unwrap_or_else(|| self.network.signed(self.numbers.fetch_add(1, Ordering::Relaxed)));
            let node = rng.between(0, NODES as u64 - 1) as usize;
            self.submitted.fetch_add(1, Ordering::Relaxed);
            let path = format!("/v1/records?wait_ms={WAIT_MS}");
            let index = match self.network.try_post(node, &path, signed.body.clone()).await {
                Some((200, said)) => said["index"].as_u64(),
                Some((409, said)) => {
                    let detail = said["detail"].as_str().unwrap();
                    detail.strip_prefix("already recorded at log index ").map(|index| index.parse().unwrap())
                }
                Some((202 | 429 | 503, _)) => None,
                Some(other) => panic!("node {node} answers {other:?}:\n{}", self.network.log(node)),
                // It is down, or went down.
                None => {
                    sleep(RECOVERY_EVERY).await;
                    None
                }
            };
            match index {
                Some(index) => self.told.lock().unwrap().acknowledge(index, signed.entry),
                None if unsettled.len() < UNSETTLED_MAX => unsettled.push_back(signed),
                None => {}
            }
        }
    }

    /// Keeps every checkpoint that any node publishes.
    async fn watcher(self: Arc<Self>) {
        while !self.is_over() {
            for node in 0..NODES {
                if let Some((200, note)) = self.network.get(node, "/checkpoint").await {
                    self.told.lock().unwrap().notes.insert(String::from_utf8(note).unwrap());
                }
            }
            sleep(WATCH_EVERY).await;
        }
    }

    fn start(self: &Arc<Self>, node: usize, goal: u64) {
        let life = self.lives[node].fetch_add(1, Ordering::Relaxed) + 1;
        self.network.start(node);
        tokio::spawn(self.clone().recovery(node, life, goal, Instant::now()));
    }

    /// Measures the time until a node that was started serves a published head at height `goal` or beyond.
    async fn recovery(self: Arc<Self>, node: usize, life: u64, goal: u64, since: Instant) {
        while !self.is_over() && self.lives[node].load(Ordering::Relaxed) == life {
            if let Some((200, status)) = self.network.json(node, "/health/ready").await
                && status["height"].as_u64() >= Some(goal)
            {
                self.recoveries.lock().unwrap().push(since.elapsed());
                return;
            }
            sleep(RECOVERY_EVERY).await;
        }
    }

    /// Waits until all nodes have one head and have published it; returns the log's size.
    async fn rest(&self) -> u64 {
        let deadline = Instant::now() + REST_WITHIN;
        loop {
            let mut standings = Vec::new();
            for node in 0..NODES {
                standings.push(self.network.status(node).await);
            }
            let of = |name: &str| standings.iter().map(|it| it[name].clone()).collect::<Vec<_>>();
            let same = |values: Vec<serde_json::Value>| values.iter().all(|it| !it.is_null() && *it == values[0]);
            let published = standings.iter().all(|it| it["published"][0] == it["log_size"]);
            let quiet = standings.iter().all(|it| it["pending"] == 0);
            if same(of("head")) && published && quiet {
                return standings[0]["log_size"].as_u64().unwrap();
            }
            let logs = || (0..NODES).map(|node| self.network.log(node)).collect::<Vec<_>>().join("\n---\n");
            assert!(Instant::now() < deadline, "seed {}: no rest: {standings:#?}\n{}", self.seed, logs());
            sleep(WATCH_EVERY).await;
        }
    }

    /// A node's log, by its tiles.
    async fn log_of(&self, node: usize, size: u64) -> Vec<Vec<u8>> {
        let mut log = Vec::new();
        for index in 0..size.div_ceil(BUNDLE) {
            log.extend(unbundle(&self.network.ok(node, &bundle_path(index, size)).await));
        }
        assert_eq!(log.len() as u64, size);
        log
    }

    /// Everything that was told, held against every node. `receipts_from` is the first index whose receipt is new.
    async fn check(&self, receipts_from: u64) -> (u64, usize) {
        let _nobody_submits = self.load.write().await;
        let size = self.rest().await;
        let log = self.log_of(0, size).await;
        for node in 1..NODES {
            assert!(self.log_of(node, size).await == log, "seed {}: the log of node {node} differs", self.seed);
        }
        let pin = self.network.pin();
        let (acknowledged, lost) = {
            let told = self.told.lock().unwrap();
            told.check(&log);
            for note in &told.notes {
                assert!(pin.policy().verify(note.as_bytes(), u64::MAX, 0).is_ok(), "without its quorum: {note}");
            }
            (told.acknowledged.keys().copied().collect::<Vec<_>>(), told.lost(&log))
        };
        for index in acknowledged.into_iter().filter(|index| *index >= receipts_from) {
            let node = index as usize % NODES;
            let receipt = self.network.ok(node, &format!("/v1/receipts/inclusion?index={index}")).await;
            assert_eq!(verify_inclusion(&receipt, pin.policy(), now_ms()).unwrap().index, index);
        }
        for node in 0..NODES {
            let said = self.network.log(node);
            for never in NEVER_LOGGED {
                assert!(!said.contains(never), "seed {}: node {node} says {never:?}:\n{said}", self.seed);
            }
        }
        (size, lost)
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_killed_at_random_moments_lose_nothing_and_contradict_nothing() {
    let total = from_environment("KILLS", KILLS);
    let seed = from_environment("SEED", now_ms());
    println!("SEED={seed} KILLS={total}");
    let mut rng = Rng::new(seed);
    let world = Arc::new(World {
        network: Network::generate(),
        seed,
        told: Mutex::default(),
        load: RwLock::default(),
        ended: AtomicBool::new(false),
        numbers: AtomicU64::new(0),
        lives: Default::default(),
        recoveries: Mutex::default(),
        submitted: AtomicU64::new(0),
    });
    let began = Instant::now();
    for node in 0..NODES {
        world.start(node, 0);
    }
    let mut tasks = vec![tokio::spawn(world.clone().watcher())];
    tasks.extend((0..CLIENTS).map(|client| tokio::spawn(world.clone().client(seed ^ client))));

    let (mut kills, mut checked, mut receipts_from) = (0, 0, 0);
    let pause = |rng: &mut Rng, longest_ms| sleep(Duration::from_millis(rng.between(0, longest_ms)));
    while kills < total {
        pause(&mut rng, 700).await;
        let count = match rng.between(0, 9) {
            0 => NODES,
            1 | 2 => 2,
            _ => 1,
        };
        let first = rng.between(0, NODES as u64 - 1) as usize;
        let victims: Vec<usize> = (0..count).map(|step| (first + step) % NODES).collect();
        let mut goal = 0;
        for node in 0..NODES {
            goal = goal.max(world.network.height(node).await);
        }
        for node in &victims {
            world.network.kill(*node);
            kills += 1;
        }
        pause(&mut rng, 500).await;
        for node in victims {
            world.start(node, goal);
            // Also while it starts, which takes about so long.
            while rng.chance(300) && kills < total {
                pause(&mut rng, 150).await;
                world.network.kill(node);
                kills += 1;
                world.start(node, goal);
            }
        }
        if kills >= checked + CHECK_EVERY {
            checked = kills;
            receipts_from = world.check(receipts_from).await.0;
        }
    }
    let (size, lost) = world.check(0).await;
    world.ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let told = world.told.lock().unwrap();
    let mut recoveries = world.recoveries.lock().unwrap().clone();
    recoveries.sort();
    let sizes: std::collections::BTreeSet<u64> = told.notes.iter().map(|note| Checkpoint::parse(note).size).collect();
    let starts: u64 = world.lives.iter().map(|lives| lives.load(Ordering::Relaxed)).sum();
    println!("kills                  {kills}");
    println!("restarts               {}", starts - NODES as u64);
    println!("submissions            {}", world.submitted.load(Ordering::Relaxed));
    println!("records acknowledged   {}", told.acknowledged.len());
    println!("records lost           {lost}");
    println!("entries in the log     {size}");
    println!("checkpoints seen       {} over {} heads", told.notes.len(), sizes.len());
    println!("recoveries measured    {}", recoveries.len());
    println!("time to recovery       p50 {:?}, max {:?}", recoveries[recoveries.len() / 2], recoveries.last().unwrap());
    println!("seconds                {}", began.elapsed().as_secs());
    assert!(!told.acknowledged.is_empty() && sizes.len() > 1, "nothing happened");
}
