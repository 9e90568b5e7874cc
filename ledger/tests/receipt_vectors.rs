//! The status vectors for verifiers in other languages say what this verifier says today.

#![allow(clippy::unwrap_used, clippy::panic)] // What is not as expected must stop the test.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::recorder::expected;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::receipt::{Question, Terms, verify_status};
use serde_json::Value;

#[test]
fn the_recorded_status_vectors_are_of_today() {
    let lines: Vec<_> = include_str!("vectors/status.jsonl").lines().collect();
    assert!(lines.len() >= 70, "{} vectors", lines.len());
    for (number, line) in lines.iter().enumerate() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let bytes = STANDARD.decode(vector["receipt"].as_str().unwrap()).unwrap();
        let pin = Pin::from_json(vector["pin"].as_str().unwrap().as_bytes()).unwrap();
        let asked = |name: &str| vector["asked"][name].as_str();
        let question = match (asked("uri"), asked("digest"), asked("slot")) {
            (Some(uri), None, None) => Question::Uri(uri.parse().unwrap()),
            (None, Some(digest), None) => Question::Digest(digest.parse().unwrap()),
            (None, None, Some(key)) => Question::Slot(key.to_owned()),
            _ => panic!("vector {number} asks nothing"),
        };
        let terms = Terms {
            now_ms: vector["now_ms"].as_u64().unwrap(),
            age_max_ms: vector["age_max_ms"].as_u64(),
            as_of_ms: vector["as_of_ms"].as_u64(),
            known_at_ms: vector["known_at_ms"].as_u64(),
        };
        let today = expected(&verify_status(&bytes, &pin, &question, terms));
        assert_eq!(today, vector["expected"], "vector {number}: record them anew, see tests/common/recorder.rs");
    }
}
