//! A: a link for paper. Its fragment, which browsers keep to themselves, names the document and the beginning of its
//! file's digest. Anybody can print any link: it proves nothing, and its host is nobody's word.

use std::fmt::Write as _;

use super::QrError;
use crate::crypto::Hash;
use crate::document::Uri;

/// How much of the digest the link carries, in bytes.
pub const DIGEST_MARK_BYTES: usize = 16;

/// What the fragment begins with.
const FRAGMENT: &str = "#a1.";
/// The longest address before the fragment, in bytes.
const ADDRESS_BYTES_MAX: usize = 256;

/// A document's name and the beginning of its file's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The document.
    pub uri: Uri,
    /// The first bytes of the SHA-256 of its file: enough that nobody makes a second file to fit.
    pub mark: [u8; DIGEST_MARK_BYTES],
}

/// Why a text is no link to a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The address before the fragment.
    #[error("expected an https address of at most {ADDRESS_BYTES_MAX} characters without a fragment")]
    Address,
    /// The digest's beginning.
    #[error("expected 32 lower-case hexadecimal digits after {FRAGMENT}")]
    Mark,
    /// The document's URI.
    #[error("expected a document's URI after the digest, each other character than A–Z a–z 0–9 - . _ ~ / : as %XX")]
    Uri,
}

impl Link {
    /// The link to the document `uri` whose file has `digest`.
    pub fn new(uri: Uri, digest: &Hash) -> Self {
        let mut mark = [0; DIGEST_MARK_BYTES];
        mark.copy_from_slice(&digest.0[..DIGEST_MARK_BYTES]);
        Self { uri, mark }
    }

    /// Whether a file of this digest can be the one that the link is about.
    pub fn fits(&self, digest: &Hash) -> bool {
        digest.0.starts_with(&self.mark)
    }

    /// The link on the page at `address`, such as `https://ledger.example/scan`.
    pub fn to_url(&self, address: &str) -> Result<String, QrError> {
        require_address(address)?;
        Ok(format!("{address}{FRAGMENT}{}.{}", hex::encode(self.mark), escape(self.uri.as_str())))
    }

    /// Whether a text has the fragment of a link.
    pub(super) fn is_like(text: &str) -> bool {
        text.contains(FRAGMENT)
    }

    /// Reads a link. The address is looked at and not kept: nobody opens it.
    pub fn parse(url: &str) -> Result<Self, LinkError> {
        let (address, fragment) = url.split_once(FRAGMENT).ok_or(LinkError::Address)?;
        require_address(address)?;
        let (mark, uri) = fragment.split_once('.').ok_or(LinkError::Mark)?;
        let mut bytes = [0; DIGEST_MARK_BYTES];
        hex::decode_to_slice(mark, &mut bytes).map_err(|_| LinkError::Mark)?;
        if mark.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(LinkError::Mark);
        }
        let plain = unescape(uri).ok_or(LinkError::Uri)?;
        if escape(&plain) != uri {
            return Err(LinkError::Uri);
        }
        Ok(Self { uri: plain.parse().map_err(|_| LinkError::Uri)?, mark: bytes })
    }
}

fn require_address(address: &str) -> Result<(), LinkError> {
    let plain = address.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'#');
    let whole = address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    if plain && whole && address.len() <= ADDRESS_BYTES_MAX { Ok(()) } else { Err(LinkError::Address) }
}

/// As a part of a fragment (RFC 3986 §2.1).
fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let byte = u8::from_str_radix(part.get(..2)?, 16).ok().filter(u8::is_ascii)?;
        plain.push(char::from(byte));
        plain.push_str(&part[2..]);
    }
    Some(plain)
}
