//! Checking inclusion and consistency proofs. Pure, total functions: any input gives a verdict.

use super::{LogIndex, LogSize, node_hash};
use crate::crypto::Hash;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf lies beyond the tree.
    #[error("index {index}, expected one below the size {size}")]
    IndexBeyondSize {
        /// Index of the leaf.
        index: LogIndex,
        /// Size of the tree.
        size: LogSize,
    },
    /// A consistency proof goes from a smaller tree to a larger one.
    #[error("old size {old}, expected at most the new size {new}")]
    SizesReversed {
        /// Size said to be the older one.
        old: LogSize,
        /// Size said to be the newer one.
        new: LogSize,
    },
    /// A consistency proof from the empty tree would say nothing: every tree begins with it.
    #[error("old size 0, expected at least 1")]
    OldTreeEmpty,
    /// The number of hashes follows from index and sizes; the path has another one.
    #[error("{got} hashes in the path, expected {expected}")]
    PathLength {
        /// Hashes found.
        got: usize,
        /// Hashes that index and sizes ask for.
        expected: usize,
    },
    /// The path leads from the leaf, or the new tree, to another root.
    #[error("the path leads to root {got}, expected {expected}")]
    Root {
        /// Root computed.
        got: Hash,
        /// Root given.
        expected: Hash,
    },
    /// The path does not start from the old tree.
    #[error("the path leads to the old root {got}, expected {expected}")]
    OldRoot {
        /// Old root computed.
        got: Hash,
        /// Old root given.
        expected: Hash,
    },
}

fn bit_length(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

/// Checks that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with root `root`
/// (RFC 9162 §2.1.3.2). `path` goes from the leaf's sibling to the root's child.
pub fn verify_inclusion(
    index: LogIndex,
    size: LogSize,
    leaf: &Hash,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let got = root_of_inclusion(index, size, leaf, path)?;
    if got == *root { Ok(()) } else { Err(ProofError::Root { got, expected: *root }) }
}

/// The root of the tree of `size` leaves to which `path` leads from the leaf with hash `leaf` at `index`.
pub fn root_of_inclusion(index: LogIndex, size: LogSize, leaf: &Hash, path: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::IndexBeyondSize { index, size });
    }
    // Below the level where the ways to this leaf and to the last one part, every level has a sibling; above it only
    // those where the way turns right.
    let inner = bit_length(index ^ (size - 1));
    let expected = inner + (index.checked_shr(inner as u32).unwrap_or(0)).count_ones() as usize;
    if path.len() != expected {
        return Err(ProofError::PathLength { got: path.len(), expected });
    }
    let (below, above) = path.split_at(inner);
    let joined = below.iter().enumerate().fold(*leaf, |node, (level, sibling)| {
        if index >> level & 1 == 1 { node_hash(sibling, &node) } else { node_hash(&node, sibling) }
    });
    Ok(above.iter().fold(joined, |node, sibling| node_hash(sibling, &node)))
}

/// Checks that the tree of `new_size` leaves with root `new_root` begins with all the leaves of the tree of `old_size`
/// leaves with root `old_root` (RFC 9162 §2.1.4.2). Between equal sizes the path is empty.
pub fn verify_consistency(
    old_size: LogSize,
    new_size: LogSize,
    path: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::SizesReversed { old: old_size, new: new_size });
    }
    if old_size == 0 {
        return Err(ProofError::OldTreeEmpty);
    }
    let expected = consistency_length(old_size, new_size);
    if path.len() != expected {
        return Err(ProofError::PathLength { got: path.len(), expected });
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::Root { got: *old_root, expected: *new_root });
    }
    // The path starts from the last maximal complete subtree of the old tree, which is the old tree itself if its size
    // is a power of two; then it is not repeated in the path.
    let (mut old, rest) = match path.split_first() {
        None => return Ok(()),
        Some(_) if old_size.is_power_of_two() => (*old_root, path),
        Some((first, rest)) => (*first, rest),
    };
    let mut new = old;
    let start = old_size.trailing_zeros();
    let (mut at, mut last) = ((old_size - 1) >> start, (new_size - 1) >> start);
    for sibling in rest {
        if at & 1 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            // Levels at which the right edge has no left sibling carry no hash.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if old != *old_root {
        return Err(ProofError::OldRoot { got: old, expected: *old_root });
    }
    if new == *new_root { Ok(()) } else { Err(ProofError::Root { got: new, expected: *new_root }) }
}

/// How many hashes a consistency proof between two sizes has; the old one is not 0.
fn consistency_length(old_size: LogSize, new_size: LogSize) -> usize {
    if old_size == new_size {
        return 0;
    }
    let start = old_size.trailing_zeros();
    let (at, last) = ((old_size - 1) >> start, (new_size - 1) >> start);
    let inner = bit_length(at ^ last);
    let above = at.checked_shr(inner as u32).unwrap_or(0).count_ones() as usize;
    usize::from(!old_size.is_power_of_two()) + inner + above
}
