//! The sign record's life (consensus.md, "Persist, then send"): what a node does with one that is damaged, old, ahead,
//! another's or missing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dalil_consensus::SignRecord;

use crate::network::{NODES, Network};

/// The node whose sign record is tampered with.
const VICTIM: usize = 3;

/// Counter of signatures and time of the newest cosignature.
type Version = (u64, u64);

/// Reads a sign record again and again and keeps every version that it saw.
struct Keeper {
    ended: Arc<AtomicBool>,
    reader: JoinHandle<BTreeMap<Version, Vec<u8>>>,
}

impl Keeper {
    fn of(path: PathBuf) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let until = ended.clone();
        let reader = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !until.load(Ordering::Relaxed) {
                let bytes = std::fs::read(&path).unwrap();
                seen.entry(version(&SignRecord::decode(&bytes).unwrap())).or_insert(bytes);
            }
            seen
        });
        Self { ended, reader }
    }

    fn versions(self) -> BTreeMap<Version, Vec<u8>> {
        self.ended.store(true, Ordering::Relaxed);
        self.reader.join().unwrap()
    }
}

fn version(record: &SignRecord) -> Version {
    (record.counter(), record.cosigned().map_or(0, |cosigned| cosigned.time_s))
}

fn path(network: &Network) -> PathBuf {
    network.home(VICTIM).join("sign-record")
}

fn record(network: &Network) -> SignRecord {
    SignRecord::decode(&std::fs::read(path(network)).unwrap()).unwrap()
}

fn says(network: &Network, words: &[&str]) {
    let said = network.refusal(VICTIM);
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
}

fn dalil_key(network: &Network, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
    let done = command.arg("key").args(arguments).arg("--home").arg(network.home(VICTIM)).output().unwrap();
    (done.status.success(), String::from_utf8(done.stderr).unwrap())
}

/// The key signs: with another node down the quorum needs it. Nobody saw it sign twice.
async fn signs(network: &Network, number: u64) {
    network.kill(0);
    network.acknowledged(1, number).await;
    network.start(0);
    network.ok(0, "/health/ready").await;
    for node in 0..NODES {
        let said = network.log(node);
        assert!(!said.contains("evidence") && !said.contains("panicked"), "node {node}:\n{said}");
    }
}

