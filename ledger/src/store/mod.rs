//! Durable storage of the chain: blocks, the log's nodes, the state and its pages, certificates and indexes.
//!
//! A block becomes durable in one atomic synced batch ([`Ledger::commit`]). Readers work on a [`LedgerView`], an
//! immutable version at one head, and never wait for the writer. The engine below is [`kv::Kv`]: RocksDB in a node, a
//! map in memory in tests.
//!
//! The state, its pages and the transaction ids lie in an [`area::Area`], so that a restored snapshot replaces them by one
//! small write. A ledger that came from a snapshot holds the log from its [`Base`] on; what lies below is
//! [`StoreError::NotHeld`].

pub(crate) mod area;
pub mod kv;
pub mod memory;
pub mod rocks;
mod view;

use std::sync::Arc;

pub use area::Area;
pub use kv::{Batch, Family, Kv, KvError, Snapshot};
pub use memory::MemoryKv;
pub use rocks::{Create, RocksKv};
pub use view::LedgerView;

use crate::block::{Attachment, Block, Entry, Header, Height};
use crate::checkpoint::{Handover, KeyName, Policy};
use crate::codec::{self, CANONICAL_BYTES_MAX, SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::document::SubjectId;
use crate::genesis::{GENESIS_BYTES_MAX, Genesis};
use crate::log::{self, Node};
use crate::state::Changes;
use crate::state::commitment::{self, PageChanges};
use crate::state::proof::path_of;
use crate::validators::{Certificate, ValidatorSet};

/// The layout of the database. A node refuses any other.
const SCHEMA: &[u8] = b"dalil-store-3";

pub(crate) const META_SCHEMA: &[u8] = b"schema";
pub(crate) const META_GENESIS: &[u8] = b"genesis";
pub(crate) const META_HEAD: &[u8] = b"head";
/// The area that is read.
pub(crate) const META_AREA: &[u8] = b"area";
/// The highest area ever written to.
pub(crate) const META_AREAS: &[u8] = b"areas";
pub(crate) const META_BASE: &[u8] = b"base";

/// Why the store cannot be opened or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// Something that must be there is not, or is not what it must be.
    #[error(
        "the database is damaged: {0}. Move its folder away and start again: the node fetches the chain from its peers; keep the sign record where it is"
    )]
    Damaged(String),
    /// The folder holds another chain.
    #[error("the database belongs to chain {got}, expected {expected}. Point the node at its own folder")]
    OtherChain {
        /// Chain found.
        got: Hash,
        /// Chain expected.
        expected: Hash,
    },
    /// It lies below what this node holds, which was restored from a snapshot.
    #[error("this node holds the log from entry {first} on; ask another one for what is older")]
    NotHeld {
        /// The first log index held.
        first: u64,
    },
    /// The layout is another version's.
    #[error("the database has another layout than this program knows; use the program version that wrote it")]
    OtherSchema,
    /// There is no database.
    #[error("there is no ledger in this folder; run `dalil node init` first")]
    Missing,
}

/// A block with all that executing it brought about, ready to be stored.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The block.
    pub block: Arc<Block>,
    /// State changes.
    pub changes: Changes,
    /// Pages of the state tree.
    pub pages: PageChanges,
    /// Complete nodes of the log that the block's leaves complete.
    pub nodes: Vec<Node>,
    /// Subjects with the log index of the record that is about them.
    pub subjects: Vec<(SubjectId, u64)>,
    /// What happened at a log index, for those who wait. The store keeps these bytes and does not read them.
    pub events: Vec<(u64, Vec<u8>)>,
    /// The set of the next height, whose hash the header names.
    pub next_validators: ValidatorSet,
}

/// Where a ledger begins: at genesis, or at the head of the snapshot that it was restored from. The header there is held,
/// and everything after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SchemaWrite, SchemaRead)]
pub struct Base {
    /// Height of the first header held.
    pub height: Height,
    /// Its log index.
    pub index: u64,
}

/// The chain on disk.
#[derive(Clone)]
pub struct Ledger {
    kv: Arc<dyn Kv>,
    origin: Arc<KeyName>,
}

