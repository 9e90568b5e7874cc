//! A node's portal over a small chain in memory, whose honesty can be chosen.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use dalil_contracts::certificate::record::number_key;
use dalil_ledger::block::DepartmentId;
use dalil_ledger::checkpoint::{Pin, PinTerms};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::document::{DocumentEntry, Issuer, Left, Standing, Status, TypeCode, left_key};
use dalil_ledger::receipt::{InclusionReceipt, Question, verify_inclusion};
use dalil_node::court::{Evidence, Gathering, Subject};
use dalil_node::portal::{Answers, RecordedAt, routes};
use dalil_node::service::{
    Ask, CheckedDocument, CouldNotAnswer, Journey, Receipts, ShownCheckpoint, Verified, VerifiedAnswer,
};
use dalil_node::time::{ist, span};

use crate::common::{
    Chain, DAY_MS, Keys, MINUTE_MS, dependency, dependent_document, document, event, four, origin, uri,
};

const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// How a node lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Not at all.
    None,
    /// Takes the revocation out of the entry.
    SwappedStatus,
    /// Shows a head that was cosigned two days ago.
    StaleCheckpoint,
    /// Shows a head with one signature too few.
    MissingSignature,
    /// Answers nothing.
    Silence,
}

#[derive(Clone)]
pub(crate) struct Host {
    chain: Arc<Chain>,
    lie: Arc<Mutex<Lie>>,
    pub(crate) url: Arc<str>,
}

/// The key of the officer who issued the challan `C-1`.
pub(crate) fn issuer_of_challans() -> SecretKey {
    SecretKey::from_seed(&[55; 32])
}

/// The vehicle of the challan `C-1`.
pub(crate) fn vehicle() -> Hash {
    sha256(b"vehicle")
}

/// The file of a document, as `common::document` digests it.
pub(crate) fn file_of(id: &str) -> Vec<u8> {
    format!("file of {id}").into_bytes()
}

impl Host {
    /// Serves a chain of the usual validators.
    pub(crate) fn start() -> Self {
        Self::with_keys(four())
    }

    /// `good` is in force, `revoked` was revoked an hour ago, `expired` ended an hour ago, `old` rests on a version that was
    /// left; the challan `C-1` is in force, and issued for the vehicle `vehicle()`; the certificate number `REV-1` of the type
    /// `ROR` leads to `revoked`.
    pub(crate) fn with_keys(keys: Vec<Keys>) -> Self {
        let (now_ms, mut chain) = (now_ms(), Chain::with_keys(keys));
        let current = |id: &str| DocumentEntry { valid_from_ms: now_ms - DAY_MS, valid_until_ms: None, ..document(id) };
        let issued_ms = now_ms - 2 * HOUR_MS;
        chain.issue(issued_ms, DocumentEntry { supersedes: Some(uri("older")), ..current("good") });
        let events =
            vec![event(Standing::Suspended, now_ms - 90 * MINUTE_MS), event(Standing::Revoked, now_ms - HOUR_MS)];
        chain.issue(issued_ms, DocumentEntry { events, ..current("revoked") });
        chain.issue(issued_ms, DocumentEntry { valid_until_ms: Some(now_ms - HOUR_MS), ..current("expired") });
        chain.issue(issued_ms, DocumentEntry { depends: dependent_document("old").depends, ..current("old") });
        let challan = DocumentEntry { uri: "in.gov.wb.minerals-CHALLAN-C-1".parse().unwrap(), ..current("challan") };
        let issuer = Issuer { officer: issuer_of_challans().public(), ..challan.issuer.clone() };
        let subject = format!("vehicle/{}", vehicle()).parse().unwrap();
        chain.issue(issued_ms, DocumentEntry { issuer, subject, ..challan });
        let number = number_key(&"land".parse().unwrap(), &"ROR".parse().unwrap(), &"REV-1".parse().unwrap());
        chain.put(issued_ms, number, &uri("revoked"));
        let left = Left { recorded_at_ms: now_ms - HOUR_MS, effective_from_ms: now_ms - HOUR_MS, record: 9 };
        chain.put(now_ms - HOUR_MS, left_key(&dependency()), &left);

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).into();
        let host = Self { chain: Arc::new(chain), lie: Arc::new(Mutex::new(Lie::None)), url };
        let router: Router = Router::new()
            .route("/v1/receipts/status", get(receipt))
            .route("/pin", get(|State(host): State<Self>| async move { host.pin().to_json() }))
            .route("/vectors", get(|| async { include_str!("../../../ledger/tests/vectors/status.jsonl") }))
            .merge(routes::<Self>(Arc::default()))
            .with_state(host.clone());
        // The thread ends with the test's process.
        std::thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await.unwrap() }));
        host
    }

    pub(crate) fn lies(&self, lie: Lie) {
        *self.lie.lock().unwrap() = lie;
    }

    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn chain_id(&self) -> Hash {
        self.chain.id
    }

    /// The inclusion receipt of a log entry.
    pub(crate) fn inclusion(&self, index: u64) -> InclusionReceipt {
        self.chain.inclusion_receipt(index, now_ms())
    }

    pub(crate) fn pin(&self) -> Pin {
        let terms = PinTerms {
            chain: self.chain.id,
            from_height: 0,
            expires_at_ms: now_ms() / DAY_MS * DAY_MS + 30 * DAY_MS,
            cosignature_skew_ms: 10_000,
            absence_age_max_ms: 10 * MINUTE_MS,
        };
        Pin::new(&origin(), self.chain.set.clone(), terms).unwrap()
    }

    /// What this node gives as a receipt.
    pub(crate) fn receipt(&self, question: &Question) -> Vec<u8> {
        let lie = *self.lie.lock().unwrap();
        let cosigned_at_ms = now_ms() - if lie == Lie::StaleCheckpoint { 2 * DAY_MS } else { 0 };
        let mut receipt = self.chain.status_receipt(question, cosigned_at_ms);
        if lie == Lie::SwappedStatus {
            for value in receipt.reads.iter_mut().filter_map(|read| read.value.as_mut()) {
                if let Ok(entry) = DocumentEntry::decode(value) {
                    *value = codec::encode(&DocumentEntry { events: Vec::new(), ..entry });
                }
            }
        }
        if lie == Lie::MissingSignature {
            let note = receipt.head.note.trim_end();
            receipt.head.note = format!("{}\n", &note[..note.rfind('\n').unwrap()]);
        }
        receipt.to_bytes()
    }

    /// Files that a user has: the pin, documents and receipts.
    pub(crate) fn write_files(&self, folder: &Path) {
        std::fs::write(folder.join("pin.json"), self.pin().to_json()).unwrap();
        for id in ["good", "revoked"] {
            std::fs::write(folder.join(format!("{id}.pdf")), file_of(id)).unwrap();
            let receipt = self.receipt(&Question::Digest(sha256(&file_of(id))));
            std::fs::write(folder.join(format!("{id}.dalil-status")), receipt).unwrap();
        }
    }
}

