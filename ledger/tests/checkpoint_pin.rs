//! Pins and handovers: how a verifier follows the validators, and every way in which it refuses to.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{
    EndorsementError, FORMER_SETS_MAX, Handover, HandoverError, HeadError, Pin, PinError, PinTerms, PinnedHeadError,
    RenewError,
};
use dalil_ledger::log::ProofError;
use dalil_ledger::receipt::{Trust, verify_inclusion_with};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::validators::{Certificate, CertificateError, VoteKind};

const NOW_MS: u64 = T0_MS + DAY_MS;
const LIFETIME_MS: u64 = 90 * DAY_MS;

/// The four with the last one replaced.
fn replaced(keys: &[Keys], by: &'static str) -> Vec<Keys> {
    let mut next = keys[..3].to_vec();
    next.push(Keys::new(by));
    next
}

fn handover_error(pin: &Pin, handovers: &[Handover]) -> (usize, HandoverError) {
    match pin.renew(handovers, NOW_MS, LIFETIME_MS) {
        Err(RenewError::Handover(number, error)) => (number, error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pin_reads_back() {
    let pin = Chain::new().pin();
    assert_eq!(Pin::from_json(pin.to_json().as_bytes()).unwrap(), pin);
}

#[test]
fn other_spellings_of_a_pin_are_refused() {
    let json = Chain::new().pin().to_json();
    let chain_line = json.lines().find(|line| line.contains("\"chain\"")).unwrap();
    let refused = [
        ("duplicate key", json.replace(chain_line, &format!("{chain_line}\n{chain_line}"))),
        ("unknown field", json.replace(chain_line, &format!("{chain_line}\n\"more\": 1,"))),
        ("missing field", json.replace(chain_line, "")),
        ("trailing bytes", format!("{json}{{}}")),
        ("a float", json.replace("\"cosignature_skew_ms\": 10000", "\"cosignature_skew_ms\": 1e4")),
        ("a negative number", json.replace("\"cosignature_skew_ms\": 10000", "\"cosignature_skew_ms\": -1")),
        (
            "duplicate key in a validator",
            json.replacen("\"department\": \"land\"", "\"department\": \"land\", \"department\": \"land\"", 1),
        ),
        ("too long", format!("{json}{}", " ".repeat(300_000))),
    ];
    for (what, json) in refused {
        assert!(Pin::from_json(json.as_bytes()).is_err(), "{what}");
    }
}

#[test]
fn a_pin_whose_policy_is_not_its_sets_is_refused() {
    let chain = Chain::new();
    let other = Chain::with_keys(replaced(&chain.keys, "works"));
    let escape = |text: String| text.replace('\n', "\\n");
    let json = chain.pin().to_json();
    let swapped = json.replace(&escape(chain.policy().to_string()), &escape(other.policy().to_string()));
    assert_ne!(json, swapped);
    assert!(matches!(Pin::from_json(swapped.as_bytes()), Err(PinError::PolicyOfOtherSet { .. })));
    let weaker = json.replace("group validators 3", "group validators 1");
    assert!(matches!(Pin::from_json(weaker.as_bytes()), Err(PinError::PolicyOfOtherSet { .. })));
}

#[test]
fn small_order_keys_are_refused_in_pins() {
    let chain = Chain::new();
    let key = chain.keys[1].network.public().to_string();
    let json = chain.pin().to_json().replace(&key, &small_order_key().to_string());
    assert!(matches!(Pin::from_json(json.as_bytes()), Err(PinError::Validators(_))));
}

#[test]
fn handovers_renew_a_pin() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let first = chain.hand_over(T0_MS + 1000, replaced(&chain.keys.clone(), "works"));
    chain.block(T0_MS + 2000, Vec::new(), Changes::new());
    let second = chain.hand_over(T0_MS + 3000, [chain.keys.clone(), vec![Keys::new("zilla")]].concat());
    let encoded = Handover::decode(&first.encode()).unwrap();
    assert_eq!(encoded, first);
    let renewed = pin.renew(&[first.clone(), second.clone()], NOW_MS, LIFETIME_MS).unwrap();
    assert_eq!(renewed.validators(), &chain.set);
    assert_eq!(renewed.policy(), &chain.policy());
    assert_eq!(renewed.terms().from_height, second.header.height + 1);
    assert_eq!(renewed.terms().expires_at_ms, T0_MS + 3000 + LIFETIME_MS);
    // One by one leads to the same pin.
    let step = pin.renew(&[first], NOW_MS, LIFETIME_MS).unwrap();
    assert_eq!(step.renew(&[second], NOW_MS, LIFETIME_MS).unwrap(), renewed);
    // And the new validators' head is read with the new pin only.
    chain.block(T0_MS + 4000, Vec::new(), Changes::new());
    let head = chain.head(NOW_MS);
    renewed.verify_head(&head, NOW_MS).unwrap();
    assert!(matches!(pin.verify_head(&head, NOW_MS), Err(PinnedHeadError::OtherValidators { .. })));
}

#[test]
fn what_a_former_set_cosigned_stands_until_its_pin_would_have_expired() {
    let mut chain = Chain::new();
    chain.block(T0_MS + 500, vec![chain.record(b"call")], Changes::new());
    let (pin, receipt) = (chain.pin(), chain.inclusion_receipt(1, NOW_MS).to_bytes());
    let (head, expires_at_ms) = (chain.head(NOW_MS), pin.terms().expires_at_ms);
    // One of those who cosigned the receipt leaves.
    let next = [&chain.keys[1..], &[Keys::new("works")]].concat();
    let handover = chain.hand_over(T0_MS + 1000, next);
    let renewed = pin.renew(&[handover], NOW_MS, 2 * LIFETIME_MS).unwrap();
    assert!(renewed.terms().expires_at_ms > expires_at_ms);
    assert_eq!(Pin::from_json(renewed.to_json().as_bytes()).unwrap(), renewed);
    let check = |pin: &Pin, at_ms| verify_inclusion_with(&receipt, Trust::Pin(pin), at_ms, |_| None);
    for pin in [&pin, &renewed] {
        assert_eq!(check(pin, NOW_MS).unwrap().index, 1);
        assert!(check(pin, expires_at_ms - 1).is_ok());
        assert!(check(pin, expires_at_ms).is_err());
    }
    // Of what is current it says nothing.
    assert!(matches!(renewed.verify_head(&head, NOW_MS), Err(PinnedHeadError::OtherValidators { .. })));
    // A stranger's pin of the new set alone knows nobody of the old one but those who stayed.
    let fresh = Pin::new(&origin(), renewed.validators().clone(), *renewed.terms()).unwrap();
    assert!(check(&fresh, NOW_MS).is_err());
}

#[test]
fn a_pin_remembers_the_newest_former_sets_only() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let names = ["p", "q", "r", "s", "t", "u", "v", "w", "x", "y"];
    let mut next = |(n, name): (usize, &&'static str)| {
        chain.hand_over(T0_MS + 1000 * (n as u64 + 1), replaced(&chain.keys.clone(), name))
    };
    let handovers: Vec<_> = names.iter().enumerate().map(&mut next).collect();
    let renewed = pin.renew(&handovers, NOW_MS, LIFETIME_MS).unwrap();
    let json = renewed.to_json();
    assert_eq!(json.matches("\"validators\"").count(), 1 + FORMER_SETS_MAX);
    assert_eq!(Pin::from_json(json.as_bytes()).unwrap(), renewed);
    let former = json.split_once("\"former\": [").unwrap().1;
    let one = former.split_once("    },\n    {").unwrap().0;
    let more = json.replacen("\"former\": [", &format!("\"former\": [{one}}},"), 1);
    assert!(
        matches!(Pin::from_json(more.as_bytes()), Err(PinError::Former(9))),
        "{:?}",
        Pin::from_json(more.as_bytes())
    );
}

#[test]
fn handover_with_a_gap_is_refused() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let first = chain.hand_over(T0_MS + 1000, replaced(&chain.keys.clone(), "works"));
    let second = chain.hand_over(T0_MS + 2000, replaced(&chain.keys.clone(), "zilla"));
    assert!(matches!(handover_error(&pin, std::slice::from_ref(&second)), (0, HandoverError::DecidedBy { .. })));
    // In the wrong order, the first one falls short.
    assert!(matches!(handover_error(&pin, &[second, first]), (0, HandoverError::DecidedBy { .. })));
}

