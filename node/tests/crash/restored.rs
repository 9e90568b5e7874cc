//! A real node that is far behind restores a snapshot, also when it is killed in the midst of it, and says of what it does
//! not hold that others do.

use std::time::Duration;

use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Question, Terms, verify_status};
use dalil_node::core::SyncSettings;
use dalil_node::shell::home::{Config, Home};

use crate::network::{NODES, Network, now_ms};
use crate::rng::Rng;

/// Blocks before the snapshot: far behind, by the settings below.
const BLOCKS: u64 = 24;
/// The node that restores.
const NEWCOMER: usize = 3;
/// How often it is killed while it restores.
const KILLS: u64 = 6;
/// The latest moment of such a kill after the start, in milliseconds: a start takes some tens of them, a restore fewer.
const KILLED_WITHIN_MS: u64 = 600;
/// The first certificate: its document, and what it is about.
const OLDEST: &str = "in.gov.wb.district-DOM-0000000000000000";
const HISTORY: &str = "/v1/history?subject=holder/00000000000000000000000000000000";
/// A snapshot of this little chain comes in several parts.
const SETTINGS: SyncSettings = SyncSettings { snapshot_after: 4, snapshot_every: 2, snapshot_part_bytes: 3_000 };

/// Four validators, of which three have come far without the fourth.
async fn three_of_four() -> Network {
    let network = Network::generate();
    for node in 0..NODES {
        let home = Home::at(network.home(node));
        home.write_config(&Config { sync: SETTINGS, ..home.config().unwrap() }).unwrap();
    }
    for node in (0..NODES).filter(|node| *node != NEWCOMER) {
        network.start(node);
    }
    network.ok(0, "/health/ready").await;
    for number in 0..BLOCKS {
        network.acknowledged(number as usize % NEWCOMER, number).await;
    }
    network
}

/// The newcomer says that others hold it, and they do.
async fn is_held_elsewhere(network: &Network, path: &str) {
    let (status, said) = network.json(NEWCOMER, path).await.unwrap();
    assert_eq!((status, said["code"].as_str()), (404, Some("not_held")), "{path}: {said}");
    assert_eq!(network.get(0, path).await.unwrap().0, 200, "{path}: no other node holds it");
}

async fn has_caught_up(network: &Network) {
    let height = network.height(0).await;
    network.wait_for_height(NEWCOMER, height).await;
    network.ok(NEWCOMER, "/health/ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_far_behind_restores_a_snapshot_and_says_what_it_does_not_hold() {
    let network = three_of_four().await;
    network.start(NEWCOMER);
    has_caught_up(&network).await;
    let said = network.log(NEWCOMER);
    assert!(said.contains("a snapshot was restored"), "it caught up by blocks:\n{said}");

    for path in ["/v1/records/1", "/v1/blocks/1", "/v1/receipts/inclusion?index=1", HISTORY] {
        is_held_elsewhere(&network, path).await;
    }
    // What is older than its log it proves the status of all the same.
    let receipt = network.ok(NEWCOMER, &format!("/v1/receipts/status?uri={OLDEST}")).await;
    let question = Question::Uri(OLDEST.parse().unwrap());
    let answer = verify_status(&receipt, &network.pin(), &question, Terms::now(now_ms())).unwrap();
    assert_eq!(answer.status, Status::Valid);
    // It takes part: with another node down the quorum needs it.
    network.kill(1);
    let index = network.acknowledged(NEWCOMER, 10_000).await;
    network.ok(NEWCOMER, &format!("/v1/receipts/inclusion?index={index}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_at_any_moment_goes_on() {
    let seed = now_ms();
    println!("SEED={seed}");
    let mut rng = Rng::new(seed);
    let network = three_of_four().await;
    for _ in 0..KILLS {
        network.start(NEWCOMER);
        let after_ms = rng.between(0, KILLED_WITHIN_MS);
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        network.kill(NEWCOMER);
    }
    network.start(NEWCOMER);
    has_caught_up(&network).await;
    network.kill(1);
    network.acknowledged(NEWCOMER, 10_000).await;
    let said = network.log(NEWCOMER);
    for trouble in ["ERROR", "panicked", "evidence"] {
        assert!(!said.contains(trouble), "seed {seed}: {trouble}\n{said}");
    }
}
