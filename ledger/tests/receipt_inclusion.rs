//! Inclusion receipts (C2SP tlog-proof), single and of a batch.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::*;
use dalil_ledger::block::{Attachment, Entry};
use dalil_ledger::checkpoint::{EndorsementError, Pin, PinTerms, PinnedHeadError};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, Signature, sha256};
use dalil_ledger::log::{ProofError, inclusion_proof, leaf_hash};
use dalil_ledger::receipt::{
    BatchDocument, BatchHead, CouldNotCheck, Exit, Inclusion, InclusionReceipt, InclusionTextError, Trust,
    verify_inclusion, verify_inclusion_with,
};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::transaction::SignedTransaction;

const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

/// Genesis, then a block of five records and its header: seven leaves, records at 1 to 5.
fn chain() -> Chain {
    let mut chain = Chain::new();
    let records = (0..5u8).map(|n| chain.record(&[n; 50])).collect();
    chain.block(T0_MS + 1000, records, Changes::new());
    chain
}

fn check(chain: &Chain, receipt: &InclusionReceipt) -> Result<Inclusion, CouldNotCheck> {
    verify_inclusion(&receipt.to_bytes(), &chain.policy(), NOW_MS)
}

fn refusal(spoil: impl FnOnce(&mut InclusionReceipt)) -> CouldNotCheck {
    let chain = chain();
    let mut receipt = chain.inclusion_receipt(3, NOW_MS);
    spoil(&mut receipt);
    check(&chain, &receipt).unwrap_err()
}

#[test]
fn every_record_has_a_receipt() {
    let chain = chain();
    for index in 1..6 {
        let receipt = chain.inclusion_receipt(index, NOW_MS - 1000);
        assert_eq!(InclusionReceipt::parse(&receipt.to_bytes()).unwrap(), receipt);
        let checked = check(&chain, &receipt);
        let inclusion = checked.clone().unwrap();
        assert_eq!(Entry::Record(inclusion.record).encode(), chain.entries[index as usize]);
        assert_eq!((inclusion.index, inclusion.log_size, inclusion.quorum), (index, 7, 3));
        assert_eq!((inclusion.freshness_ms, inclusion.document), (NOW_MS - 1000, None));
        // Recorded, and nothing about today.
        assert_eq!(Exit::of_inclusion(&checked).code(), 5);
    }
}

#[test]
fn an_old_receipt_stays_good_under_its_own_policy() {
    let chain = chain();
    let bytes = chain.inclusion_receipt(2, NOW_MS).to_bytes();
    verify_inclusion(&bytes, &chain.policy(), NOW_MS + 3650 * DAY_MS).unwrap();
}

