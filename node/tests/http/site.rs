//! A node's HTTP interface over a small ledger in memory, whose head a quorum cosigned just now.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use dalil_contracts::Invocation;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_ledger::block::Attachment;
use dalil_ledger::checkpoint::{Checkpoint, Cosignature, KeyKind, LogSignature, Note, Pin, Policy, VerifierKey};
use dalil_ledger::codec::{self, Set};
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::document::{DocumentEntry, Issuer, Provenance, digest_key, document_key};
use dalil_ledger::genesis::{Genesis, InitialEntry};
use dalil_ledger::store::{Batch, Ledger, LedgerView, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::cosign::Published;
use dalil_node::core::executor::{self, Candidate, EmptyBlocks, Signatures};
use dalil_node::shell::handle::NodeHandle;
use dalil_node::shell::http::config::HttpConfig;
use dalil_node::shell::http::{App, Server, Tls, serve_with};
use dalil_node::shell::witnesses::SharedBoard;
use dalil_node::verification::pin_of;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{mpsc, watch};

use crate::support::{self, DEPARTMENTS, START_MS, domicile, key_of, node_keys, results, signed_for, token};

/// Number of the challan on record, and the plate of the vehicle it was issued for.
pub const CHALLAN: &str = "C-0000000000000001";

pub const PLATE: &str = "WB00S0001";
/// What the enforcement departments share.
pub const VEHICLE_KEY: [u8; 32] = [9; 32];

pub fn vehicle() -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(&VEHICLE_KEY).unwrap();
    mac.update(PLATE.as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

/// The outside witness, and its key.
pub fn witness() -> (VerifierKey, SecretKey) {
    let (name, key) = ("witness.example/w1".parse().unwrap(), key_of("outside witness"));
    (VerifierKey { name, kind: KeyKind::Cosigner, key: key.public() }, key)
}

pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub fn uri(number: u64) -> String {
    format!("in.gov.wb.district-DOM-{number:016x}")
}

struct AllGood;

impl Signatures for AllGood {
    fn verify(&self, _leaf: &Hash, record: &SignedTransaction) -> bool {
        record.verify_signature().is_ok()
    }
}

/// The usual genesis with a challan on record from the first.
fn genesis() -> Genesis {
    let mut genesis = support::genesis().clone();
    let entry = DocumentEntry {
        uri: challan_uri(&token(CHALLAN)),
        digest: sha256(b"challan"),
        kind: token("CHALLAN"),
        issuer: Issuer {
            department: token("minerals"),
            office: token("minerals/gate"),
            officer: key_of("agent").public(),
        },
        subject: token(&format!("vehicle/{}", vehicle())),
        valid_from_ms: START_MS,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        issued_at_ms: START_MS,
        record: 1,
        status_age_max_ms: 600_000,
        events: Vec::new(),
        extensions: Vec::new(),
        superseded_by: None,
        supersedes: None,
    };
    let added = [
        InitialEntry { key: document_key(&entry.uri), value: codec::encode(&entry) },
        InitialEntry { key: digest_key(&entry.digest), value: codec::encode(&entry.uri) },
    ];
    genesis.initial_state = genesis.initial_state.iter().cloned().chain(added).collect();
    genesis
}

/// The node's part that clients see. Log indexes: 0 genesis; 1 certificate 1, 2 a batch of results, 3 a mouza, 4 header;
/// 5 certificate 2, 6 a plot of an older register, 7 header.
pub struct Site {
    pub genesis: Genesis,
    pub ledger: Ledger,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub published: watch::Sender<Option<Arc<Published>>>,
    pub witnesses: SharedBoard,
    view: watch::Sender<LedgerView>,
    server: Option<Server>,
    salt: u64,
}

impl Site {
    pub async fn open() -> Self {
        Self::with_config(HttpConfig::default()).await
    }

    /// With limits on clients as an operator sets them.
    pub async fn with_config(config: HttpConfig) -> Self {
        Self::serving(config, None).await
    }

    /// By TLS.
    pub async fn with_tls(tls: Tls) -> Self {
        Self::serving(HttpConfig::default(), Some(tls)).await
    }

    async fn serving(config: HttpConfig, tls: Option<Tls>) -> Self {
        let genesis = genesis();
        let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
        let (published, _) = watch::channel(None);
        let (view, _) = watch::channel(ledger.view().unwrap());
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = reqwest::Client::new();
        let witnesses = SharedBoard::new([witness().0]);
        let mut site = Self { genesis, ledger, address, client, published, witnesses, view, server: None, salt: 0 };
        site.fill();
        site.publish(now_ms());
        site.witnessed(now_ms());
        site.server = Some(serve_with(address, site.app().with_config(&config), tls).await.unwrap());
        site
    }

    /// The interface without a socket.
    pub fn app(&self) -> App {
        // Nobody takes submissions and questions: the core has tests of its own.
        let (submit, _) = mpsc::channel(1);
        let (status, _) = mpsc::channel(1);
        let handle = NodeHandle { submit, status, published: self.published.subscribe(), view: self.view.subscribe() };
        App::new(handle, &self.ledger).unwrap().with_witnesses(self.witnesses.clone())
    }

    fn signed(&mut self, officer: &str, invocation: &Invocation) -> SignedTransaction {
        self.salt += 1;
        let time_ms = self.ledger.view().unwrap().head().timestamp_ms;
        signed_for(self.genesis.chain_id(), officer, invocation, self.salt, time_ms)
    }

    fn call(&mut self, posting: &str, officer: &str, call: Value) -> (SignedTransaction, Option<Attachment>) {
        let invocation = serde_json::from_value(json!({ "posting": posting, "call": call })).unwrap();
        (self.signed(officer, &invocation), None)
    }

    fn fill(&mut self) {
        let (batch, leaves) = results(0, 5, START_MS);
        let mouza = json!({ "id": "9300-1", "district": 305, "block": 2795, "thana": null, "jl": 1 });
        let first = vec![
            (self.signed(support::SDO.1, &domicile(1, START_MS)), None),
            (self.signed("education-board", &batch), Some(leaves)),
            self.call("land/dllro", "land-dllro", json!({ "land": { "register_mouza": mouza } })),
        ];
        self.append(first);
        let import = json!({
            "mouza": "9300-1", "source": sha256(b"older register"), "as_on_ms": 0,
            "khatians": [{ "number": 11, "holder": sha256(b"holder") }],
            "plots": [{
                "plot": "9300-1/7", "class": "danga", "area": 5000, "holdings": [{ "khatian": 11, "share": "1/1" }],
                "remainder": "0/1",
            }],
        });
        let second = vec![
            (self.signed(support::SDO.1, &domicile(2, START_MS)), None),
            self.call("land/system", "land-system", json!({ "land": { "import": import } })),
        ];
        self.append(second);
    }

    /// Adds a block with these records.
    pub fn append(&mut self, records: Vec<(SignedTransaction, Option<Attachment>)>) {
        let view = self.ledger.view().unwrap();
        let (count, parameters) = (records.len(), self.genesis.parameters);
        let time_ms = view.head().timestamp_ms + 1_000;
        let candidates: Vec<_> = records.into_iter().map(|(record, list)| Candidate::new(record, list)).collect();
        let built =
            executor::build(&view, parameters, time_ms, token("it"), &candidates, &AllGood, EmptyBlocks::Allowed);
        let built = built.unwrap();
        let executed = built.executed.unwrap();
        assert_eq!(executed.block.records.len(), count, "{:?}", built.dropped);
        self.ledger.commit(&executed, None, Batch::default()).unwrap();
    }

    /// A block with one more certificate of domicile.
    pub fn issue(&mut self, number: u64) {
        let record = self.signed(support::SDO.1, &domicile(number, START_MS));
        self.append(vec![(record, None)]);
    }

    /// A quorum cosigns the newest head at `at_ms`.
    pub fn publish(&self, at_ms: u64) {
        let view = self.ledger.view().unwrap();
        self.view.send_replace(view.clone());
        let origin = self.genesis.origin.as_str().parse().unwrap();
        let checkpoint = Checkpoint { origin, size: view.log_size(), root: view.log_root().unwrap() };
        let validators = self.genesis.validators.clone();
        let policy = Policy::of_set(&checkpoint.origin, &validators).unwrap();
        let time_s = at_ms / 1_000;
        let log = LogSignature::sign(&checkpoint, &node_keys(DEPARTMENTS[0]).log().unwrap()).to_line(&policy.logs()[0]);
        let cosigned = (0..validators.quorum()).map(|place| {
            let key = node_keys(DEPARTMENTS[place]).cosigner().unwrap();
            Cosignature::sign(&checkpoint, &key, time_s).to_line(&policy.witnesses()[place].key)
        });
        let signatures = std::iter::once(log).chain(cosigned).collect();
        let note = Note { text: checkpoint.to_string(), signatures }.to_string();
        let published = Published { note, view, validators, freshness_ms: time_s * 1_000 };
        self.published.send_replace(Some(Arc::new(published)));
    }

    /// The outside witness cosigns the newest head at `at_ms`.
    pub fn witnessed(&self, at_ms: u64) {
        let note = self.published.borrow().as_ref().unwrap().note.clone();
        let checkpoint = Note::parse(note.as_bytes()).unwrap().text.parse().unwrap();
        self.witnesses.cosigned(0, &checkpoint, &note, &Cosignature::sign(&checkpoint, &witness().1, at_ms / 1_000));
    }

    /// What verifiers start from; it came to them from elsewhere.
    pub fn pin(&self) -> Pin {
        let origin = self.genesis.origin.as_str().parse().unwrap();
        pin_of(&origin, &self.genesis, (&self.genesis.validators, 1), now_ms()).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let response = self.client.post(self.url(path)).body(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// An answer to one question.
    pub async fn ask(&self, query: &str) -> Value {
        let (status, said) = self.get(&format!("/v1/verify?{query}")).await;
        assert_eq!(status, 200, "{query}: {said}");
        said
    }
}
