//! Counting cosignatures: each key once, exactly q, none from the future, none wrong.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{
    Checkpoint, Cosignature, EndorsementError, LogSignature, Note, NoteSignature, Policy, PolicyError, VerifierKey,
};
use dalil_ledger::crypto::PublicKey;

const NOW_MS: u64 = T0_MS + 10 * MINUTE_MS;
const SKEW_MS: u64 = 10_000;

fn verify(chain: &Chain, note: &Note) -> Result<u64, EndorsementError> {
    let endorsed = chain.policy().verify(note.to_string().as_bytes(), NOW_MS, SKEW_MS);
    endorsed.map(|endorsement| endorsement.freshness_ms)
}

#[test]
fn freshness_is_the_oldest_time_counted() {
    let chain = Chain::new();
    let note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS - 3000), (1, NOW_MS - 90_000), (3, NOW_MS)]);
    assert_eq!(verify(&chain, &note), Ok(NOW_MS - 90_000));
    let endorsement = chain.policy().verify(note.to_string().as_bytes(), NOW_MS, SKEW_MS).unwrap();
    let names: Vec<&str> = endorsement.cosigners.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ledger.example/test/finance", "ledger.example/test/land", "ledger.example/test/transport"]);
}

#[test]
fn q_minus_one_signatures_are_refused() {
    let chain = Chain::new();
    let note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS), (2, NOW_MS)]);
    assert_eq!(verify(&chain, &note), Err(EndorsementError::Quorum { got: 2, expected: 3, ahead: 0 }));
}

#[test]
fn more_than_q_signatures_are_refused() {
    let chain = Chain::new();
    let all: Vec<_> = (0..4).map(|place| (place, NOW_MS)).collect();
    let note = chain.note_of(&chain.checkpoint(), &all);
    assert_eq!(verify(&chain, &note), Err(EndorsementError::Quorum { got: 4, expected: 3, ahead: 0 }));
}

#[test]
fn cosignature_counted_twice_is_refused() {
    let chain = Chain::new();
    let note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS), (1, NOW_MS), (1, NOW_MS)]);
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Repeated(_))));
}

#[test]
fn one_cosigner_twice_with_two_times_is_refused() {
    let chain = Chain::new();
    let note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS), (1, NOW_MS - 15_000), (1, NOW_MS)]);
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Repeated(_))));
}

#[test]
fn unknown_key_is_not_counted() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let stranger = Keys::new("stranger");
    let mut note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS)]);
    let name = "ledger.example/test/stranger".parse().unwrap();
    let kind = chain.policy().witnesses()[0].key.kind;
    let vkey = VerifierKey { name, kind, key: stranger.cosigner.public() };
    note.signatures.push(Cosignature::sign(&checkpoint, &stranger.cosigner, NOW_MS / 1000).to_line(&vkey));
    assert_eq!(verify(&chain, &note), Err(EndorsementError::Quorum { got: 2, expected: 3, ahead: 0 }));
    // A stranger's line beside a quorum is ignored, as signed-note demands.
    let mut note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    note.signatures.push(NoteSignature {
        bytes: vec![1; 9],
        ..Cosignature::sign(&checkpoint, &stranger.cosigner, 1).to_line(&vkey)
    });
    assert_eq!(verify(&chain, &note), Ok(NOW_MS));
}

#[test]
fn a_wrong_signature_by_a_key_of_the_policy_voids_the_note() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let mut note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS), (3, NOW_MS)]);
    note.signatures[4].bytes[20] ^= 1;
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Signature(_))));
    note.signatures[4].bytes.push(0);
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Signature(_))));
    let mut note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    note.signatures[0].bytes[0] ^= 1;
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Signature(_))));
}

#[test]
fn a_log_key_with_the_id_of_anothers_voids_no_note() {
    let chain = Chain::with_keys(four_of_whom_two_share_a_log_id());
    let (checkpoint, policy) = (chain.checkpoint(), chain.policy());
    let vkey = &policy.logs()[0];
    assert_eq!((vkey.id(), &vkey.name), (policy.logs()[2].id(), &policy.logs()[2].name));
    let note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    let by = |keys: &Keys| LogSignature::sign(&checkpoint, &keys.log).to_line(vkey);
    let with_lines = |lines: Vec<NoteSignature>| Note {
        signatures: lines.into_iter().chain(note.signatures[1..].iter().cloned()).collect(),
        ..note.clone()
    };
    let [one, _, other, _] = &chain.keys[..] else { panic!("four validators") };
    for lines in [vec![by(one)], vec![by(other)], vec![by(other), by(one)]] {
        assert_eq!(verify(&chain, &with_lines(lines)), Ok(NOW_MS));
    }
    let stranger = by(&Keys::new("stranger"));
    for lines in [vec![stranger.clone()], vec![by(one), stranger]] {
        assert!(matches!(verify(&chain, &with_lines(lines)), Err(EndorsementError::Signature(_))));
    }
    let twice = with_lines(vec![by(other), by(other)]);
    assert!(matches!(verify(&chain, &twice), Err(EndorsementError::Repeated(_))));
    // Who is about to decide has ids of their own: other readers of notes know no better.
    assert!(matches!(Policy::of_new_set(&origin(), &chain.set), Err(PolicyError::Ambiguous(_))));
    assert_eq!(Policy::of_new_set(&origin(), &Chain::new().set), Ok(Chain::new().policy()));
}

