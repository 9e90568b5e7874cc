//! The example of a verifier, as others embed it: short, and right about its data. `make test` builds it without RocksDB.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "../examples/verify_receipt.rs"]
mod example;

use dalil_ledger::verify::Exit;

const SOURCE: &str = include_str!("../examples/verify_receipt.rs");
const PIN: &[u8] = include_bytes!("../examples/data/pin.json");
const RECEIPT: &[u8] = include_bytes!("../examples/data/document.dalil-status");
const DOCUMENT: &[u8] = include_bytes!("../examples/data/document.txt");
/// A quarter of a minute after the receipt was cosigned: 2026-06-01 00:30:15 UTC.
const CHECKED_MS: u64 = 1_780_273_815_000;
const DAY_MS: u64 = 86_400_000;

fn said(pin: &[u8], receipt: &[u8], document: &[u8], now_ms: u64) -> (String, u8) {
    let (said, exit) = example::check(pin, receipt, document, now_ms).unwrap();
    (said, exit.code())
}

#[test]
fn it_has_fewer_than_thirty_lines_of_code() {
    let code = SOURCE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(code.count() < 30);
}

#[test]
fn it_says_valid_of_a_fresh_receipt_and_nothing_of_an_old_one() {
    assert_eq!(said(PIN, RECEIPT, DOCUMENT, CHECKED_MS), ("Valid: in_force".to_owned(), Exit::Valid.code()));
    let (words, code) = said(PIN, RECEIPT, DOCUMENT, CHECKED_MS + 7 * DAY_MS);
    assert!(words.starts_with("could not check: ") && words.ends_with("(stale)"), "{words}");
    assert_eq!(code, Exit::CouldNotCheck.code());
}

#[test]
fn it_does_not_take_another_file_a_spoilt_receipt_or_another_pin() {
    let (words, code) = said(PIN, RECEIPT, b"another file", CHECKED_MS);
    assert_eq!((words.contains("could not check"), code), (true, 4), "{words}");
    let mut spoilt = RECEIPT.to_vec();
    *spoilt.iter_mut().rev().find(|byte| **byte == b'A').unwrap() = b'B';
    assert_eq!(said(PIN, &spoilt, DOCUMENT, CHECKED_MS).1, 4);
    assert_eq!(said(PIN, b"", DOCUMENT, CHECKED_MS).1, 4);
    assert!(example::check(b"{}", RECEIPT, DOCUMENT, CHECKED_MS).is_err());
}
