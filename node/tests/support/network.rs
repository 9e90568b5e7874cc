//! A generated network of four validators, each a process of the real program on loopback.

#![allow(dead_code)] // Each test crate uses its part.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::block::Entry;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::genesis::Parameters;
use dalil_node::shell::home::{Home, read_seed};
use serde_json::Value;

use crate::support::{self, domicile};

/// How many nodes a network has.
pub const NODES: usize = 4;
/// How long a node may take to do what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a test looks whether it was done.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A first of `count` free ports in a row; two callers never get the same.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 1_000) as u16 * 10;
    loop {
        let first = start.wrapping_add(NEXT.fetch_add(count, Ordering::Relaxed));
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if (first..first + count).all(free) {
            return first;
        }
    }
}

/// A signed record, and what the log will hold of it.
#[derive(Debug, Clone)]
pub struct Signed {
    pub id: Hash,
    /// Canonical bytes of its log entry.
    pub entry: Vec<u8>,
    /// The submission's body.
    pub body: String,
}

/// The network; those of its nodes that run end with it.
pub struct Network {
    pub folder: tempfile::TempDir,
    pub chain: Hash,
    pub p2p_port: u16,
    pub http_port: u16,
    running: Mutex<Vec<Option<Child>>>,
    pub client: reqwest::Client,
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in 0..NODES {
            self.kill(node);
        }
    }
}

