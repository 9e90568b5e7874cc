//! The department's own files and their index.
//!
//! ```text
//! index.jsonl         one document a line: {"uri", "type", "number", "salt", "name"}; a later line replaces an earlier one
//! documents/<uri>     the file as it was issued
//! ```
//!
//! `name` is a commitment: SHA-256 over a domain, the salt and the holder's name in canonical form. So the index tells
//! nobody's name, and a document is found only by who knows its number and its holder's name. Files are found by URI alone,
//! never by a path that a request or the index names.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, hash_parts};
use dalil_ledger::document::{TypeCode, Uri};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use tracing::warn;

/// The longest index, in bytes: about a million documents.
const INDEX_BYTES_MAX: u64 = 512 << 20;
/// The longest file that is served, in bytes.
pub const FILE_BYTES_MAX: u64 = 8 << 20;
/// Keeps the commitment to a name apart from every other hash.
const NAME_DOMAIN: &[u8] = b"dalil/v1/digilocker-name\0";

/// A printed document's number.
pub type Number = Token<64>;

/// A line of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The document's URI, and its file's name.
    pub uri: Uri,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TypeCode,
    /// Its printed number.
    pub number: Number,
    /// 256 random bits.
    pub salt: Hash,
    /// Commitment to the holder's name; see [`name_commitment`].
    pub name: Hash,
}

/// Commits to a holder's name: case and runs of spaces do not count.
pub fn name_commitment(salt: &Hash, name: &str) -> Hash {
    let canonical = name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    hash_parts(&[NAME_DOMAIN, &salt.0, canonical.as_bytes()])
}

/// What of a file tells whether it was changed.
type Stamp = (SystemTime, u64);

#[derive(Default)]
struct Index {
    stamp: Option<Stamp>,
    by_number: HashMap<(TypeCode, Number), Line>,
    /// Types of the documents, by URI.
    by_uri: HashMap<Uri, Number>,
}

/// The store.
pub struct Store {
    folder: PathBuf,
    index: Mutex<Arc<Index>>,
}

impl Store {
    /// Opens the store in `folder`, whose index must be there.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let store = Self { folder: folder.to_owned(), index: Mutex::default() };
        store.index().with_context(|| format!("the store of documents in {}", folder.display()))?;
        Ok(store)
    }

    fn index_path(&self) -> PathBuf {
        self.folder.join("index.jsonl")
    }

    /// The index as it stands on the disk. Blocks on the disk where it changed.
    fn index(&self) -> std::io::Result<Arc<Index>> {
        let path = self.index_path();
        let found = std::fs::metadata(&path)?;
        let stamp = (found.modified()?, found.len());
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.stamp != Some(stamp) {
            if found.len() > INDEX_BYTES_MAX {
                return Err(std::io::Error::other(format!("the index is longer than {INDEX_BYTES_MAX} bytes")));
            }
            *index = Arc::new(Index::read(&std::fs::read_to_string(&path)?, stamp));
        }
        Ok(index.clone())
    }

    /// The URI of the document with this type and number, if its holder has this name. Takes as long whether it is the
    /// number or the name that does not fit.
    pub fn find(&self, kind: &TypeCode, number: &Number, name: &str) -> std::io::Result<Option<Uri>> {
        let index = self.index()?;
        let line = index.by_number.get(&(kind.clone(), number.clone()));
        let (salt, expected) = line.map_or((Hash::ZERO, Hash::ZERO), |line| (line.salt, line.name));
        let fits = name_commitment(&salt, name).0.ct_eq(&expected.0);
        Ok(line.filter(|_| bool::from(fits)).map(|line| line.uri.clone()))
    }

    /// The printed number of a document that the index lists.
    pub fn number_of(&self, uri: &Uri) -> std::io::Result<Option<Number>> {
        Ok(self.index()?.by_uri.get(uri).cloned())
    }

    /// Where the file of a document lies; none for a URI that is no name of a file.
    pub fn path_of(&self, uri: &Uri) -> Option<PathBuf> {
        let name = uri.as_str();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let safe = name.bytes().all(plain) && !name.starts_with('.') && !name.contains("..");
        safe.then(|| self.folder.join("documents").join(name))
    }

    /// The file of a document; none if there is no such file.
    pub fn file(&self, uri: &Uri) -> std::io::Result<Option<Vec<u8>>> {
        let Some(path) = self.path_of(uri) else { return Ok(None) };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(std::io::Error::other(format!("the file is longer than {FILE_BYTES_MAX} bytes")));
        }
        Ok(Some(bytes))
    }
}

impl Index {
    /// Lines that do not read, such as one that is being written, are left out with a word in the log.
    fn read(text: &str, stamp: Stamp) -> Self {
        let mut index = Self { stamp: Some(stamp), ..Self::default() };
        for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => {
                    index.by_uri.insert(line.uri.clone(), line.number.clone());
                    index.by_number.insert((line.kind.clone(), line.number.clone()), line);
                }
                Err(error) => {
                    warn!(line = place + 1, column = error.column(), "digilocker: a line of the index is left out")
                }
            }
        }
        index
    }
}
