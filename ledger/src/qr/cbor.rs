//! Deterministic CBOR (RFC 8949 §4.2.1), as far as codes need it: arrays of fixed length, unsigned integers, byte strings,
//! printable ASCII.
//!
//! Reading is exact in the way of [`crate::codec`]: the input is bounded first, nothing may follow the value, and the
//! value is written again and compared, so that indefinite lengths and longer spellings are refused.

use minicbor::{Decoder, Encoder};

/// A value with deterministic CBOR.
pub trait Deterministic: Sized {
    /// Writes the value.
    fn write(&self, cbor: &mut Writer);
    /// Reads the value.
    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError>;
}

/// Why bytes are not the CBOR of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// More bytes than the caller allows.
    #[error("{got} bytes, at most {max} allowed")]
    TooLong {
        /// Length of the input.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The bytes end too early, or hold something else at this place.
    #[error("expected {expected} at byte {at}")]
    Malformed {
        /// What stands there.
        expected: &'static str,
        /// Where, from 0.
        at: usize,
    },
    /// Bytes after the value.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// The value in another spelling than the deterministic one.
    #[error("not in deterministic form")]
    NotDeterministic,
}

/// The bytes of `value`.
pub fn encode<T: Deterministic>(value: &T) -> Vec<u8> {
    let mut cbor = Writer(Encoder::new(Vec::new()));
    value.write(&mut cbor);
    cbor.0.into_writer()
}

/// Reads exactly one value from `bytes`, of at most `max` bytes.
pub fn decode<T: Deterministic>(bytes: &[u8], max: usize) -> Result<T, CborError> {
    if bytes.len() > max {
        return Err(CborError::TooLong { got: bytes.len(), max });
    }
    let mut cbor = Reader(Decoder::new(bytes));
    let value = T::read(&mut cbor)?;
    match bytes.len().saturating_sub(cbor.0.position()) {
        0 if encode(&value) == bytes => Ok(value),
        0 => Err(CborError::NotDeterministic),
        more => Err(CborError::Trailing(more)),
    }
}

/// Writes shortest forms and definite lengths.
pub struct Writer(Encoder<Vec<u8>>);

/// What a writer into a vector cannot do.
const TAKES_ALL: &str = "a vector takes every byte";

impl Writer {
    /// The head of an array of `count` items.
    pub fn array(&mut self, count: usize) -> &mut Self {
        self.0.array(count as u64).expect(TAKES_ALL);
        self
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.0.u64(value).expect(TAKES_ALL);
        self
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.bytes(value).expect(TAKES_ALL);
        self
    }

    /// Text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.0.str(value).expect(TAKES_ALL);
        self
    }
}

/// Reads what [`Writer`] writes, and nothing else.
pub struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    /// An error at the present place.
    pub fn malformed(&self, expected: &'static str) -> CborError {
        CborError::Malformed { expected, at: self.0.position() }
    }

    /// The head of an array of exactly `count` items.
    pub fn array(&mut self, count: usize) -> Result<(), CborError> {
        let got = self.array_up_to(count)?;
        if got == count { Ok(()) } else { Err(self.malformed("an array of another length")) }
    }

    /// The head of an array of at most `max` items, and how many there are.
    pub fn array_up_to(&mut self, max: usize) -> Result<usize, CborError> {
        let error = self.malformed("an array of definite length");
        let count = self.0.array().ok().flatten().ok_or(error)?;
        usize::try_from(count).ok().filter(|count| *count <= max).ok_or_else(|| self.malformed("a shorter array"))
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        let error = self.malformed("an unsigned integer");
        self.0.u64().map_err(|_| error)
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let error = self.malformed("a byte string");
        self.0.bytes().map_err(|_| error)
    }

    /// A byte string of `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let error = self.malformed("a byte string of its length");
        self.bytes()?.try_into().map_err(|_| error)
    }

    /// Text of printable ASCII that reads as a `T`, such as a [`crate::codec::Token`].
    pub fn parsed<T: std::str::FromStr>(&mut self) -> Result<T, CborError> {
        let error = self.malformed("text of its kind");
        let text = self.0.str().ok().filter(|text| text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        text.and_then(|text| text.parse().ok()).ok_or(error)
    }
}
