//! A network made by the command line, its nodes as processes, and its officers' calls.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.
#![allow(dead_code)]

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Said, dalil};

/// How long anything may take on a busy machine.
const WITHIN: Duration = Duration::from_secs(120);

/// Processes that end with the test.
pub(crate) struct Nodes {
    folder: tempfile::TempDir,
    pub(crate) first_port: u16,
    running: Vec<Option<Child>>,
    mouzas: u32,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        (1..=self.running.len()).for_each(|node| self.kill(node));
    }
}

/// A first of `count` free ports in a row, away from those of the other tests; two callers never get the same.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 31_000 + (std::process::id() % 500) as u16 * 20;
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        let first = start + NEXT.fetch_add(count, Ordering::Relaxed);
        if (first..first + count).all(free) {
            return first;
        }
    }
}

impl Nodes {
    pub(crate) fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first_port = free_ports(10);
        let (p2p, http) = (first_port.to_string(), (first_port + 5).to_string());
        let said =
            dalil(folder.path(), &["testnet", "generate", "--dir", "net", "--p2p-port", &p2p, "--http-port", &http]);
        assert_eq!(said.code, 0, "{}", said.err);
        Self { folder, first_port, running: Vec::new(), mouzas: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self, node: usize) -> PathBuf {
        self.path().join(format!("net/node-{node}"))
    }

    pub(crate) fn url(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.first_port + 4 + node as u16)
    }

    pub(crate) fn start(&mut self, node: usize) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home(node).join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
        command.args(["node", "start", "--home"]).arg(self.home(node)).stdin(Stdio::null()).stdout(Stdio::null());
        if self.running.len() < node {
            self.running.resize_with(node, || None);
        }
        self.running[node - 1] = Some(command.stderr(log).spawn().unwrap());
    }

    pub(crate) fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.running[node - 1].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        dalil(self.path(), arguments)
    }

    /// Asks until the answer is as wanted.
    pub(crate) fn until(&self, what: &str, arguments: &[&str], is_wanted: impl Fn(&Said) -> bool) -> Said {
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

    /// Waits until a node serves.
    pub(crate) fn ready(&self, node: usize) {
        self.until("ready", &["node", "status", "--url", &self.url(node)], |said| said.code == 0);
    }

    pub(crate) fn height(&self, node: usize) -> u64 {
        let said = self.run(&["--json", "node", "status", "--url", &self.url(node)]);
        serde_json::from_str::<Value>(&said.out).map_or(0, |status| status["height"].as_u64().unwrap_or_default())
    }

    /// A call of an officer of the network, handed to a node.
    pub(crate) fn hand_in(&self, node: usize, arguments: &[&str], posting: &str) -> Said {
        let url = self.url(node);
        let more = ["--testnet", "net", "--posting", posting, "--url", &url, "--wait", "60s", "--json"];
        self.run(&[arguments, &more].concat())
    }

    pub(crate) fn recorded(&self, node: usize, arguments: &[&str], posting: &str) {
        let said = self.hand_in(node, arguments, posting);
        assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("recorded")), "{arguments:?} {}", said.out);
    }

    /// One more block.
    pub(crate) fn beat(&mut self, node: usize) -> Said {
        self.mouzas += 1;
        let id = format!("9000-{}", self.mouzas);
        let call = json!({ "land": { "register_mouza": {
            "id": id, "district": 305, "block": 2795, "thana": null, "jl": self.mouzas } } });
        std::fs::write(self.path().join("call.json"), call.to_string()).unwrap();
        self.hand_in(node, &["record", "submit", "call.json"], "land/dllro")
    }

    pub(crate) fn go_to(&mut self, height: u64) {
        while self.height(1) < height {
            let said = self.beat(1);
            assert_eq!(said.code, 0, "{}", said.out);
        }
    }

    pub(crate) fn validators(&self, node: usize) -> Value {
        self.run(&["validator", "show", "--json", "--url", &self.url(node)]).json()
    }
}