#[test]
fn swapped_cosigner_keys_are_refused() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let honest = chain.hand_over(T0_MS + 1000, replaced(&chain.keys.clone(), "works"));
    let mut keys = chain.keys.clone();
    keys[3].cosigner = Keys::new("attacker").cosigner;
    let swapped = Handover { next: set_of(&keys), ..honest.clone() };
    assert!(matches!(handover_error(&pin, &[swapped]), (0, HandoverError::Next { .. })));
    // With the header changed to fit, the certificate is for another block.
    let mut header = honest.header.clone();
    header.next_validators_hash = set_of(&keys).hash();
    let forged = Handover { header, next: set_of(&keys), ..honest };
    assert!(matches!(handover_error(&pin, &[forged]), (0, HandoverError::NotCommitted(_))));
}

#[test]
fn signatures_of_the_new_set_only_are_refused() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let honest = chain.hand_over(T0_MS + 1000, ["a", "b", "c", "d"].map(Keys::new).to_vec());
    let certificate = chain.certificate(&honest.header, &chain.keys);
    let forged = Handover { certificate, ..honest };
    let error = handover_error(&pin, &[forged]);
    assert!(matches!(error, (0, HandoverError::Certificate(CertificateError::Signature(0, _)))));
}

#[test]
fn certificates_that_commit_nothing_are_refused() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let signers = chain.keys.clone();
    let honest = chain.hand_over(T0_MS + 1000, replaced(&signers, "works"));
    let with = |change: fn(&mut Certificate)| {
        let mut forged = honest.clone();
        change(&mut forged.certificate);
        handover_error(&pin, &[forged]).1
    };
    assert!(matches!(with(|c| c.kind = VoteKind::Prevote), HandoverError::NotCommitted(_)));
    assert!(matches!(with(|c| c.subject.block = None), HandoverError::NotCommitted(_)));
    assert!(matches!(with(|c| c.subject.height += 1), HandoverError::NotCommitted(_)));
    let q_minus_one = with(|c| {
        c.signers &= c.signers - 1;
        c.signatures.remove(0);
    });
    assert!(matches!(q_minus_one, HandoverError::Certificate(CertificateError::Count { got: 2, quorum: 3 })));
    let repeated = with(|c| c.signatures[1] = c.signatures[0]);
    assert!(matches!(repeated, HandoverError::Certificate(CertificateError::Signature(1, _))));
    let beyond = with(|c| c.signers = 0b1_0000_0011);
    assert!(matches!(beyond, HandoverError::Certificate(CertificateError::UnknownSigner(8))));
    let other_round = with(|c| c.subject.round += 1);
    assert!(matches!(other_round, HandoverError::Certificate(CertificateError::Signature(0, _))));
}

