//! A fifth validator joins a running network by the command line alone, and a verifier with an old pin follows.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cli::{Said, dalil};
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const WITHIN: Duration = Duration::from_secs(120);

/// Processes that end with the test.
struct Nodes {
    folder: tempfile::TempDir,
    first_port: u16,
    running: Vec<Option<Child>>,
    mouzas: u32,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        (1..=self.running.len()).for_each(|node| self.kill(node));
    }
}

/// A first of `count` free ports in a row, away from those of the other tests.
fn free_ports(count: u16) -> u16 {
    let start = 31_000 + (std::process::id() % 500) as u16 * 20;
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (start..u16::MAX - count).step_by(count.into()).find(|first| (*first..first + count).all(|it| free(&it))).unwrap()
}

impl Nodes {
    fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first_port = free_ports(10);
        let (p2p, http) = (first_port.to_string(), (first_port + 5).to_string());
        let said =
            dalil(folder.path(), &["testnet", "generate", "--dir", "net", "--p2p-port", &p2p, "--http-port", &http]);
        assert_eq!(said.code, 0, "{}", said.err);
        Self { folder, first_port, running: Vec::new(), mouzas: 0 }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn home(&self, node: usize) -> PathBuf {
        self.path().join(format!("net/node-{node}"))
    }

    fn url(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.first_port + 4 + node as u16)
    }

    fn start(&mut self, node: usize) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home(node).join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
        command.args(["node", "start", "--home"]).arg(self.home(node)).stdin(Stdio::null()).stdout(Stdio::null());
        if self.running.len() < node {
            self.running.resize_with(node, || None);
        }
        self.running[node - 1] = Some(command.stderr(log).spawn().unwrap());
    }

    fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.running[node - 1].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn run(&self, arguments: &[&str]) -> Said {
        dalil(self.path(), arguments)
    }

    /// Asks until the answer is as wanted.
    fn until(&self, what: &str, arguments: &[&str], is_wanted: impl Fn(&Said) -> bool) -> Said {
        let deadline = Instant::now() + WITHIN;
        loop {
            let said = self.run(arguments);
            if is_wanted(&said) {
                return said;
            }
            let log = std::fs::read_to_string(self.home(self.running.len()).join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "{what}: {} {} {}\n{log}", said.code, said.out, said.err);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn height(&self, node: usize) -> u64 {
        let said = self.run(&["--json", "node", "status", "--url", &self.url(node)]);
        serde_json::from_str::<Value>(&said.out).map_or(0, |status| status["height"].as_u64().unwrap_or_default())
    }

    /// A call of an officer of the network, handed to a node.
    fn hand_in(&self, node: usize, arguments: &[&str], posting: &str) -> Said {
        let url = self.url(node);
        let more = ["--testnet", "net", "--posting", posting, "--url", &url, "--wait", "60s", "--json"];
        self.run(&[arguments, &more].concat())
    }

    fn recorded(&self, node: usize, arguments: &[&str], posting: &str) {
        let said = self.hand_in(node, arguments, posting);
        assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("recorded")), "{arguments:?} {}", said.out);
    }

    /// One more block.
    fn beat(&mut self, node: usize) -> Said {
        self.mouzas += 1;
        let id = format!("9000-{}", self.mouzas);
        let call = json!({ "land": { "register_mouza": {
            "id": id, "district": 305, "block": 2795, "thana": null, "jl": self.mouzas } } });
        std::fs::write(self.path().join("call.json"), call.to_string()).unwrap();
        self.hand_in(node, &["record", "submit", "call.json"], "land/dllro")
    }

    fn go_to(&mut self, height: u64) {
        while self.height(1) < height {
            let said = self.beat(1);
            assert_eq!(said.code, 0, "{}", said.out);
        }
    }

    fn validators(&self, node: usize) -> Value {
        self.run(&["validator", "show", "--json", "--url", &self.url(node)]).json()
    }
}

