//! The state in chunks, each proven by the hash of its subtree.
//!
//! The tree is walked from its root: whoever asks for a prefix gets all keys under it, or, where they are more than one
//! part may hold, the sixteen subtrees of the page there, whose prefixes are then asked for one by one. So chunks are
//! about equally long however the keys lie, and nobody can choose keys that make one of them too long.

use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::{Hash, sha256};
use crate::state::StateError;
use crate::state::commitment::{self, PAGE_LEVELS, PAGE_SLOTS, PageChanges, Slots, Subtree};
use crate::state::proof::{PATH_BITS, path_of};
use crate::store::area::split_state_entry;
use crate::store::{Family, LedgerView, StoreError};

/// Steps from the root to a full path, a page each.
const DEPTH_MAX: u8 = (PATH_BITS / PAGE_LEVELS) as u8;
/// Keys read from the store at once.
const SCANNED_AT_ONCE: usize = 256;

/// The first bits of paths, in steps of a page. The shorter ones come first, so that a walk soon knows how many parts
/// there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead)]
pub struct Prefix {
    depth: u8,
    path: Hash,
}

impl Prefix {
    /// Of every path.
    pub const ROOT: Self = Self { depth: 0, path: Hash::ZERO };

    /// Whether it is spelled as `child` spells it.
    pub fn is_proper(&self) -> bool {
        self.depth <= DEPTH_MAX && *self == Self::of(&self.path, self.depth)
    }

    /// The first `depth` steps of `path`.
    fn of(path: &Hash, depth: u8) -> Self {
        let mut kept = Hash::ZERO;
        let whole = usize::from(depth / 2);
        kept.0[..whole].copy_from_slice(&path.0[..whole]);
        if !depth.is_multiple_of(2) {
            kept.0[whole] = path.0[whole] & 0xf0;
        }
        Self { depth, path: kept }
    }

    fn covers(&self, path: &Hash) -> bool {
        Self::of(path, self.depth) == *self
    }

    /// How many steps from the root.
    pub(super) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    pub(super) fn path(&self) -> &Hash {
        &self.path
    }

    /// The prefix one step longer; none below a full path.
    pub(super) fn child(&self, slot: usize) -> Option<Self> {
        if self.depth >= DEPTH_MAX || slot >= PAGE_SLOTS {
            return None;
        }
        let mut path = self.path;
        let shift = if self.depth.is_multiple_of(2) { 4 } else { 0 };
        path.0[usize::from(self.depth / 2)] |= (slot as u8) << shift;
        Some(Self { depth: self.depth + 1, path })
    }

    /// The prefix one step shorter; none above the root.
    pub(super) fn parent(&self) -> Option<Self> {
        self.depth.checked_sub(1).map(|depth| Self::of(&self.path, depth))
    }
}

/// A key of the state with its value.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct StateEntry {
    /// State key.
    pub key: Vec<u8>,
    /// State value.
    pub value: Vec<u8>,
}

/// What lies under a prefix.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Chunk {
    /// All of it, in order of the paths.
    Entries(Vec<StateEntry>),
    /// More than a part may hold: the subtrees one step below.
    Split(Box<Slots>),
}

/// Why a chunk is not what lies under a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A key's path does not begin with the prefix, or not in order.
    #[error("key {0} of the chunk stands in the wrong place")]
    Misplaced(usize),
    /// What is split is no branch: there is nothing to divide.
    #[error("a subtree of fewer than two keys is split")]
    NotBranch,
    /// A leaf's path does not lead to the slot in which it stands.
    #[error("the leaf in slot {0} belongs in another one")]
    Slot(usize),
    /// Its subtree is another one: something is missing, superfluous or changed.
    #[error("the chunk hashes to {got}, expected {expected}")]
    Hash {
        /// Hash of the chunk's subtree.
        got: Hash,
        /// Hash that the level above names.
        expected: Hash,
    },
    /// The tree could not be built, which is no peer's fault.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A chunk that is proven.
