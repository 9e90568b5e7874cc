//! The two text encodings of the C2SP formats: base64 and decimals, each value in one spelling only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::Hash;

/// Standard base64 with padding (RFC 4648 §4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base64; missing padding, other alphabets and non-zero trailing bits are refused, so bytes have one spelling.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Decodes the base64 of a hash.
pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    Some(Hash(from_base64(text)?.try_into().ok()?))
}

/// Parses an ASCII decimal without sign or leading zeros.
pub(crate) fn from_decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// Text cut short, for messages about input.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