impl Network {
    /// Makes the folders of four validators; none runs yet.
    pub fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = free_ports(8);
        let (p2p_port, http_port) = (first, first + 4);
        let made = Command::new(env!("CARGO_BIN_EXE_dalil"))
            .args(["testnet", "generate", "--dir"])
            .arg(folder.path())
            .args(["--p2p-port", &p2p_port.to_string(), "--http-port", &http_port.to_string()])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let network: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("network.json")).unwrap()).unwrap();
        let chain = network["chain"].as_str().unwrap().parse().unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(40)).build().unwrap();
        Self { folder, chain, p2p_port, http_port, running: Mutex::new((0..NODES).map(|_| None).collect()), client }
    }

    /// The same with other parameters: another chain, on which nothing was signed yet.
    pub fn generate_with(change: impl FnOnce(&mut Parameters)) -> Self {
        let mut network = Self::generate();
        let mut genesis = Home::at(network.home(0)).genesis().unwrap();
        change(&mut genesis.parameters);
        network.chain = genesis.chain_id();
        for node in 0..NODES {
            let home = Home::at(network.home(node));
            home.write_genesis(&genesis).unwrap();
            std::fs::remove_file(home.sign_record_path()).unwrap();
            home.make_sign_record(&home.keys().unwrap(), &genesis).unwrap();
        }
        let origin = genesis.origin.as_str().parse().unwrap();
        let pin = dalil_node::verification::pin_of(&origin, &genesis, (&genesis.validators, 1), now_ms()).unwrap();
        std::fs::write(network.folder.path().join("pin.json"), pin.to_json()).unwrap();
        network
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Child>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pin(&self) -> Pin {
        Pin::from_json(&std::fs::read(self.folder.path().join("pin.json")).unwrap()).unwrap()
    }

    pub fn home(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{}", node + 1))
    }

    pub fn command(&self, node: usize) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
        command.args(["node", "start", "--home"]).arg(self.home(node)).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    pub fn start(&self, node: usize) {
        self.start_as(node, self.command(node));
    }

    /// Runs a node by another command than [`Self::command`].
    pub fn start_as(&self, node: usize, mut command: Command) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home(node).join("log")).unwrap();
        let child = command.stderr(log).spawn().unwrap();
        assert!(self.lock()[node].replace(child).is_none(), "node {node} runs already");
    }

    /// Starts all four and waits until each is ready.
    pub async fn up(&self) {
        for node in 0..NODES {
            self.start(node);
        }
        for node in 0..NODES {
            self.ok(node, "/health/ready").await;
        }
    }

    /// kill -9.
    pub fn kill(&self, node: usize) {
        let child = self.lock()[node].take();
        if let Some(mut child) = child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks a node to end.
    pub fn terminate(&self, node: usize) {
        let id = self.lock()[node].as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Whether a node that was started still runs.
    pub fn is_running(&self, node: usize) -> bool {
        self.lock()[node].as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// What a node wrote to its log so far.
    pub fn log(&self, node: usize) -> String {
        std::fs::read_to_string(self.home(node).join("log")).unwrap_or_default()
    }

    /// Waits until a running node ends by itself; returns how.
    pub fn ended(&self, node: usize) -> ExitStatus {
        let mut child = self.lock()[node].take().unwrap();
        let status = ended_within(&mut child, PATIENCE);
        status.unwrap_or_else(|| panic!("node {node} goes on:\n{}", self.log(node)))
    }

    /// Starts a node that must refuse, and returns what it says.
    pub fn refusal(&self, node: usize) -> String {
        let mut child = self.command(node).stderr(Stdio::piped()).spawn().unwrap();
        let status = ended_within(&mut child, PATIENCE);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(status.is_some_and(|status| !status.success()), "it started:\n{said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    pub fn url(&self, node: usize, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http_port + node as u16)
    }

    pub async fn get(&self, node: usize, path: &str) -> Option<(u16, Vec<u8>)> {
        let response = self.client.get(self.url(node, path)).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.bytes().await.ok()?.to_vec()))
    }

    pub async fn json(&self, node: usize, path: &str) -> Option<(u16, Value)> {
        let (status, bytes) = self.get(node, path).await?;
        Some((status, serde_json::from_slice(&bytes).ok()?))
    }

    /// Polls until a node answers `path` with 200.
    pub async fn ok(&self, node: usize, path: &str) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let got = self.get(node, path).await;
            if let Some((200, bytes)) = got {
                return bytes;
            }
            assert!(Instant::now() < deadline, "node {node}, {path}: {got:?}\n{}", self.log(node));
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub fn officer(&self, name: &str) -> SecretKey {
        read_seed(&self.folder.path().join("officers").join(format!("{name}.seed"))).unwrap()
    }

    /// A signed domicile certificate.
    pub fn signed(&self, number: u64) -> Signed {
        let key = self.officer(support::SDO.1);
        let now = now_ms();
        let mut body = support::body(self.chain, support::SDO.1, domicile(number, now).encode(), number, now + 600_000);
        body.signer = key.public();
        let record = body.sign(&key);
        let body = serde_json::json!({ "record": BASE64.encode(codec::encode(&record)) }).to_string();
        Signed { id: record.id(), entry: Entry::Record(record).encode(), body }
    }

    /// A signed domicile certificate as a submission's body, and its id.
    pub fn submission(&self, number: u64) -> (Hash, String) {
        let signed = self.signed(number);
        (signed.id, signed.body)
    }

    pub async fn post(&self, node: usize, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        self.try_post(node, path, body).await.unwrap()
    }

    /// None if the node could not be reached or went away before it answered.
    pub async fn try_post(&self, node: usize, path: &str, body: impl Into<reqwest::Body>) -> Option<(u16, Value)> {
        let response = self.client.post(self.url(node, path)).body(body).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).unwrap_or_default()))
    }

    /// Records a certificate through a node; returns its log index.
    pub async fn acknowledged(&self, node: usize, number: u64) -> u64 {
        let (status, said) = self.post(node, "/v1/records?wait_ms=30000", self.submission(number).1).await;
        assert_eq!(status, 200, "{said}\n{}", self.log(node));
        said["index"].as_u64().unwrap()
    }

    /// What a node says of itself; null if it does not answer.
    pub async fn status(&self, node: usize) -> Value {
        self.json(node, "/v1/status").await.map_or(Value::Null, |(_, status)| status)
    }

    pub async fn height(&self, node: usize) -> u64 {
        self.status(node).await["height"].as_u64().unwrap_or_default()
    }

    pub async fn wait_for_height(&self, node: usize, height: u64) {
        self.wait_for_status(node, "height", |status| status["height"].as_u64().is_some_and(|it| it >= height)).await;
    }

    /// Polls a node's status until it is as wished.
    pub async fn wait_for_status(&self, node: usize, what: &str, wish: impl Fn(&Value) -> bool) {
        self.json_when(node, "/v1/status", what, wish).await;
    }

    /// Polls a path until what it says is as wished.
    pub async fn json_when(&self, node: usize, path: &str, what: &str, wish: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.json(node, path).await.map_or(Value::Null, |(_, said)| said);
            if wish(&said) {
                return said;
            }
            assert!(Instant::now() < deadline, "node {node}, {path}: not {what}: {said}\n{}", self.log(node));
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Polls until a node's log says `words`.
    pub async fn wait_for_log(&self, node: usize, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log(node).contains(words) {
            assert!(Instant::now() < deadline, "node {node} does not say {words:?}:\n{}", self.log(node));
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
