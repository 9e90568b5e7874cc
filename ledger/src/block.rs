//! Blocks: an ordered list of records, the header that commits to them, and the log entries both become.

use crate::codec::{self, CodecError, SchemaRead, SchemaWrite, Token};
use crate::crypto::{Domain, Hash};
use crate::log;
use crate::transaction::SignedTransaction;
use serde::Serialize;

/// A department's short name, such as `land`.
pub type DepartmentId = Token<32>;

/// The block's height; genesis is 0.
pub type Height = u64;

/// The consensus round within a height.
pub type Round = u32;

/// The leaf hash of a block's header entry.
pub type BlockId = Hash;

/// The longest log entry, in bytes: a tile bundle's limit (C2SP tlog-tiles).
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// The version of the header layout.
pub const HEADER_VERSION: u32 = 1;

/// One leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Entry {
    /// A record that was valid when its block was decided.
    Record(SignedTransaction),
    /// The header that closes a block.
    Header(Header),
}

impl Entry {
    /// Decodes one entry of at most [`ENTRY_BYTES_MAX`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, ENTRY_BYTES_MAX)
    }

    /// The canonical bytes, which are what the log hashes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// What a block commits to. The consensus round is not here: a block proposed again keeps its id.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Header {
    /// [`HEADER_VERSION`].
    pub version: u32,
    /// The chain id.
    pub chain: Hash,
    /// Height of this block.
    pub height: Height,
    /// Id of the block before; zeros at genesis.
    pub parent: BlockId,
    /// UTC milliseconds, later than the parent's.
    pub timestamp_ms: u64,
    /// The department that made the block.
    pub proposer: DepartmentId,
    /// Log index of the block's first record, or of this header if there is none.
    pub first_entry: u64,
    /// Number of records.
    pub record_count: u32,
    /// Log root after the records and before this header.
    pub records_root: Hash,
    /// Hash of the pairs (transaction id, expires_at_ms) in order.
    pub ids_hash: Hash,
    /// Hash of the attachments in order.
    pub attachments_root: Hash,
    /// State root after this block.
    pub state_root: Hash,
    /// Hash of the validator set that decides this block.
    pub validators_hash: Hash,
    /// Hash of the validator set of the next height, which cosigns this head.
    pub next_validators_hash: Hash,
}

impl Header {
    /// The block id: the leaf hash of the header entry.
    pub fn id(&self) -> BlockId {
        log::leaf_hash(&Entry::Header(self.clone()).encode())
    }

    /// Log index of this header's own leaf. A header from outside may claim anything; a sum that does not fit is a size
    /// that no log has.
    pub fn entry_index(&self) -> u64 {
        self.first_entry.saturating_add(u64::from(self.record_count))
    }

    /// Size of the log whose last leaf is this header.
    pub fn log_size(&self) -> u64 {
        self.entry_index().saturating_add(1)
    }
}

/// A header with everything needed to execute it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The records in order.
    pub records: Vec<SignedTransaction>,
    /// The leaf lists of the batches in `records`, in the order in which the records name them.
    pub attachments: Vec<Attachment>,
}

/// A list of leaves that a record names by its RFC 9162 root: part of the block's body, never pruned.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Attachment {
    /// The canonical bytes of each leaf.
    pub leaves: Vec<Vec<u8>>,
}

impl Attachment {
    /// RFC 9162 root over the leaves.
    pub fn root(&self) -> Hash {
        log::root_of(self.leaves.iter().map(|leaf| log::leaf_hash(leaf)))
    }

    /// Length of the canonical form, in bytes: each leaf brings its length along.
    pub fn weight(&self) -> usize {
        8 + self.leaves.iter().map(|leaf| 8 + leaf.len()).sum::<usize>()
    }
}

impl Block {
    /// The block id.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// [`Header::ids_hash`] of `records`.
    pub fn ids_hash(records: &[SignedTransaction]) -> Hash {
        ids_hash(&records.iter().map(|record| (record.id(), record.body.expires_at_ms)).collect::<Vec<_>>())
    }

    /// [`Header::attachments_root`] of `attachments`.
    pub fn attachments_root(attachments: &[Attachment]) -> Hash {
        let roots: Vec<u8> = attachments.iter().flat_map(|attachment| attachment.root().0).collect();
        Domain::Attachments.hash(&roots)
    }
}

/// Hash of pairs (transaction id, expires_at_ms) in order: the part of the duplicate window that a header commits to.
pub fn ids_hash(pairs: &[(Hash, u64)]) -> Hash {
    let bytes: Vec<u8> = pairs.iter().flat_map(|(id, expiry)| id.0.into_iter().chain(expiry.to_le_bytes())).collect();
    Domain::TransactionIds.hash(&bytes)
}
