//! COSE receipts (RFC 9942). `node/tests/standards.rs` has them checked by software that others wrote.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{KeyKind, VerifierKey};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::log::{ProofError, inclusion_proof, leaf_hash};
use dalil_ledger::receipt::{COSE_BYTES_MAX, CoseError, CoseReceipt};
use dalil_ledger::state::overlay::Changes;
use proptest::prelude::*;

/// Genesis, then a block of five records and its header: seven leaves, records at 1 to 5.
fn chain() -> Chain {
    let mut chain = Chain::new();
    let records = (0..5u8).map(|n| chain.record(&[n; 50])).collect();
    chain.block(T0_MS + 1000, records, Changes::new());
    chain
}

fn key() -> VerifierKey {
    VerifierKey { name: origin(), kind: KeyKind::Log, key: four()[0].log.public() }
}

fn receipt(chain: &Chain, index: u64) -> CoseReceipt {
    let leaves: Vec<Hash> = chain.entries.iter().map(|entry| leaf_hash(entry)).collect();
    let size = leaves.len() as u64;
    CoseReceipt { size, index, path: inclusion_proof(&*leaves, index, size).unwrap() }
}

fn signed(receipt: &CoseReceipt, root: &Hash) -> Vec<u8> {
    receipt.sign(root, &origin(), &four()[0].log)
}

#[test]
fn every_entry_has_a_receipt_of_one_spelling() {
    let chain = chain();
    let root = chain.checkpoint().root;
    for (index, entry) in (0..).zip(&chain.entries) {
        let receipt = receipt(&chain, index);
        let bytes = signed(&receipt, &root);
        assert_eq!(CoseReceipt::verify(&bytes, entry, &key()), Ok(receipt.clone()));
        assert_eq!(signed(&receipt, &root), bytes, "Ed25519 and the encoding are deterministic");
    }
}

#[test]
fn the_bytes_stay_what_they_are() {
    let chain = chain();
    let bytes = signed(&receipt(&chain, 3), &chain.checkpoint().root);
    assert_eq!(sha256(&bytes).to_string(), GOLDEN, "{}", hex(&bytes));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of the receipt of entry 3.
const GOLDEN: &str = "27bc5e9b70bf4e64a45af63c5285eb9b9a4e119055e371272f3bc3a91d53c208";

#[test]
fn whatever_does_not_fit_is_refused() {
    let chain = chain();
    let root = chain.checkpoint().root;
    let good = receipt(&chain, 3);
    let bytes = signed(&good, &root);
    let verify = |bytes: &[u8]| CoseReceipt::verify(bytes, &chain.entries[3], &key());

    let other_entry = CoseReceipt::verify(&bytes, &chain.entries[4], &key());
    assert!(matches!(other_entry, Err(CoseError::Signature(_))), "{other_entry:?}");
    // A key of the same name, and the same key under another name: neither is the key that is named inside.
    let stranger = VerifierKey { key: four()[1].log.public(), ..key() };
    assert_eq!(CoseReceipt::verify(&bytes, &chain.entries[3], &stranger), Err(CoseError::Form(origin())));
    let renamed = VerifierKey { name: "ledger.example/other".parse().unwrap(), ..key() };
    let refused = CoseReceipt::verify(&bytes, &chain.entries[3], &renamed);
    assert_eq!(refused, Err(CoseError::Form(renamed.name.clone())));

    assert_eq!(verify(&[&bytes[..], &[0]].concat()), Err(CoseError::Form(origin())), "trailing bytes");
    assert_eq!(verify(&bytes[..bytes.len() - 1]), Err(CoseError::Form(origin())), "cut short");
    assert_eq!(verify(&vec![0; COSE_BYTES_MAX + 1]), Err(CoseError::TooLong(COSE_BYTES_MAX + 1)));
    let beyond = CoseReceipt { index: 7, ..good.clone() };
    let refused = verify(&signed(&beyond, &root));
    assert_eq!(refused, Err(CoseError::Proof(ProofError::IndexBeyondSize { index: 7, size: 7 })));
    let short = CoseReceipt { path: good.path[1..].to_vec(), ..good.clone() };
    assert!(matches!(verify(&signed(&short, &root)), Err(CoseError::Proof(ProofError::PathLength { .. }))));
    let long = CoseReceipt { path: vec![root; 64], ..good.clone() };
    assert_eq!(verify(&signed(&long, &root)), Err(CoseError::Form(origin())), "a longer path than any tree has");
    // A number in more bytes than it needs.
    let (narrow, wide) = ("586a83070383", "586b8318070383");
    let spelled_otherwise = hex(&bytes).replacen(narrow, wide, 1);
    assert_eq!(spelled_otherwise.len(), 2 * bytes.len() + 2);
    assert_eq!(verify(&unhex(&spelled_otherwise)), Err(CoseError::Form(origin())));
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap()).collect()
}

proptest! {
    #[test]
    fn one_changed_byte_makes_it_worthless(place in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let chain = chain();
        let mut bytes = signed(&receipt(&chain, 3), &chain.checkpoint().root);
        let place = place.index(bytes.len());
        bytes[place] ^= by;
        prop_assert!(CoseReceipt::verify(&bytes, &chain.entries[3], &key()).is_err());
    }

    #[test]
    fn any_bytes_are_refused_quietly(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(CoseReceipt::verify(&bytes, b"entry", &key()).is_err());
    }
}
