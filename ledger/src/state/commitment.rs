//! The sparse Merkle tree behind the state root, kept as pages of four levels each.
//!
//! A page holds the sixteen subtrees four levels below its own root, so an update of one key reads and writes one page
//! for each four levels. The tree of [`super::proof`] is what is hashed; pages are only how it is stored: another store
//! layout may replace them without changing a root or a proof.
//!
//! Only the latest version is kept. Older versions are read through snapshots of the store.

use std::collections::BTreeMap;

use super::proof::{StateProof, Terminal, bit, branch_hash, leaf_hash, path_of};
use super::{Changes, StateError};
use crate::codec::{self, SchemaRead, SchemaWrite};
use crate::crypto::{Hash, sha256};

/// Levels in a page.
pub const PAGE_LEVELS: usize = 4;
/// Subtrees at the foot of a page.
pub const PAGE_SLOTS: usize = 1 << PAGE_LEVELS;
/// Longest canonical page, in bytes.
const PAGE_BYTES_MAX: usize = 8 + PAGE_SLOTS * 68;

/// A subtree: what is needed to hash it and to move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Subtree {
    /// No key.
    Empty,
    /// A single key.
    Leaf {
        /// SHA-256 of the key.
        path: Hash,
        /// SHA-256 of the value.
        value_hash: Hash,
    },
    /// Two keys or more.
    Branch(Hash),
}

/// The sixteen subtrees four levels below another one, first path bits lowest.
pub type Slots = [Subtree; PAGE_SLOTS];

impl Subtree {
    /// The hash.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Empty => Hash::ZERO,
            Self::Leaf { path, value_hash } => leaf_hash(path, value_hash),
            Self::Branch(hash) => *hash,
        }
    }

    /// The subtree above two: a leaf that is alone rises.
    fn join(left: &Self, right: &Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty | Self::Leaf { .. }) => *right,
            (Self::Leaf { .. }, Self::Empty) => *left,
            _ => Self::Branch(branch_hash(&left.hash(), &right.hash())),
        }
    }
}

/// What is stored in one piece.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Page {
    slots: Slots,
}

const EMPTY_PAGE: Page = Page { slots: [Subtree::Empty; PAGE_SLOTS] };

impl Page {
    /// All levels from the slots up to the page's root: 16, 8, 4, 2, 1 subtrees.
    fn levels(&self) -> [Vec<Subtree>; PAGE_LEVELS + 1] {
        let mut levels: [Vec<Subtree>; PAGE_LEVELS + 1] = Default::default();
        levels[0] = self.slots.to_vec();
        for level in 0..PAGE_LEVELS {
            levels[level + 1] = levels[level].chunks_exact(2).map(|pair| Subtree::join(&pair[0], &pair[1])).collect();
        }
        levels
    }

    fn root(&self) -> Subtree {
        let mut level = self.slots;
        let mut width = PAGE_SLOTS;
        while width > 1 {
            width /= 2;
            for at in 0..width {
                level[at] = Subtree::join(&level[2 * at], &level[2 * at + 1]);
            }
        }
        level[0]
    }
}

/// Identifies a page by its depth in pages and the nibbles that lead to it, packed; the root page is empty.
pub type PageKey = Vec<u8>;

/// The nibble of `path` below a page at depth `depth` (in pages).
fn nibble(path: &Hash, depth: usize) -> usize {
    let byte = path.0[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
}

/// Key of the page at `depth` on the way of `path`: the depth, then the nibbles with the unused half byte zeroed.
pub(crate) fn page_key(path: &Hash, depth: usize) -> PageKey {
    if depth == 0 {
        return Vec::new();
    }
    let mut key = vec![depth as u8];
    key.extend_from_slice(&path.0[..depth.div_ceil(2)]);
    if !depth.is_multiple_of(2)
        && let Some(last) = key.last_mut()
    {
        *last &= 0xf0;
    }
    key
}

/// Read access to stored pages.
pub trait PageView {
    /// The bytes of the page under `key`.
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;
}

impl PageView for BTreeMap<PageKey, Vec<u8>> {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.get(key).cloned())
    }
}

/// Page key → new bytes, or none for a page that is gone.
pub type PageChanges = BTreeMap<PageKey, Option<Vec<u8>>>;

fn read_page(pages: &dyn PageView, key: &[u8]) -> Result<Page, StateError> {
    match pages.page(key)? {
        None => Ok(EMPTY_PAGE),
        Some(bytes) => {
            codec::decode(&bytes, PAGE_BYTES_MAX).map_err(|error| StateError(format!("page {key:02x?}: {error}")))
        }
    }
}

/// The subtrees on the page under `key`; all empty where there is no page.
#[cfg(feature = "store")]
pub(crate) fn slots(pages: &dyn PageView, key: &[u8]) -> Result<Slots, StateError> {
    Ok(read_page(pages, key)?.slots)
}

/// The subtree over `slots`, whose page is at `depth` on the way of `path`, and the page as it is to be stored, if it is.
#[cfg(feature = "store")]
pub(crate) fn join(path: &Hash, depth: usize, slots: Slots) -> (Subtree, Option<(PageKey, Vec<u8>)>) {
    let page = Page { slots };
    let above = page.root();
    (above, is_stored(depth, &above).then(|| (page_key(path, depth), codec::encode(&page))))
}

