//! The files in `examples/data`: made here from fixed keys and times, and checked as a stranger would check them.
//!
//! To make them again after a deliberate change of format, run this test with `WRITE_VECTORS=1`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{Pin, Policy};
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Question, Terms, Trust, verify_inclusion, verify_inclusion_with, verify_status};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/");
const COSIGNED_MS: u64 = T0_MS + 30 * MINUTE_MS;
/// The example checks as of a quarter of a minute later.
const CHECKED_MS: u64 = COSIGNED_MS + 15_000;

fn files() -> [(&'static str, Vec<u8>); 5] {
    let mut chain = Chain::new();
    for neighbour in ["n1", "n2", "n3"] {
        chain.issue(T0_MS + 1000, document(neighbour));
    }
    let entry = chain.issue(T0_MS + 2000, dependent_document("7F3A"));
    [
        // Without a newline at its end: it is the file whose digest is on record.
        ("document.txt", b"file of 7F3A".to_vec()),
        ("pin.json", chain.pin().to_json().into_bytes()),
        ("policy.txt", chain.policy().to_string().into_bytes()),
        ("document.dalil-status", chain.status_receipt(&Question::Digest(entry.digest), COSIGNED_MS).to_bytes()),
        ("record.tlog-proof", chain.inclusion_receipt(entry.record, COSIGNED_MS).to_bytes()),
    ]
}

#[test]
fn the_files_are_what_this_code_makes() {
    for (name, made) in files() {
        let path = format!("{FOLDER}{name}");
        if std::env::var_os("WRITE_VECTORS").is_some() {
            std::fs::create_dir_all(FOLDER).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(String::from_utf8(made).unwrap(), kept, "{name}");
    }
}

#[test]
fn the_files_verify() {
    let read = |name: &str| std::fs::read(format!("{FOLDER}{name}")).unwrap();
    let pin = Pin::from_json(&read("pin.json")).unwrap();
    let policy: Policy = String::from_utf8(read("policy.txt")).unwrap().parse().unwrap();
    assert_eq!(pin.policy(), &policy);
    let asked = Question::Digest(document("7F3A").digest);
    let answer = verify_status(&read("document.dalil-status"), &pin, &asked, Terms::now(CHECKED_MS)).unwrap();
    assert_eq!((answer.status, answer.freshness_ms), (Status::Valid, COSIGNED_MS));
    let inclusion = verify_inclusion(&read("record.tlog-proof"), &policy, CHECKED_MS).unwrap();
    let pinned = verify_inclusion_with(&read("record.tlog-proof"), Trust::Pin(&pin), CHECKED_MS, |_| None).unwrap();
    assert_eq!((Some(inclusion.index), &inclusion), (answer.record, &pinned));
}
