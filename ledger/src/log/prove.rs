//! Making roots and proofs of any past size from stored complete nodes.

use std::convert::Infallible;

use super::{Frontier, LogIndex, LogSize, Node, node_hash};
use crate::crypto::Hash;

/// Read access to the hashes of complete subtrees, as [`Frontier::append`] yields them.
pub trait NodeView {
    /// Why a read fails.
    type Error;

    /// Hash of the complete subtree at (`level`, `index`), or none where there is none.
    fn node(&self, level: u8, index: u64) -> Result<Option<Hash>, Self::Error>;
}

impl NodeView for std::collections::BTreeMap<(u8, u64), Hash> {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Option<Hash>, Infallible> {
        Ok(self.get(&(level, index)).copied())
    }
}

/// Leaf hashes of a small tree, such as a batch: nodes above them are computed when asked for.
impl NodeView for [Hash] {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Option<Hash>, Infallible> {
        let range = 1u64.checked_shl(level.into()).and_then(|width| {
            let start = index.checked_mul(width)?;
            Some(usize::try_from(start).ok()?..usize::try_from(start.checked_add(width)?).ok()?)
        });
        let leaves = range.and_then(|range| self.get(range));
        Ok(leaves.map(|leaves| super::root_of(leaves.iter().copied())))
    }
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The question lies beyond the tree.
    #[error("{asked} asked for, expected {least} to {most}")]
    OutOfRange {
        /// Index or size asked for.
        asked: u64,
        /// The smallest that makes sense.
        least: u64,
        /// The largest that makes sense.
        most: u64,
    },
    /// A complete node of the tree is not stored.
    #[error("the node at level {level}, index {index} is missing")]
    Missing {
        /// Level of the node.
        level: u8,
        /// Index of the node.
        index: u64,
    },
    /// The read itself failed.
    #[error("reading a node: {0}")]
    Read(E),
}

fn read<V: NodeView + ?Sized>(view: &V, level: u8, index: u64) -> Result<Hash, ProveError<V::Error>> {
    view.node(level, index).map_err(ProveError::Read)?.ok_or(ProveError::Missing { level, index })
}

/// Level of the left child of the root over `width` ≥ 2 leaves: 2^level is the largest power of two below `width`.
fn split_level(width: u64) -> u32 {
    (width - 1).ilog2()
}

/// The maximal complete subtrees that cover the leaves `start` up to `end`, left to right. `start` is a multiple of the
/// smallest power of two that is no less than the width, as it is for every subtree of an RFC 9162 tree.
fn complete_subtrees(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let width = end - start;
    let mut next = start;
    (0..u64::BITS).rev().filter(move |level| width >> level & 1 == 1).map(move |level| {
        let index = next >> level;
        next += 1 << level;
        (level as u8, index)
    })
}

/// `MTH(D[start:end])` (RFC 9162 §2.1.1) of a subtree of the tree.
fn subtree_root<V: NodeView + ?Sized>(view: &V, start: u64, end: u64) -> Result<Hash, ProveError<V::Error>> {
    let nodes = complete_subtrees(start, end).map(|(level, index)| read(view, level, index));
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    Ok(nodes.into_iter().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(super::empty_root))
}

/// The frontier of the tree when it had `size` leaves.
pub fn frontier_at<V: NodeView + ?Sized>(view: &V, size: LogSize) -> Result<Frontier, ProveError<V::Error>> {
    let nodes =
        complete_subtrees(0, size).map(|(level, index)| read(view, level, index)).collect::<Result<Vec<_>, _>>()?;
    Frontier::from_parts(size, nodes).ok_or(ProveError::OutOfRange { asked: size, least: 0, most: super::LOG_SIZE_MAX })
}

/// The root of the tree when it had `size` leaves.
pub fn root_at<V: NodeView + ?Sized>(view: &V, size: LogSize) -> Result<Hash, ProveError<V::Error>> {
    subtree_root(view, 0, size)
}

/// `PATH(index, D[0:size])` (RFC 9162 §2.1.3.1), from the leaf's sibling to the root's child.
pub fn inclusion_proof<V: NodeView + ?Sized>(
    view: &V,
    index: LogIndex,
    size: LogSize,
) -> Result<Vec<Hash>, ProveError<V::Error>> {
    if index >= size {
        return Err(ProveError::OutOfRange { asked: index, least: 0, most: size.saturating_sub(1) });
    }
    let (mut start, mut end) = (0, size);
    let mut from_root = Vec::new();
    while end - start > 1 {
        let middle = start + (1 << split_level(end - start));
        if index < middle {
            from_root.push(subtree_root(view, middle, end)?);
            end = middle;
        } else {
            from_root.push(subtree_root(view, start, middle)?);
            start = middle;
        }
    }
    from_root.reverse();
    Ok(from_root)
}

/// `PROOF(old_size, D[0:new_size])` (RFC 9162 §2.1.4.1); empty between equal sizes.
pub fn consistency_proof<V: NodeView + ?Sized>(
    view: &V,
    old_size: LogSize,
    new_size: LogSize,
) -> Result<Vec<Hash>, ProveError<V::Error>> {
    if !(1..=new_size).contains(&old_size) {
        return Err(ProveError::OutOfRange { asked: old_size, least: 1, most: new_size });
    }
    let (mut start, mut end) = (0, new_size);
    let mut from_root = Vec::new();
    while end != old_size {
        let middle = start + (1 << split_level(end - start));
        if old_size <= middle {
            from_root.push(subtree_root(view, middle, end)?);
            end = middle;
        } else {
            from_root.push(subtree_root(view, start, middle)?);
            start = middle;
        }
    }
    // The verifier knows the old root; the node where the two trees part is given only if it is another one.
    if start != 0 {
        from_root.push(subtree_root(view, start, end)?);
    }
    from_root.reverse();
    Ok(from_root)
}

/// Adds nodes to a map of nodes: for tests and small logs in memory.
pub fn keep(nodes: &mut std::collections::BTreeMap<(u8, u64), Hash>, new: &[Node]) {
    nodes.extend(new.iter().map(|node| ((node.level, node.index), node.hash)));
}
