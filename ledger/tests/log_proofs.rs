//! The tree against a second, recursive statement of RFC 9162 §2.1, for every size up to 70 and every proof in it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::log::{
    self, Frontier, NodeView, ProofError, ProveError, consistency_proof, frontier_at, inclusion_proof, leaf_hash,
    node_hash, root_at, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

const SIZE_MAX: usize = 70;

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(format!("entry {index}").as_bytes())).collect()
}

fn split(width: usize) -> usize {
    let mut k = 1;
    while k * 2 < width {
        k *= 2;
    }
    k
}

/// MTH of RFC 9162 §2.1.1, as it stands there.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => log::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH of RFC 9162 §2.1.3.1.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (naive_path(index, left), naive_root(right))
    } else {
        (naive_path(index - left.len(), right), naive_root(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF of RFC 9162 §2.1.4.1.
fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = if old <= left.len() {
        (naive_subproof(old, left, whole), naive_root(right))
    } else {
        (naive_subproof(old - left.len(), right, false), naive_root(left))
    };
    proof.push(sibling);
    proof
}

fn nodes_of(leaves: &[Hash]) -> BTreeMap<(u8, u64), Hash> {
    let mut nodes = BTreeMap::new();
    log::prove::keep(&mut nodes, &Frontier::default().append(leaves.iter().copied()));
    nodes
}

#[test]
fn roots_and_frontiers_of_every_size() {
    let leaves = leaves(SIZE_MAX);
    let nodes = nodes_of(&leaves);
    let mut growing = Frontier::default();
    for size in 0..=SIZE_MAX {
        let expected = naive_root(&leaves[..size]);
        assert_eq!(growing.root(), expected, "frontier of {size}");
        assert_eq!(root_at(&nodes, size as u64).unwrap(), expected, "nodes of {size}");
        assert_eq!(root_at(&leaves[..], size as u64).unwrap(), expected, "leaf list of {size}");
        assert_eq!(frontier_at(&nodes, size as u64).unwrap(), growing);
        assert_eq!(log::root_of(leaves[..size].iter().copied()), expected);
        if let Some(leaf) = leaves.get(size) {
            growing.push(*leaf);
        }
    }
}

#[test]
fn every_inclusion_proof() {
    let leaves = leaves(SIZE_MAX);
    let nodes = nodes_of(&leaves);
    for size in 1..=SIZE_MAX {
        let root = naive_root(&leaves[..size]);
        for index in 0..size {
            let path = inclusion_proof(&nodes, index as u64, size as u64).unwrap();
            assert_eq!(path, naive_path(index, &leaves[..size]), "{index} of {size}");
            verify_inclusion(index as u64, size as u64, &leaves[index], &path, &root).unwrap();
        }
    }
}

#[test]
fn every_consistency_proof() {
    let leaves = leaves(SIZE_MAX);
    let nodes = nodes_of(&leaves);
    for new in 1..=SIZE_MAX {
        let new_root = naive_root(&leaves[..new]);
        for old in 1..=new {
            let path = consistency_proof(&nodes, old as u64, new as u64).unwrap();
            assert_eq!(path, naive_subproof(old, &leaves[..new], true), "{old} to {new}");
            verify_consistency(old as u64, new as u64, &path, &naive_root(&leaves[..old]), &new_root).unwrap();
        }
    }
}

#[test]
fn appending_yields_each_complete_node_once_and_children_first() {
    let leaves = leaves(SIZE_MAX);
    let mut frontier = Frontier::default();
    let mut seen = BTreeMap::new();
    for batch in leaves.chunks(7) {
        for node in frontier.append(batch.iter().copied()) {
            if node.level > 0 {
                let left = seen[&(node.level - 1, node.index * 2)];
                let right = seen[&(node.level - 1, node.index * 2 + 1)];
                assert_eq!(node.hash, node_hash(&left, &right));
            }
            assert_eq!(seen.insert((node.level, node.index), node.hash), None);
        }
    }
    let expected: usize = (0..7).map(|level| SIZE_MAX >> level).sum();
    assert_eq!(seen.len(), expected);
}

#[test]
fn index_not_below_size_is_refused() {
    let leaves = leaves(5);
    let root = naive_root(&leaves);
    let path = naive_path(4, &leaves);
    for index in [5, 6, u64::MAX] {
        let refused = verify_inclusion(index, 5, &leaves[4], &path, &root);
        assert_eq!(refused, Err(ProofError::IndexBeyondSize { index, size: 5 }));
    }
    assert!(matches!(inclusion_proof(&leaves[..], 5, 5), Err(ProveError::OutOfRange { asked: 5, most: 4, .. })));
    assert!(matches!(verify_inclusion(0, 0, &leaves[0], &[], &root), Err(ProofError::IndexBeyondSize { .. })));
}

#[test]
fn path_too_long_or_too_short_is_refused() {
    let leaves = leaves(5);
    let root = naive_root(&leaves);
    let mut path = naive_path(2, &leaves);
    path.push(root);
    let got = verify_inclusion(2, 5, &leaves[2], &path, &root);
    assert_eq!(got, Err(ProofError::PathLength { got: 4, expected: 3 }));
    path.truncate(2);
    let got = verify_inclusion(2, 5, &leaves[2], &path, &root);
    assert_eq!(got, Err(ProofError::PathLength { got: 2, expected: 3 }));
}

#[test]
fn leaf_passed_as_node_is_refused() {
    // An entry that spells two child hashes does not become their parent, and a parent does not become a leaf.
    let leaves = leaves(4);
    let root = naive_root(&leaves);
    let children = [leaves[0].0, leaves[1].0].concat();
    assert_ne!(leaf_hash(&children), node_hash(&leaves[0], &leaves[1]));
    let parent = node_hash(&leaves[0], &leaves[1]);
    let upper = naive_path(0, &leaves).split_off(1);
    assert!(matches!(verify_inclusion(0, 4, &parent, &upper, &root), Err(ProofError::PathLength { .. })));
    // Only a tree of another size would hold it; the size is the checkpoint's, not the receipt's.
    verify_inclusion(0, 2, &parent, &upper, &root).unwrap();
}

#[test]
fn proof_for_another_size_is_refused() {
    let leaves = leaves(12);
    let root = naive_root(&leaves[..11]);
    for other in (1..=12u64).filter(|size| *size != 11) {
        for index in 0..other {
            let path = inclusion_proof(&leaves[..], index, other).unwrap();
            assert!(verify_inclusion(index, 11, &leaves[index as usize], &path, &root).is_err(), "{index} of {other}");
        }
    }
}

#[test]
fn extreme_sizes_do_not_panic() {
    let hash = Hash([7; 32]);
    let path = vec![hash; 64];
    for a in [0, 1, 2, 3, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
        for b in [0, 1, 2, 3, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
            for length in [0, 1, 2, 62, 63, 64] {
                let _ = verify_inclusion(a, b, &hash, &path[..length], &hash);
                let _ = verify_consistency(a, b, &path[..length], &hash, &hash.clone());
            }
            let _ = inclusion_proof(&BTreeMap::new(), a, b);
            let _ = consistency_proof(&BTreeMap::new(), a, b);
            let _ = <[Hash]>::node(&path, a as u8, b);
        }
    }
}

#[test]
fn a_missing_node_is_named() {
    let mut nodes = nodes_of(&leaves(8));
    nodes.remove(&(2, 1));
    assert_eq!(inclusion_proof(&nodes, 0, 8), Err(ProveError::Missing { level: 2, index: 1 }));
}

#[test]
fn frontier_bytes_are_exact() {
    let mut frontier = Frontier::default();
    frontier.append(leaves(11));
    let bytes = codec::encode(&frontier);
    assert_eq!(codec::decode::<Frontier>(&bytes, 4096).unwrap(), frontier);
    // Another size with the same number of hashes is a frontier of another tree; another number is none.
    let mut other = bytes.clone();
    other[0] = 15;
    assert!(codec::decode::<Frontier>(&other, 4096).is_err());
    let mut huge = bytes;
    huge[7] = 0x80;
    assert!(codec::decode::<Frontier>(&huge, 4096).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_proof_is_refused(size in 2u64..200, at in any::<prop::sample::Index>(), flip in 0usize..256) {
        let leaves = leaves(size as usize);
        let index = at.index(size as usize) as u64;
        let root = naive_root(&leaves);
        let mut path = inclusion_proof(&leaves[..], index, size).unwrap();
        verify_inclusion(index, size, &leaves[index as usize], &path, &root).unwrap();
        let which = at.index(path.len());
        path[which].0[flip / 8] ^= 1 << (flip % 8);
        let refused = matches!(
            verify_inclusion(index, size, &leaves[index as usize], &path, &root),
            Err(ProofError::Root { .. })
        );
        prop_assert!(refused);
    }
}
