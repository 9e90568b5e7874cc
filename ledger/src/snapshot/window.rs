//! The recent window: the transaction ids that may not be recorded again, each list bound to its header, the headers
//! chained by their parents. A forged window would let a record be replayed.

use crate::block::{BlockId, Entry, Header, Height, ids_hash};
use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::store::{LedgerView, StoreError};
use crate::transaction::EXPIRY_WINDOW_MS;

/// About how many bytes a header takes in a part.
const HEADER_BYTES: usize = 512;
/// Bytes of an id with its expiry.
const ID_BYTES: usize = 40;

/// A transaction id and the time until which it may not be recorded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct IdExpiry {
    /// Transaction id.
    pub id: Hash,
    /// UTC milliseconds.
    pub expires_at_ms: u64,
}

/// A block without its records.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct WindowBlock {
    /// The header.
    pub header: Header,
    /// Of its records, in order.
    pub ids: Vec<IdExpiry>,
}

/// How far down the window is known: from the snapshot's head to the first block of which every record has expired by
/// the head's time, that one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Window {
    /// Time of the snapshot's head, UTC milliseconds.
    head_time_ms: u64,
    /// Height and id of the block to come next; none if the window is complete.
    next: Option<(Height, BlockId)>,
}

/// Why a part of the window is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Nothing is missing any more, or nothing was sent.
    #[error("{0} blocks where {1} are wanted")]
    Length(usize, &'static str),
    /// Not the block that the one above names as its parent.
    #[error("block {got} at height {height}, expected {expected}")]
    Block {
        /// Height expected.
        height: Height,
        /// Block found.
        got: BlockId,
        /// Block expected.
        expected: BlockId,
    },
    /// The ids are not those of the block's records.
    #[error("the transaction ids of block {0} are not the ones that its header commits to")]
    Ids(BlockId),
}

/// Whether the last record of a block of `time_ms` has expired by `head_time_ms` at the latest.
fn is_expired(time_ms: u64, head_time_ms: u64) -> bool {
    time_ms.saturating_add(EXPIRY_WINDOW_MS) <= head_time_ms
}

impl Window {
    /// The window of the snapshot whose head is `header`.
    pub(super) fn of(header: &Header) -> Self {
        Self { head_time_ms: header.timestamp_ms, next: Some((header.height, header.id())) }
    }

    /// The height of the block to come next; none if the window is complete.
    pub fn wanted(&self) -> Option<Height> {
        self.next.map(|(height, _)| height)
    }

    /// Checks `blocks`, highest first, and returns the window that is known with them.
    pub fn check(mut self, blocks: &[WindowBlock]) -> Result<Self, WindowError> {
        if blocks.is_empty() {
            return Err(WindowError::Length(0, "one or more"));
        }
        for block in blocks {
            let Some((height, expected)) = self.next else {
                return Err(WindowError::Length(blocks.len(), "fewer"));
            };
            let (header, got) = (&block.header, block.header.id());
            if got != expected || header.height != height {
                return Err(WindowError::Block { height, got, expected });
            }
            let pairs: Vec<_> = block.ids.iter().map(|id| (id.id, id.expires_at_ms)).collect();
            if pairs.len() != header.record_count as usize || ids_hash(&pairs) != header.ids_hash {
                return Err(WindowError::Ids(got));
            }
            let below = height.checked_sub(1).filter(|_| !is_expired(header.timestamp_ms, self.head_time_ms));
            self.next = below.map(|below| (below, header.parent));
        }
        Ok(self)
    }
}

/// Reads a part of the window of the head of `view`, downwards from `height`, as far as the window goes: one block, and
/// more up to `bytes_max`. Empty if the height is above the head.
pub fn read_window(view: &LedgerView, height: Height, bytes_max: usize) -> Result<Vec<WindowBlock>, StoreError> {
    let mut blocks = Vec::new();
    let mut bytes = 0;
    let mut next = Some(height).filter(|height| *height <= view.head().height);
    while let Some(height) = next {
        let header = view.header(height)?;
        let header = header.ok_or_else(|| StoreError::Damaged(format!("no header at height {height}")))?;
        let mut ids = Vec::with_capacity(header.record_count as usize);
        if height < view.first_block() {
            return Err(StoreError::NotHeld { first: view.base().index });
        }
        for entry in view.entries_bytes(header.first_entry, header.record_count as usize)? {
            let entry = Entry::decode(&entry).map_err(|error| StoreError::Damaged(error.to_string()))?;
            if let Entry::Record(record) = entry {
                ids.push(IdExpiry { id: record.id(), expires_at_ms: record.body.expires_at_ms });
            }
        }
        bytes += HEADER_BYTES + ID_BYTES * ids.len();
        if bytes > bytes_max && !blocks.is_empty() {
            break;
        }
        next = height.checked_sub(1).filter(|_| !is_expired(header.timestamp_ms, view.head().timestamp_ms));
        blocks.push(WindowBlock { header, ids });
    }
    Ok(blocks)
}

/// Whether `view` holds the records of the whole window of its head. A node that was restored a short while ago does not.
pub fn covers_window(view: &LedgerView) -> Result<bool, StoreError> {
    let first = view.first_block();
    if first == 0 {
        return Ok(true);
    }
    let header = view.header(first)?;
    Ok(header.is_some_and(|header| is_expired(header.timestamp_ms, view.head().timestamp_ms)))
}
