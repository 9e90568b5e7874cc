//! A snapshot on its way into the store.
//!
//! Every method returns one batch that is to be written whole; after a crash [`Restore::resume`] goes on from the batches
//! that became durable. What lies in the area is read by nobody until the batch of [`Restore::finish`] is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chunk::{Checked, Prefix};
use super::offer::Offer;
use super::window::{Window, WindowBlock};
use crate::block::{BlockId, Entry, Height};
use crate::codec::{self, SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::state::commitment::{self, PAGE_SLOTS, Subtree};
use crate::store::{
    Area, Base, Batch, Family, Ledger, LedgerView, META_AREA, META_AREAS, META_BASE, META_HEAD, StoreError, area,
    node_key, stored,
};

const KEY_BEGUN: &[u8] = b"begun";
const KEY_TALLY: &[u8] = b"tally";
const PREFIX_PART: &[u8] = b"part/";

/// How far a subtree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
enum Part {
    /// Its hash is known, nothing else.
    Wanted(Hash),
    /// The subtrees below it are known, and not all of them are held.
    Split(Hash),
    /// It is in the area with all its pages.
    Held(Subtree),
}

/// The first thing written.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Begun {
    area: Area,
    offer: Offer,
}

/// Written again with every part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Tally {
    window: Window,
    chunks: u64,
    bytes: u64,
}

/// How much of a snapshot is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// Height of the snapshot.
    pub height: Height,
    /// Chunks of the state that are held.
    pub chunks: u64,
    /// Chunks known of; grows while large subtrees turn out to be split.
    pub chunks_known: u64,
    /// Bytes of keys and values held.
    pub bytes: u64,
    /// The next height wanted of the recent window; none if it is held whole.
    pub window_from: Option<Height>,
}

/// Parts that are proven one by one do not give the whole: this program is at fault, or its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the parts of a subtree hash to {got}, expected {expected}")]
pub struct RestoreError {
    /// Hash of the subtree.
    pub got: Hash,
    /// Hash that was proven.
    pub expected: Hash,
}

/// A snapshot that is being restored: what of it is held, and what is missing.
#[derive(Debug, Clone)]
pub struct Restore {
    area: Area,
    offer: Offer,
    id: BlockId,
    wanted: BTreeMap<Prefix, Hash>,
    /// The other subtrees whose parent is split, and the split ones.
    parts: BTreeMap<Prefix, Part>,
    tally: Tally,
}

impl Restore {
    /// Begins with an offer that was verified, in the area after `highest`, which is the highest one ever written to.
    pub fn begin(offer: Offer, highest: Area) -> (Self, Batch) {
        let area = Area(highest.0.saturating_add(1));
        let root = offer.header.state_root;
        let tally = Tally { window: Window::of(&offer.header), chunks: 0, bytes: 0 };
        let wanted = BTreeMap::from([(Prefix::ROOT, root)]);
        let restore = Self { area, id: offer.id(), offer, wanted, parts: BTreeMap::new(), tally };
        let mut batch = Batch::default();
        batch.put(Family::Meta, META_AREAS, area.key(&[]));
        batch.put(Family::Restore, KEY_BEGUN, codec::encode(&Begun { area, offer: restore.offer.clone() }));
        restore.put_tally(&mut batch);
        put_part(&mut batch, &Prefix::ROOT, Some(Part::Wanted(root)));
        (restore, batch)
    }

    /// Goes on where the last durable batch left off; none if nothing was begun.
    pub fn resume(ledger: &Ledger) -> Result<Option<Self>, StoreError> {
        let snapshot = ledger.kv().snapshot();
        let Some(begun) = snapshot.get(Family::Restore, KEY_BEGUN)? else { return Ok(None) };
        let Begun { area, offer } = stored(&begun, "snapshot")?;
        let tally = snapshot.get(Family::Restore, KEY_TALLY)?;
        let tally = tally.ok_or_else(|| StoreError::Damaged("the snapshot's tally is missing".to_owned()))?;
        let tally = stored(&tally, "snapshot tally")?;
        let mut restore = Self { area, id: offer.id(), offer, wanted: BTreeMap::new(), parts: BTreeMap::new(), tally };
        for (key, bytes) in snapshot.scan(Family::Restore, PREFIX_PART, &[], usize::MAX)? {
            let prefix = stored(&key[PREFIX_PART.len()..], "snapshot part")?;
            match stored(&bytes, "snapshot part")? {
                Part::Wanted(hash) => restore.wanted.insert(prefix, hash).map(Part::Wanted),
                part => restore.parts.insert(prefix, part),
            };
        }
        Ok(Some(restore))
    }

