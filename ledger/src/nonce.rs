//! The nonce inside a document's file: 256 random bits, without which a file of predictable text could be guessed from the
//! digest on the chain.
//!
//! It stands anywhere in the file as `dalil-nonce: ` (in JSON `"dalil-nonce": "`) and 64 lower-case hexadecimal digits.
//! [`find`] looks for it in bytes of any format; [`stamp`] adds it to text, JSON, XML and PDF, before the file is signed: a
//! stamp changes the bytes that a signature covers.

use crate::crypto::Hash;

/// What goes before the digits, apart from quotes, a colon and a space.
const MARKER: &[u8] = b"dalil-nonce";
/// What may stand between marker and digits, at most this many bytes: `": "`.
const BETWEEN_BYTES_MAX: usize = 4;
/// Digits of a nonce.
const DIGITS: usize = 64;

/// Why a file is not stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It has one.
    #[error("the file has a nonce already")]
    Stamped,
    /// A format that a line of text would damage.
    #[error(
        "only text, JSON objects, XML and PDF are stamped; let the program that makes the file write `dalil-nonce: ` and 64 random hexadecimal digits into it"
    )]
    Format,
}

/// The nonce of a file, if it has one. Digits that are all the same are none.
pub fn find(file: &[u8]) -> Option<Hash> {
    let starts = file.windows(MARKER.len()).enumerate().filter(|(_, window)| *window == MARKER).map(|(at, _)| at);
    starts.filter_map(|at| nonce_after(file.get(at + MARKER.len()..)?)).next()
}

fn nonce_after(text: &[u8]) -> Option<Hash> {
    let between = text.iter().take(BETWEEN_BYTES_MAX).take_while(|byte| b"\": ".contains(byte)).count();
    let digits = text.get(between..between + DIGITS)?;
    let longer = text.get(between + DIGITS).is_some_and(u8::is_ascii_hexdigit);
    let plain = digits.windows(2).all(|pair| pair[0] == pair[1]);
    if longer || plain { None } else { std::str::from_utf8(digits).ok()?.parse().ok() }
}

/// The file with `nonce` in it, which the caller draws at random.
pub fn stamp(file: &[u8], nonce: &Hash) -> Result<Vec<u8>, StampError> {
    if find(file).is_some() {
        return Err(StampError::Stamped);
    }
    let line = |before: &str, after: &str| format!("{before}dalil-nonce: {nonce}{after}\n").into_bytes();
    let at_the_end = |added: Vec<u8>| {
        let newline: &[u8] = if file.is_empty() || file.ends_with(b"\n") { b"" } else { b"\n" };
        [file, newline, &added].concat()
    };
    if file.starts_with(b"%PDF-") {
        // A comment after the last %%EOF, which readers look for in the last kilobyte.
        return Ok(at_the_end(line("% ", "")));
    }
    let text = std::str::from_utf8(file).map_err(|_| StampError::Format)?;
    if text.contains('\0') {
        return Err(StampError::Format);
    }
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('{') {
        return stamp_object(text, nonce);
    }
    match start.chars().next() {
        // A list or a string has no place for a field.
        Some('[' | '"') if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => Err(StampError::Format),
        Some('<') => Ok(at_the_end(line("<!-- ", " -->"))),
        _ => Ok(at_the_end(line("", ""))),
    }
}

/// A JSON object with the nonce as its first field; the rest stays byte for byte.
fn stamp_object(text: &str, nonce: &Hash) -> Result<Vec<u8>, StampError> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| StampError::Format)?;
    let (before, after) = text.split_once('{').ok_or(StampError::Format)?;
    let comma = if object.is_empty() { "" } else { "," };
    Ok(format!("{before}{{\n  \"dalil-nonce\": \"{nonce}\"{comma}{after}").into_bytes())
}