impl Answers for Host {
    /// The node's word; that of a liar is always that the document is in force.
    fn answer(&self, ask: &Ask) -> Result<Verified, CouldNotAnswer> {
        let lie = *self.lie.lock().unwrap();
        let now_ms = now_ms();
        let question = ask.question().unwrap().document().expect("this host knows documents alone");
        let honest = self.chain.status_receipt(&question, now_ms).to_bytes();
        let terms = ask.terms(now_ms).unwrap();
        let found = dalil_ledger::receipt::verify_status(&honest, &self.pin(), &question, terms);
        let mut answer = found.map_err(|why| CouldNotAnswer::from(&why))?;
        if lie != Lie::None {
            answer.status = Status::Valid;
        }
        let header = self.chain.headers.last().unwrap();
        let age_ms = now_ms - answer.freshness_ms;
        let checkpoint = ShownCheckpoint {
            height: header.height,
            block: header.id(),
            log_size: header.log_size(),
            freshness_ms: answer.freshness_ms,
            freshness: ist(answer.freshness_ms),
            age_ms,
            age: span(age_ms),
            quorum: Some(answer.quorum),
            validators: self.chain.set.len(),
        };
        Ok(Verified {
            asked: ask.clone(),
            answer: VerifiedAnswer::Checked(Box::new(CheckedDocument::from(answer))),
            checkpoint,
            proven: Vec::new(),
            not_proven: Vec::new(),
            uploaded: None,
            receipts: Receipts::default(),
        })
    }

    /// The records of this chain are of kinds that no contract knows: nothing can be gathered.
    fn evidence(&self, subject: &Subject) -> Result<Evidence, CouldNotAnswer> {
        let Subject::Document(uri) = subject else { panic!("this host knows documents alone") };
        let (pin, now_ms) = (self.pin(), now_ms());
        let mut gathering = Gathering::new(subject.clone(), pin);
        let incomplete = |why: anyhow::Error| CouldNotAnswer::new("evidence_incomplete", why.to_string());
        let receipt = self.receipt(&Question::Uri(uri.clone()));
        gathering.status(uri, receipt, now_ms).map_err(incomplete)?;
        for index in gathering.awaited().map_err(incomplete)? {
            gathering.record(index, self.inclusion(index).to_bytes(), now_ms).map_err(incomplete)?;
        }
        gathering.finish().map_err(incomplete)
    }

    fn certificate_types(&self) -> &[(DepartmentId, TypeCode)] {
        static TYPES: LazyLock<[(DepartmentId, TypeCode); 1]> =
            LazyLock::new(|| [("land".parse().unwrap(), "ROR".parse().unwrap())]);
        &*TYPES
    }

    fn chain(&self) -> Hash {
        self.chain.id
    }

    fn journey(&self, _entry: &DocumentEntry) -> Option<Journey> {
        // This chain has no records to tell of.
        None
    }

    fn recorded(&self, receipt: &InclusionReceipt) -> Result<RecordedAt, (String, String)> {
        let found = verify_inclusion(&receipt.to_bytes(), self.pin().policy(), now_ms());
        let found = found.map_err(|why| (why.code().to_owned(), why.to_string()))?;
        Ok(RecordedAt { index: found.index, log_size: found.log_size, freshness_ms: found.freshness_ms })
    }
}

async fn receipt(State(host): State<Host>, Query(ask): Query<Ask>) -> axum::response::Response {
    if *host.lie.lock().unwrap() == Lie::Silence {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match ask.question().ok().and_then(|question| question.document()) {
        Some(question) => host.receipt(&question).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}