/// The subtree of `leaves` (paths and value hashes, sorted, all on the way of a page at `depth`), and the pages below it.
#[cfg(feature = "store")]
pub(crate) fn build(depth: usize, leaves: &[(Hash, Hash)]) -> Result<(Subtree, PageChanges), StateError> {
    let mut written = PageChanges::new();
    let subtree = match leaves {
        [] => Subtree::Empty,
        [(path, value_hash)] if depth > 0 => Subtree::Leaf { path: *path, value_hash: *value_hash },
        _ => {
            let leaves: Vec<_> = leaves.iter().map(|(path, value)| (*path, Some(*value))).collect();
            update_page(&BTreeMap::new(), depth, &leaves, None, &mut written)?
        }
    };
    Ok((subtree, written))
}

/// A page is stored where a subtree of its own hangs; the first one also for a single key.
fn is_stored(depth: usize, above: &Subtree) -> bool {
    matches!(above, Subtree::Branch(_)) || (depth == 0 && *above != Subtree::Empty)
}

/// Root of the state whose pages these are.
pub fn root(pages: &dyn PageView) -> Result<Hash, StateError> {
    Ok(read_page(pages, &[])?.root().hash())
}

/// Applies `changes` to the tree and returns the new root with the pages to write.
pub fn update(pages: &dyn PageView, changes: &Changes) -> Result<(Hash, PageChanges), StateError> {
    let mut leaves: Vec<(Hash, Option<Hash>)> =
        changes.iter().map(|(key, value)| (path_of(key), value.as_deref().map(sha256))).collect();
    leaves.sort_unstable();
    let mut written = PageChanges::new();
    let root =
        if leaves.is_empty() { root(pages)? } else { update_page(pages, 0, &leaves, None, &mut written)?.hash() };
    Ok((root, written))
}

/// Applies `leaves` (sorted, all below this page) to the page at `depth`. `risen` is a leaf that stood in the slot above
/// in place of a page. Returns what stands in the slot above now.
fn update_page(
    pages: &dyn PageView,
    depth: usize,
    leaves: &[(Hash, Option<Hash>)],
    risen: Option<(Hash, Hash)>,
    written: &mut PageChanges,
) -> Result<Subtree, StateError> {
    let key = page_key(&leaves[0].0, depth);
    let mut page = if risen.is_some() { EMPTY_PAGE } else { read_page(pages, &key)? };
    if let Some((path, value_hash)) = risen {
        page.slots[nibble(&path, depth)] = Subtree::Leaf { path, value_hash };
    }
    for group in leaves.chunk_by(|a, b| nibble(&a.0, depth) == nibble(&b.0, depth)) {
        let slot = &mut page.slots[nibble(&group[0].0, depth)];
        *slot = update_slot(pages, depth, group, *slot, written)?;
    }
    let above = page.root();
    written.insert(key, is_stored(depth, &above).then(|| codec::encode(&page)));
    Ok(above)
}

fn update_slot(
    pages: &dyn PageView,
    depth: usize,
    group: &[(Hash, Option<Hash>)],
    slot: Subtree,
    written: &mut PageChanges,
) -> Result<Subtree, StateError> {
    match (slot, group) {
        (Subtree::Branch(_), _) => update_page(pages, depth + 1, group, None, written),
        (Subtree::Empty, [(path, value)]) => Ok(match value {
            Some(value_hash) => Subtree::Leaf { path: *path, value_hash: *value_hash },
            None => Subtree::Empty,
        }),
        (Subtree::Leaf { path: old, .. }, [(path, value)]) if old == *path => Ok(match value {
            Some(value_hash) => Subtree::Leaf { path: *path, value_hash: *value_hash },
            None => Subtree::Empty,
        }),
        (Subtree::Leaf { path, value_hash }, _) => {
            update_page(pages, depth + 1, group, Some((path, value_hash)), written)
        }
        // No page is stored below an empty slot, so reading one gives the empty page.
        (Subtree::Empty, _) => update_page(pages, depth + 1, group, None, written),
    }
}

/// Proof of presence or absence of `key`.
pub fn prove(pages: &dyn PageView, key: &[u8]) -> Result<StateProof, StateError> {
    let path = path_of(key);
    let mut siblings = Vec::new();
    for depth in 0..super::proof::PATH_BITS / PAGE_LEVELS {
        let levels = read_page(pages, &page_key(&path, depth))?.levels();
        let slot = nibble(&path, depth);
        for level in (0..=PAGE_LEVELS).rev() {
            let index = slot >> level;
            if level < PAGE_LEVELS {
                siblings.push(levels[level][index ^ 1].hash());
            }
            let terminal = match levels[level][index] {
                Subtree::Branch(_) => continue,
                Subtree::Empty => Terminal::Empty,
                Subtree::Leaf { path, value_hash } => Terminal::Leaf { path, value_hash },
            };
            siblings.reverse();
            debug_assert!(
                siblings.len() <= super::proof::PATH_BITS && matches_prefix(&terminal, &path, siblings.len())
            );
            return Ok(StateProof { terminal, siblings });
        }
    }
    Err(StateError("the state tree is deeper than a path".to_owned()))
}

fn matches_prefix(terminal: &Terminal, path: &Hash, depth: usize) -> bool {
    match terminal {
        Terminal::Empty => true,
        Terminal::Leaf { path: leaf, .. } => (0..depth).all(|at| bit(leaf, at) == bit(path, at)),
    }
}
