//! The right edge of the tree: all that appending needs.

use super::{LOG_SIZE_MAX, LogSize, empty_root, node_hash};
use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use wincode::adapter::FromInto;

/// A complete subtree: it covers the leaves `index`·2^`level` up to (`index`+1)·2^`level` and never changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves; 0 is a leaf hash.
    pub level: u8,
    /// Place within the level, from 0.
    pub index: u64,
    /// Hash of the subtree.
    pub hash: Hash,
}

/// The maximal complete subtrees of a tree, left to right (a compact range from leaf 0): one for each bit that is set
/// in the size. Root and appending need nothing else, so a snapshot carries this in place of the log.
///
/// Bytes whose number of hashes does not fit the size are refused by exact decoding.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead)]
pub struct Frontier(#[wincode(with = "FromInto<Wire, Edge>")] Edge);

/// What stands on the wire, unchecked.
#[derive(SchemaWrite, SchemaRead)]
struct Wire {
    size: u64,
    complete: Vec<Hash>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Edge {
    size: LogSize,
    complete: Vec<Hash>,
}

impl From<&Edge> for Wire {
    fn from(edge: &Edge) -> Self {
        Self { size: edge.size, complete: edge.complete.clone() }
    }
}

impl From<Wire> for Edge {
    fn from(wire: Wire) -> Self {
        // What is no frontier becomes the empty one, whose bytes differ from the input, so that exact decoding refuses it.
        Frontier::from_parts(wire.size, wire.complete).map(|frontier| frontier.0).unwrap_or_default()
    }
}

impl Frontier {
    /// The frontier of a tree of `size` leaves with these maximal complete subtrees, left to right; none if their
    /// number is not that of the bits set in `size`, or the size is above [`LOG_SIZE_MAX`].
    pub fn from_parts(size: LogSize, complete: Vec<Hash>) -> Option<Self> {
        let fits = size <= LOG_SIZE_MAX && complete.len() == size.count_ones() as usize;
        fits.then_some(Self(Edge { size, complete }))
    }

    /// Number of leaves.
    pub fn size(&self) -> LogSize {
        self.0.size
    }

    /// The maximal complete subtrees, left to right.
    pub fn complete(&self) -> &[Hash] {
        &self.0.complete
    }

    /// Root of the tree (RFC 9162 §2.1.1): the complete subtrees joined from the right.
    pub fn root(&self) -> Hash {
        let from_right = self.0.complete.iter().rev().copied();
        from_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }

    /// Appends one leaf hash and forgets the nodes that it completes.
    pub fn push(&mut self, leaf: Hash) {
        self.complete_with(leaf, |_| ());
    }

    /// Appends leaf hashes in order and returns every node that they complete, leaf hashes included: what the store
    /// adds to the nodes it keeps. Children come before their parents.
    pub fn append(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Vec<Node> {
        let mut nodes = Vec::new();
        leaves.into_iter().for_each(|leaf| self.complete_with(leaf, |node| nodes.push(node)));
        nodes
    }

    /// Appends one leaf hash and reports each node that it completes: one more for every low bit set in the old size.
    fn complete_with(&mut self, leaf: Hash, mut report: impl FnMut(Node)) {
        let mut node = Node { level: 0, index: self.0.size, hash: leaf };
        report(node);
        while node.index & 1 == 1
            && let Some(left) = self.0.complete.pop()
        {
            node = Node { level: node.level + 1, index: node.index >> 1, hash: node_hash(&left, &node.hash) };
            report(node);
        }
        self.0.complete.push(node.hash);
        self.0.size += 1;
    }
}
