//! Outages from which other chains did not come back (consensus.md, "Failures that must be tests", met by others).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dalil_node::shell::http::connections::connections_allowed;
use tokio::task::JoinSet;

use crate::network::{NODES, Network};

/// Rounds without a decision before the restart.
const ROUNDS: u64 = 1_000;
/// Clients that wait for the end of their record while the quorum is lost.
const WAITING: u64 = 1_500;
/// Connections that ask for something and never read, or never even ask.
const IDLE_CONNECTIONS: usize = 300;
/// Descriptors of a process on a small system, which leave room for 76 clients, and connections that a crowd opens to it.
const DESCRIPTORS: usize = 1_100;
const CROWD: usize = 600;
const CONNECT_WITHIN: Duration = Duration::from_millis(20);
/// Blocks that a node is behind.
const BLOCKS_BEHIND: u64 = 150;

async fn rounds(network: &Network, node: usize) -> u64 {
    network.status(node).await["round"].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_after_a_thousand_rounds_is_quick() {
    // No time to propose in, and every proposal is too old when it comes: every round ends with nil.
    let network = Network::generate_with(|parameters| {
        parameters.clock_drift_ms = 0;
        parameters.timeouts.propose_ms = 0;
        parameters.timeouts.prevote_ms = 1;
        parameters.timeouts.precommit_ms = 1;
        parameters.timeouts.delta_ms = 0;
        parameters.timeouts.rebroadcast_ms = 200;
    });
    network.up().await;
    let (status, said) = network.post(0, "/v1/records?wait_ms=1", network.submission(1).1).await;
    assert_eq!(status, 202, "{said}");
    let deadline = Instant::now() + Duration::from_secs(120);
    while rounds(&network, 0).await < ROUNDS {
        assert!(Instant::now() < deadline, "only {} rounds", rounds(&network, 0).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(network.height(0).await, 0, "nothing was decided");
    for node in 0..NODES {
        network.kill(node);
    }
    // What a restart reads is one record, however many rounds were written before.
    for node in 0..NODES {
        network.start(node);
    }
    for node in 0..NODES {
        network.wait_for_status(node, "at its round again", |it| it["round"].as_u64() >= Some(ROUNDS)).await;
    }
    let reached = rounds(&network, 0).await;
    network.wait_for_status(0, "going on", |it| it["round"].as_u64() > Some(reached + 10)).await;
    for node in 0..NODES {
        assert!(!network.log(node).contains("evidence"), "{}", network.log(node));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_clients_do_not_stall_the_chain() {
    connections_allowed();
    let network = Arc::new(Network::generate());
    network.up().await;
    network.acknowledged(0, 1).await;
    for node in [2, 3] {
        network.kill(node);
    }
    // Slow and silent readers.
    let port = network.http_port;
    let mut idle = Vec::new();
    for place in 0..IDLE_CONNECTIONS {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        if place % 2 == 0 {
            let _refused = stream.write_all(b"GET /v1/schema HTTP/1.1\r\nhost: dalil\r\n\r\n".repeat(20).as_slice());
        }
        idle.push(stream);
    }
    let mut waiting = JoinSet::new();
    for number in 0..WAITING {
        let network = network.clone();
        waiting.spawn(async move {
            let body = network.submission(100 + number).1;
            network.try_post(0, "/v1/records?wait_ms=30000", body).await.map(|(status, _)| status)
        });
    }
    // While they wait, others are answered.
    network.wait_for_status(0, "holding them all", |it| it["pending"].as_u64() >= Some(WAITING)).await;
    network.ok(0, "/checkpoint").await;
    // One comes back: the chain goes on, and every client hears the end of it.
    network.start(2);
    network.wait_for_status(0, "done with them", |it| it["pending"] == 0).await;
    let mut recorded = 0;
    while let Some(status) = waiting.join_next().await {
        let status = status.unwrap();
        assert!(matches!(status, Some(200 | 202)), "{status:?}\n{}", network.log(0));
        recorded += u64::from(status == Some(200));
    }
    assert!(recorded > WAITING / 4, "only {recorded} of {WAITING} heard of their record's end");
    network.start(3);
    let height = network.height(0).await;
    network.wait_for_height(3, height).await;
    for mut stream in idle {
        stream.set_nonblocking(true).unwrap();
        let _whatever = stream.read(&mut [0; 16]);
    }
    assert!(!network.log(0).contains("ERROR"), "{}", network.log(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_goes_on_after_all_peers_restarted() {
    let network = Network::generate();
    for node in 0..3 {
        network.start(node);
    }
    network.ok(0, "/health/ready").await;
    for number in 0..BLOCKS_BEHIND {
        network.acknowledged(number as usize % 3, number).await;
    }
    let height = network.height(0).await;
    assert!(height >= BLOCKS_BEHIND);
    network.start(3);
    network.wait_for_log(3, "catching up").await;
    for node in 0..3 {
        network.kill(node);
        network.start(node);
    }
    network.wait_for_height(3, height).await;
    network.ok(3, "/health/ready").await;
    // It takes part: with another node down the quorum needs it.
    network.kill(1);
    network.acknowledged(3, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_cannot_take_the_descriptors_that_the_database_needs() {
    let network = Network::generate();
    for node in 0..3 {
        network.start(node);
    }
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" node start --home \"$1\"");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_dalil")]).arg(network.home(3));
    network.start_as(3, limited);
    network.ok(3, "/health/ready").await;
    connections_allowed();
    let address = ([127, 0, 0, 1], network.http_port + 3).into();
    // Those that the system's queue has no room for are turned away.
    let crowd: Vec<TcpStream> =
        (0..CROWD).filter_map(|_| TcpStream::connect_timeout(&address, CONNECT_WITHIN).ok()).collect();
    assert!(crowd.len() > DESCRIPTORS / 8, "a crowd of {}", crowd.len());
    // Its vote is needed, and so are its files.
    network.kill(0);
    let index = network.acknowledged(1, 1).await;
    drop(crowd);
    network.ok(3, &format!("/v1/records/{index}")).await;
    let said = network.log(3);
    assert!(!said.contains("Too many open files") && !said.contains("ERROR"), "{said}");
}