impl Ledger {
    /// Writes genesis into an empty engine. Refuses one that holds a ledger already.
    pub fn create(kv: Arc<dyn Kv>, genesis: &Genesis) -> Result<Self, StoreError> {
        let snapshot = kv.snapshot();
        if snapshot.get(Family::Meta, META_SCHEMA)?.is_some() {
            return Err(StoreError::Damaged("there is a ledger in this folder already".to_owned()));
        }
        let executed = execute_genesis(genesis).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let ledger = Self { kv, origin: origin_of(genesis)? };
        let mut batch = Batch::default();
        batch.put(Family::Meta, META_SCHEMA, SCHEMA);
        batch.put(Family::Meta, META_GENESIS, codec::encode(genesis));
        let area = Area::default();
        batch.put(Family::Meta, META_AREA, area.key(&[]));
        batch.put(Family::Meta, META_AREAS, area.key(&[]));
        batch.put(Family::Meta, META_BASE, codec::encode(&Base::default()));
        ledger.write_block(area, &executed, None, batch)?;
        Ok(ledger)
    }

    /// Opens the ledger of `chain` and checks that its head hangs together.
    pub fn open(kv: Arc<dyn Kv>, chain: Option<&Hash>) -> Result<Self, StoreError> {
        let snapshot = kv.snapshot();
        let schema = snapshot.get(Family::Meta, META_SCHEMA)?.ok_or(StoreError::Missing)?;
        if schema != SCHEMA {
            return Err(StoreError::OtherSchema);
        }
        let genesis = stored_genesis(&*snapshot)?;
        let ledger = Self { kv, origin: origin_of(&genesis)? };
        let got = genesis.chain_id();
        if let Some(expected) = chain
            && *expected != got
        {
            return Err(StoreError::OtherChain { got, expected: *expected });
        }
        ledger.view()?.check_head()?;
        Ok(ledger)
    }

    /// The genesis of this chain.
    pub fn genesis(&self) -> Result<Genesis, StoreError> {
        stored_genesis(&*self.kv.snapshot())
    }

    /// The version at today's head.
    pub fn view(&self) -> Result<LedgerView, StoreError> {
        LedgerView::new(self.kv.snapshot(), self.origin.clone())
    }

    /// The engine, for what consensus persists beside blocks.
    pub fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }

    /// Stores a decided block with everything that follows from it, and `also`, in one atomic synced batch. Where the block
    /// changes the validator set, `executed.next_validators` and the certificate make a handover, which is kept for ever.
    ///
    /// Refused unless the block follows the head: what was executed on one version must not be written into another.
    pub fn commit(
        &self,
        executed: &Executed,
        certificate: Option<&Certificate>,
        also: Batch,
    ) -> Result<(), StoreError> {
        let view = self.view()?;
        let header = &executed.block.header;
        if header.parent != view.head_id() {
            let what = format!("block {} at height {} does not follow the head", executed.block.id(), header.height);
            return Err(StoreError::Damaged(what));
        }
        self.write_block(view.area(), executed, certificate, also)
    }

    fn write_block(
        &self,
        area: Area,
        executed: &Executed,
        certificate: Option<&Certificate>,
        also: Batch,
    ) -> Result<(), StoreError> {
        let mut batch = also;
        let block = &executed.block;
        let header = &block.header;
        let height = header.height.to_be_bytes();
        for (index, record) in (header.first_entry..).zip(&block.records) {
            batch.put(Family::Entries, index.to_be_bytes(), Entry::Record(record.clone()).encode());
            batch.put(Family::Ids, area.key(&record.id().0), index.to_be_bytes());
        }
        batch.put(Family::Entries, header.entry_index().to_be_bytes(), Entry::Header(header.clone()).encode());
        for node in &executed.nodes {
            batch.put(Family::Log, node_key(node.level, node.index), node.hash.0);
        }
        if !block.attachments.is_empty() {
            let roots: Vec<Hash> = block.attachments.iter().map(Attachment::root).collect();
            batch.put(Family::Attachments, height, codec::encode(&roots));
            for (root, attachment) in roots.iter().zip(&block.attachments) {
                batch.put(Family::Attachments, root.0, codec::encode(attachment));
            }
        }
        for (key, value) in &executed.changes {
            let value = value.as_ref().map(|value| area::state_entry(key, value));
            batch.writes.push(kv::Write { family: Family::State, key: area.key(&path_of(key).0), value });
        }
        for (key, value) in &executed.pages {
            batch.writes.push(kv::Write { family: Family::Pages, key: area.key(key), value: value.clone() });
        }
        for (subject, index) in &executed.subjects {
            batch.put(Family::Subjects, subject_key(subject, *index), []);
        }
        for (index, events) in &executed.events {
            batch.put(Family::Events, index.to_be_bytes(), events.clone());
        }
        if let Some(certificate) = certificate {
            batch.put(Family::Commits, height, codec::encode(certificate));
            if header.validators_hash != header.next_validators_hash {
                let (header, certificate) = (header.clone(), certificate.clone());
                let handover = Handover { header, certificate, next: executed.next_validators.clone() };
                batch.put(Family::Handovers, height, handover.encode());
            }
        }
        batch.put(Family::Blocks, height, header.entry_index().to_be_bytes());
        batch.put(Family::BlockIds, block.id().0, height);
        batch.put(Family::Meta, META_HEAD, height);
        Ok(self.kv.write(batch)?)
    }
}

