//! Proof that a key is present with a value, or absent, under a state root.
//!
//! The tree is binary and sparse over the 256 bits of SHA-256(key), first bit highest. A subtree with no key hashes to
//! zeros; one with a single key is that key's leaf, at whatever depth; any other is a branch.
//!
//! ```text
//! empty  = 32 zero bytes
//! leaf   = SHA-256(0x00 ‖ SHA-256(key) ‖ SHA-256(value))
//! branch = SHA-256(0x01 ‖ left ‖ right)
//! ```

use serde::{Deserialize, Serialize};

use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::{Hash, hash_parts, sha256};

/// Bits of a path: no proof has more siblings.
pub const PATH_BITS: usize = 256;

/// The path of a key.
pub fn path_of(key: &[u8]) -> Hash {
    sha256(key)
}

/// Bit `depth` of a path, highest first.
pub(crate) fn bit(path: &Hash, depth: usize) -> bool {
    path.0[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// Hash of a leaf.
pub(crate) fn leaf_hash(path: &Hash, value_hash: &Hash) -> Hash {
    hash_parts(&[&[0], &path.0, &value_hash.0])
}

/// Hash of a branch.
pub(crate) fn branch_hash(left: &Hash, right: &Hash) -> Hash {
    hash_parts(&[&[1], &left.0, &right.0])
}

/// What stands where the path of the key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Terminal {
    /// No key.
    Empty,
    /// The only key of the subtree.
    Leaf {
        /// SHA-256 of the key.
        path: Hash,
        /// SHA-256 of the value.
        value_hash: Hash,
    },
}

/// The way from a terminal to the root.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StateProof {
    /// Where the key's path ends.
    pub terminal: Terminal,
    /// Sibling hashes from the terminal to the root; as many as the terminal is deep.
    pub siblings: Vec<Hash>,
}

/// Why a state proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// More siblings than a path has bits.
    #[error("{0} siblings, at most {PATH_BITS} possible")]
    TooLong(usize),
    /// The terminal does not show the claimed presence or absence of the key.
    #[error("the proof's terminal does not fit the claim")]
    Terminal,
    /// The siblings lead to another root.
    #[error("the proof leads to root {got}, expected {expected}")]
    Root {
        /// Root computed.
        got: Hash,
        /// Root given.
        expected: Hash,
    },
}

impl StateProof {
    /// Checks that `key` has `value` (or, with none, is absent) in the state with root `root`.
    pub fn verify(&self, root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), StateProofError> {
        let depth = self.siblings.len();
        if depth > PATH_BITS {
            return Err(StateProofError::TooLong(depth));
        }
        let path = path_of(key);
        let fits = match (self.terminal, value) {
            (Terminal::Leaf { path: leaf, value_hash }, Some(value)) => leaf == path && value_hash == sha256(value),
            (Terminal::Leaf { path: leaf, .. }, None) => {
                leaf != path && (0..depth).all(|at| bit(&leaf, at) == bit(&path, at))
            }
            (Terminal::Empty, None) => true,
            (Terminal::Empty, Some(_)) => false,
        };
        if !fits {
            return Err(StateProofError::Terminal);
        }
        let start = match self.terminal {
            Terminal::Empty => Hash::ZERO,
            Terminal::Leaf { path, value_hash } => leaf_hash(&path, &value_hash),
        };
        let got = self.siblings.iter().enumerate().fold(start, |node, (height, sibling)| {
            if bit(&path, depth - 1 - height) { branch_hash(sibling, &node) } else { branch_hash(&node, sibling) }
        });
        if got == *root { Ok(()) } else { Err(StateProofError::Root { got, expected: *root }) }
    }
}
