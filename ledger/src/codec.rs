//! Canonical bytes: one encode, one exact decode.
//!
//! The layout is bincode's fixed-int little-endian one (u32 enum tags, u64 lengths; bincode 2 `legacy()`), written by
//! `wincode`. Decoding is exact: the input is bounded before anything is allocated, trailing bytes are an error, and the
//! decoded value is encoded again and compared, so one value has one byte string. Types that admit more than one
//! spelling ([`Token`], [`Set`]) normalise while they decode; the comparison then refuses every other spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wincode::adapter::FromInto;
use wincode::config::{Configuration, Serialize as _};
use wincode::int_encoding::{FixInt, LittleEndian};
use wincode::len::BincodeLen;
pub use wincode::{SchemaRead, SchemaWrite};

/// No canonical value is longer than this, in bytes.
pub const CANONICAL_BYTES_MAX: usize = 16 << 20;

/// The wincode configuration of every canonical byte.
pub type Canon = Configuration<true, CANONICAL_BYTES_MAX, BincodeLen, LittleEndian, FixInt, u32, CANONICAL_BYTES_MAX>;

const CANON: Canon = Canon::new();

/// A type with canonical bytes. Implemented for whatever derives [`SchemaWrite`] and [`SchemaRead`].
pub trait Canonical: SchemaWrite<Canon, Src = Self> + for<'de> SchemaRead<'de, Canon, Dst = Self> + Sized {}

impl<T> Canonical for T where T: SchemaWrite<Canon, Src = T> + for<'de> SchemaRead<'de, Canon, Dst = T> {}

/// Why bytes are not the canonical form of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The input is longer than the caller allows.
    #[error("{got} bytes, at most {max} allowed")]
    TooLong {
        /// Length of the input.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The bytes do not spell a value of the type.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The bytes spell a value in another way than the canonical one.
    #[error("not in canonical form")]
    NotCanonical,
}

/// The canonical bytes of `value`.
///
/// # Panics
/// Only if the encoder fails on a value in memory, which it does for a length beyond [`CANONICAL_BYTES_MAX`] alone.
pub fn encode<T: Canonical>(value: &T) -> Vec<u8> {
    T::serialize(value, CANON).expect("a value in memory has canonical bytes")
}

/// Decodes exactly one value from `bytes`, of at most `max` bytes.
pub fn decode<T: Canonical>(bytes: &[u8], max: usize) -> Result<T, CodecError> {
    if bytes.len() > max.min(CANONICAL_BYTES_MAX) {
        return Err(CodecError::TooLong { got: bytes.len(), max });
    }
    let value: T =
        wincode::config::deserialize_exact(bytes, CANON).map_err(|error| CodecError::Malformed(error.to_string()))?;
    if encode(&value) == bytes { Ok(value) } else { Err(CodecError::NotCanonical) }
}

/// A short on-chain string: 1 to `MAX` characters of ASCII 0x21–0x7E. Nothing on the chain is prose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct Token<const MAX: usize>(#[wincode(with = "FromInto<Vec<u8>, Ascii<MAX>>")] Ascii<MAX>);

/// The characters of a [`Token`]; empty or a NUL stands for bytes that are none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Ascii<const MAX: usize>(String);

fn is_token(bytes: &[u8], max: usize) -> bool {
    (1..=max).contains(&bytes.len()) && bytes.iter().all(|byte| (0x21..=0x7e).contains(byte))
}

impl<const MAX: usize> From<&Ascii<MAX>> for Vec<u8> {
    fn from(text: &Ascii<MAX>) -> Self {
        text.0.clone().into_bytes()
    }
}

impl<const MAX: usize> From<Vec<u8>> for Ascii<MAX> {
    fn from(bytes: Vec<u8>) -> Self {
        if is_token(&bytes, MAX) {
            return Self(String::from_utf8(bytes).unwrap_or_default());
        }
        // What is no token gets another spelling than the input, so that exact decoding refuses it.
        Self(if bytes.is_empty() { "\0".to_owned() } else { String::new() })
    }
}

/// Text that is no [`Token`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {max} characters of printable ASCII without spaces, got {got:?}")]
pub struct TokenError {
    /// The longest text allowed.
    pub max: usize,
    /// The text that was given, cut short.
    pub got: String,
}

impl<const MAX: usize> Token<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl<const MAX: usize> FromStr for Token<MAX> {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if is_token(text.as_bytes(), MAX) {
            Ok(Self(Ascii(text.to_owned())))
        } else {
            Err(TokenError { max: MAX, got: text.chars().take(MAX).collect() })
        }
    }
}

impl<const MAX: usize> fmt::Display for Token<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const MAX: usize> fmt::Debug for Token<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl<const MAX: usize> Serialize for Token<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Token<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A set: strictly increasing on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct Set<T: Ord + Clone>(#[wincode(with = "FromInto<Vec<T>, Sorted<T>>")] Sorted<T>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Sorted<T>(Vec<T>);

impl<T: Clone> From<&Sorted<T>> for Vec<T> {
    fn from(sorted: &Sorted<T>) -> Self {
        sorted.0.clone()
    }
}

impl<T: Ord> From<Vec<T>> for Sorted<T> {
    fn from(mut items: Vec<T>) -> Self {
        items.sort();
        items.dedup();
        Self(items)
    }
}

impl<T: Ord + Clone> Set<T> {
    /// The members in increasing order.
    pub fn as_slice(&self) -> &[T] {
        &self.0.0
    }

    /// The members in increasing order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.0.iter()
    }

    /// Whether `item` is a member.
    pub fn contains(&self, item: &T) -> bool {
        self.0.0.binary_search(item).is_ok()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

impl<T: Ord + Clone> Default for Set<T> {
    fn default() -> Self {
        Self(Sorted(Vec::new()))
    }
}

impl<T: Ord + Clone> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(Sorted::from(items.into_iter().collect::<Vec<_>>()))
    }
}

impl<T: Ord + Clone + Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de, T: Ord + Clone + Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::deserialize(deserializer)?;
        if items.windows(2).all(|pair| pair[0] < pair[1]) {
            Ok(Self(Sorted(items)))
        } else {
            Err(serde::de::Error::custom("a set must be strictly increasing"))
        }
    }
}