#[derive(Debug, Clone)]
pub enum Checked {
    /// All keys under the prefix.
    Entries {
        /// With their paths.
        entries: Vec<(Hash, StateEntry)>,
        /// What stands in the slot above.
        subtree: Subtree,
        /// The pages below.
        pages: PageChanges,
    },
    /// The subtrees one step below.
    Split(Box<Slots>),
}

impl Chunk {
    /// Checks that this is what lies under `prefix`, where the subtree's hash is `expected`.
    pub fn check(self, prefix: &Prefix, expected: &Hash) -> Result<Checked, ChunkError> {
        let (checked, above) = match self {
            Self::Split(slots) => {
                let (above, _) = commitment::join(prefix.path(), prefix.depth(), *slots);
                (Checked::Split(slots), above)
            }
            Self::Entries(entries) => {
                let entries: Vec<_> = entries.into_iter().map(|entry| (path_of(&entry.key), entry)).collect();
                let mut before = None;
                for (place, (path, _)) in entries.iter().enumerate() {
                    if !prefix.covers(path) || before.is_some_and(|before| before >= path) {
                        return Err(ChunkError::Misplaced(place));
                    }
                    before = Some(path);
                }
                let leaves: Vec<_> = entries.iter().map(|(path, entry)| (*path, sha256(&entry.value))).collect();
                let (subtree, pages) = commitment::build(prefix.depth(), &leaves)?;
                (Checked::Entries { entries, subtree, pages }, subtree)
            }
        };
        let got = above.hash();
        if got != *expected {
            return Err(ChunkError::Hash { got, expected: *expected });
        }
        if let Checked::Split(slots) = &checked {
            check_slots(prefix, slots, &above)?;
        }
        Ok(checked)
    }
}

/// Checks what the hash of a split leaves open: a leaf that is alone rises through empty subtrees, so that its hash is the
/// same whichever of their slots it stands in. What is asked for under the wrong prefix nobody could send.
fn check_slots(prefix: &Prefix, slots: &Slots, above: &Subtree) -> Result<(), ChunkError> {
    if !matches!(above, Subtree::Branch(_)) {
        return Err(ChunkError::NotBranch);
    }
    for (slot, subtree) in slots.iter().enumerate() {
        if let Subtree::Leaf { path, .. } = subtree
            && !prefix.child(slot).is_some_and(|child| child.covers(path))
        {
            return Err(ChunkError::Slot(slot));
        }
    }
    Ok(())
}

/// Reads what lies under `prefix` in the state of `view`: all of it, if it is a single key or no more than `bytes_max`.
pub fn read_chunk(view: &LedgerView, prefix: &Prefix, bytes_max: usize) -> Result<Chunk, StoreError> {
    let damaged = |what: String| StoreError::Damaged(what);
    let area = view.area();
    let whole = area.key(&prefix.path().0[..prefix.depth() / 2]);
    let mut from = area.key(&prefix.path().0);
    let mut entries = Vec::new();
    let mut bytes = 0;
    loop {
        let pairs = view.snapshot().scan(Family::State, &whole, &from, SCANNED_AT_ONCE)?;
        let is_last = pairs.len() < SCANNED_AT_ONCE;
        for (stored_key, stored) in pairs {
            let (key, value) =
                split_state_entry(&stored).ok_or_else(|| damaged("a state entry is cut short".to_owned()))?;
            if !prefix.covers(&path_of(key)) {
                return Ok(Chunk::Entries(entries));
            }
            bytes += stored.len();
            if bytes > bytes_max && !entries.is_empty() {
                let page = commitment::page_key(prefix.path(), prefix.depth());
                let slots = commitment::slots(view, &page).map_err(|error| damaged(error.to_string()))?;
                return Ok(Chunk::Split(Box::new(slots)));
            }
            entries.push(StateEntry { key: key.to_vec(), value: value.to_vec() });
            // The next key after this one.
            from = [&stored_key[..], &[0]].concat();
        }
        if is_last {
            return Ok(Chunk::Entries(entries));
        }
    }
}
