//! A node's whole interface over a real chain in memory: the showpieces of land, minerals and certificates, in blocks whose
//! certificates validators signed.

use std::sync::{Arc, OnceLock};

use dalil_contracts::authority::EstablishmentPlan;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Height;
use dalil_ledger::checkpoint::{Checkpoint, Cosignature, LogSignature, Note, Policy};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::{Batch, Ledger, LedgerView, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind, VoteSubject};
use dalil_node::core::Standing;
use dalil_node::core::cosign::Published;
use dalil_node::core::executor::{self, Candidate, EmptyBlocks, Signatures};
use dalil_node::core::progress::Progress;
use dalil_node::shell::finality::Finality;
use dalil_node::shell::handle::{NodeHandle, NodeStatus};
use dalil_node::shell::http::{App, router};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use crate::host::now_ms;
use crate::support::{self, ESTABLISHMENT, domicile, node_keys, signed_for, token};

pub(crate) const MINUTE_MS: u64 = 60_000;
/// How long ago the chain began.
const BEGAN_MS: u64 = 12 * 60 * MINUTE_MS;

/// The challan of the showpiece, its document, the plot that was inherited, sold and set aside, one that was divided, and a
/// certificate that was revoked.
pub(crate) const CHALLAN: &str = "9F27C4D1A6E0B358";
pub(crate) const CHALLAN_URI: &str = "in.gov.wb.minerals-CHALLAN-9F27C4D1A6E0B358";
pub(crate) const INHERITED: &str = "2991-106/150";
pub(crate) const DIVIDED: &str = "2800-33/417";
/// From the newest block's own time until a quorum's signatures of it, as the node measured it, in milliseconds.
pub(crate) const TOOK_MS: u64 = 1_234_567;

const LAND: &str = include_str!("../../../testnet/sample/land-setup.json");
const LAND_SAMPLES: &str = include_str!("../../../testnet/sample/land-samples.json");
const LAND_STORY: &str = include_str!("../../../testnet/sample/land-showpiece.json");
const MINERALS: &str = include_str!("../../../testnet/sample/mineral-setup.json");
const LOADS: &str = include_str!("../../../testnet/sample/mineral-showpiece.json");
const CERTIFICATES: &str = include_str!("../../../testnet/sample/certificate-showpiece.json");

struct AllGood;

impl Signatures for AllGood {
    fn verify(&self, _leaf: &Hash, record: &SignedTransaction) -> bool {
        record.verify_signature().is_ok()
    }
}

/// Everything that a node needs to answer, without a core.
pub(crate) struct Node {
    pub(crate) genesis: Genesis,
    pub(crate) ledger: Ledger,
    pub(crate) url: String,
    pub(crate) finality: Finality,
    plan: EstablishmentPlan,
    salt: u64,
    published: watch::Sender<Option<Arc<Published>>>,
    view: watch::Sender<LedgerView>,
}

/// The one node of all tests that only read.
pub(crate) fn node() -> &'static Node {
    static NODE: OnceLock<Node> = OnceLock::new();
    NODE.get_or_init(|| {
        let mut node = Node::empty();
        node.tell();
        let head = node.ledger.view().unwrap().head().clone();
        node.finality.note(&head, head.timestamp_ms + TOOK_MS);
        node.publish();
        node
    })
}

