//! The auditor over a running network: clean as it is, and every harm done to it is found.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;
mod support;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cli::Said;
use cli::nodes::Nodes;
use dalil_ledger::store::{Batch, Create, Family, Kv, RocksKv};
use serde_json::{Value, json};

/// The entry that is harmed: a record, well below the head.
const HARMED: u64 = 4;

fn audit(nodes: &Nodes, folder: &str, which: &[usize], more: &[&str]) -> Said {
    let urls: Vec<String> = which.iter().map(|node| nodes.url(*node)).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let fixed = ["audit", "--policy", "net/pin.json", "--dir", folder, "--json"];
    nodes.run(&[&fixed[..], &urls, more].concat())
}

/// The kinds of what was found, with the code of the audit's end.
fn found(said: &Said) -> (i32, Vec<String>) {
    let findings = said.json()["findings"].clone();
    let kinds = findings.as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap().to_owned());
    (said.code, kinds.collect())
}

fn one(kind: &str) -> (i32, Vec<String>) {
    (1, vec![kind.to_owned()])
}

/// Waits until every node has published the head that the first one has.
fn settle(nodes: &Nodes) {
    for node in 1..=4 {
        let said = |said: &Said| said.code == 0 && nodes.height(node) == nodes.height(1);
        nodes.until("the same height", &["node", "status", "--url", &nodes.url(node)], said);
    }
}

