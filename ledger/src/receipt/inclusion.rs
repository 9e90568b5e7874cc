//! The inclusion receipt as a file (C2SP tlog-proof, `.tlog-proof`).

use std::fmt::Write as _;

use crate::block::{ENTRY_BYTES_MAX, Entry};
use crate::checkpoint::text::{from_base64, from_decimal, hash_from_base64, shortened, to_base64};
use crate::codec::{self, CodecError, SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::log::{INCLUSION_PATH_MAX, LogIndex};

/// The longest inclusion receipt that is read, in bytes.
pub const INCLUSION_BYTES_MAX: usize = 256 << 10;

/// The longest extra data: an entry, a document leaf, its index and its path.
const EXTRA_BYTES_MAX: usize = 2 * ENTRY_BYTES_MAX + 4096;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A document of a batch and its place in it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct BatchDocument {
    /// Canonical bytes of the document's entry: the batch's leaf.
    pub leaf: Vec<u8>,
    /// Index of the leaf in the batch.
    pub index: u64,
    /// RFC 9162 path of the leaf in the batch.
    pub path: Vec<Hash>,
}

/// What the extra line carries: the log's entry, and the document within if the entry is a batch.
///
/// An entry's bytes say where they end, so that a document after them is never taken for a part of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// The log's entry.
    pub entry: Entry,
    /// The document, for one of a batch.
    pub document: Option<BatchDocument>,
}

#[derive(SchemaWrite, SchemaRead)]
struct BatchExtra {
    entry: Entry,
    document: BatchDocument,
}

impl RecordedEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match &self.document {
            None => self.entry.encode(),
            Some(document) => codec::encode(&BatchExtra { entry: self.entry.clone(), document: document.clone() }),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Entry::decode(bytes).map(|entry| Self { entry, document: None }).or_else(|_| {
            let BatchExtra { entry, document } = codec::decode(bytes, EXTRA_BYTES_MAX)?;
            Ok(Self { entry, document: Some(document) })
        })
    }
}

/// "This record stands in the log." It never says that a document is *still* in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionReceipt {
    /// The entry, and the document for one of a batch.
    pub recorded: RecordedEntry,
    /// Log index of the entry.
    pub index: LogIndex,
    /// RFC 9162 path from the entry's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The checkpoint with its signatures, as published.
    pub note: String,
}

/// Why bytes are no inclusion receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InclusionTextError {
    /// The file is too long.
    #[error("an inclusion receipt of {0} bytes, expected at most {INCLUSION_BYTES_MAX}")]
    TooLong(usize),
    /// A line is missing or is not what stands there in a tlog-proof.
    #[error("expected {expected}, got {got:?}")]
    Line {
        /// What stands there.
        expected: &'static str,
        /// The line, cut short; none if the file ends before.
        got: Option<String>,
    },
    /// More hashes than any log has levels.
    #[error("{0} hashes in the path, expected at most {INCLUSION_PATH_MAX}")]
    Path(usize),
    /// The extra line's bytes are neither an entry nor an entry with a document of its batch.
    #[error("entry: {0}")]
    Entry(#[from] CodecError),
}

impl InclusionReceipt {
    /// The receipt of the entry at `index`, whose path leads to the root in `note`.
    pub fn new(entry: Entry, index: LogIndex, path: Vec<Hash>, note: String) -> Self {
        Self { recorded: RecordedEntry { entry, document: None }, index, path, note }
    }

    /// The same receipt for one document of the batch that the entry records.
    pub fn for_document(mut self, document: BatchDocument) -> Self {
        self.recorded.document = Some(document);
        self
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{FIRST_LINE}\nextra {}\nindex {}\n", to_base64(&self.recorded.encode()), self.index);
        for hash in &self.path {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", to_base64(&hash.0));
        }
        text.push('\n');
        text.push_str(&self.note);
        text.into_bytes()
    }

    /// Parses a file. The note is kept as it stands and not yet parsed.
    pub fn parse(bytes: &[u8]) -> Result<Self, InclusionTextError> {
        if bytes.len() > INCLUSION_BYTES_MAX {
            return Err(InclusionTextError::TooLong(bytes.len()));
        }
        let line_error = |expected, got: Option<&str>| InclusionTextError::Line { expected, got: got.map(shortened) };
        let text = std::str::from_utf8(bytes).map_err(|_| line_error("UTF-8", None))?;
        let (proof, note) =
            text.split_once("\n\n").ok_or_else(|| line_error("an empty line before the checkpoint", None))?;
        let mut lines = proof.split('\n');

        let first = lines.next();
        if first != Some(FIRST_LINE) {
            return Err(line_error(FIRST_LINE, first));
        }
        let extra = lines.next();
        let extra_bytes = extra.and_then(|line| line.strip_prefix("extra ")).and_then(from_base64);
        let extra_bytes = extra_bytes.ok_or_else(|| line_error("extra and the base64 entry", extra))?;
        let index = lines.next();
        let index = index
            .and_then(|line| line.strip_prefix("index "))
            .and_then(from_decimal)
            .ok_or_else(|| line_error("index", index))?;
        let count = lines.clone().count();
        if count > INCLUSION_PATH_MAX {
            return Err(InclusionTextError::Path(count));
        }
        let hashes = lines.map(|line| hash_from_base64(line).ok_or_else(|| line_error("a base64 hash", Some(line))));
        let path = hashes.collect::<Result<_, _>>()?;
        Ok(Self { recorded: RecordedEntry::decode(&extra_bytes)?, index, path, note: note.to_owned() })
    }
}
