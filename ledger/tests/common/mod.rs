//! A small chain in memory with fixed keys and times: blocks, notes, receipts and pins to check and to spoil.

#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod recorder;

use std::collections::BTreeMap;

use dalil_ledger::block::{Block, Entry, HEADER_VERSION, Header};
use dalil_ledger::checkpoint::{
    Checkpoint, Cosignature, Handover, HeadProof, KeyName, LogSignature, Note, Pin, PinTerms, Policy,
};
use dalil_ledger::codec::{self, Canonical, Set};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature, sha256};
use dalil_ledger::document::{
    Class, Dependency, DocumentEntry, Issuer, Provenance, Standing, StatusEvent, Uri, digest_key, document_key,
};
use dalil_ledger::log::{self, Frontier, NodeView as _, inclusion_proof, leaf_hash};
use dalil_ledger::receipt::{InclusionReceipt, Question, StatusReceipt};
use dalil_ledger::state::commitment::{self, PageKey};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};
use dalil_ledger::validators::{Certificate, Validator, ValidatorIndex, ValidatorSet, VoteKind, VoteSubject};

pub const ORIGIN: &str = "ledger.example/test";
/// Genesis time: 2026-06-01 00:00 UTC.
pub const T0_MS: u64 = 1_780_272_000_000;
pub const MINUTE_MS: u64 = 60_000;
pub const DAY_MS: u64 = 86_400_000;

/// One validator's secret keys.
#[derive(Clone)]
pub struct Keys {
    pub department: &'static str,
    pub consensus: SecretKey,
    pub cosigner: SecretKey,
    pub log: SecretKey,
    pub network: SecretKey,
}

impl Keys {
    pub fn new(department: &'static str) -> Self {
        let seed =
            |purpose: &str| SecretKey::from_seed(&sha256(format!("test key {department} {purpose}").as_bytes()).0);
        Self {
            department,
            consensus: seed("consensus"),
            cosigner: seed("cosigner"),
            log: seed("log"),
            network: seed("network"),
        }
    }

    pub fn validator(&self) -> Validator {
        Validator {
            department: self.department.parse().unwrap(),
            consensus: self.consensus.public(),
            cosigner: self.cosigner.public(),
            log: self.log.public(),
            network: self.network.public(),
        }
    }
}

pub fn set_of(keys: &[Keys]) -> ValidatorSet {
    ValidatorSet::new(keys.iter().map(Keys::validator).collect()).unwrap()
}

pub fn four() -> Vec<Keys> {
    // In the canonical order of a set.
    ["finance", "land", "mines", "transport"].map(Keys::new).to_vec()
}

/// Two log keys whose ids under [`ORIGIN`] are both 92b37d20: the first such pair when keys are made of the numbers from 0 on.
pub fn log_keys_of_one_id() -> [SecretKey; 2] {
    [87_867, 131_317].map(|number| SecretKey::from_seed(&sha256(format!("test log key {number}").as_bytes()).0))
}

/// [`four`], of which the first and the third have log keys of one id.
pub fn four_of_whom_two_share_a_log_id() -> Vec<Keys> {
    let mut keys = four();
    [keys[0].log, keys[2].log] = log_keys_of_one_id();
    keys
}

pub fn origin() -> KeyName {
    ORIGIN.parse().unwrap()
}

pub struct Chain {
    pub id: Hash,
    pub keys: Vec<Keys>,
    pub set: ValidatorSet,
    pub entries: Vec<Vec<u8>>,
    pub headers: Vec<Header>,
    pub frontier: Frontier,
    pub nodes: BTreeMap<(u8, u64), Hash>,
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub pages: BTreeMap<PageKey, Vec<u8>>,
}

impl Chain {
    pub fn new() -> Self {
        Self::with_keys(four())
    }

    pub fn with_keys(keys: Vec<Keys>) -> Self {
        let set = set_of(&keys);
        let mut chain = Self {
            // Not a genesis hash: files made from this chain must not change with a default parameter.
            id: sha256(b"test chain"),
            keys,
            set,
            entries: Vec::new(),
            headers: Vec::new(),
            frontier: Frontier::default(),
            nodes: BTreeMap::new(),
            state: BTreeMap::new(),
            pages: BTreeMap::new(),
        };
        chain.block(T0_MS, Vec::new(), Changes::new());
        chain
    }

    pub fn officer() -> SecretKey {
        SecretKey::from_seed(&sha256(b"test officer").0)
    }

    pub fn record(&self, call: &[u8]) -> SignedTransaction {
        let officer = Self::officer();
        let body = TransactionBody {
            chain: self.id,
            signer: officer.public(),
            expires_at_ms: T0_MS + 3_600_000,
            salt: [self.entries.len() as u8; 16],
            call: call.to_vec(),
        };
        body.sign(&officer)
    }