#[test]
fn handover_of_another_chain_is_refused() {
    let mut chain = Chain::new();
    let pin =
        Pin::new(&origin(), chain.set.clone(), PinTerms { chain: chain.leaf(0), ..*chain.pin().terms() }).unwrap();
    let handover = chain.hand_over(T0_MS + 1000, replaced(&chain.keys.clone(), "works"));
    assert!(matches!(handover_error(&pin, &[handover]), (0, HandoverError::Chain { .. })));
}

#[test]
fn an_old_handover_is_not_replayed() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let old = chain.keys.clone();
    let away = chain.hand_over(T0_MS + 1000, replaced(&old, "works"));
    let back = chain.hand_over(T0_MS + 2000, old);
    let renewed = pin.renew(&[away.clone(), back], NOW_MS, LIFETIME_MS).unwrap();
    assert_eq!(renewed.validators(), pin.validators());
    // The same set stands again; the retired validator's keys must not take over once more.
    assert_eq!(handover_error(&renewed, &[away]), (0, HandoverError::Height { got: 1, least: 3 }));
}

#[test]
fn an_expired_pin_is_not_renewed() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let handover = chain.hand_over(T0_MS + 1000, replaced(&chain.keys.clone(), "works"));
    let late_ms = pin.terms().expires_at_ms;
    assert!(matches!(pin.renew(&[handover], late_ms, LIFETIME_MS), Err(RenewError::Expired(..))));
    let unchanged = Chain::new();
    assert!(matches!(
        pin.prolong(&unchanged.head(late_ms), late_ms, LIFETIME_MS),
        Err(PinnedHeadError::Expired { .. })
    ));
}

