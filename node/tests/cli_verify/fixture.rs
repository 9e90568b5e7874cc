//! A folder with a pin, a policy and receipts of a small chain that four validators cosigned just now.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use dalil_ledger::checkpoint::{Pin, PinTerms};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::{DocumentEntry, Left, left_key};
use dalil_ledger::receipt::Question;
use tempfile::TempDir;

use crate::cli::{Said, dalil};
use crate::common::{Chain, DAY_MS, MINUTE_MS, dependency, dependent_document, document, event, origin, uri};

pub(crate) const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) chain: Chain,
    pub(crate) now_ms: u64,
}

/// The file of a document, as [`document`] digests it.
pub(crate) fn file_of(id: &str) -> Vec<u8> {
    format!("file of {id}").into_bytes()
}

pub(crate) fn digest_of(id: &str) -> Hash {
    sha256(&file_of(id))
}

impl Fixture {
    /// `good` is in force, `revoked` was revoked an hour ago, `expired` ended an hour ago, `old` rests on a version that
    /// was left.
    pub(crate) fn new() -> Self {
        let (now_ms, mut chain) = (now_ms(), Chain::new());
        let current = |id: &str| DocumentEntry { valid_from_ms: now_ms - DAY_MS, valid_until_ms: None, ..document(id) };
        let issued_ms = now_ms - 2 * HOUR_MS;
        chain.issue(issued_ms, current("good"));
        let revoked = event(dalil_ledger::document::Standing::Revoked, now_ms - HOUR_MS);
        chain.issue(issued_ms, DocumentEntry { events: vec![revoked], ..current("revoked") });
        chain.issue(issued_ms, DocumentEntry { valid_until_ms: Some(now_ms - HOUR_MS), ..current("expired") });
        let depends = dependent_document("old").depends;
        chain.issue(issued_ms, DocumentEntry { depends, ..current("old") });
        let left = Left { recorded_at_ms: now_ms - HOUR_MS, effective_from_ms: now_ms - HOUR_MS, record: 9 };
        chain.put(now_ms - HOUR_MS, left_key(&dependency()), &left);

        let fixture = Self { folder: tempfile::tempdir().unwrap(), chain, now_ms };
        fixture.write("pin.json", fixture.pin(now_ms + DAY_MS).to_json().as_bytes());
        fixture.write("policy.txt", fixture.chain.policy().to_string().as_bytes());
        for id in ["good", "revoked", "expired", "old"] {
            fixture.write(&format!("{id}.pdf"), &file_of(id));
            fixture.write(&format!("{id}.dalil-status"), &fixture.status(&Question::Digest(digest_of(id)), now_ms));
        }
        fixture.write("good.tlog-proof", &fixture.chain.inclusion_receipt(1, now_ms).to_bytes());
        fixture
    }

    pub(crate) fn pin(&self, expires_at_ms: u64) -> Pin {
        let terms = PinTerms {
            chain: self.chain.id,
            from_height: 0,
            expires_at_ms,
            cosignature_skew_ms: 10_000,
            absence_age_max_ms: 10 * MINUTE_MS,
        };
        Pin::new(&origin(), self.chain.set.clone(), terms).unwrap()
    }

    /// A status receipt under a head that was cosigned at `cosigned_at_ms`.
    pub(crate) fn status(&self, question: &Question, cosigned_at_ms: u64) -> Vec<u8> {
        self.chain.status_receipt(question, cosigned_at_ms).to_bytes()
    }

    pub(crate) fn by_uri(&self, id: &str) -> Vec<u8> {
        self.status(&Question::Uri(uri(id)), self.now_ms)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    /// `dalil verify` with the pin.
    pub(crate) fn verify(&self, what: &str, more: &[&str]) -> Said {
        dalil(self.path(), &[&["verify", what, "--policy", "pin.json"], more].concat())
    }

    /// As [`Self::verify`], offline and as JSON; the exit code in the JSON is the program's.
    pub(crate) fn offline(&self, what: &str, more: &[&str]) -> (i32, serde_json::Value) {
        let said = self.verify(what, &[&["--offline", "--json"], more].concat());
        let json = said.json();
        assert_eq!(json["exit_code"], said.code, "{json}");
        (said.code, json)
    }
}
