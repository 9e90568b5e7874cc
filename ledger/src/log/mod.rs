//! The append-only RFC 9162 Merkle tree over entries.

use crate::crypto::{Hash, hash_parts};

/// Leaf hash: SHA-256(0x00 ‖ entry) (RFC 9162 §2.1.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hash_parts(&[&[0], entry])
}

/// Interior node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 §2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_parts(&[&[1], &left.0, &right.0])
}

/// Root of the tree over `leaves`, given by their leaf hashes; SHA-256 of nothing for none.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut complete: Vec<(u32, Hash)> = Vec::new();
    for leaf in leaves {
        let mut node = (0, leaf);
        while let Some((level, left)) = complete.pop() {
            if level != node.0 {
                complete.push((level, left));
                break;
            }
            node = (level + 1, node_hash(&left, &node.1));
        }
        complete.push(node);
    }
    complete
        .into_iter()
        .map(|(_, hash)| hash)
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(|| hash_parts(&[]))
}