#[test]
fn a_fifth_validator_joins_by_the_command_line_and_its_vote_is_needed() {
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    let ready = |nodes: &Nodes, node: usize| {
        nodes.until("ready", &["node", "status", "--url", &nodes.url(node)], |said| said.code == 0);
    };
    (1..=4).for_each(|node| ready(&nodes, node));

    // Transport makes a home with keys, dials all validators, and shows its public keys.
    let listed = |node: usize| {
        let text = std::fs::read_to_string(nodes.home(node).join("config.toml")).unwrap();
        toml::from_str::<toml::Table>(&text).unwrap()["peers"].as_array().unwrap().clone()
    };
    let mut peers: Vec<String> = [listed(1), listed(2)].concat().iter().map(|it| it.as_str().unwrap().into()).collect();
    peers.sort();
    peers.dedup();
    assert_eq!(peers.len(), 4);
    let (p2p, http) = (nodes.first_port + 4, nodes.first_port + 9);
    let (p2p, http) = (format!("127.0.0.1:{p2p}"), format!("127.0.0.1:{http}"));
    let mut init = vec!["node", "init", "--home", "net/node-5", "--department", "transport"];
    init.extend(["--genesis", "net/node-1/genesis.bin", "--p2p-listen", &p2p, "--http-listen", &http]);
    init.extend(peers.iter().flat_map(|peer| ["--peer", peer]));
    assert_eq!(nodes.run(&init).code, 0);
    let shown = nodes.run(&["key", "show", "net/node-5/keys/validator.seed", "--validator", "transport", "--json"]);
    std::fs::write(nodes.path().join("transport.json"), &shown.out).unwrap();

    // Three of four departments carry it; Transport's node is let in and catches up before it has a seat.
    let add = ["validator", "propose", "--ballot", "add-transport", "--add", "transport.json", "--from-height", "12"];
    nodes.recorded(1, &add, "land/voter");
    nodes.recorded(1, &["validator", "vote", "--ballot", "add-transport"], "minerals/voter");
    nodes.recorded(1, &["validator", "vote", "--ballot", "add-transport"], "finance/voter");
    assert_eq!(nodes.validators(1)["pending"][0]["due_height"], Value::Null);
    nodes.start(5);
    let (height, url) = (nodes.height(1), nodes.url(5));
    let caught_up = |said: &Said| {
        serde_json::from_str::<Value>(&said.out).is_ok_and(|status| status["height"].as_u64() >= Some(height))
    };
    nodes.until("caught up", &["--json", "node", "status", "--url", &url], caught_up);
    nodes.recorded(5, &["validator", "ready", "--ballot", "add-transport", "--home", "net/node-5"], "transport/admin");
    assert_eq!(nodes.validators(5)["pending"][0]["due_height"], 12);
    nodes.go_to(11);
    let shown = nodes.validators(1);
    assert_eq!((&shown["from_height"], shown["validators"].as_array().unwrap().len()), (&json!(12), 5));
    let early = nodes.hand_in(5, &["validator", "joined", "--home", "net/node-5"], "transport/admin");
    assert!(early.code == 1 && early.out.contains("to be decided first"), "{}", early.out);
    nodes.go_to(13);
    let joined = ["validator", "joined", "--home", "net/node-5", "--testnet", "net", "--posting", "transport/admin"];
    nodes.until("joined", &[&joined[..], &["--url", &nodes.url(5)]].concat(), |said| said.code == 0);
    assert_eq!(nodes.validators(1)["absent"], json!([]));
    let ballot = nodes.run(&["validator", "show", "--ballot", "add-transport", "--json", "--url", &nodes.url(2)]);
    assert_eq!(ballot.json()["outcome"], json!({ "in_force": 12 }), "{}", ballot.out);

    // Four of five decide: with one down the newcomer's vote is needed.
    nodes.kill(4);
    assert_eq!(nodes.beat(1).code, 0);
    nodes.kill(5);
    let call = json!({ "land": { "register_mouza": {
        "id": "9001-1", "district": 305, "block": 2795, "thana": null, "jl": 1 } } });
    std::fs::write(nodes.path().join("late.json"), call.to_string()).unwrap();
    let (url, late) = (nodes.url(1), ["record", "submit", "late.json", "--testnet", "net", "--posting", "land/dllro"]);
    let said = nodes.run(&[&late[..], &["--url", &url, "--wait", "3s", "--json"]].concat());
    assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("pending")));
    nodes.start(5);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    nodes.until("recorded after all", &["record", "show", &id, "--url", &url], |said| said.code == 0);

    a_verifier_follows(&nodes);
}

/// The pin made with the network knows four validators; the head is cosigned by five.
fn a_verifier_follows(nodes: &Nodes) {
    let url = nodes.url(1);
    let verify = |pin: &str| {
        let asked = ["verify", "in.gov.wb.land-ROR-none0000000", "--json", "--policy", pin, "--url", &url];
        nodes.run(&asked)
    };
    let before = verify("net/pin.json");
    assert_eq!((before.code, &before.json()["reason"]), (4, &json!("other_validators")), "{}", before.out);
    assert!(before.json()["detail"].as_str().unwrap().contains("dalil pin renew"));
    let renew = ["pin", "renew", "net/pin.json", "--out", "renewed.json", "--url", &url, "--json"];
    let said = nodes.until("renewed", &renew, |said| said.code == 0).json();
    assert_eq!((&said["handovers"], &said["from_height"], &said["quorum"]), (&json!(1), &json!(12), &json!(4)));
    assert_eq!(verify("renewed.json").code, 3, "not on record, proven");
    // A pin of another chain is not renewed here.
    let other = std::fs::read_to_string(nodes.path().join("net/pin.json")).unwrap();
    let chain = serde_json::from_str::<Value>(&other).unwrap()["chain"].as_str().unwrap().to_owned();
    std::fs::write(nodes.path().join("other.json"), other.replace(&chain, &"0".repeat(64))).unwrap();
    let said = nodes.run(&["pin", "renew", "other.json", "--url", &url]);
    assert!(said.code == 1 && said.err.contains("another chain"), "{}", said.err);
}
