//! The paged state tree against a recursive restatement of its definition, and its proofs against tampering.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use dalil_ledger::crypto::{Hash, hash_parts, sha256};
use dalil_ledger::state::StateProof;
use dalil_ledger::state::commitment::{self, PageKey};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::state::proof::{StateProofError, Terminal};
use proptest::prelude::*;

type State = BTreeMap<Vec<u8>, Vec<u8>>;
type Pages = BTreeMap<PageKey, Vec<u8>>;

fn bit(path: &Hash, depth: usize) -> bool {
    path.0[depth / 8] & (0x80 >> (depth % 8)) != 0
}

/// The definition in `state::proof`, word for word.
fn naive_root(state: &State) -> Hash {
    fn subtree(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
        match leaves {
            [] => Hash([0; 32]),
            [(path, value)] => hash_parts(&[&[0], &path.0, &value.0]),
            _ => {
                let middle = leaves.partition_point(|(path, _)| !bit(path, depth));
                let (left, right) = (subtree(&leaves[..middle], depth + 1), subtree(&leaves[middle..], depth + 1));
                hash_parts(&[&[1], &left.0, &right.0])
            }
        }
    }
    let mut leaves: Vec<(Hash, Hash)> = state.iter().map(|(key, value)| (sha256(key), sha256(value))).collect();
    leaves.sort();
    subtree(&leaves, 0)
}

fn apply(pages: &mut Pages, changes: &Changes) -> Hash {
    let (root, written) = commitment::update(pages, changes).unwrap();
    for (key, page) in written {
        match page {
            Some(bytes) => pages.insert(key, bytes),
            None => pages.remove(&key),
        };
    }
    assert_eq!(commitment::root(pages).unwrap(), root);
    root
}

fn apply_to_state(state: &mut State, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => state.insert(key.clone(), value.clone()),
            None => state.remove(key),
        };
    }
}

fn insertion(state: &State) -> Changes {
    state.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
}

fn key(number: u32) -> Vec<u8> {
    format!("key/{number}").into_bytes()
}

/// Keys whose paths share at least `bits` first bits with another one's, among the first 60,000.
fn close_keys(bits: u32) -> Vec<Vec<u8>> {
    let mut paths: Vec<(Hash, u32)> = (0..60_000).map(|number| (sha256(&key(number)), number)).collect();
    paths.sort();
    let head = |path: &Hash| u32::from_be_bytes(path.0[..4].try_into().unwrap());
    let close = paths.windows(2).filter(|pair| (head(&pair[0].0) ^ head(&pair[1].0)).leading_zeros() >= bits);
    close.flat_map(|pair| [key(pair[0].1), key(pair[1].1)]).collect()
}

/// Few enough keys that batches overwrite and delete what earlier ones wrote.
fn changes() -> impl Strategy<Value = Changes> {
    prop::collection::btree_map(
        (0u32..60).prop_map(key),
        prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40)),
        0..25,
    )
}

fn state() -> impl Strategy<Value = State> {
    prop::collection::btree_map((0u32..200).prop_map(key), prop::collection::vec(any::<u8>(), 0..40), 0..60)
}

#[test]
fn small_trees_by_hand() {
    let mut pages = Pages::new();
    assert_eq!(commitment::root(&pages).unwrap(), Hash::ZERO);
    assert_eq!(apply(&mut pages, &Changes::new()), Hash::ZERO);
    let root = apply(&mut pages, &insertion(&[(b"a".to_vec(), b"1".to_vec())].into()));
    assert_eq!(root, hash_parts(&[&[0], &sha256(b"a").0, &sha256(b"1").0]));
    // An empty value is a value.
    let root = apply(&mut pages, &insertion(&[(b"a".to_vec(), Vec::new())].into()));
    assert_eq!(root, hash_parts(&[&[0], &sha256(b"a").0, &sha256(b"").0]));
    let proof = commitment::prove(&pages, b"a").unwrap();
    proof.verify(&root, b"a", Some(b"")).unwrap();
    assert_eq!(proof.verify(&root, b"a", None), Err(StateProofError::Terminal));
    assert_eq!(apply(&mut pages, &[(b"a".to_vec(), None)].into()), Hash::ZERO);
}

#[test]
fn keys_with_long_common_paths() {
    // 60,000 paths: some pairs share 24 bits and more, six pages deep.
    let keys = close_keys(24);
    assert!(keys.len() >= 4, "{}", keys.len());
    let state: State = keys.iter().map(|key| (key.clone(), [b"value of ", &key[..]].concat())).collect();
    let mut pages = Pages::new();
    let root = apply(&mut pages, &insertion(&state));
    assert_eq!(root, naive_root(&state));
    for key in &keys {
        let proof = commitment::prove(&pages, key).unwrap();
        assert!(proof.siblings.len() > 24);
        proof.verify(&root, key, Some(&state[key])).unwrap();
        // With this one gone, its neighbour rises; the absence is shown by that neighbour or by nothing.
        let mut without = (pages.clone(), state.clone());
        without.1.remove(key);
        let root = apply(&mut without.0, &[(key.clone(), None)].into());
        assert_eq!(root, naive_root(&without.1));
        commitment::prove(&without.0, key).unwrap().verify(&root, key, None).unwrap();
        let again = apply(&mut without.0, &[(key.clone(), Some(state[key].clone()))].into());
        assert_eq!((again, &without.0), (naive_root(&state), &pages));
    }
}

