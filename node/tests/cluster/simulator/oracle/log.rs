//! One log: every block that any honest node made durable, leaf by leaf, and where each record stands.

use std::collections::BTreeMap;

use dalil_ledger::block::Header;

use super::merkle::{self, Digest, Tree};

/// What the domain of a transaction id puts before the body.
const ID_LABEL: &[u8] = b"dalil/v1/transaction-id\0";
/// An entry is a tag of four bytes, then a body and a signature, or a header.
const TAG_BYTES: usize = 4;
const SIGNATURE_BYTES: usize = 64;

/// A block that stands in the log.
pub struct Head {
    pub id: Digest,
    /// Leaves in the log with this block's header.
    pub size: u64,
    pub time_ms: u64,
    pub state_root: Digest,
}

/// The log as the first node to commit each block wrote it.
#[derive(Default)]
pub struct Log {
    pub tree: Tree,
    /// By height.
    pub heads: Vec<Head>,
    /// Where each record stands, by transaction id.
    pub places: BTreeMap<Digest, u64>,
}

impl Log {
    /// The height of the head of so many leaves.
    pub fn height_of(&self, size: u64) -> Option<u64> {
        self.heads.binary_search_by_key(&size, |head| head.size).ok().map(|height| height as u64)
    }

    /// A node has made the block at the end of `entries` durable: records in order, then the header.
    pub fn commit(&mut self, header: &Header, entries: &[Vec<u8>]) -> Result<(), String> {
        let Some(last) = entries.last() else { return Err("a block without a header".to_owned()) };
        let id = merkle::leaf(last);
        match self.heads.get(header.height as usize) {
            Some(known) if known.id != id => Err(format!("a fork at height {}", header.height)),
            Some(known) if known.state_root != header.state_root.0 => {
                Err(format!("another state root at height {}", header.height))
            }
            Some(known) => self.compare(known.size - entries.len() as u64, entries),
            None => self.extend(header, entries, id),
        }
    }

    /// Whether these entries are the log's from `first` on.
    pub fn compare(&self, first: u64, entries: &[Vec<u8>]) -> Result<(), String> {
        let known = self.tree.leaves.get(first as usize..).unwrap_or_default();
        if entries.len() > known.len() {
            return Err(format!("{} entries from {first} on, the log has {}", entries.len(), known.len()));
        }
        for ((index, entry), known) in (first..).zip(entries).zip(known) {
            if merkle::leaf(entry) != *known {
                return Err(format!("another entry at index {index}"));
            }
        }
        Ok(())
    }

    fn extend(&mut self, header: &Header, entries: &[Vec<u8>], id: Digest) -> Result<(), String> {
        let height = header.height;
        if height as usize != self.heads.len() {
            return Err(format!("height {height} is durable before height {}", self.heads.len()));
        }
        if header.first_entry != self.tree.size() || header.record_count as usize != entries.len() - 1 {
            return Err(format!("the block at height {height} does not continue the log"));
        }
        if let Some(parent) = self.heads.last() {
            if header.parent.0 != parent.id {
                return Err(format!("the block at height {height} names another parent"));
            }
            if header.timestamp_ms <= parent.time_ms {
                return Err(format!("time does not advance at height {height}"));
            }
        }
        for entry in &entries[..entries.len() - 1] {
            let index = self.tree.size();
            if let Some(before) = self.places.insert(record_id(entry), index) {
                return Err(format!("a record stands twice, at {before} and {index}"));
            }
            self.tree.append(merkle::leaf(entry));
        }
        if self.tree.root_at(self.tree.size()) != Some(header.records_root.0) {
            return Err(format!("the records root at height {height} is not the log's"));
        }
        self.tree.append(id);
        let state_root = header.state_root.0;
        self.heads.push(Head { id, size: self.tree.size(), time_ms: header.timestamp_ms, state_root });
        Ok(())
    }
}

/// The transaction id of a record's entry: the hash of its body without tag and signature.
pub fn record_id(entry: &[u8]) -> Digest {
    let end = entry.len().saturating_sub(SIGNATURE_BYTES);
    merkle::sha256(&[ID_LABEL, entry.get(TAG_BYTES..end).unwrap_or_default()])
}
