//! A disk without room, and one that fails: the node ends with words, and comes back when there is room again.
//!
//! No privileges are needed: the limit on a file's length stands in for a full disk (the kernel refuses the write of the
//! log all the same), and `/dev/full` for a full disk under the sign record.

use std::process::{Command, Stdio};

use crate::network::{NODES, Network};

const VICTIM: usize = 3;
/// Longest file under the limit, in the 512-byte units of `ulimit -f`; a start needs less, a few hundred records more.
const FILE_UNITS_MAX: u32 = 1_000;

/// Comes back as if nothing had happened, and its vote counts.
async fn comes_back(network: &Network, number: u64) {
    network.start(VICTIM);
    let height = network.height(1).await;
    network.wait_for_height(VICTIM, height).await;
    network.ok(VICTIM, "/health/ready").await;
    network.kill(0);
    network.acknowledged(1, number).await;
    for node in 0..NODES {
        let said = network.log(node);
        assert!(!said.contains("evidence") && !said.contains("panicked"), "node {node}:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_node_with_words() {
    let network = Network::generate();
    for node in 0..VICTIM {
        network.start(node);
    }
    // With the signal ignored, a write beyond the limit fails as on a full disk.
    let mut limited = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {FILE_UNITS_MAX}; exec \"$0\" node start --home \"$1\"");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_dalil")]).arg(network.home(VICTIM));
    limited.stdin(Stdio::null()).stdout(Stdio::null());
    network.start_as(VICTIM, limited);
    network.ok(VICTIM, "/health/ready").await;
    let mut number = 0;
    while network.get(VICTIM, "/health/live").await.is_some() {
        network.acknowledged(number as usize % VICTIM, number).await;
        number += 1;
        assert!(number < 5_000, "{number} records fit under the limit");
    }
    assert!(!network.ended(VICTIM).success());
    let said = network.log(VICTIM);
    assert!(said.contains("a write failed, the node stops") && said.contains("See to the disk"), "{said}");
    // Nothing was acknowledged that it did not keep: it goes on from what it has.
    comes_back(&network, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_record_that_cannot_be_written_ends_the_node_before_it_sends() {
    let network = Network::generate();
    network.up().await;
    network.acknowledged(0, 1).await;
    let beside = network.home(VICTIM).join("sign-record.new");
    let before = std::fs::read(network.home(VICTIM).join("sign-record")).unwrap();
    // Between two of the node's own writes.
    while std::os::unix::fs::symlink("/dev/full", &beside).is_err() {}
    network.acknowledged(0, 2).await;
    assert!(!network.ended(VICTIM).success());
    let said = network.log(VICTIM);
    assert!(said.contains("No space left on device") && said.contains("See to the disk"), "{said}");
    let after = std::fs::read(network.home(VICTIM).join("sign-record")).unwrap();
    // Whole, and no older: it may have been written again before the disk was full.
    let signed = |bytes: &[u8]| dalil_consensus::SignRecord::decode(bytes).unwrap().counter();
    assert!(signed(&before) <= signed(&after));
    std::fs::remove_file(beside).unwrap();
    comes_back(&network, 3).await;
}
