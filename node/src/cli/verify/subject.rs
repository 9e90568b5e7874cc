//! What the command line asks about: a receipt, a document's file, a URI, a digest, or what an option names.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use dalil_ledger::claims::{PRESENTATION_BYTES_MAX, Presentation, PresentationError};
use dalil_ledger::crypto::{Hash, sha256, sha256_of_reader};
use dalil_ledger::document::Uri;
use dalil_ledger::qr::{Link, Slip};
use dalil_ledger::receipt::Question;

use super::Usage;
use super::check::looks_like_inclusion;
use crate::service::Ask;

/// How much of a file is read at once: the longest of what is no document.
const HEAD_BYTES_MAX: usize = PRESENTATION_BYTES_MAX;

/// What the first argument is.
pub(super) enum Subject {
    /// A `.dalil-status` file's bytes.
    Status(Vec<u8>),
    /// A `.tlog-proof` file's bytes.
    Inclusion(Vec<u8>),
    /// Claims that a holder shows, read or not readable.
    Presentation(Box<Result<Presentation, PresentationError>>),
    /// A file that is no receipt: the document itself, of which nothing but the digest is used.
    Document(Hash),
    /// A document's URI.
    Uri(Uri),
    /// A document's digest.
    Digest(Hash),
    /// A QR code with a link.
    Link(Link),
    /// A QR code with its issuer's word.
    Slip(Box<Slip>),
    /// What an option names.
    Named(Box<Ask>),
}

/// Facts that an answer must be about; none where nobody said.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The document's URI.
    pub(super) uri: Option<Uri>,
    /// SHA-256 of the document's file.
    pub(super) digest: Option<Hash>,
    /// The key of the state to which a receipt says that nothing leads, such as that of a printed number.
    pub(super) slot: Option<String>,
}

impl Asked {
    /// What to ask a node. The digest says more: it binds the answer to the file.
    pub(super) fn question(&self) -> Option<Question> {
        self.digest.map(Question::Digest).or_else(|| self.uri.clone().map(Question::Uri))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.uri, &self.digest) {
            (Some(uri), _) => uri.fmt(f),
            (None, Some(digest)) => write!(f, "SHA-256 {digest}"),
            (None, None) => match &self.slot {
                Some(key) => write!(f, "what stands under {key}"),
                None => f.write_str("what the receipt is about"),
            },
        }
    }
}

impl Subject {
    /// Reads the argument. A file comes first; what is no file is a digest or a URI.
    pub(super) fn read(what: &str) -> Result<Self, Usage> {
        let path = Path::new(what);
        if path.is_file() {
            return Self::of_file(path);
        }
        if let Ok(digest) = what.to_ascii_lowercase().parse() {
            return Ok(Self::Digest(digest));
        }
        match what.parse::<Uri>() {
            Ok(uri) if what.starts_with("in.") => Ok(Self::Uri(uri)),
            _ => Err(Usage(format!(
                "{what:?} is no file here, no document's URI (in.gov.…) and no SHA-256 of 64 hexadecimal digits"
            ))),
        }
    }

    fn of_file(path: &Path) -> Result<Self, Usage> {
        let unreadable = |error: std::io::Error| Usage(format!("cannot read {}: {error}", path.display()));
        let mut file = open_file(path)?;
        let mut head = Vec::new();
        let limit = u64::try_from(HEAD_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        file.by_ref().take(limit).read_to_end(&mut head).map_err(unreadable)?;
        // Content first, then the name: a damaged first line must not turn a receipt into a document.
        let named = |ending: &str| path.extension().is_some_and(|extension| extension == ending);
        if looks_like_inclusion(&head) || named("tlog-proof") {
            return Ok(Self::Inclusion(head));
        }
        if looks_like_presentation(&head) || named("dalil-presentation") {
            return Ok(Self::Presentation(Box::new(Presentation::parse(&head))));
        }
        if looks_like_status(&head) || named("dalil-status") {
            return Ok(Self::Status(head));
        }
        if head.len() <= HEAD_BYTES_MAX {
            return Ok(Self::Document(sha256(&head)));
        }
        sha256_of_reader(head.as_slice().chain(file)).map(Self::Document).map_err(unreadable)
    }
}

fn looks_like_status(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
    text.trim_start().starts_with('{') && text.contains("\"dalil-status/")
}

/// A program may have put the fields of a presentation into another order: the format stands anywhere.
fn looks_like_presentation(bytes: &[u8]) -> bool {
    const FORMAT: &[u8] = b"\"dalil-presentation/";
    bytes.trim_ascii_start().starts_with(b"{") && bytes.windows(FORMAT.len()).any(|window| window == FORMAT)
}

/// Opens a file; a pipe or a device would be waited for, or read, without end.
pub(super) fn open_file(path: &Path) -> Result<File, Usage> {
    let unreadable = |error: std::io::Error| Usage(format!("cannot read {}: {error}", path.display()));
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Usage(format!("{} is no file", path.display())));
    }
    File::open(path).map_err(unreadable)
}

/// SHA-256 of the file that somebody holds in hand.
pub(super) fn digest_of(path: &Path) -> Result<Hash, Usage> {
    match Subject::of_file(path)? {
        Subject::Document(digest) => Ok(digest),
        _ => Err(Usage(format!("{} is a receipt, expected the document that it is about", path.display()))),
    }
}
