//! Every status check that a test makes can be kept, with what came of it, for verifiers in other languages:
//!
//! ```text
//! RECEIPT_VECTORS=/tmp/v cargo test -p dalil-ledger --no-default-features --test receipt_status
//! sort -u /tmp/v/*.jsonl > ledger/tests/vectors/status.jsonl
//! ```

use std::io::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::receipt::{Answer, CouldNotCheck, Question, Terms};
use serde_json::json;

/// Longer receipts are not kept: the file would hold little else.
const RECEIPT_BYTES_MAX: usize = 64 << 10;

/// As [`dalil_ledger::receipt::verify_status`], recorded if `RECEIPT_VECTORS` names a folder: one line of JSON a check.
pub fn verify_status(bytes: &[u8], pin: &Pin, asked: &Question, terms: Terms) -> Result<Answer, CouldNotCheck> {
    let result = dalil_ledger::receipt::verify_status(bytes, pin, asked, terms);
    if let Some(folder) = std::env::var_os("RECEIPT_VECTORS").filter(|_| bytes.len() <= RECEIPT_BYTES_MAX) {
        let asked = match asked {
            Question::Uri(uri) => json!({ "uri": uri }),
            Question::Digest(digest) => json!({ "digest": digest }),
            Question::Slot(key) => json!({ "slot": key }),
        };
        let vector = json!({
            "receipt": STANDARD.encode(bytes), "pin": pin.to_json(), "asked": asked, "now_ms": terms.now_ms,
            "age_max_ms": terms.age_max_ms, "as_of_ms": terms.as_of_ms, "known_at_ms": terms.known_at_ms,
            "expected": expected(&result),
        });
        // One file a process and thread: tests run side by side.
        let name = format!("{}-{:?}.jsonl", std::process::id(), std::thread::current().id());
        let path = PathBuf::from(folder).join(name);
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{vector}").unwrap();
    }
    result
}

/// What a vector says of a result.
pub fn expected(result: &Result<Answer, CouldNotCheck>) -> serde_json::Value {
    match result {
        Ok(answer) => json!({
            "status": answer.status, "reason": answer.reason, "since_ms": answer.since_ms, "as_of_ms": answer.as_of_ms,
            "freshness_ms": answer.freshness_ms, "record": answer.record, "history": answer.history,
        }),
        Err(error) => json!({ "could_not_check": error.to_string() }),
    }
}