/// Changes a stopped node's database.
fn harm(nodes: &Nodes, node: usize, how: impl FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>>) {
    let kv: Arc<dyn Kv> = Arc::new(RocksKv::open(&nodes.home(node).join("data"), Create::Never).unwrap());
    let key = HARMED.to_be_bytes();
    let mut batch = Batch::default();
    match how(kv.snapshot().get(Family::Entries, &key).unwrap()) {
        Some(bytes) => batch.put(Family::Entries, key, bytes),
        None => batch.delete(Family::Entries, key),
    }
    kv.write(batch).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A batch, whose leaf list is no part of the log.
fn issue_batch(nodes: &Nodes) {
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let (invocation, list) = support::results(1, 40, now_ms);
    let leaves: Vec<String> = list.leaves.iter().map(|leaf| BASE64.encode(leaf)).collect();
    std::fs::write(nodes.path().join("batch.json"), json!(invocation.call).to_string()).unwrap();
    std::fs::write(nodes.path().join("leaves.json"), json!(leaves).to_string()).unwrap();
    let submit = ["record", "submit", "batch.json", "--attachment", "leaves.json"];
    nodes.recorded(1, &submit, &invocation.posting.to_string());
}

#[test]
fn a_clean_chain_is_clean_and_a_harmed_node_a_stale_one_and_a_fork_are_found() {
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    nodes.go_to(3);
    issue_batch(&nodes);
    nodes.go_to(6);
    settle(&nodes);

    // Clean, from nothing and once more; a pin of other validators is none of this chain.
    let said = audit(&nodes, "auditor", &[1, 2, 3, 4], &[]);
    assert_eq!(found(&said), (0, vec![]), "{} {}", said.out, said.err);
    let round = said.json();
    assert_eq!(round["clean"].as_array().unwrap().len(), 4, "{round}");
    assert_eq!(round["new_entries"], json!(round["size"].as_u64().unwrap() - 1));
    nodes.go_to(8);
    settle(&nodes);
    let said = audit(&nodes, "auditor", &[1, 2, 3, 4], &["--again"]);
    assert_eq!(found(&said), (0, vec![]), "{}", said.out);
    assert!(said.json()["new_entries"].as_u64().unwrap() > 0);

    // A node that is not there was not checked; the others were.
    let said = audit(&nodes, "auditor", &[1, 9], &[]);
    assert_eq!(found(&said), (4, vec!["unreachable".to_owned()]));
    assert_eq!(said.json()["clean"].as_array().unwrap().len(), 1);

    // One byte of one record is changed, then the record is dropped.
    nodes.kill(4);
    let mut before = None;
    harm(&nodes, 4, |entry| {
        before = entry.clone();
        let mut entry = entry.unwrap();
        *entry.last_mut().unwrap() ^= 1;
        Some(entry)
    });
    nodes.start(4);
    nodes.ready(4);
    settle(&nodes);
    assert_eq!(found(&audit(&nodes, "fresh-1", &[4], &[])).0, 1);
    let said = audit(&nodes, "auditor", &[1, 4], &["--again"]);
    assert_eq!(found(&said), one("other_tile"), "{}", said.out);
    assert_eq!(said.json()["findings"][0]["url"], json!(nodes.url(4)));
    nodes.kill(4);
    harm(&nodes, 4, |_| None);
    nodes.start(4);
    nodes.ready(4);
    settle(&nodes);
    for folder in ["fresh-2", "auditor"] {
        let said = audit(&nodes, folder, &[4], &["--again"]);
        assert_ne!(said.code, 0, "{}", said.out);
        assert_eq!(said.json()["clean"], json!([]), "{}", said.out);
    }
    nodes.kill(4);
    harm(&nodes, 4, |_| before);
    nodes.start(4);
    nodes.ready(4);

    // Without a quorum nobody can say what the head is now.
    (2..=4).for_each(|node| nodes.kill(node));
    std::thread::sleep(std::time::Duration::from_secs(3));
    let said = audit(&nodes, "auditor", &[1], &["--max-age", "2s"]);
    assert_eq!(found(&said), one("stale"), "{}", said.out);

    // All validators go two ways from here.
    nodes.kill(1);
    copy_folder(&nodes.path().join("net"), &nodes.path().join("other"));
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    let fork = nodes.height(1) + 2;
    nodes.go_to(fork);
    settle(&nodes);
    assert_eq!(found(&audit(&nodes, "auditor", &[1, 2], &[])), (0, vec![]));
    (1..=4).for_each(|node| nodes.kill(node));
    std::fs::rename(nodes.path().join("net"), nodes.path().join("first")).unwrap();
    std::fs::rename(nodes.path().join("other"), nodes.path().join("net")).unwrap();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    let said = audit(&nodes, "auditor", &[1], &[]);
    assert_eq!(found(&said), one("went_back"), "{}", said.out);
    nodes.go_to(fork + 1);
    let said = audit(&nodes, "auditor", &[1], &[]);
    assert_eq!(said.code, 1, "{}", said.out);
    let forks = said.json()["findings"].as_array().unwrap().iter().filter(|it| it["kind"] == "fork").count();
    assert!(forks >= 1, "{}", said.out);
    let evidence = std::fs::read_dir(nodes.path().join("auditor/evidence")).unwrap().next().unwrap().unwrap().path();
    let kept = |name: &str| evidence.join(name).exists();
    assert!(kept("contradicts.note") || (kept("contradicts.certificate") && kept("fits.certificate")));
}

/// A node that serves anything but what it should.
#[test]
fn a_node_that_serves_nonsense_is_no_audit() {
    let folder = tempfile::tempdir().unwrap();
    let generate = ["testnet", "generate", "--dir", "net", "--p2p-port", "30900", "--http-port", "30910"];
    assert_eq!(cli::dalil(folder.path(), &generate).code, 0);
    let genesis = std::fs::read(folder.path().join("net/node-1/genesis.bin")).unwrap();
    let audit = |url: &str| {
        cli::dalil(folder.path(), &["audit", url, "--policy", "net/pin.json", "--dir", "auditor", "--json"])
    };
    // Without the chain's own genesis there is nothing to begin with.
    let url = cli::serve(|_| (200, b"nonsense".to_vec()));
    let said = audit(&url);
    assert_ne!(said.code, 0);
    assert!(format!("{}{}", said.out, said.err).contains("genesis"), "{} {}", said.out, said.err);
    // One that is asked too often says when to come again.
    let (asked, answer) = (std::sync::atomic::AtomicUsize::new(0), genesis.clone());
    let url = cli::serve(move |first| match first.split(' ').nth(1) {
        Some("/genesis") if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => (429, Vec::new()),
        Some("/genesis") => (200, answer.clone()),
        _ => (404, Vec::new()),
    });
    let said = audit(&url);
    assert_eq!(found(&said), (4, vec!["unreachable".to_owned()]), "{} {}", said.out, said.err);
    std::fs::remove_dir_all(folder.path().join("auditor")).unwrap();
    // A checkpoint without a quorum, of a log that nobody can show.
    let note =
        "ledger.example/wb\n9999999\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— ledger.example/wb AAAAAAAA\n";
    for body in [b"nonsense".to_vec(), note.as_bytes().to_vec(), vec![b'x'; 1 << 20]] {
        let genesis = genesis.clone();
        let url = cli::serve(move |first| match first.split(' ').nth(1) {
            Some("/genesis") => (200, genesis.clone()),
            Some("/checkpoint") => (200, body.clone()),
            _ => (200, vec![0xff; 1000]),
        });
        let said = audit(&url);
        assert_ne!(said.code, 0, "{}", said.out);
        assert_eq!(said.json()["clean"], json!([]));
        assert_ne!(said.json()["findings"], Value::Array(Vec::new()));
    }
}