impl Node {
    /// A node that holds genesis and has published nothing.
    pub(crate) fn empty() -> Self {
        let genesis = Genesis { time_ms: now_ms() - BEGAN_MS, ..support::genesis().clone() };
        let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
        let (published, seen) = watch::channel(None);
        let (view, viewed) = watch::channel(ledger.view().unwrap());
        let (submit, _) = mpsc::channel(1);
        let (status, questions) = mpsc::channel(8);
        let handle = NodeHandle { submit, status, published: seen, view: viewed };
        let finality = Finality::default();
        let app = App::new(handle, &ledger).unwrap().with_finality(finality.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let standing = (genesis.chain_id(), ledger.clone());
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::spawn(answer(questions, standing));
                axum::serve(listener, router(app)).await.unwrap();
            });
        });
        let plan = serde_json::from_str(ESTABLISHMENT).unwrap();
        Self { genesis, ledger, url, finality, plan, salt: 0, published, view }
    }

    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn view(&self) -> LedgerView {
        self.ledger.view().unwrap()
    }

    fn tell(&mut self) {
        self.play(1, LAND, |_| true);
        self.play(2, MINERALS, |_| true);
        let start_ms = self.genesis.time_ms;
        let certificates = (1..=3).map(|number| domicile(number, start_ms));
        let certificates: Vec<_> = certificates.map(|it| self.signed(support::SDO.1, &it, 3)).collect();
        self.append(3, certificates);
        self.play(4, LOADS, |step| ["royalty, DMF and cess paid", "permit for 1,000 m3 of sand"].contains(&step));
        for (minute, step) in [
            (5, "challan for 11.00 m3 to Kolkata"),
            (20, "weighed and let out"),
            (90, "checked on the road"),
            (300, "delivered at the works yard"),
            (400, "redeemed in a works bill"),
        ] {
            self.play(minute, LOADS, |name| name == step);
        }
        let story: Value = serde_json::from_str(LAND_STORY).unwrap();
        let told = story["steps"].as_array().unwrap().iter().filter(|step| step["expect"] == "accepted");
        for (minute, step) in (410..).zip(told) {
            let record = self.record(minute, step);
            self.append(minute, vec![record]);
        }
        self.play(500, LAND_SAMPLES, |step| step == "417 divided into 417/901 and 417/902");
        self.play(501, CERTIFICATES, |step| step == "ST-T-03 issued");
        self.play(502, CERTIFICATES, |step| step == "ST-T-03 revoked for fraud");
        for minute in 503..515 {
            self.append(minute, Vec::new());
        }
    }

    /// Records the steps of a sample file that are wanted, in one block.
    fn play(&mut self, minute: u64, file: &str, wanted: impl Fn(&str) -> bool) {
        let file: Value = serde_json::from_str(file).unwrap();
        let steps = file["steps"].as_array().unwrap().iter().filter(|step| wanted(step["step"].as_str().unwrap()));
        let records: Vec<_> = steps.map(|step| self.record(minute, step)).collect();
        assert!(!records.is_empty());
        self.append(minute, records);
    }

    fn record(&mut self, minute: u64, step: &Value) -> SignedTransaction {
        let mut call = expand(&step["call"], self.genesis.time_ms);
        if let Some(check) = call.pointer_mut("/mineral/check_challan/observed_at_ms") {
            *check = json!(self.time_ms(minute) - 3 * MINUTE_MS);
        }
        let call: Call = serde_json::from_value(call).unwrap();
        let posting = step["posting"].as_str().unwrap();
        let held = self.plan.postings.iter().find(|held| held.id.as_str() == posting).unwrap();
        let officer = held.officer.as_str().to_owned();
        self.signed(&officer, &Invocation { posting: token(posting), call }, minute)
    }

    fn signed(&mut self, officer: &str, invocation: &Invocation, minute: u64) -> SignedTransaction {
        self.salt += 1;
        signed_for(self.genesis.chain_id(), officer, invocation, self.salt, self.time_ms(minute))
    }

    pub(crate) fn time_ms(&self, minute: u64) -> u64 {
        self.genesis.time_ms + minute * MINUTE_MS
    }

    /// Adds a block, made by whose turn it is and decided by a quorum: of four validators the one before the proposer did not
    /// sign, and the last one has signed nothing for a while.
    fn append(&mut self, minute: u64, records: Vec<SignedTransaction>) {
        let view = self.view();
        let (height, set) = (view.head().height + 1, &self.genesis.validators);
        let proposer = set.get(set.proposer(height, 0)).unwrap().department.clone();
        let candidates: Vec<_> = records.iter().map(|record| Candidate::new(record.clone(), None)).collect();
        let built = executor::build(
            &view,
            self.genesis.parameters,
            self.time_ms(minute),
            proposer,
            &candidates,
            &AllGood,
            EmptyBlocks::Allowed,
        );
        let built = built.unwrap();
        assert!(built.dropped.is_empty(), "{:?}", built.dropped);
        let executed = built.executed.unwrap();
        let certificate = self.certificate(height, executed.block.id());
        self.ledger.commit(&executed, Some(&certificate), Batch::default()).unwrap();
    }

    fn certificate(&self, height: Height, block: Hash) -> Certificate {
        let set = &self.genesis.validators;
        let subject = VoteSubject { height, round: 0, block: Some(block) };
        let absent = if height > 30 { 3 } else { (height % 4) as usize };
        let votes: Vec<_> = (0..set.len())
            .filter(|seat| *seat != absent)
            .map(|seat| {
                let department = &set.get(ValidatorIndex(seat)).unwrap().department;
                let key = node_keys(department.as_str()).consensus().unwrap();
                let domain = VoteKind::Precommit.domain();
                (ValidatorIndex(seat), key.sign(domain, &self.genesis.chain_id(), &subject.sign_bytes()))
            })
            .collect();
        let votes = votes.iter().map(|(seat, signature)| (*seat, signature));
        let certificate = Certificate::assemble(set, VoteKind::Precommit, subject, votes).unwrap();
        certificate.verify(set, &self.genesis.chain_id()).unwrap();
        certificate
    }

    /// A quorum cosigns the head now.
    pub(crate) fn publish(&self) {
        self.publish_at(now_ms());
    }

    /// A quorum cosigns the head at `at_ms`, as far as its clocks say.
    pub(crate) fn publish_at(&self, at_ms: u64) {
        let view = self.view();
        self.view.send_replace(view.clone());
        let origin = self.genesis.origin.as_str().parse().unwrap();
        let checkpoint = Checkpoint { origin, size: view.log_size(), root: view.log_root().unwrap() };
        let validators = self.genesis.validators.clone();
        let policy = Policy::of_set(&checkpoint.origin, &validators).unwrap();
        let time_s = at_ms / 1_000;
        let key = |seat: usize| node_keys(validators.get(ValidatorIndex(seat)).unwrap().department.as_str());
        let log = LogSignature::sign(&checkpoint, &key(0).log().unwrap()).to_line(&policy.logs()[0]);
        let cosigned = (0..validators.quorum()).map(|seat| {
            let cosignature = Cosignature::sign(&checkpoint, &key(seat).cosigner().unwrap(), time_s);
            cosignature.to_line(&policy.witnesses()[seat].key)
        });
        let signatures = std::iter::once(log).chain(cosigned).collect();
        let note = Note { text: checkpoint.to_string(), signatures }.to_string();
        let published = Published { note, view, validators, freshness_ms: time_s * 1_000 };
        self.published.send_replace(Some(Arc::new(published)));
    }
}