    /// Appends a block that is decided by the current set and handed to the same set.
    pub fn block(&mut self, time_ms: u64, records: Vec<SignedTransaction>, changes: Changes) -> Header {
        let next = self.set.clone();
        self.block_with_next(time_ms, records, changes, &next)
    }

    pub fn block_with_next(
        &mut self,
        time_ms: u64,
        records: Vec<SignedTransaction>,
        changes: Changes,
        next: &ValidatorSet,
    ) -> Header {
        let (state_root, pages) = commitment::update(&self.pages, &changes).unwrap();
        for (key, page) in pages {
            match page {
                Some(bytes) => self.pages.insert(key, bytes),
                None => self.pages.remove(&key),
            };
        }
        for (key, value) in changes {
            match value {
                Some(bytes) => self.state.insert(key, bytes),
                None => self.state.remove(&key),
            };
        }
        let first_entry = self.frontier.size();
        records.iter().for_each(|record| self.append(&Entry::Record(record.clone())));
        let header = Header {
            version: HEADER_VERSION,
            chain: self.id,
            height: self.headers.len() as u64,
            parent: self.headers.last().map_or(Hash::ZERO, Header::id),
            timestamp_ms: time_ms,
            proposer: self.keys[0].department.parse().unwrap(),
            first_entry,
            record_count: records.len() as u32,
            records_root: self.frontier.root(),
            ids_hash: Block::ids_hash(&records),
            attachments_root: Block::attachments_root(&[]),
            state_root,
            validators_hash: self.set.hash(),
            next_validators_hash: next.hash(),
        };
        self.append(&Entry::Header(header.clone()));
        self.headers.push(header.clone());
        header
    }

    fn append(&mut self, entry: &Entry) {
        let bytes = entry.encode();
        log::prove::keep(&mut self.nodes, &self.frontier.append([leaf_hash(&bytes)]));
        self.entries.push(bytes);
    }

    /// Enters a document by a record of its own.
    pub fn issue(&mut self, time_ms: u64, mut document: DocumentEntry) -> DocumentEntry {
        document.record = self.frontier.size();
        document.issued_at_ms = time_ms;
        let record = self.record(document.uri.as_str().as_bytes());
        let mut changes = Changes::new();
        put(&mut changes, document_key(&document.uri), &document);
        put(&mut changes, digest_key(&document.digest), &document.uri);
        self.block(time_ms, vec![record], changes);
        document
    }

    pub fn put<T: Canonical>(&mut self, time_ms: u64, key: Vec<u8>, value: &T) {
        let record = self.record(&key);
        let mut changes = Changes::new();
        put(&mut changes, key, value);
        self.block(time_ms, vec![record], changes);
    }

    pub fn policy(&self) -> Policy {
        Policy::of_set(&origin(), &self.set).unwrap()
    }

    pub fn pin(&self) -> Pin {
        let terms = PinTerms {
            chain: self.id,
            from_height: 0,
            expires_at_ms: T0_MS + 90 * DAY_MS,
            cosignature_skew_ms: 10_000,
            absence_age_max_ms: 10 * MINUTE_MS,
        };
        Pin::new(&origin(), self.set.clone(), terms).unwrap()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint_at(self.frontier.size())
    }

    pub fn checkpoint_at(&self, size: u64) -> Checkpoint {
        Checkpoint { origin: origin(), size, root: log::root_at(&self.nodes, size).unwrap() }
    }

    /// A note under `checkpoint`: the first validator's log line, and a cosignature by each (validator, time).
    pub fn note_of(&self, checkpoint: &Checkpoint, cosigners: &[(usize, u64)]) -> Note {
        let policy = self.policy();
        let log = LogSignature::sign(checkpoint, &self.keys[0].log).to_line(&policy.logs()[0]);
        let cosigned = cosigners.iter().map(|(place, time_ms)| {
            let key = &self.keys[*place].cosigner;
            Cosignature::sign(checkpoint, key, time_ms / 1000).to_line(&policy.witnesses()[*place].key)
        });
        Note { text: checkpoint.to_string(), signatures: std::iter::once(log).chain(cosigned).collect() }
    }

    /// The present head as a quorum cosigned it at `time_ms`.
    pub fn note(&self, time_ms: u64) -> String {
        let cosigners: Vec<_> = (0..self.set.quorum()).map(|place| (place, time_ms)).collect();
        self.note_of(&self.checkpoint(), &cosigners).to_string()
    }

