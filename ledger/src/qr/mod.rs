//! What fits a QR code: a link (A), an issuer's slip (B), an inclusion receipt (C).
//!
//! | | Text | Proves |
//! |---|---|---|
//! | A [`Link`] | `https://…#a1.<first 128 bits of the file's SHA-256>.<URI>` | nothing: it names a document, and whoever looks it up compares the digest |
//! | B [`Slip`] | `DALILB1:` and base45 of CBOR, ≤ 350 bytes | that the issuer's key signed what the slip says, on this chain |
//! | C [`receipt`] | `DALILC1:` and base45 of CBOR, ≤ 2,600 bytes | that a record stands in the log |
//!
//! Prefix and base45 (RFC 9285) are of the alphanumeric mode of QR codes, which packs two characters into 11 bits. The
//! CBOR (RFC 8949) is arrays of integers, byte strings and text, in the one encoding of §4.2.1 ([`cbor`]). Reading is
//! exact: a character outside printable ASCII, another prefix, half a code, bytes at the end, a longer spelling are each
//! an error, and every length is bounded before anything is allocated.
//!
//! Nothing here opens a link, and no code says that a document is *still* in force: a status goes by file or URL.

pub mod cbor;
mod link;
pub mod receipt;
mod slip;

pub use link::{DIGEST_MARK_BYTES, Link, LinkError};
pub use slip::{IssuerKeyId, SLIP_BYTES_MAX, Slip, SlipBody};

use self::cbor::CborError;
use crate::receipt::InclusionReceipt;

/// The most characters that a QR code holds in alphanumeric mode (version 40, level L).
pub const CODE_CHARS_MAX: usize = 4_296;

/// What a slip begins with.
pub const SLIP_PREFIX: &str = "DALILB1:";
/// What a receipt begins with.
pub const RECEIPT_PREFIX: &str = "DALILC1:";

/// What a QR code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A names a document.
    Link(Link),
    /// B: an issuer's word.
    Slip(Slip),
    /// C: a record and its place in the log.
    Receipt(Box<InclusionReceipt>),
}

/// Why a text is no code of a ledger, or why there is no code of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// A character that no code holds: perhaps one that looks like another, or that turns the direction of reading.
    #[error("character {place} is U+{code:04X}, expected printable ASCII: a look-alike or a hidden character")]
    Character {
        /// Its place, from 1.
        place: usize,
        /// Its code point.
        code: u32,
    },
    /// More than such a code holds.
    #[error("{what} of {got}, expected at most {max}: it fits no QR code of this kind")]
    TooLong {
        /// What is too long, and its unit.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// Neither a prefix of codes nor a link's fragment.
    #[error("no code of a ledger: expected {SLIP_PREFIX}, {RECEIPT_PREFIX} or a link with #a1.")]
    Foreign,
    /// What follows the prefix is not base45, or not in its one spelling; half a code is often that.
    #[error("not base45 after the prefix: the code is cut off or damaged")]
    Base45,
    /// The bytes are not the CBOR of such a code.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// The link is none.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The checkpoint of a receipt is not in the form that a node publishes.
    #[error("the checkpoint is not as a node publishes it: {0}")]
    Checkpoint(String),
}

impl Code {
    /// Reads the text of a QR code. A newline at the end does not count, since scanners add one; a space does, for base45
    /// may end in it.
    pub fn parse(text: &str) -> Result<Self, QrError> {
        let text = text.trim_end_matches(['\r', '\n']);
        bounded("characters", text.len(), CODE_CHARS_MAX)?;
        if let Some((place, character)) = text.chars().enumerate().find(|(_, at)| !(' '..='~').contains(at)) {
            return Err(QrError::Character { place: place + 1, code: u32::from(character) });
        }
        if text.starts_with(SLIP_PREFIX) {
            return Slip::parse(text).map(Self::Slip);
        }
        if text.starts_with(RECEIPT_PREFIX) {
            return receipt::parse(text).map(Box::new).map(Self::Receipt);
        }
        if Link::is_like(text) { Ok(Self::Link(Link::parse(text)?)) } else { Err(QrError::Foreign) }
    }
}

fn bounded(what: &'static str, got: usize, max: usize) -> Result<(), QrError> {
    if got > max { Err(QrError::TooLong { what, got, max }) } else { Ok(()) }
}

/// Prefix and base45.
fn to_text(prefix: &str, bytes: &[u8]) -> String {
    format!("{prefix}{}", base45::encode(bytes))
}

/// The bytes behind `prefix`, at most `max`, from their one spelling.
fn from_text(text: &str, prefix: &str, max: usize) -> Result<Vec<u8>, QrError> {
    let encoded = text.strip_prefix(prefix).ok_or(QrError::Foreign)?;
    // Three characters for two bytes, two for a last one.
    bounded("base45 characters", encoded.len(), max / 2 * 3 + max % 2 * 2)?;
    let bytes = base45::decode(encoded).map_err(|_| QrError::Base45)?;
    // The decoder takes lower case, and an overflow in the last pair.
    if base45::encode(&bytes) == encoded { Ok(bytes) } else { Err(QrError::Base45) }
}