#[test]
fn the_file_is_a_tlog_proof() {
    let chain = chain();
    let text = String::from_utf8(chain.inclusion_receipt(3, NOW_MS).to_bytes()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert_eq!(lines[1], format!("extra {}", STANDARD.encode(&chain.entries[3])));
    assert_eq!(lines[2], "index 3");
    assert_eq!(lines[3], STANDARD.encode(chain.leaf(2).0));
    assert_eq!((lines[6], lines[7], lines[8]), ("", ORIGIN, "7"));
}

#[test]
fn index_not_below_size_is_refused() {
    for index in [7, 8, u64::MAX] {
        let refused = refusal(|receipt| receipt.index = index);
        assert_eq!(refused, CouldNotCheck::Inclusion(ProofError::IndexBeyondSize { index, size: 7 }));
    }
}

#[test]
fn path_too_long_or_too_short_is_refused() {
    let refused = refusal(|receipt| receipt.path.push(Hash::ZERO));
    assert_eq!(refused, CouldNotCheck::Inclusion(ProofError::PathLength { got: 4, expected: 3 }));
    let refused = refusal(|receipt| receipt.path.truncate(2));
    assert_eq!(refused, CouldNotCheck::Inclusion(ProofError::PathLength { got: 2, expected: 3 }));
    let refused = refusal(|receipt| receipt.path = vec![Hash::ZERO; 64]);
    assert_eq!(refused, CouldNotCheck::InclusionText(InclusionTextError::Path(64)));
}

#[test]
fn another_index_or_entry_is_refused() {
    assert!(matches!(refusal(|receipt| receipt.index = 2), CouldNotCheck::Inclusion(ProofError::Root { .. })));
    let other = chain().inclusion_receipt(4, NOW_MS).recorded;
    assert!(matches!(refusal(|receipt| receipt.recorded = other), CouldNotCheck::Inclusion(ProofError::Root { .. })));
}

#[test]
fn proof_for_another_size_is_refused() {
    let chain = chain();
    let path = inclusion_proof(&chain.nodes, 3, 6).unwrap();
    assert!(matches!(refusal(|receipt| receipt.path = path), CouldNotCheck::Inclusion(_)));
    let note = chain.note_of(&chain.checkpoint_at(6), &[(0, NOW_MS), (1, NOW_MS), (2, NOW_MS)]).to_string();
    assert!(matches!(refusal(|receipt| receipt.note = note), CouldNotCheck::Inclusion(_)));
}

#[test]
fn a_header_passed_as_record_is_refused() {
    let chain = chain();
    for index in [0, 6] {
        assert_eq!(check(&chain, &chain.inclusion_receipt(index, NOW_MS)), Err(CouldNotCheck::NotARecord));
    }
}

#[test]
fn a_bad_signature_under_a_cached_transaction_id_is_refused() {
    // The id leaves the signature out; the leaf does not. A record with the known id and a broken signature is another
    // leaf, so whoever caches by id would accept what nobody recorded.
    let chain = chain();
    let mut receipt = chain.inclusion_receipt(3, NOW_MS);
    let Entry::Record(record) = &receipt.recorded.entry else { panic!("a record stands at 3") };
    let mut broken = record.clone();
    broken.signature = Signature([1; 64]);
    assert_eq!(broken.id(), record.id());
    assert_ne!(leaf_hash(&Entry::Record(broken.clone()).encode()), chain.leaf(3));
    receipt.recorded.entry = Entry::Record(broken.clone());
    assert!(matches!(check(&chain, &receipt), Err(CouldNotCheck::Inclusion(ProofError::Root { .. }))));
    // Even if validators had recorded it, the verifier looks for itself.
    let mut faulty = Chain::new();
    faulty.block(T0_MS + 1000, vec![broken], Changes::new());
    assert!(matches!(check(&faulty, &faulty.inclusion_receipt(1, NOW_MS)), Err(CouldNotCheck::RecordSignature(_))));
}

#[test]
fn a_pin_also_checks_chain_and_expiry() {
    let chain = chain();
    let bytes = chain.inclusion_receipt(3, NOW_MS).to_bytes();
    let with = |pin: &Pin, now_ms| verify_inclusion_with(&bytes, Trust::Pin(pin), now_ms, |_| None);
    with(&chain.pin(), NOW_MS).unwrap();
    assert!(matches!(
        with(&chain.pin(), T0_MS + 90 * DAY_MS),
        Err(CouldNotCheck::Head(PinnedHeadError::Expired { .. }))
    ));
    let terms = PinTerms { chain: sha256(b"another chain"), ..*chain.pin().terms() };
    let other = Pin::new(&origin(), chain.set.clone(), terms).unwrap();
    assert!(matches!(with(&other, NOW_MS), Err(CouldNotCheck::OtherChain { .. })));
}

#[test]
fn a_receipt_of_other_validators_is_refused() {
    let chain = chain();
    let bytes = chain.inclusion_receipt(3, NOW_MS).to_bytes();
    let others = Chain::with_keys(["a", "b", "c", "d"].map(Keys::new).to_vec()).policy();
    let refused = verify_inclusion(&bytes, &others, NOW_MS);
    assert_eq!(refused, Err(CouldNotCheck::Checkpoint(EndorsementError::NoLog)));
    assert_eq!(Exit::of_inclusion(&refused).code(), 4);
}

#[test]
fn other_spellings_are_refused() {
    let chain = chain();
    let text = String::from_utf8(chain.inclusion_receipt(3, NOW_MS).to_bytes()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let extra = lines[1];
    let hash = lines[3];
    let spelled = |entry: &[u8]| format!("extra {}", STANDARD.encode(entry));
    let loose = format!("{}{}=", &hash[..42], char::from(hash.as_bytes()[42] + 1));
    let cases = [
        ("empty", String::new()),
        ("another version", text.replace("tlog-proof@v1", "tlog-proof@v2")),
        ("no extra line", text.replace(&format!("{extra}\n"), "")),
        ("extra that is no base64", text.replace(extra, "extra !")),
        ("trailing bytes in the entry", text.replace(extra, &spelled(&[&chain.entries[3][..], &[0]].concat()))),
        ("an entry cut short", text.replace(extra, &spelled(&chain.entries[3][..40]))),
        ("no entry at all", text.replace(extra, "extra ")),
        ("index with a leading zero", text.replace("index 3", "index 03")),
        ("index with a sign", text.replace("index 3", "index +3")),
        ("no index", text.replace("index 3\n", "")),
        ("non-canonical base64", text.replace(hash, &loose)),
        ("a hash too short", text.replace(hash, "AAAA")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("trailing bytes", format!("{text}x")),
        ("a trailing line", format!("{text}\n")),
        ("no checkpoint", text.split_once("\n\n").unwrap().0.to_owned() + "\n\n"),
        ("an empty line more", text.replacen("\n\n", "\n\n\n", 1)),
        ("too long", format!("{text}{}", " ".repeat(300_000))),
    ];
    for (what, changed) in cases {
        assert_ne!(changed, text, "{what}");
        assert!(verify_inclusion(changed.as_bytes(), &chain.policy(), NOW_MS).is_err(), "{what}");
    }
    assert!(verify_inclusion(b"\xff\xfe\n\n", &chain.policy(), NOW_MS).is_err());
}

/// A record whose call is, for this test, the batch's size and root.
fn batch_of(record: &SignedTransaction) -> Option<BatchHead> {
    let (size, root): (u64, Hash) = codec::decode(&record.body.call, 40).ok()?;
    Some(BatchHead { size, root })
}

/// A chain with a batch of 4,096 results at index 1, and its leaf list.
fn chain_with_batch() -> (Chain, Attachment) {
    let mut chain = Chain::new();
    let leaves = (0..4096u32).map(|n| format!("result {n}").into_bytes()).collect();
    let attachment = Attachment { leaves };
    let record = chain.record(&codec::encode(&(4096u64, attachment.root())));
    chain.block(T0_MS + 1000, vec![record], Changes::new());
    (chain, attachment)
}

fn document_of(attachment: &Attachment, index: u64) -> BatchDocument {
    let leaves: Vec<Hash> = attachment.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let path = inclusion_proof(&leaves[..], index, leaves.len() as u64).unwrap();
    BatchDocument { leaf: attachment.leaves[index as usize].clone(), index, path }
}

fn check_batch(chain: &Chain, document: BatchDocument) -> Result<Inclusion, CouldNotCheck> {
    let receipt = chain.inclusion_receipt(1, NOW_MS).for_document(document);
    assert_eq!(InclusionReceipt::parse(&receipt.to_bytes()).unwrap(), receipt);
    verify_inclusion_with(&receipt.to_bytes(), Trust::Policy(&chain.policy()), NOW_MS, batch_of)
}

#[test]
fn a_document_of_a_batch() {
    let (chain, attachment) = chain_with_batch();
    let document = document_of(&attachment, 4016);
    assert_eq!(document.path.len(), 12);
    let inclusion = check_batch(&chain, document).unwrap();
    assert_eq!((inclusion.document, inclusion.index), (Some(b"result 4016".to_vec()), 1));
}

#[test]
fn a_document_that_is_not_in_the_batch_is_refused() {
    let (chain, attachment) = chain_with_batch();
    let changed = |change: fn(&mut BatchDocument)| {
        let mut document = document_of(&attachment, 4016);
        change(&mut document);
        check_batch(&chain, document).unwrap_err()
    };
    assert!(matches!(changed(|d| d.leaf = b"result 4017".to_vec()), CouldNotCheck::Batch(ProofError::Root { .. })));
    assert!(matches!(changed(|d| d.index = 4017), CouldNotCheck::Batch(ProofError::Root { .. })));
    assert!(matches!(changed(|d| d.index = 4096), CouldNotCheck::Batch(ProofError::IndexBeyondSize { .. })));
    assert!(matches!(changed(|d| d.path.truncate(11)), CouldNotCheck::Batch(ProofError::PathLength { .. })));
    // Two leaf hashes of the batch are no leaf of it.
    let children = [leaf_hash(b"result 0").0, leaf_hash(b"result 1").0].concat();
    let mut document = document_of(&attachment, 0);
    (document.leaf, document.path) = (children, document.path.split_off(1));
    assert!(matches!(check_batch(&chain, document), Err(CouldNotCheck::Batch(_))));
}

#[test]
fn a_batch_form_over_a_single_record_is_refused() {
    let (_, attachment) = chain_with_batch();
    let chain = chain();
    assert_eq!(check_batch(&chain, document_of(&attachment, 0)), Err(CouldNotCheck::NoBatch));
    // Nor does the plain check take a batch on trust.
    let (chain, attachment) = chain_with_batch();
    let receipt = chain.inclusion_receipt(1, NOW_MS).for_document(document_of(&attachment, 0));
    assert_eq!(check(&chain, &receipt), Err(CouldNotCheck::NoBatch));
}
