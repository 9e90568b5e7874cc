//! One immutable version of the ledger, at one head: everything a reader asks for.

use std::sync::Arc;

use super::area::{self, Area};
use super::kv::{Family, KvError, Snapshot};
use super::{Base, META_AREA, META_BASE, META_HEAD, StoreError, node_key, stored, stored_u64, subject_key};
use crate::block::{Attachment, Block, BlockId, Entry, Header, Height};
use crate::checkpoint::{Handover, KeyName};
use crate::codec;
use crate::crypto::Hash;
use crate::document::SubjectId;
use crate::log::tile::{Tile, TileKind, bundle_bytes, hash_tile_bytes};
use crate::log::{self, NodeView, ProveError};
use crate::state::commitment::{self, PageView};
use crate::state::proof::path_of;
use crate::state::{StateError, StateProof, StateView};
use crate::validators::Certificate;

/// The ledger at one head. Cheap to clone.
#[derive(Clone)]
pub struct LedgerView {
    snapshot: Arc<dyn Snapshot>,
    origin: Arc<KeyName>,
    area: Area,
    base: Base,
    head: Arc<Header>,
    head_id: BlockId,
}

impl LedgerView {
    pub(super) fn new(snapshot: Arc<dyn Snapshot>, origin: Arc<KeyName>) -> Result<Self, StoreError> {
        let height = snapshot.get(Family::Meta, META_HEAD)?.ok_or_else(|| damaged("the head is missing"))?;
        let head = header_at(&*snapshot, stored_u64(&height, "head")?)?
            .ok_or_else(|| damaged("the head's block is missing"))?;
        let area = snapshot.get(Family::Meta, META_AREA)?.ok_or_else(|| damaged("the area is missing"))?;
        let area = Area::from_bytes(&area).ok_or_else(|| damaged("the area is no number"))?;
        let base = snapshot.get(Family::Meta, META_BASE)?.ok_or_else(|| damaged("the base is missing"))?;
        let base = stored(&base, "base")?;
        Ok(Self { snapshot, origin, area, base, head_id: head.id(), head: Arc::new(head) })
    }

    pub(crate) fn snapshot(&self) -> &dyn Snapshot {
        &*self.snapshot
    }

    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// The log's origin.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Where this ledger begins. What lies below was left to other nodes.
    pub fn base(&self) -> Base {
        self.base
    }

    /// The lowest height whose whole block is held.
    pub fn first_block(&self) -> Height {
        if self.base == Base::default() { 0 } else { self.base.height.saturating_add(1) }
    }

    fn holds(&self, index: u64) -> Result<(), StoreError> {
        if index < self.base.index { Err(StoreError::NotHeld { first: self.base.index }) } else { Ok(()) }
    }

    /// The header of the head.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// The block id of the head.
    pub fn head_id(&self) -> BlockId {
        self.head_id
    }

    /// Number of entries in the log, the head's header included.
    pub fn log_size(&self) -> u64 {
        self.head.log_size()
    }

    /// Root of the log at its present size.
    pub fn log_root(&self) -> Result<Hash, StoreError> {
        self.log_root_at(self.log_size())
    }

    /// Root of the log when it had `size` entries.
    pub fn log_root_at(&self, size: u64) -> Result<Hash, StoreError> {
        self.holds(size)?;
        log::root_at(self, size).map_err(|error| damaged(&error.to_string()))
    }

    /// Checks that head, log and state fit one another.
    pub(super) fn check_head(&self) -> Result<(), StoreError> {
        let head = self.head();
        let records_root = self.log_root_at(head.entry_index())?;
        if records_root != head.records_root {
            return Err(damaged("the log's root is not the head's"));
        }
        let leaf = self.node(0, head.entry_index())?;
        if leaf != Some(self.head_id) {
            return Err(damaged("the log does not end with the head"));
        }
        let state_root = commitment::root(self).map_err(|error| damaged(&error.to_string()))?;
        if state_root != head.state_root {
            return Err(damaged("the state's root is not the head's"));
        }
        Ok(())
    }

    /// The header at `height`.
    pub fn header(&self, height: Height) -> Result<Option<Header>, StoreError> {
        if height < self.base.height {
            return Err(StoreError::NotHeld { first: self.base.index });
        }
        if height > self.head.height { Ok(None) } else { header_at(&*self.snapshot, height) }
    }

