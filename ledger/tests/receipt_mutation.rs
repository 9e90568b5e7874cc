//! Whatever one byte of a receipt becomes, the answer stays the same or there is none. No input panics.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{Handover, Pin};
use dalil_ledger::receipt::{Question, Terms, verify_inclusion, verify_status};
use proptest::prelude::*;

const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.issue(T0_MS + 1000, document("n1"));
    chain.issue(T0_MS + 2000, dependent_document("7F3A"));
    chain
}

/// The file with each byte in turn changed: by one bit, to a blank, to a digit.
fn mutations(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..file.len()).flat_map(move |at| {
        [file[at] ^ 1, file[at] ^ 0x20, b' ', b'0'].into_iter().filter(move |new| *new != file[at]).map(move |new| {
            let mut changed = file.to_vec();
            changed[at] = new;
            changed
        })
    })
}

#[test]
fn a_changed_status_receipt_gives_the_same_answer_or_none() {
    let chain = chain();
    let (pin, asked) = (chain.pin(), Question::Uri(uri("7F3A")));
    let file = chain.status_receipt(&asked, NOW_MS).to_bytes();
    let answer = verify_status(&file, &pin, &asked, Terms::now(NOW_MS)).unwrap();
    for changed in mutations(&file) {
        if let Ok(other) = verify_status(&changed, &pin, &asked, Terms::now(NOW_MS)) {
            assert_eq!(other, answer, "{}", String::from_utf8_lossy(&changed));
        }
    }
}

#[test]
fn a_changed_inclusion_receipt_is_refused() {
    let chain = chain();
    let policy = chain.policy();
    let file = chain.inclusion_receipt(1, NOW_MS).to_bytes();
    verify_inclusion(&file, &policy, NOW_MS).unwrap();
    for changed in mutations(&file) {
        // A tlog-proof has no blank to spare: every byte counts.
        assert!(verify_inclusion(&changed, &policy, NOW_MS).is_err(), "{}", String::from_utf8_lossy(&changed));
    }
}

#[test]
fn a_receipt_cut_short_is_refused() {
    let chain = chain();
    let (pin, policy, asked) = (chain.pin(), chain.policy(), Question::Uri(uri("7F3A")));
    let file = chain.inclusion_receipt(1, NOW_MS).to_bytes();
    for length in 0..file.len() {
        assert!(verify_inclusion(&file[..length], &policy, NOW_MS).is_err(), "{length}");
    }
    let file = chain.status_receipt(&asked, NOW_MS).to_bytes();
    // The last byte is a newline after the JSON.
    for length in 0..file.len() - 1 {
        assert!(verify_status(&file[..length], &pin, &asked, Terms::now(NOW_MS)).is_err(), "{length}");
    }
}

#[test]
fn a_changed_handover_is_refused() {
    let mut chain = chain();
    let pin = chain.pin();
    let mut next = chain.keys.clone();
    next[3] = Keys::new("works");
    let handover = chain.hand_over(T0_MS + 3000, next);
    let bytes = handover.encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let renewed = Handover::decode(&changed).map(|handover| pin.renew(&[handover], NOW_MS, DAY_MS));
        assert!(!matches!(renewed, Ok(Ok(_))), "byte {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[ -~\\n—]{0,300}") {
        let chain = Chain::new();
        for noise in [&bytes[..], text.as_bytes()] {
            prop_assert!(chain.policy().verify(noise, NOW_MS, 10_000).is_err());
            prop_assert!(verify_inclusion(noise, &chain.policy(), NOW_MS).is_err());
            prop_assert!(Pin::from_json(noise).is_err());
            prop_assert!(Handover::decode(noise).is_err());
        }
    }
}