#[test]
fn a_large_tree_in_blocks() {
    let mut pages = Pages::new();
    let mut state = State::new();
    for block in 0..20u32 {
        let changes: Changes = (0..250)
            .map(|n| {
                let number = (block * 7919 + n * 104_729) % 3000;
                (key(number), (n % 5 != 0).then(|| block.to_le_bytes().to_vec()))
            })
            .collect();
        apply_to_state(&mut state, &changes);
        assert_eq!(apply(&mut pages, &changes), naive_root(&state), "block {block}");
    }
}

/// Every single change of a proof: a bit of each sibling, one sibling more or fewer, another terminal.
fn tampered(proof: &StateProof) -> Vec<StateProof> {
    let with = |change: &dyn Fn(&mut StateProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        changed
    };
    let mut all: Vec<StateProof> = (0..proof.siblings.len())
        .flat_map(|at| {
            [
                with(&|p| p.siblings[at].0[31] ^= 1),
                with(&|p| p.siblings.retain(|sibling| *sibling != proof.siblings[at])),
            ]
        })
        .collect();
    all.push(with(&|p| p.siblings.push(Hash::ZERO)));
    all.push(with(&|p| p.siblings.insert(0, Hash::ZERO)));
    match proof.terminal {
        Terminal::Empty => all.push(with(&|p| {
            p.terminal = Terminal::Leaf { path: Hash([3; 32]), value_hash: Hash([4; 32]) };
        })),
        Terminal::Leaf { path, value_hash } => {
            all.push(with(&|p| p.terminal = Terminal::Empty));
            let mut other = (path, value_hash);
            other.0.0[31] ^= 1;
            other.1.0[31] ^= 1;
            all.push(with(&|p| p.terminal = Terminal::Leaf { path: other.0, value_hash }));
            all.push(with(&|p| p.terminal = Terminal::Leaf { path, value_hash: other.1 }));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roots_equal_the_definition_after_every_batch(batches in prop::collection::vec(changes(), 1..8)) {
        let (mut pages, mut state) = (Pages::new(), State::new());
        for batch in &batches {
            apply_to_state(&mut state, batch);
            prop_assert_eq!(apply(&mut pages, batch), naive_root(&state));
        }
    }

    #[test]
    fn the_root_is_independent_of_order_and_batching(state in state(), size in 1usize..10, seed in any::<u64>()) {
        let mut whole = Pages::new();
        let expected = apply(&mut whole, &insertion(&state));
        let mut shuffled: Vec<_> = state.iter().collect();
        shuffled.sort_by_key(|(key, _)| hash_parts(&[&seed.to_le_bytes(), key]));
        let mut pages = Pages::new();
        for batch in shuffled.chunks(size) {
            apply(&mut pages, &batch.iter().map(|(key, value)| ((*key).clone(), Some((*value).clone()))).collect());
        }
        prop_assert_eq!(commitment::root(&pages).unwrap(), expected);
        // The stored pages are a function of the state too.
        prop_assert_eq!(pages, whole);
    }

    #[test]
    fn deletions_restore_the_old_root(before in state(), more in changes()) {
        let mut pages = Pages::new();
        let root = apply(&mut pages, &insertion(&before));
        let old = pages.clone();
        apply(&mut pages, &more);
        let undo = more.keys().map(|key| (key.clone(), before.get(key).cloned())).collect();
        prop_assert_eq!(apply(&mut pages, &undo), root);
        // A root page that was emptied stays as an empty page; no other page outlives its keys.
        prop_assert!(pages == old || before.is_empty());
    }

    #[test]
    fn every_key_is_proven_present_or_absent_and_nothing_else(state in state()) {
        let mut pages = Pages::new();
        let root = apply(&mut pages, &insertion(&state));
        for number in 0..220 {
            let key = key(number);
            let value = state.get(&key).map(Vec::as_slice);
            let proof = commitment::prove(&pages, &key).unwrap();
            prop_assert_eq!(proof.verify(&root, &key, value), Ok(()));
            let false_claim = if value.is_some() { None } else { Some(&b"made up"[..]) };
            prop_assert!(proof.verify(&root, &key, false_claim).is_err());
            prop_assert!(proof.verify(&root, &key, Some(b"another value of the key")).is_err());
            prop_assert!(proof.verify(&Hash([1; 32]), &key, value).is_err());
        }
    }

    #[test]
    fn tampered_proofs_fail(state in state(), number in 0u32..220) {
        let mut pages = Pages::new();
        let root = apply(&mut pages, &insertion(&state));
        let key = key(number);
        let value = state.get(&key).map(Vec::as_slice);
        for proof in tampered(&commitment::prove(&pages, &key).unwrap()) {
            prop_assert!(proof.verify(&root, &key, value).is_err(), "{proof:?}");
        }
    }
}