    pub fn head(&self, time_ms: u64) -> HeadProof {
        let size = self.frontier.size();
        let path = inclusion_proof(&self.nodes, size - 1, size).unwrap();
        HeadProof { header: self.headers.last().unwrap().clone(), path, note: self.note(time_ms) }
    }

    pub fn status_receipt(&self, question: &Question, cosigned_at_ms: u64) -> StatusReceipt {
        let reads = StatusReceipt::gather(question, |key| {
            commitment::prove(&self.pages, key).map(|proof| (self.state.get(key).cloned(), proof))
        });
        StatusReceipt::new(self.head(cosigned_at_ms), reads.unwrap())
    }

    pub fn inclusion_receipt(&self, index: u64, cosigned_at_ms: u64) -> InclusionReceipt {
        let entry = Entry::decode(&self.entries[index as usize]).unwrap();
        let path = inclusion_proof(&self.nodes, index, self.frontier.size()).unwrap();
        InclusionReceipt::new(entry, index, path, self.note(cosigned_at_ms))
    }

    pub fn leaf(&self, index: u64) -> Hash {
        self.nodes.node(0, index).unwrap().unwrap()
    }

    /// The commit certificate of `header` by the first q of `keys`, which make up a set.
    pub fn certificate(&self, header: &Header, keys: &[Keys]) -> Certificate {
        let subject = VoteSubject { height: header.height, round: 0, block: Some(header.id()) };
        let set = set_of(keys);
        let sign = |keys: &Keys| keys.consensus.sign(VoteKind::Precommit.domain(), &self.id, &subject.sign_bytes());
        let votes: Vec<(ValidatorIndex, Signature)> =
            keys.iter().map(|keys| (set.index_of(&keys.department.parse().unwrap()).unwrap(), sign(keys))).collect();
        let votes = votes.iter().map(|(index, signature)| (*index, signature));
        Certificate::assemble(&set, VoteKind::Precommit, subject, votes).unwrap()
    }

    /// Appends a block that hands over to `next`, and returns the handover by the set of `signers`.
    pub fn hand_over(&mut self, time_ms: u64, next: Vec<Keys>) -> Handover {
        let next_set = set_of(&next);
        let header = self.block_with_next(time_ms, Vec::new(), Changes::new(), &next_set);
        let certificate = self.certificate(&header, &self.keys);
        (self.keys, self.set) = (next, next_set.clone());
        Handover { header, certificate, next: next_set }
    }
}

pub fn put<T: Canonical>(changes: &mut Changes, key: Vec<u8>, value: &T) {
    changes.insert(key, Some(codec::encode(value)));
}

pub fn uri(id: &str) -> Uri {
    format!("in.gov.wb.land-ROR-{id}").parse().unwrap()
}

/// A document in force from genesis for a year, without classes and dependencies, whose status may be a day old.
pub fn document(id: &str) -> DocumentEntry {
    DocumentEntry {
        uri: uri(id),
        digest: sha256(format!("file of {id}").as_bytes()),
        kind: "ROR".parse().unwrap(),
        issuer: Issuer {
            department: "land".parse().unwrap(),
            office: "bllro-bolpur".parse().unwrap(),
            officer: Chain::officer().public(),
        },
        subject: "khatian/2795-51/101".parse().unwrap(),
        valid_from_ms: T0_MS,
        valid_until_ms: Some(T0_MS + 365 * DAY_MS),
        claims_root: None,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        issued_at_ms: 0,
        record: 0,
        status_age_max_ms: DAY_MS,
        events: Vec::new(),
        extensions: Vec::new(),
        superseded_by: None,
        supersedes: None,
    }
}

pub fn class() -> Class {
    Class { kind: "OBC".parse().unwrap(), class: "OBC-A".parse().unwrap() }
}

pub fn dependency() -> Dependency {
    Dependency { key: "khatian/2795-51/101".parse().unwrap(), version: 3 }
}

/// A document that rests on a class slot and a dependency slot.
pub fn dependent_document(id: &str) -> DocumentEntry {
    DocumentEntry {
        classes: [class()].into_iter().collect(),
        depends: [dependency()].into_iter().collect(),
        ..document(id)
    }
}

pub fn event(standing: Standing, at_ms: u64) -> StatusEvent {
    StatusEvent {
        standing,
        recorded_at_ms: at_ms,
        effective_from_ms: at_ms,
        reason: "fraud".parse().unwrap(),
        record: 0,
    }
}

/// A public key of small order (the point (0, −1)): it verifies some signatures of everything unless refused.
pub fn small_order_key() -> PublicKey {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xec;
    bytes[31] = 0x7f;
    PublicKey(bytes)
}