/// What a core in good health says of itself.
async fn answer(mut questions: mpsc::Receiver<oneshot::Sender<NodeStatus>>, (chain, ledger): (Hash, Ledger)) {
    while let Some(question) = questions.recv().await {
        let view = ledger.view().unwrap();
        let standing = Standing {
            height: view.head().height,
            head: view.head_id(),
            head_time_ms: view.head().timestamp_ms,
            log_size: view.log_size(),
            round: 0,
            signing: "yes".to_owned(),
            target: view.head().height,
            progress: Progress::Consensus,
            pending: 7,
            contradictions: 0,
            contradictions_unrecorded: 0,
            accusations: 0,
            halted: None,
        };
        let status =
            NodeStatus { chain, standing, peers: 3, published: None, webhooks: Vec::new(), witnesses: Vec::new() };
        let _gone = question.send(status);
    }
}

/// A call of a sample file with its marks replaced.
fn expand(value: &Value, start_ms: u64) -> Value {
    match value {
        Value::Object(fields) => {
            if let Some(minutes) = fields.get("minutes_from_start").and_then(Value::as_i64) {
                return json!(start_ms.checked_add_signed(minutes * MINUTE_MS as i64).unwrap());
            }
            if let Some(text) = fields.get("digest_of").and_then(Value::as_str) {
                return json!(sha256(text.as_bytes()));
            }
            fields.iter().map(|(name, field)| (name.clone(), expand(field, start_ms))).collect()
        }
        Value::Array(items) => items.iter().map(|item| expand(item, start_ms)).collect(),
        other => other.clone(),
    }
}
