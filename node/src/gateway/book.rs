//! What was signed under which idempotency key: a journal of its own beside the database, so that it outlives one that is
//! moved away and fetched anew. It is no part of the chain or of any snapshot.
//!
//! ```text
//! gateway/signed-<n>    magic, chain id, then frames: length (u32 little-endian), SHA-256 of the entry, entry
//! ```
//!
//! An entry is durable before its record is handed in. Entries are appended one after the other, each synced, so only the
//! last one can be torn; it was never handed in and is cut off. Damage before it is refused: what it said may be on record.
//! Old segments are deleted as a whole once the chain's time has passed their newest entry by what is to be remembered.

use std::collections::{HashMap, VecDeque};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use dalil_ledger::codec::{self, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::transaction::{RECORD_BYTES_MAX, SignedTransaction};

use crate::shell::home::sync_folder;

const MAGIC: &[u8; 16] = b"dalil/gateway/1\n";
const HEADER_BYTES: u64 = 16 + 32;
/// Length and checksum before an entry.
const FRAME_HEAD_BYTES: usize = 4 + 32;
/// The longest entry: two hashes and a record.
const ENTRY_BYTES_MAX: usize = 64 + RECORD_BYTES_MAX;
/// A segment is closed at this length, in bytes.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// Or when it spans this part of the time that is remembered.
const SEGMENT_SPAN_PART: u64 = 4;
/// The most entries remembered at once; each takes about 200 bytes of memory.
const ENTRIES_MAX: usize = 1_000_000;

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The disk failed.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// A file is not what was written.
    #[error(
        "{0} is damaged at byte {1}: put it back from a backup. What it forgot may be on record, so nothing is signed without it"
    )]
    Damaged(PathBuf, u64),
    /// The book belongs to another chain.
    #[error("{0} belongs to chain {1}, the node is of {2}: move the folder away")]
    OtherChain(PathBuf, Hash, Hash),
    /// A write failed before; whether it is on the disk shows at the next start.
    #[error("an earlier write to the gateway's book failed: see to the disk, then start the node again")]
    Broken,
    /// Too many keys are remembered.
    #[error("the gateway remembers {ENTRIES_MAX} requests and takes no more until older ones are forgotten")]
    Full,
}

/// An idempotency key, the request that it was used for, and what was signed.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Entry {
    key: Hash,
    request: Hash,
    record: SignedTransaction,
}

/// What is known of a key without reading the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Digest of the request.
    pub request: Hash,
    /// Transaction id of the newest record signed for it.
    pub id: Hash,
    /// When that record lapses, UTC milliseconds of block time.
    pub expires_at_ms: u64,
    segment: u64,
    offset: u64,
    length: usize,
}

struct Segment {
    number: u64,
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Expiry of its first entry and the latest of all; none while it is empty.
    expiries: Option<(u64, u64)>,
}

/// The journal and its index.
pub struct Book {
    folder: PathBuf,
    chain: Hash,
    remember_ms: u64,
    index: HashMap<Hash, Held>,
    segments: VecDeque<Segment>,
    broken: bool,
}

impl Book {
    /// Opens the book in `folder`, made if it is not there, of the chain `chain`.
    pub fn open(folder: &Path, chain: Hash, remember_ms: u64) -> Result<Self, BookError> {
        let failed = |error| BookError::Io(folder.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_prefix("signed-")?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        let mut book = Self {
            folder: folder.to_owned(),
            chain,
            remember_ms,
            index: HashMap::new(),
            segments: VecDeque::new(),
            broken: false,
        };
        for (place, number) in numbers.iter().enumerate() {
            book.load(*number, place + 1 == numbers.len())?;
        }
        Ok(book)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("signed-{number}"))
    }