    /// The height of the block with `id`.
    pub fn height_of(&self, id: &BlockId) -> Result<Option<Height>, StoreError> {
        self.snapshot.get(Family::BlockIds, &id.0)?.map(|bytes| stored_u64(&bytes, "block id")).transpose()
    }

    /// The canonical bytes of the entry at `index`.
    pub fn entry_bytes(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.holds(index)?;
        Ok(self.snapshot.get(Family::Entries, &index.to_be_bytes())?)
    }

    /// The entry at `index`.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, StoreError> {
        self.entry_bytes(index)?.map(|bytes| stored(&bytes, "entry")).transpose()
    }

    /// Up to `limit` entries from `first` on, as canonical bytes.
    pub fn entries_bytes(&self, first: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.holds(first)?;
        let pairs = self.snapshot.scan(Family::Entries, &[], &first.to_be_bytes(), limit)?;
        Ok(pairs.into_iter().map(|(_, bytes)| bytes).collect())
    }

    /// The whole block at `height`.
    pub fn block(&self, height: Height) -> Result<Option<Block>, StoreError> {
        let Some(header) = self.header(height)? else { return Ok(None) };
        if height < self.first_block() {
            return Err(StoreError::NotHeld { first: self.base.index });
        }
        let mut records = Vec::with_capacity(header.record_count as usize);
        for bytes in self.entries_bytes(header.first_entry, header.record_count as usize)? {
            match stored(&bytes, "record")? {
                Entry::Record(record) => records.push(record),
                Entry::Header(_) => return Err(damaged("a header stands where a record should")),
            }
        }
        let attachments = self.attachments_at(height)?;
        Ok(Some(Block { header, records, attachments }))
    }

    /// The attachments of the block at `height`, in order.
    pub fn attachments_at(&self, height: Height) -> Result<Vec<Attachment>, StoreError> {
        let Some(roots) = self.snapshot.get(Family::Attachments, &height.to_be_bytes())? else { return Ok(Vec::new()) };
        let roots: Vec<Hash> = stored(&roots, "attachment roots")?;
        roots.iter().map(|root| self.attachment(root)?.ok_or_else(|| damaged("an attachment is missing"))).collect()
    }

    /// The leaf list with this root.
    pub fn attachment(&self, root: &Hash) -> Result<Option<Attachment>, StoreError> {
        self.snapshot.get(Family::Attachments, &root.0)?.map(|bytes| stored(&bytes, "attachment")).transpose()
    }

    /// The commit certificate of `height`; none for genesis.
    pub fn commit(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        let bytes = self.snapshot.get(Family::Commits, &height.to_be_bytes())?;
        bytes.map(|bytes| stored(&bytes, "certificate")).transpose()
    }

    /// Up to `limit` handovers of heights from `from` on, oldest first: every height whose set is not the next one's.
    pub fn handovers(&self, from: Height, limit: usize) -> Result<Vec<Handover>, StoreError> {
        let pairs = self.snapshot.scan(Family::Handovers, &[], &from.to_be_bytes(), limit)?;
        pairs.iter().map(|(_, bytes)| stored(bytes, "handover")).collect()
    }

    /// The first height that the set of the next height decides: what a pin of that set begins with.
    pub fn validators_from(&self) -> Result<Height, StoreError> {
        let last = self.snapshot.last(Family::Handovers)?;
        let handover: Option<Handover> = last.map(|(_, bytes)| stored(&bytes, "handover")).transpose()?;
        Ok(handover.map_or(0, |handover| handover.header.height).saturating_add(1))
    }

    /// The log index of the record with transaction id `id`, which may lie below what is held. After a snapshot no more is
    /// known than the ids that may not be recorded again.
    pub fn index_of(&self, id: &Hash) -> Result<Option<u64>, StoreError> {
        self.snapshot.get(Family::Ids, &self.area.key(&id.0))?.map(|bytes| stored_u64(&bytes, "record id")).transpose()
    }

    /// Log indexes of up to `limit` records about `subject`, from log index `first` on, in order.
    pub fn history(&self, subject: &SubjectId, first: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
        self.holds(first)?;
        let prefix = [subject.as_str().as_bytes(), &[0]].concat();
        let pairs = self.snapshot.scan(Family::Subjects, &prefix, &subject_key(subject, first), limit)?;
        pairs.iter().map(|(key, _)| stored_u64(&key[prefix.len()..], "history")).collect()
    }

    /// The first log index whose events are held. A snapshot brings none, not even those of its own head.
    pub fn first_events(&self) -> u64 {
        if self.base == Base::default() { 0 } else { self.base.index.saturating_add(1) }
    }

    /// What happened from log index `from` on, in order: up to `limit` log indexes, each with the bytes that were stored.
    pub fn events(&self, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let first = self.first_events();
        if from < first {
            return Err(StoreError::NotHeld { first });
        }
        let pairs = self.snapshot.scan(Family::Events, &[], &from.to_be_bytes(), limit)?;
        pairs.into_iter().map(|(index, bytes)| Ok((stored_u64(&index, "events")?, bytes))).collect()
    }

    /// What is stored under a key of consensus.
    pub fn consensus(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get(Family::Consensus, key)?)
    }

    /// Proof of inclusion of the entry at `index` in the log of `size` entries, leaf to root.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        self.holds(index)?;
        log::inclusion_proof(self, index, size).map_err(|error| damaged(&error.to_string()))
    }

    /// Proof that the log of `old` entries is a prefix of the one of `new` entries.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        self.holds(old)?;
        log::consistency_proof(self, old, new).map_err(|error| damaged(&error.to_string()))
    }

    /// Value of a state key with its proof of presence or absence under the head's state root.
    pub fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), StateError> {
        Ok((StateView::get(self, key)?, commitment::prove(self, key)?))
    }

    /// A canonical value of the state.
    pub fn state_value<T: codec::Canonical>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let bytes = StateView::get(self, key).map_err(|error| damaged(&error.0))?;
        bytes.map(|bytes| stored(&bytes, "state value")).transpose()
    }

    /// The bytes of a tile of the log, which has it at its present size.
    pub fn tile_bytes(&self, tile: &Tile) -> Result<Vec<u8>, StoreError> {
        match tile.kind() {
            TileKind::Entries => {
                let entries = self.entries_bytes(tile.first(), usize::from(tile.width()))?;
                bundle_bytes(entries.iter().map(Vec::as_slice)).map_err(|error| damaged(&error.to_string()))
            }
            TileKind::Hashes { .. } => hash_tile_bytes(self, tile).map_err(|error| match error {
                // Of what lies below the base only the subtrees on the right edge are held.
                ProveError::Missing { level, index } if index << level < self.base.index => {
                    StoreError::NotHeld { first: self.base.index }
                }
                other => damaged(&other.to_string()),
            }),
        }
    }
}

