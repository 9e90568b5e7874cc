//! The append-only RFC 9162 Merkle tree over entries.
//!
//! ```text
//!                 root(5)                    level 3   not complete, never stored
//!               ╱         ╲
//!          (2,0)           ╲                 level 2
//!         ╱     ╲           ╲
//!     (1,0)     (1,1)        ╲               level 1
//!     ╱   ╲     ╱   ╲         ╲
//!  (0,0) (0,1) (0,2) (0,3)   (0,4)           level 0   leaf hashes
//! ```
//!
//! Node (level, index) covers the leaves index·2^level up to (index+1)·2^level. Once all of them are there the node is
//! *complete* and never changes again, so it is stored once; every root and proof of every past size follows from
//! complete nodes alone.
//!
//! The store appends with [`Frontier`] and keeps the nodes it yields; the node makes proofs with [`prove`] and serves
//! [`tile`]s; every verifier checks proofs with [`verify_inclusion`] and [`verify_consistency`], which need no store.
//! This room reads no disk and knows nothing of what an entry means.

pub mod frontier;
pub mod prove;
pub mod tile;
pub mod verify;

pub use frontier::{Frontier, Node};
pub use prove::{NodeView, ProveError, consistency_proof, frontier_at, inclusion_proof, root_at};
pub use verify::{ProofError, root_of_inclusion, verify_consistency, verify_inclusion};

use crate::crypto::{Hash, hash_parts};

/// Place of a leaf in the log, from 0.
pub type LogIndex = u64;

/// Number of leaves of a log.
pub type LogSize = u64;

/// No log is larger: what a timestamped signature of a size can never reach, and far from overflow.
pub const LOG_SIZE_MAX: LogSize = 1 << 62;

/// The most hashes in an inclusion proof: one a level.
pub const INCLUSION_PATH_MAX: usize = 63;

/// The most hashes in a consistency proof: one a level and the node it starts from.
pub const CONSISTENCY_PATH_MAX: usize = 64;

/// Leaf hash: SHA-256(0x00 ‖ entry) (RFC 9162 §2.1.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hash_parts(&[&[0], entry])
}

/// Interior node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 §2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_parts(&[&[1], &left.0, &right.0])
}

/// Root of the tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1).
pub fn empty_root() -> Hash {
    hash_parts(&[])
}

/// Root of the tree over `leaves`, given by their leaf hashes.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::default();
    leaves.into_iter().for_each(|leaf| frontier.push(leaf));
    frontier.root()
}