#[test]
fn a_block_time_ahead_lengthens_nothing() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let handover = chain.hand_over(NOW_MS + 900 * DAY_MS, replaced(&chain.keys.clone(), "works"));
    let renewed = pin.renew(&[handover], NOW_MS, LIFETIME_MS).unwrap();
    assert_eq!(renewed.terms().expires_at_ms, NOW_MS + LIFETIME_MS);
    // Nor does renewing shorten.
    assert_eq!(pin.renew(&[], NOW_MS, 0).unwrap(), pin);
}

#[test]
fn a_fresh_head_prolongs_a_pin() {
    let chain = Chain::new();
    let pin = chain.pin();
    let prolonged = pin.prolong(&chain.head(NOW_MS - 15_000), NOW_MS, LIFETIME_MS).unwrap();
    assert_eq!(prolonged.terms().expires_at_ms, NOW_MS - 15_000 + LIFETIME_MS);
    assert_eq!(prolonged.validators(), pin.validators());
}

#[test]
fn header_leaf_not_the_last_is_refused() {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let older = chain.headers[0].clone();
    let record = chain.record(b"more");
    chain.block(T0_MS + 1000, vec![record], Changes::new());
    let size = chain.frontier.size();
    let mut head = chain.head(NOW_MS);
    head.header = older;
    let refused = |head| match pin.verify_head(&head, NOW_MS) {
        Err(PinnedHeadError::Head(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(head.clone()), HeadError::NotLast(ProofError::Root { .. })));
    // Its true path is that of index 0, not of the last leaf.
    head.path = dalil_ledger::log::inclusion_proof(&chain.nodes, 0, size).unwrap();
    assert!(matches!(refused(head), HeadError::NotLast(_)));
    // A checkpoint in the middle of a block has a record as its last leaf, never a header.
    let mut head = chain.head(NOW_MS);
    head.note = chain.note_of(&chain.checkpoint_at(size - 1), &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]).to_string();
    assert!(matches!(refused(head), HeadError::NotLast(_)));
}

#[test]
fn header_that_names_another_place_is_refused() {
    // Only a dishonest quorum can make such a log; the numbers must not overflow either.
    let mut chain = Chain::new();
    let pin = chain.pin();
    let mut header = chain.headers[0].clone();
    for first_entry in [1, u64::MAX] {
        header.first_entry = first_entry;
        header.record_count = 1;
        chain.nodes.clear();
        chain.frontier = Default::default();
        let entry = dalil_ledger::block::Entry::Header(header.clone()).encode();
        let nodes = chain.frontier.append([dalil_ledger::log::leaf_hash(&entry)]);
        dalil_ledger::log::prove::keep(&mut chain.nodes, &nodes);
        chain.headers = vec![header.clone()];
        let got = pin.verify_head(&chain.head(NOW_MS), NOW_MS);
        assert!(matches!(got, Err(PinnedHeadError::Head(HeadError::Place { expected: 1, .. }))), "{got:?}");
    }
}

#[test]
fn an_empty_log_has_no_head() {
    let chain = Chain::new();
    let mut head = chain.head(NOW_MS);
    let empty = dalil_ledger::checkpoint::Checkpoint { size: 0, ..chain.checkpoint() };
    head.note = chain.note_of(&empty, &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]).to_string();
    assert!(matches!(chain.pin().verify_head(&head, NOW_MS), Err(PinnedHeadError::Head(HeadError::Empty(_)))));
}

#[test]
fn old_validators_do_not_cosign_the_new_sets_head() {
    // set(h+1) cosigns head h: after the handover block only the new set's quorum counts.
    let mut chain = Chain::new();
    let old = chain.keys.clone();
    let handover = chain.hand_over(T0_MS + 1000, ["a", "b", "c", "d"].map(Keys::new).to_vec());
    let renewed = Chain::with_keys(old.clone()).pin().renew(&[handover], NOW_MS, LIFETIME_MS).unwrap();
    renewed.verify_head(&chain.head(NOW_MS), NOW_MS).unwrap();
    chain.keys = old;
    chain.set = set_of(&chain.keys);
    let got = renewed.verify_head(&chain.head(NOW_MS), NOW_MS);
    assert!(matches!(got, Err(PinnedHeadError::Head(HeadError::Checkpoint(EndorsementError::NoLog)))), "{got:?}");
}