/// Key of a log node: level, then index, so that a tile's hashes lie side by side.
pub(crate) fn node_key(level: u8, index: u64) -> Vec<u8> {
    [&[level][..], &index.to_be_bytes()].concat()
}

/// Key of one record in a subject's history. Subjects hold no NUL.
pub(crate) fn subject_key(subject: &SubjectId, index: u64) -> Vec<u8> {
    [subject.as_str().as_bytes(), &[0], &index.to_be_bytes()].concat()
}

/// Decodes a stored value, whose limit is that of anything canonical.
pub(crate) fn stored<T: codec::Canonical>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    codec::decode(bytes, CANONICAL_BYTES_MAX).map_err(|error| StoreError::Damaged(format!("{what}: {error}")))
}

/// Height stored big-endian.
pub(crate) fn stored_u64(bytes: &[u8], what: &str) -> Result<Height, StoreError> {
    let bytes =
        bytes.try_into().map_err(|_| StoreError::Damaged(format!("{what}: {} bytes, expected 8", bytes.len())))?;
    Ok(u64::from_be_bytes(bytes))
}

fn stored_genesis(snapshot: &dyn Snapshot) -> Result<Genesis, StoreError> {
    let bytes = snapshot.get(Family::Meta, META_GENESIS)?;
    let bytes = bytes.ok_or_else(|| StoreError::Damaged("genesis is missing".to_owned()))?;
    codec::decode(&bytes, GENESIS_BYTES_MAX).map_err(|error| StoreError::Damaged(format!("genesis: {error}")))
}

fn origin_of(genesis: &Genesis) -> Result<Arc<KeyName>, StoreError> {
    let origin = genesis.origin.as_str().parse::<KeyName>();
    origin.map(Arc::new).map_err(|error| StoreError::Damaged(format!("genesis: {error}")))
}

/// Block 0 of a chain: no record, the initial state, and the header as the log's only leaf. Refused for validators who could
/// not cosign it.
pub fn execute_genesis(genesis: &Genesis) -> Result<Executed, crate::state::StateError> {
    let refused = |error: &dyn std::fmt::Display| crate::state::StateError(format!("genesis: {error}"));
    let set = genesis.validators.clone().checked().map_err(|error| refused(&error))?;
    let origin: KeyName = genesis.origin.as_str().parse().map_err(|error| refused(&error))?;
    Policy::of_new_set(&origin, &set).map_err(|error| refused(&error))?;
    let changes: Changes =
        genesis.initial_state.iter().map(|entry| (entry.key.clone(), Some(entry.value.clone()))).collect();
    let (state_root, pages) = commitment::update(&std::collections::BTreeMap::new(), &changes)?;
    let validators_hash = genesis.validators.hash();
    let header = Header {
        version: crate::block::HEADER_VERSION,
        chain: genesis.chain_id(),
        height: 0,
        parent: Hash::ZERO,
        timestamp_ms: genesis.time_ms,
        proposer: genesis
            .validators
            .iter()
            .next()
            .map(|validator| validator.department.clone())
            .ok_or_else(|| crate::state::StateError("genesis has no validator".to_owned()))?,
        first_entry: 0,
        record_count: 0,
        records_root: log::empty_root(),
        ids_hash: Block::ids_hash(&[]),
        attachments_root: Block::attachments_root(&[]),
        state_root,
        validators_hash,
        next_validators_hash: validators_hash,
    };
    let block = Block { header, records: Vec::new(), attachments: Vec::new() };
    let nodes = log::Frontier::default().append([block.id()]);
    let next_validators = genesis.validators.clone();
    let (subjects, events) = (Vec::new(), Vec::new());
    Ok(Executed { block: Arc::new(block), changes, pages, nodes, subjects, events, next_validators })
}