fn header_at(snapshot: &dyn Snapshot, height: Height) -> Result<Option<Header>, StoreError> {
    let Some(index) = snapshot.get(Family::Blocks, &height.to_be_bytes())? else { return Ok(None) };
    let bytes = snapshot.get(Family::Entries, &index)?.ok_or_else(|| damaged("a block's header entry is missing"))?;
    match stored(&bytes, "header")? {
        Entry::Header(header) => Ok(Some(header)),
        Entry::Record(_) => Err(damaged("a record stands where a header should")),
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

impl StateView for LedgerView {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let stored = self.snapshot.get(Family::State, &self.area.key(&path_of(key).0));
        let Some(stored) = stored.map_err(|error| StateError(error.0))? else { return Ok(None) };
        match area::split_state_entry(&stored) {
            Some((held, value)) if held == key => Ok(Some(value.to_vec())),
            _ => Err(StateError(format!("the entry of key {key:02x?} is another one's"))),
        }
    }
}

impl PageView for LedgerView {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.snapshot.get(Family::Pages, &self.area.key(key)).map_err(|error| StateError(error.0))
    }
}

impl NodeView for LedgerView {
    type Error = KvError;

    fn node(&self, level: u8, index: u64) -> Result<Option<Hash>, KvError> {
        let bytes = self.snapshot.get(Family::Log, &node_key(level, index))?;
        bytes
            .map(|bytes| bytes.try_into().map(Hash).map_err(|_| KvError("a log node is not 32 bytes long".to_owned())))
            .transpose()
    }
}