    /// Reads a segment into the index, and cuts a torn end off the last one.
    fn load(&mut self, number: u64, is_last: bool) -> Result<(), BookError> {
        let path = self.path(number);
        let failed = |error| BookError::Io(path.clone(), error);
        let bytes = std::fs::read(&path).map_err(failed)?;
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let Some((magic, rest)) = bytes.split_first_chunk::<16>().filter(|(_, rest)| rest.len() >= 32) else {
            if !is_last {
                return Err(BookError::Damaged(path, 0));
            }
            // Its making was cut short; no entry can be in it.
            return std::fs::remove_file(&path).and_then(|()| sync_folder(&self.folder)).map_err(failed);
        };
        let chain = rest.first_chunk().map_or(Hash::ZERO, |chain| Hash(*chain));
        if magic != MAGIC {
            return Err(BookError::Damaged(path, 0));
        }
        if chain != self.chain {
            return Err(BookError::OtherChain(path, chain, self.chain));
        }
        let mut segment = Segment { number, path: path.clone(), file, bytes: HEADER_BYTES, expiries: None };
        loop {
            let rest = bytes.get(segment.bytes as usize..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if let Some((entry, length)) = read_frame(rest) {
                self.note(&mut segment, &entry, length);
            } else if is_last && is_torn(rest) {
                segment.file.set_len(segment.bytes).and_then(|()| segment.file.sync_all()).map_err(failed)?;
                break;
            } else {
                return Err(BookError::Damaged(path, segment.bytes));
            }
        }
        self.segments.push_back(segment);
        Ok(())
    }

    /// Enters into the index what stands at the end of `segment`.
    fn note(&mut self, segment: &mut Segment, entry: &Entry, length: usize) {
        let expires_at_ms = entry.record.body.expires_at_ms;
        let held = Held {
            request: entry.request,
            id: entry.record.id(),
            expires_at_ms,
            segment: segment.number,
            offset: segment.bytes + FRAME_HEAD_BYTES as u64,
            length,
        };
        let (first, newest) = segment.expiries.unwrap_or((expires_at_ms, expires_at_ms));
        segment.expiries = Some((first, newest.max(expires_at_ms)));
        segment.bytes += (FRAME_HEAD_BYTES + length) as u64;
        self.index.insert(entry.key, held);
    }

    /// What is remembered of a key at the chain's time `head_ms`.
    pub fn find(&self, key: &Hash, head_ms: u64) -> Option<&Held> {
        self.index.get(key).filter(|held| held.expires_at_ms.saturating_add(self.remember_ms) > head_ms)
    }

    /// The record that was signed.
    pub fn read(&self, held: &Held) -> Result<SignedTransaction, BookError> {
        let damaged = || BookError::Damaged(self.path(held.segment), held.offset);
        let segment = self.segments.iter().find(|segment| segment.number == held.segment).ok_or_else(damaged)?;
        let mut bytes = vec![0; held.length];
        let read = segment.file.read_exact_at(&mut bytes, held.offset);
        read.map_err(|error| BookError::Io(segment.path.clone(), error))?;
        let entry: Entry = codec::decode(&bytes, ENTRY_BYTES_MAX).map_err(|_| damaged())?;
        if entry.record.id() == held.id { Ok(entry.record) } else { Err(damaged()) }
    }

    /// Remembers that `record` is signed for `key`, in place of what was signed for it before. Durable on return.
    pub fn enter(
        &mut self,
        key: Hash,
        request: Hash,
        record: &SignedTransaction,
        head_ms: u64,
    ) -> Result<(), BookError> {
        if self.broken {
            return Err(BookError::Broken);
        }
        self.forget(head_ms)?;
        if self.index.len() >= ENTRIES_MAX && !self.index.contains_key(&key) {
            return Err(BookError::Full);
        }
        let entry = Entry { key, request, record: record.clone() };
        let bytes = codec::encode(&entry);
        let mut segment = self.segment_for(record.body.expires_at_ms)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let frame = [&length[..], &sha256(&bytes).0, &bytes].concat();
        let written = segment.file.write_all_at(&frame, segment.bytes).and_then(|()| segment.file.sync_data());
        let failed = written.map_err(|error| BookError::Io(segment.path.clone(), error));
        if failed.is_ok() {
            self.note(&mut segment, &entry, bytes.len());
        }
        self.broken = failed.is_err();
        self.segments.push_back(segment);
        failed
    }

    /// The last segment, or a new one where that is long or old enough; taken out, to be put back.
    fn segment_for(&mut self, expires_at_ms: u64) -> Result<Segment, BookError> {
        let spans = |(first, _): (u64, u64)| expires_at_ms.saturating_sub(first) > self.remember_ms / SEGMENT_SPAN_PART;
        let next = match self.segments.pop_back() {
            None => 0,
            Some(last) if last.bytes < SEGMENT_BYTES_MAX && !last.expiries.is_some_and(spans) => return Ok(last),
            Some(last) => {
                let next = last.number.saturating_add(1);
                self.segments.push_back(last);
                next
            }
        };
        let path = self.path(next);
        let make = || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all_at(&[&MAGIC[..], &self.chain.0].concat(), 0)?;
            file.sync_all()?;
            sync_folder(&self.folder)?;
            Ok(file)
        };
        let made = make();
        self.broken = made.is_err();
        let file = made.map_err(|error| BookError::Io(path.clone(), error))?;
        Ok(Segment { number: next, path, file, bytes: HEADER_BYTES, expiries: None })
    }

    /// Deletes the segments in which nothing is remembered any more, but for the one that is written.
    fn forget(&mut self, head_ms: u64) -> Result<(), BookError> {
        while self.segments.len() > 1
            && let Some(oldest) = self.segments.front()
            && oldest.expiries.is_none_or(|(_, newest)| newest.saturating_add(self.remember_ms) <= head_ms)
        {
            std::fs::remove_file(&oldest.path).map_err(|error| BookError::Io(oldest.path.clone(), error))?;
            let number = oldest.number;
            self.segments.pop_front();
            self.index.retain(|_, held| held.segment != number);
        }
        Ok(())
    }
}

/// The entry at the beginning of some bytes and its length; none if what stands there was never written so.
fn read_frame(bytes: &[u8]) -> Option<(Entry, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (checksum, rest) = rest.split_first_chunk::<32>()?;
    let entry = rest.get(..length).filter(|entry| entry.len() <= ENTRY_BYTES_MAX)?;
    if sha256(entry).0 != *checksum {
        return None;
    }
    codec::decode(entry, ENTRY_BYTES_MAX).ok().map(|entry| (entry, length))
}

/// Whether bytes that begin with no frame are what is left of the last one. Of a torn frame any part may be missing, its
/// length too, but no other follows it.
fn is_torn(bytes: &[u8]) -> bool {
    let fits = bytes.len() <= FRAME_HEAD_BYTES + ENTRY_BYTES_MAX;
    fits && !(1..bytes.len()).any(|place| read_frame(&bytes[place..]).is_some())
}