#[test]
fn a_time_in_the_future_is_not_counted() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS + SKEW_MS)]);
    assert_eq!(verify(&chain, &note), Ok(NOW_MS));
    let note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS + SKEW_MS + 1000)]);
    assert_eq!(verify(&chain, &note), Err(EndorsementError::Quorum { got: 2, expected: 3, ahead: 1 }));
    let note = chain.note_of(&checkpoint, &[(0, NOW_MS), (1, NOW_MS), (2, u64::MAX)]);
    assert_eq!(verify(&chain, &note), Err(EndorsementError::Quorum { got: 2, expected: 3, ahead: 1 }));
}

#[test]
fn other_origin_is_refused() {
    let chain = Chain::new();
    let other = Checkpoint { origin: "ledger.example/other".parse().unwrap(), ..chain.checkpoint() };
    let note = chain.note_of(&other, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Origin { .. })));
}

#[test]
fn a_note_without_a_log_line_is_refused() {
    let chain = Chain::new();
    let mut note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    note.signatures.remove(0);
    assert_eq!(verify(&chain, &note), Err(EndorsementError::NoLog));
}

#[test]
fn a_signature_with_s_not_below_l_is_refused() {
    // S + L verifies the same equation; RFC 8032 §5.1.7 demands S < L, else signatures are malleable.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let chain = Chain::new();
    let mut note = chain.note_of(&chain.checkpoint(), &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]);
    let s = &mut note.signatures[1].bytes[8 + 32..];
    let mut carry = 0u16;
    for (digit, order) in s.iter_mut().zip(L) {
        carry += u16::from(*digit) + u16::from(order);
        *digit = carry as u8;
        carry >>= 8;
    }
    assert!(matches!(verify(&chain, &note), Err(EndorsementError::Signature(_))));
}

fn votes(chain: &Chain, checkpoint: &Checkpoint, times: &[(usize, u64)]) -> Vec<(PublicKey, Cosignature)> {
    let sign = |(place, time_ms): &(usize, u64)| {
        let key = &chain.keys[*place].cosigner;
        (key.public(), Cosignature::sign(checkpoint, key, time_ms / 1000))
    };
    times.iter().map(sign).collect()
}

#[test]
fn the_published_note_carries_the_q_newest() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let mut given = votes(
        &chain,
        &checkpoint,
        // Validator 0 has cosigned three times; the one from the future is left out, its newest other one is taken.
        &[
            (0, NOW_MS - 30_000),
            (0, NOW_MS - 15_000),
            (0, NOW_MS + 6000),
            (1, NOW_MS),
            (2, NOW_MS - 60_000),
            (3, NOW_MS - 1000),
        ],
    );
    let mut forged = given[3];
    forged.0 = chain.keys[2].cosigner.public();
    given.push(forged);
    let log_key = &chain.keys[2].log;
    let log_signature = LogSignature::sign(&checkpoint, log_key);
    let note = chain
        .policy()
        .assemble(&checkpoint, (&log_key.public(), &log_signature), given.clone(), NOW_MS, SKEW_MS)
        .unwrap();
    assert_eq!(note.signatures.len(), 4);
    assert_eq!(verify(&chain, &note), Ok(NOW_MS - 15_000));
    // The order in which cosignatures arrive does not matter.
    given.reverse();
    let again = chain.policy().assemble(&checkpoint, (&log_key.public(), &log_signature), given, NOW_MS, SKEW_MS);
    assert_eq!(again.unwrap(), note);
}

#[test]
fn too_few_cosignatures_make_no_note() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let given = votes(&chain, &checkpoint, &[(0, NOW_MS), (1, NOW_MS), (1, NOW_MS - 1000), (2, NOW_MS + 6000)]);
    let log_key = &chain.keys[0].log;
    let log_signature = LogSignature::sign(&checkpoint, log_key);
    let note = chain.policy().assemble(&checkpoint, (&log_key.public(), &log_signature), given, NOW_MS, SKEW_MS);
    assert_eq!(note, Err(EndorsementError::Quorum { got: 2, expected: 3, ahead: 1 }));
}
