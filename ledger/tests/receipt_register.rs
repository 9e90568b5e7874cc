//! Register receipts: the verifier runs the register itself, and nothing can be left out or added.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::codec;
use dalil_ledger::receipt::{
    CouldNotCheck, ProvenRegister, REGISTER_READS_MAX, RegisterReceipt, StatusTextError, verify_register,
};
use dalil_ledger::state::{StateError, StateView, commitment};

const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

/// A register: a list's head names how many entries there are; absent is an empty list.
fn sum(state: &dyn StateView) -> Result<u64, StateError> {
    let number = |key: String| -> Result<Option<u64>, StateError> {
        let Some(bytes) = state.get(key.as_bytes())? else { return Ok(None) };
        codec::decode(&bytes, 64).map(Some).map_err(|error| StateError(error.to_string()))
    };
    let count = number("list".to_owned())?.unwrap_or_default();
    (0..count).try_fold(0, |sum, at| Ok(sum + number(format!("list/{at}"))?.unwrap_or_default()))
}

fn chain() -> Chain {
    let mut chain = Chain::new();
    for (at, value) in [5_u64, 7, 9].iter().enumerate() {
        chain.put(T0_MS + MINUTE_MS, format!("list/{at}").into_bytes(), value);
    }
    chain.put(T0_MS + MINUTE_MS, b"list".to_vec(), &3_u64);
    chain.put(T0_MS + MINUTE_MS, b"other".to_vec(), &1_u64);
    chain
}

fn receipt(chain: &Chain, cosigned_at_ms: u64) -> RegisterReceipt {
    let prove = |key: &[u8]| Ok((chain.state.get(key).cloned(), commitment::prove(&chain.pages, key)?));
    let (answer, reads) = RegisterReceipt::gather(&chain.state, sum, prove).unwrap();
    assert_eq!((answer, reads.len()), (21, 4));
    RegisterReceipt { head: chain.head(cosigned_at_ms), reads }
}

fn check(chain: &Chain, receipt: &RegisterReceipt) -> Result<ProvenRegister<u64>, CouldNotCheck> {
    verify_register(&receipt.to_bytes(), &chain.pin(), NOW_MS, None, sum)
}

#[test]
fn the_verifier_runs_the_register_over_proven_values() {
    let chain = chain();
    let proven = check(&chain, &receipt(&chain, NOW_MS - 1_000)).unwrap();
    assert_eq!((proven.answer, proven.freshness_ms, proven.quorum), (21, NOW_MS - 1_000, 3));
    let empty = Chain::new();
    let none = RegisterReceipt::gather(&empty.state, sum, |key| {
        Ok((empty.state.get(key).cloned(), commitment::prove(&empty.pages, key)?))
    });
    let absent = RegisterReceipt { head: empty.head(NOW_MS), reads: none.unwrap().1 };
    assert_eq!(check(&empty, &absent).unwrap().answer, 0);
}

#[test]
fn nothing_is_left_out_added_or_changed() {
    let chain = chain();
    let good = receipt(&chain, NOW_MS);
    for place in 0..good.reads.len() {
        let mut lacking = good.clone();
        let key = lacking.reads.remove(place).key;
        let expected = CouldNotCheck::Read { place: 3, got: None, expected: Some(key) };
        assert_eq!(check(&chain, &lacking).unwrap_err(), expected);
        let mut changed = good.clone();
        changed.reads[place].value = Some(codec::encode(&1_u64));
        assert!(matches!(check(&chain, &changed), Err(CouldNotCheck::StateProof { .. })));
        let mut absent = good.clone();
        absent.reads[place].value = None;
        assert!(matches!(check(&chain, &absent), Err(CouldNotCheck::StateProof { .. })));
        let mut twice = good.clone();
        twice.reads.push(good.reads[place].clone());
        assert!(matches!(check(&chain, &twice), Err(CouldNotCheck::Read { place: 4, got: Some(_), expected: None })));
    }
    let mut added = good.clone();
    let (key, value) = (b"other".to_vec(), chain.state.get(&b"other"[..]).cloned());
    let proof = commitment::prove(&chain.pages, &key).unwrap();
    added.reads.push(dalil_ledger::receipt::StateRead { key: "other".to_owned(), value, proof });
    let expected = CouldNotCheck::Read { place: 4, got: Some("other".to_owned()), expected: None };
    assert_eq!(check(&chain, &added).unwrap_err(), expected);
}

#[test]
fn old_foreign_and_misshapen_receipts_prove_nothing() {
    let chain = chain();
    let good = receipt(&chain, NOW_MS);
    let limit = chain.pin().terms().absence_age_max_ms;
    let late = verify_register(&good.to_bytes(), &chain.pin(), NOW_MS + limit + 1, None, sum);
    assert_eq!(late.unwrap_err(), CouldNotCheck::Stale { age_ms: limit + 1, max_ms: limit });
    assert!(verify_register(&good.to_bytes(), &chain.pin(), NOW_MS + limit + 1, Some(limit + 1), sum).is_ok());
    let mut older = self::chain();
    older.put(T0_MS + 2 * MINUTE_MS, b"list/0".to_vec(), &6_u64);
    let mut mixed = good.clone();
    mixed.head = older.head(NOW_MS);
    assert!(matches!(check(&older, &mixed), Err(CouldNotCheck::StateProof { .. })));
    let text = String::from_utf8(good.to_bytes()).unwrap();
    let status = text.replace("dalil-register/v1", "dalil-status/v1");
    let refused = verify_register(status.as_bytes(), &chain.pin(), NOW_MS, None, sum).unwrap_err();
    assert!(matches!(refused, CouldNotCheck::StatusText(StatusTextError::Format { .. })));
    let many = RegisterReceipt { reads: vec![good.reads[0].clone(); REGISTER_READS_MAX + 1], ..good };
    assert!(matches!(check(&chain, &many), Err(CouldNotCheck::StatusText(StatusTextError::TooMany { .. }))));
}
