//! The status receipt as a file (`.dalil-status`, JSON), and the walk over the state that it records.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::block::Entry;
use crate::checkpoint::HeadProof;
use crate::checkpoint::text::{from_base64, to_base64};
use crate::codec::{self, CodecError};
use crate::crypto::Hash;
use crate::document::{
    CLASSES_MAX, DEPENDENCIES_MAX, DOCUMENT_BYTES_MAX, DocumentEntry, Uri, digest_key, document_key, read_set,
};
use crate::log::INCLUSION_PATH_MAX;
use crate::state::StateProof;

/// The longest status receipt that is read, in bytes.
pub const STATUS_BYTES_MAX: usize = 2 << 20;

/// The most state reads in a receipt: digest, entry, a slot for each class and each dependency.
pub const READS_MAX: usize = 2 + CLASSES_MAX + DEPENDENCIES_MAX;

/// The form of a status receipt.
const FORM: Form = Form { format: "dalil-status/v1", bytes_max: STATUS_BYTES_MAX, reads_max: READS_MAX };

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The document with this URI. Says nothing about a file: whoever holds one asks by digest, or compares the answer's.
    Uri(Uri),
    /// The document whose file has this SHA-256.
    Digest(Hash),
    /// The document to which a key of the state leads, such as that of a printed number. Whoever asks makes the key out of
    /// the number; one that somebody else names says nothing about a number.
    Slot(String),
}

/// One key of the state, its value or absence, and the proof of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StateRead {
    /// The key; all keys of documents are printable ASCII.
    pub key: String,
    /// The value, or none if the key is absent. As JSON: base64, or null.
    #[serde(with = "base64_or_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub value: Option<Vec<u8>>,
    /// Proof of either.
    pub proof: StateProof,
}

/// "As of this moment the document is …": the reads that a status depends on, and the head under which they are proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReceipt {
    /// The head whose state was read.
    pub head: HeadProof,
    /// The reads in the order of [`StatusReceipt::gather`].
    pub reads: Vec<StateRead>,
}

/// Why bytes are no receipt of state reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusTextError {
    /// The file is too long.
    #[error("a receipt of {got} bytes, expected at most {max}")]
    TooLong {
        /// Its length.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// Not the JSON of such a receipt: also for unknown and repeated fields and trailing bytes.
    #[error("receipt: {0}")]
    Json(String),
    /// Another format or version.
    #[error("format {got:?}, expected {expected:?}")]
    Format {
        /// What the file says.
        got: String,
        /// What is read here.
        expected: &'static str,
    },
    /// More reads, or more hashes, than any receipt needs.
    #[error("{got} {what}, expected at most {most}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        got: usize,
        /// The limit.
        most: usize,
    },
    /// The header field is no log entry.
    #[error("header: {0}")]
    Header(CodecError),
    /// The header field is a record's entry.
    #[error("the header field holds a record, expected a header")]
    RecordAsHeader,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusFile {
    format: String,
    /// The header's log entry.
    #[serde(with = "base64_bytes")]
    header: Vec<u8>,
    path: Vec<Hash>,
    checkpoint: String,
    reads: Vec<StateRead>,
}

impl StatusReceipt {
    /// A receipt of reads in the state of `head`.
    pub fn new(head: HeadProof, reads: Vec<StateRead>) -> Self {
        Self { head, reads }
    }

    /// Makes the reads that answer `question`, in order: the digest's key or the slot (if asked by one), the document's key,
    /// then each slot of its read set. Ends early where something is absent. `read` gives the value and proof of a key.
    pub fn gather<E>(
        question: &Question,
        mut read: impl FnMut(&[u8]) -> Result<(Option<Vec<u8>>, StateProof), E>,
    ) -> Result<Vec<StateRead>, E> {
        let mut reads = Vec::new();
        let mut read_key = |key: &[u8], reads: &mut Vec<StateRead>| -> Result<Option<Vec<u8>>, E> {
            let (value, proof) = read(key)?;
            let key = String::from_utf8_lossy(key).into_owned();
            reads.push(StateRead { key, value: value.clone(), proof });
            Ok(value)
        };
        let mut led_to = |key: &[u8], reads: &mut Vec<StateRead>| {
            let value = read_key(key, reads)?;
            Ok(value.and_then(|bytes| codec::decode(&bytes, DOCUMENT_BYTES_MAX).ok()))
        };
        let uri: Option<Uri> = match question {
            Question::Uri(uri) => Some(uri.clone()),
            Question::Digest(digest) => led_to(&digest_key(digest), &mut reads)?,
            Question::Slot(key) => led_to(key.as_bytes(), &mut reads)?,
        };
        let entry = match uri {
            Some(uri) => read_key(&document_key(&uri), &mut reads)?,
            None => None,
        };
        if let Some(entry) = entry.and_then(|bytes| DocumentEntry::decode(&bytes).ok()) {
            for key in read_set(&entry) {
                read_key(&key, &mut reads)?;
            }
        }
        Ok(reads)
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        FORM.write(&self.head, &self.reads)
    }

    /// Parses a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatusTextError> {
        let (head, reads) = FORM.read(bytes)?;
        Ok(Self { head, reads })
    }
}

/// How a kind of receipt is written: a head, and reads of its state.
pub(super) struct Form {
    /// The value of the field `format`.
    pub(super) format: &'static str,
    /// The longest file that is read, in bytes.
    pub(super) bytes_max: usize,
    /// The most reads.
    pub(super) reads_max: usize,
}

impl Form {
    pub(super) fn write(&self, head: &HeadProof, reads: &[StateRead]) -> Vec<u8> {
        let file = StatusFile {
            format: self.format.to_owned(),
            header: Entry::Header(head.header.clone()).encode(),
            path: head.path.clone(),
            checkpoint: head.note.clone(),
            reads: reads.to_vec(),
        };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("strings and lists have a JSON form");
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn read(&self, bytes: &[u8]) -> Result<(HeadProof, Vec<StateRead>), StatusTextError> {
        if bytes.len() > self.bytes_max {
            return Err(StatusTextError::TooLong { got: bytes.len(), max: self.bytes_max });
        }
        let file: StatusFile =
            serde_json::from_slice(bytes).map_err(|error| StatusTextError::Json(error.to_string()))?;
        if file.format != self.format {
            let got = file.format.chars().take(40).collect();
            return Err(StatusTextError::Format { got, expected: self.format });
        }
        let counts =
            [("reads", file.reads.len(), self.reads_max), ("hashes in the path", file.path.len(), INCLUSION_PATH_MAX)];
        if let Some((what, got, most)) = counts.into_iter().find(|(_, got, most)| got > most) {
            return Err(StatusTextError::TooMany { what, got, most });
        }
        let entry = Entry::decode(&file.header).map_err(StatusTextError::Header)?;
        let Entry::Header(header) = entry else { return Err(StatusTextError::RecordAsHeader) };
        Ok((HeadProof { header, path: file.path, note: file.checkpoint }, file.reads))
    }
}

/// Bytes as base64, in one spelling.
mod base64_bytes {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_base64(&text).ok_or_else(|| serde::de::Error::custom("expected canonical base64"))
    }
}

/// Bytes as base64, or null; the field itself must be there, so that an absence is stated and never implied.
mod base64_or_null {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(to_base64).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| from_base64(&text).ok_or_else(|| serde::de::Error::custom("expected canonical base64")))
            .transpose()
    }
}