    /// The highest area that was ever written to.
    pub fn highest_area(ledger: &Ledger) -> Result<Area, StoreError> {
        let bytes = ledger.kv().snapshot().get(Family::Meta, META_AREAS)?;
        let highest = bytes.and_then(|bytes| Area::from_bytes(&bytes));
        highest.ok_or_else(|| StoreError::Damaged("the number of areas is missing".to_owned()))
    }

    /// The area that the snapshot is restored into.
    pub fn area(&self) -> Area {
        self.area
    }

    /// The offer that was begun with.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The block id of the snapshot's head.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Subtrees that are wanted, the shallow ones first, each with its hash.
    pub fn wanted(&self) -> impl Iterator<Item = (&Prefix, &Hash)> {
        self.wanted.iter()
    }

    /// The hash of a subtree, if it is still wanted.
    pub fn expected(&self, prefix: &Prefix) -> Option<Hash> {
        self.wanted.get(prefix).copied()
    }

    /// The window as far as it is known.
    pub fn window(&self) -> Window {
        self.tally.window
    }

    /// How much is held.
    pub fn progress(&self) -> Progress {
        let Tally { window, chunks, bytes } = self.tally;
        let chunks_known = chunks.saturating_add(self.wanted.len() as u64);
        Progress { height: self.offer.header.height, chunks, chunks_known, bytes, window_from: window.wanted() }
    }

    /// Takes what was proven to lie under `prefix`. An empty batch if that is not wanted any more.
    pub fn take_chunk(&mut self, prefix: &Prefix, checked: Checked) -> Result<Batch, RestoreError> {
        let mut batch = Batch::default();
        let Some(expected) = self.wanted.remove(prefix) else { return Ok(batch) };
        match checked {
            Checked::Split(slots) => {
                self.put(&mut batch, prefix, Part::Split(expected));
                for (slot, subtree) in slots.iter().enumerate().filter(|(_, subtree)| **subtree != Subtree::Empty) {
                    if let Some(child) = prefix.child(slot) {
                        self.wanted.insert(child, subtree.hash());
                        put_part(&mut batch, &child, Some(Part::Wanted(subtree.hash())));
                    }
                }
            }
            Checked::Entries { entries, subtree, pages } => {
                self.tally.chunks += 1;
                for (path, entry) in entries {
                    self.tally.bytes += (entry.key.len() + entry.value.len()) as u64;
                    batch.put(Family::State, self.area.key(&path.0), area::state_entry(&entry.key, &entry.value));
                }
                for (key, page) in pages {
                    if let Some(page) = page {
                        batch.put(Family::Pages, self.area.key(&key), page);
                    }
                }
                self.put(&mut batch, prefix, Part::Held(subtree));
                self.rise(&mut batch, prefix)?;
            }
        }
        self.put_tally(&mut batch);
        Ok(batch)
    }

    /// Joins what is held above `prefix`, as far as nothing is missing there.
    fn rise(&mut self, batch: &mut Batch, prefix: &Prefix) -> Result<(), RestoreError> {
        let mut at = *prefix;
        while let Some(parent) = at.parent() {
            let children: Vec<Option<Prefix>> = (0..PAGE_SLOTS).map(|slot| parent.child(slot)).collect();
            let mut slots = [Subtree::Empty; PAGE_SLOTS];
            for (slot, child) in slots.iter_mut().zip(&children) {
                let Some(child) = child else { continue };
                match self.parts.get(child) {
                    _ if self.wanted.contains_key(child) => return Ok(()),
                    Some(Part::Held(subtree)) => *slot = *subtree,
                    Some(Part::Split(_) | Part::Wanted(_)) => return Ok(()),
                    None => {}
                }
            }
            let (subtree, page) = commitment::join(parent.path(), parent.depth(), slots);
            if let Some(Part::Split(expected)) = self.parts.get(&parent)
                && *expected != subtree.hash()
            {
                return Err(RestoreError { got: subtree.hash(), expected: *expected });
            }
            if let Some((key, page)) = page {
                batch.put(Family::Pages, self.area.key(&key), page);
            }
            for child in children.into_iter().flatten() {
                if self.parts.remove(&child).is_some() {
                    put_part(batch, &child, None);
                }
            }
            self.put(batch, &parent, Part::Held(subtree));
            at = parent;
        }
        Ok(())
    }

