//! Golden vectors: the bytes and hashes that must never change by accident, and that another implementation can check
//! itself against. `vectors/golden.txt` holds one `name hex` a line.
//!
//! A deliberate change of format: run this test with `WRITE_VECTORS=1`, and read the difference before committing it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::block::{Block, Entry};
use dalil_ledger::checkpoint::Cosignature;
use dalil_ledger::codec::{self, Canonical};
use dalil_ledger::crypto::{Domain, Hash, SecretKey, sha256};
use dalil_ledger::document::{Left, Standing, digest_key, document_key, left_key, strike_key};
use dalil_ledger::evidence::Evidence;
use dalil_ledger::log::{self, Frontier, leaf_hash};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::statement::{ProposalSubject, SignedStatement, Statement};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/golden.txt");

fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let mut chain = Chain::new();
    let record = chain.record(b"call");
    let mut changes = Changes::new();
    let mut entry = dependent_document("7F3A");
    entry.events.push(event(Standing::Suspended, T0_MS + 1000));
    put(&mut changes, document_key(&entry.uri), &entry);
    put(&mut changes, digest_key(&entry.digest), &entry.uri);
    let header = chain.block(T0_MS + 1000, vec![record.clone()], changes);
    let handover = chain.hand_over(T0_MS + 2000, ["a", "b", "c", "d", "e"].map(Keys::new).to_vec());
    let state_proof = |key: &[u8]| bytes(&dalil_ledger::state::commitment::prove(&chain.pages, key).unwrap());
    let key = SecretKey::from_seed(&[1; 32]);
    let frontier = {
        let mut frontier = Frontier::default();
        frontier.append((0..11u8).map(|n| leaf_hash(&[n])));
        frontier
    };
    let checkpoint = chain.checkpoint();
    vec![
        ("empty-log-root", hash(log::empty_root())),
        ("leaf-hash-of-abc", hash(leaf_hash(b"abc"))),
        ("root-of-11-leaves", hash(frontier.root())),
        ("frontier-of-11-leaves", bytes(&frontier)),
        ("derived-log-public-key", key.derive("log").public().0.to_vec()),
        ("genesis-domain-hash-of-abc", hash(Domain::Genesis.hash(b"abc"))),
        ("precommit-signature-of-abc", key.sign(Domain::Precommit, &sha256(b"chain"), b"abc").0.to_vec()),
        ("ready-signature-of-abc", key.sign(Domain::ValidatorReady, &sha256(b"chain"), b"abc").0.to_vec()),
        ("joined-signature-of-abc", key.sign(Domain::ValidatorJoined, &sha256(b"chain"), b"abc").0.to_vec()),
        ("transaction-body", bytes(&record.body)),
        ("transaction-id", hash(record.id())),
        ("record-entry", Entry::Record(record.clone()).encode()),
        ("ids-hash", hash(Block::ids_hash(&[record]))),
        ("header-entry", Entry::Header(header.clone()).encode()),
        ("block-id", hash(header.id())),
        ("validator-set", bytes(&handover.next)),
        ("validator-set-hash", hash(handover.next.hash())),
        ("commit-subject", handover.certificate.subject.sign_bytes()),
        ("commit-certificate", bytes(&handover.certificate)),
        ("handover", handover.encode()),
        ("checkpoint-text", checkpoint.to_string().into_bytes()),
        ("cosignature", bytes(&Cosignature::sign(&checkpoint, &key, T0_MS / 1000))),
        ("policy-text", chain.policy().to_string().into_bytes()),
        ("note", chain.note(T0_MS + 3000).into_bytes()),
        ("document-entry", bytes(&entry)),
        ("document-key", document_key(&entry.uri)),
        ("digest-key", digest_key(&entry.digest)),
        ("strike-key", strike_key(&class())),
        ("left-key", left_key(&dependency())),
        ("left", bytes(&Left { recorded_at_ms: 1, effective_from_ms: 2, record: 3 })),
        ("state-root", hash(header.state_root)),
        ("state-proof-of-presence", state_proof(&document_key(&entry.uri))),
        ("state-proof-of-absence", state_proof(b"nothing")),
        ("proposal-sign-bytes", proposal().sign_bytes()),
        ("evidence", bytes(&evidence(&key))),
    ]
}

fn proposal() -> Statement {
    Statement::Proposal(ProposalSubject { height: 7, round: 2, block: Hash([5; 32]), valid_round: Some(1) })
}

/// A proposal contradicted by a fresh one of the same round.
fn evidence(key: &SecretKey) -> Evidence {
    let fresh = ProposalSubject { height: 7, round: 2, block: Hash([6; 32]), valid_round: None };
    let signed = |statement: Statement| {
        let signature = statement.sign(key, &sha256(b"chain"));
        SignedStatement { statement, signature }
    };
    Evidence::new(key.public(), signed(proposal()), signed(Statement::Proposal(fresh)))
}

fn hash(hash: Hash) -> Vec<u8> {
    hash.0.to_vec()
}

fn bytes<T: Canonical>(value: &T) -> Vec<u8> {
    codec::encode(value)
}

#[test]
fn golden_vectors() {
    let text: String = vectors().iter().map(|(name, bytes)| format!("{name} {}\n", hex::encode(bytes))).collect();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    for (made, kept) in text.lines().zip(golden.lines()) {
        assert_eq!(made, kept);
    }
    assert_eq!(text.lines().count(), golden.lines().count());
}
