//! Signed notes: a text and the signature lines under it (C2SP signed-note).

use std::fmt;

use super::key::{KeyId, KeyName};
use super::text::{from_base64, shortened, to_base64};

/// The longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 << 10;

/// The most signature lines in a note that is read. C2SP asks for at least 16; a policy may name 32 cosigners.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// The most signature lines that every verifier takes (C2SP signed-note: at least 16).
pub const NOTE_SIGNATURES_FOR_ALL: usize = 16;

/// The em dash and space before every signature line.
const LINE_START: &str = "— ";

/// A text and the signatures under it, none of them checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text with its final newline.
    pub text: String,
    /// The signature lines in order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: KeyName,
    /// Id of the key.
    pub id: KeyId,
    /// What follows the id: its layout is the signature type's.
    pub bytes: Vec<u8>,
}

/// Why bytes are no note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is too long.
    #[error("a note of {0} bytes, expected at most {NOTE_BYTES_MAX}")]
    TooLong(usize),
    /// Not UTF-8, or a control character other than newline.
    #[error("a note must be UTF-8 without control characters other than newline")]
    Characters,
    /// No text, no blank line before the signatures, or no newline at the end.
    #[error("a note must be a text, a blank line and signature lines, each ending in a newline")]
    Shape,
    /// A signature line is malformed.
    #[error("{0:?} is no signature line")]
    SignatureLine(String),
    /// Too many signature lines.
    #[error("{0} signature lines, expected 1 to {NOTE_SIGNATURES_MAX}")]
    Signatures(usize),
}

impl Note {
    /// Parses a note. The text is separated from the signatures by the last empty line.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::Characters);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = lines.strip_suffix('\n').filter(|_| !text.is_empty()).ok_or(NoteError::Shape)?;
        let count = lines.split('\n').count();
        if count > NOTE_SIGNATURES_MAX {
            return Err(NoteError::Signatures(count));
        }
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let parsed = line.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).and_then(|(name, base64)| {
            let bytes = from_base64(base64)?;
            let (id, bytes) = bytes.split_first_chunk()?;
            Some(Self { name: name.parse().ok()?, id: KeyId(*id), bytes: bytes.to_vec() })
        });
        parsed.ok_or_else(|| NoteError::SignatureLine(shortened(line)))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LINE_START}{} {}", self.name, to_base64(&[&self.id.0, &self.bytes[..]].concat()))
    }
}