async fn record_some(network: &Network, from: u64, count: u64) {
    for number in from..from + count {
        network.acknowledged(number as usize % VICTIM, number).await;
    }
    let height = network.height(0).await;
    network.wait_for_height(VICTIM, height).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_record_that_is_damaged_or_not_its_own_is_refused() {
    let network = Network::generate();
    network.up().await;
    record_some(&network, 0, 3).await;
    network.kill(VICTIM);
    let kept = std::fs::read(path(&network)).unwrap();
    for at in [0, kept.len() / 2, kept.len() - 1] {
        std::fs::write(path(&network), &kept[..at]).unwrap();
        says(&network, &["damaged", "do not recreate it", "dalil key move"]);
        let mut altered = kept.clone();
        altered[at] ^= 1;
        std::fs::write(path(&network), &altered).unwrap();
        says(&network, &["damaged", "do not recreate it", "dalil key move"]);
    }
    std::fs::write(path(&network), std::fs::read(network.home(0).join("sign-record")).unwrap()).unwrap();
    says(&network, &["is of key", "put the right file in place"]);
    let other = Network::generate();
    std::fs::write(path(&network), std::fs::read(path(&other)).unwrap()).unwrap();
    says(&network, &["is of chain", "put the right one of the two in place"]);
    std::fs::remove_file(path(&network)).unwrap();
    says(&network, &["no sign record", "never created at start", "dalil key move"]);
    std::fs::write(path(&network), kept).unwrap();
    network.start(VICTIM);
    network.ok(VICTIM, "/health/ready").await;
    signs(&network, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_sign_record_counts_as_signed_what_the_database_announced_and_no_more() {
    let network = Network::generate();
    network.up().await;
    let keeper = Keeper::of(path(&network));
    record_some(&network, 0, 12).await;
    network.kill(VICTIM);
    let versions = keeper.versions();
    let newest = record(&network).counter();
    let copy = |behind: u64| {
        let of_counter = versions.range((newest - behind, 0)..=(newest - behind, u64::MAX)).next_back();
        of_counter.map(|(_, bytes)| bytes.clone())
    };
    // Several signatures behind: an old copy.
    let old = (2..newest).filter_map(copy).next().unwrap();
    std::fs::write(path(&network), old).unwrap();
    says(&network, &["the record is an old copy", "declare the key moved"]);
    // One behind: a crash between the two writes.
    let one_behind = copy(1).unwrap();
    std::fs::write(path(&network), one_behind).unwrap();
    network.start(VICTIM);
    network.ok(VICTIM, "/health/ready").await;
    assert!(record(&network).counter() >= newest, "what the database announced is entered");
    signs(&network, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_record_an_hour_old_at_the_same_idle_height_contradicts_nothing() {
    let network = Network::generate_with(|parameters| parameters.cosign_interval_ms = 500);
    network.up().await;
    record_some(&network, 0, 2).await;
    let size = network.status(VICTIM).await["log_size"].as_u64().unwrap();
    while record(&network).cosigned().is_none_or(|cosigned| cosigned.size < size) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let keeper = Keeper::of(path(&network));
    let before = record(&network);
    for _ in 0..4 {
        let time_s = record(&network).cosigned().unwrap().time_s;
        while record(&network).cosigned().unwrap().time_s == time_s {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    network.kill(VICTIM);
    let versions = keeper.versions();
    let newest = record(&network).cosigned().unwrap();
    assert_eq!(newest.size, size, "the chain is idle");
    let (&(counter, time_s), oldest) = versions.first_key_value().unwrap();
    assert!(counter == before.counter() && time_s + 3 < newest.time_s, "only cosignatures lie between");
    std::fs::write(path(&network), oldest).unwrap();
    network.start(VICTIM);
    network.ok(VICTIM, "/health/ready").await;
    while record(&network).cosigned().unwrap().time_s <= newest.time_s {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(record(&network).cosigned().unwrap().root, newest.root);
    signs(&network, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_resume_with_fresh_data_directories() {
    let network = Network::generate();
    network.up().await;
    record_some(&network, 0, 6).await;
    for node in [2, VICTIM] {
        network.kill(node);
    }
    let floor = record(&network).floor();
    assert!(floor > 2, "floor {floor}: the record is ahead of an empty database");
    for node in [2, VICTIM] {
        std::fs::remove_dir_all(network.home(node).join("data")).unwrap();
        network.start(node);
    }
    network.wait_for_log(VICTIM, "where it signed before").await;
    network.ok(VICTIM, "/health/ready").await;
    network
        .wait_for_status(VICTIM, "signing", |it| it["signing"].as_str().is_some_and(|it| it.starts_with("yes")))
        .await;
    assert!(record(&network).floor() >= floor, "the floor never sinks");
    signs(&network, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_at_or_below_the_tip_is_raised() {
    let network = Network::generate();
    network.up().await;
    let keeper = Keeper::of(path(&network));
    record_some(&network, 0, 6).await;
    network.kill(VICTIM);
    let tip = network.height(0).await;
    let newest = record(&network);
    // The newest copy with a lower floor that is not an old copy by its count.
    let decode = |bytes: &Vec<u8>| SignRecord::decode(bytes).unwrap();
    let versions = keeper.versions();
    let mut lower = versions.values().filter(|it| decode(it).floor() < newest.floor() && decode(it).floor() <= tip);
    if let Some(bytes) = lower.rfind(|it| decode(it).counter() + 1 >= newest.counter()) {
        std::fs::write(path(&network), bytes).unwrap();
    }
    network.start(VICTIM);
    network.ok(VICTIM, "/health/ready").await;
    assert_eq!(record(&network).floor(), tip + 1);
    signs(&network, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_on_a_fresh_machine_stays_silent_until_two_more_heights_are_decided() {
    let network = Network::generate();
    network.up().await;
    record_some(&network, 0, 3).await;
    network.kill(VICTIM);
    // The disk is gone; keys, configuration and genesis come from a backup, a sign record never does.
    for gone in ["data", "sign-record"] {
        let path = network.home(VICTIM).join(gone);
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }
    says(&network, &["no sign record", "dalil key move"]);
    let (moved, said) = dalil_key(&network, &["move"]);
    assert!(moved, "{said}");
    let (again, said) = dalil_key(&network, &["move"]);
    assert!(!again && said.contains("not new to this machine"), "{said}");
    network.start(VICTIM);
    let height = network.height(0).await;
    network.wait_for_height(VICTIM, height).await;
    let quarantined =
        |status: &serde_json::Value| status["signing"].as_str().is_some_and(|it| it.starts_with("not yet"));
    network.wait_for_status(VICTIM, "quarantined", quarantined).await;
    let (lifted, said) = dalil_key(&network, &["lift", "--no-other-copy"]);
    assert!(!lifted && said.contains("stop that node first"), "{said}");
    // Where the others are at `height + 1`, that height and two more are decided without it.
    network
        .wait_for_status(VICTIM, "told by a quorum", |_| {
            matches!(record(&network).quarantine(), dalil_consensus::Quarantine::Until(_))
        })
        .await;
    for number in 10..13 {
        assert!(quarantined(&network.status(VICTIM).await), "signs before its time");
        assert_eq!(record(&network).counter(), 0);
        record_some(&network, number, 1).await;
    }
    network
        .wait_for_status(VICTIM, "signing", |it| it["signing"].as_str().is_some_and(|it| it.starts_with("yes")))
        .await;
    signs(&network, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_override_of_the_quarantine_is_logged() {
    let network = Network::generate();
    network.up().await;
    record_some(&network, 0, 3).await;
    network.kill(VICTIM);
    let (lifted, said) = dalil_key(&network, &["lift", "--no-other-copy"]);
    assert!(!lifted && said.contains("not in quarantine"), "{said}");
    std::fs::remove_file(path(&network)).unwrap();
    assert!(dalil_key(&network, &["move"]).0);
    let (lifted, said) = dalil_key(&network, &["lift"]);
    assert!(!lifted && said.contains("--no-other-copy"), "the operator must declare it: {said}");
    let (lifted, said) = dalil_key(&network, &["lift", "--no-other-copy"]);
    assert!(lifted, "{said}");
    network.start(VICTIM);
    network.wait_for_log(VICTIM, "an operator lifted the quarantine").await;
    network.ok(VICTIM, "/health/ready").await;
    signs(&network, 10).await;
}
