//! Proof verification against the vectors of transparency-dev/merkle, most of which must fail.

#![allow(clippy::unwrap_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::log::{verify_consistency, verify_inclusion};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InclusionCase {
    file: String,
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsistencyCase {
    file: String,
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

/// The vectors also hold "hashes" of a wrong length; our types cannot express them, which is a refusal too.
fn hash(text: Option<&String>) -> Option<Hash> {
    Some(Hash(STANDARD.decode(text?).unwrap().try_into().ok()?))
}

/// A consistency case whose roots do not matter spells them as short texts: any two hashes that differ as the texts do.
fn root(text: Option<&String>) -> Option<Hash> {
    hash(text).or_else(|| Some(sha256(text?.as_bytes())))
}

fn path(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof.map_or(Some(Vec::new()), |hashes| hashes.iter().map(|text| hash(Some(text))).collect())
}

#[test]
fn inclusion_vectors() {
    let cases: Vec<InclusionCase> =
        serde_json::from_str(include_str!("vectors/transparency-dev-merkle/inclusion.json")).unwrap();
    assert_eq!(cases.len(), 98);
    for case in &cases {
        let parsed = hash(case.leaf_hash.as_ref()).zip(hash(case.root.as_ref())).zip(path(case.proof.as_ref()));
        let accepted = parsed.is_some_and(|((leaf, root), path)| {
            verify_inclusion(case.leaf_idx, case.tree_size, &leaf, &path, &root).is_ok()
        });
        assert_eq!(accepted, !case.want_err, "{}: {}", case.file, case.desc);
    }
}

#[test]
fn consistency_vectors() {
    let cases: Vec<ConsistencyCase> =
        serde_json::from_str(include_str!("vectors/transparency-dev-merkle/consistency.json")).unwrap();
    assert_eq!(cases.len(), 98);
    for case in &cases {
        let parsed = root(case.root1.as_ref()).zip(root(case.root2.as_ref())).zip(path(case.proof.as_ref()));
        let accepted = parsed
            .is_some_and(|((old, new), path)| verify_consistency(case.size1, case.size2, &path, &old, &new).is_ok());
        assert_eq!(accepted, !case.want_err, "{}: {}", case.file, case.desc);
    }
}