    /// Takes blocks of the window and the window that is known with them, as [`Window::check`] returned it. An empty batch
    /// if they are not the next ones any more.
    pub fn take_window(&mut self, blocks: &[WindowBlock], known: Window) -> Batch {
        let mut batch = Batch::default();
        if self.tally.window.wanted() != blocks.first().map(|block| block.header.height) {
            return batch;
        }
        for block in blocks {
            for (index, id) in (block.header.first_entry..).zip(&block.ids) {
                batch.put(Family::Ids, self.area.key(&id.id.0), index.to_be_bytes());
            }
        }
        self.tally.window = known;
        self.put_tally(&mut batch);
        batch
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        let held = matches!(self.parts.get(&Prefix::ROOT), Some(Part::Held(_)));
        held && self.wanted.is_empty() && self.tally.window.wanted().is_none()
    }

    /// The write by which the snapshot becomes the ledger, with `also`; none if something is missing. The chain must not
    /// have passed the snapshot's height.
    pub fn finish(&self, also: Batch) -> Option<Batch> {
        if !self.is_complete() {
            return None;
        }
        let header = &self.offer.header;
        let (height, index) = (header.height.to_be_bytes(), header.entry_index());
        let mut frontier = self.offer.frontier.clone();
        let mut batch = also;
        let mut next = 0;
        for (level, hash) in (0..u64::BITS).rev().filter(|level| index >> level & 1 == 1).zip(frontier.complete()) {
            batch.put(Family::Log, node_key(level as u8, next >> level), hash.0);
            next += 1 << level;
        }
        for node in frontier.append([self.id]) {
            batch.put(Family::Log, node_key(node.level, node.index), node.hash.0);
        }
        batch.put(Family::Entries, index.to_be_bytes(), Entry::Header(header.clone()).encode());
        batch.put(Family::Blocks, height, index.to_be_bytes());
        batch.put(Family::BlockIds, self.id.0, height);
        for handover in &self.offer.handovers {
            batch.put(Family::Handovers, handover.header.height.to_be_bytes(), handover.encode());
        }
        batch.put(Family::Meta, META_AREA, self.area.key(&[]));
        batch.put(Family::Meta, META_BASE, codec::encode(&Base { height: header.height, index }));
        batch.put(Family::Meta, META_HEAD, height);
        self.forget(&mut batch);
        Some(batch)
    }

    /// Gives the snapshot up; what lies in its area is swept away.
    pub fn abandon(&self) -> Batch {
        let mut batch = Batch::default();
        self.forget(&mut batch);
        batch
    }

    fn forget(&self, batch: &mut Batch) {
        batch.delete(Family::Restore, KEY_BEGUN);
        batch.delete(Family::Restore, KEY_TALLY);
        for prefix in self.wanted.keys().chain(self.parts.keys()) {
            put_part(batch, prefix, None);
        }
    }

    fn put(&mut self, batch: &mut Batch, prefix: &Prefix, part: Part) {
        self.parts.insert(*prefix, part);
        put_part(batch, prefix, Some(part));
    }

    fn put_tally(&self, batch: &mut Batch) {
        batch.put(Family::Restore, KEY_TALLY, codec::encode(&self.tally));
    }
}

fn put_part(batch: &mut Batch, prefix: &Prefix, part: Option<Part>) {
    let key = [PREFIX_PART, &codec::encode(prefix)].concat();
    match part {
        Some(part) => batch.put(Family::Restore, key, codec::encode(&part)),
        None => batch.delete(Family::Restore, key),
    }
}

/// Deletes up to `limit` keys of areas that were replaced or given up; `restoring` is the area of the snapshot under way.
/// An empty batch if nothing is left.
pub fn sweep(view: &LedgerView, restoring: Option<Area>, limit: usize) -> Result<Batch, StoreError> {
    let kept: Vec<Area> = std::iter::once(view.area()).chain(restoring).collect();
    Ok(area::sweep(view.snapshot(), &kept, limit)?)
}
