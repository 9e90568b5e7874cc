//! The oracle's own tree of RFC 9162 §2.1.1, written from the definition.

use sha2::{Digest as _, Sha256};

pub type Digest = [u8; 32];

pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The hash of a leaf: SHA-256(0x00 ‖ entry).
pub fn leaf(entry: &[u8]) -> Digest {
    sha256(&[&[0], entry])
}

/// An append-only tree that knows its root at every size.
pub struct Tree {
    pub leaves: Vec<Digest>,
    /// The roots of the complete subtrees from left to right, each with its number of leaves.
    peaks: Vec<(u64, Digest)>,
    roots: Vec<Digest>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { leaves: Vec::new(), peaks: Vec::new(), roots: vec![sha256(&[])] }
    }
}

impl Tree {
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The root over the first `size` leaves.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        self.roots.get(size as usize).copied()
    }

    pub fn append(&mut self, hash: Digest) {
        self.leaves.push(hash);
        self.peaks.push((1, hash));
        while let [.., (left_size, left), (right_size, right)] = self.peaks[..]
            && left_size == right_size
        {
            self.peaks.truncate(self.peaks.len() - 2);
            self.peaks.push((left_size + right_size, sha256(&[&[1], &left, &right])));
        }
        let root = self.peaks.iter().rev().map(|(_, hash)| *hash).reduce(|right, left| sha256(&[&[1], &left, &right]));
        self.roots.extend(root);
    }
}

/// The definition word for word, to check the tree against.
#[cfg(test)]
fn by_definition(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => sha256(&[]),
        [only] => *only,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            sha256(&[&[1], &by_definition(&leaves[..split]), &by_definition(&leaves[split..])])
        }
    }
}

#[test]
fn the_tree_has_the_roots_of_the_definition() {
    let mut tree = Tree::default();
    for size in 0..70_u64 {
        assert_eq!(tree.root_at(size), Some(by_definition(&tree.leaves)), "at {size}");
        tree.append(leaf(&size.to_be_bytes()));
    }
}
