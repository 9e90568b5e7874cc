//! A claim, its value and its salt, and commitments to single values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::VALUE_BYTES_MAX;
use crate::codec::{self, SchemaRead, SchemaWrite, Token};
use crate::crypto::{Domain, Hash};
use crate::log::leaf_hash;

/// A claim's name, such as `annual_income`; certificate types list theirs.
pub type ClaimName = Token<48>;

/// 256 random bits that keep a value from being guessed. Whoever destroys every copy has erased the value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(Hash);

impl Salt {
    /// A salt of 32 bytes from the operating system's randomness.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Hash(bytes))
    }
}

impl FromStr for Salt {
    type Err = crate::crypto::HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The commitment to a value: SHA-256(`dalil/v1/commitment` ‖ NUL ‖ salt ‖ value).
pub fn commit(salt: &Salt, value: &[u8]) -> Hash {
    Domain::Commitment.hash(&[salt.0.as_bytes(), value].concat())
}

/// What a claim says: 1 to [`VALUE_BYTES_MAX`] bytes of UTF-8 that look as they read.
///
/// No character may control a screen, turn the direction of writing or be invisible; none of these has a use in a name, a
/// date or a sum, and each lets a value look like another one. The joiners that Indian scripts write with are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClaimValue(String);

/// Text that is no value of a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Too long or empty.
    #[error("a value of {0} bytes, expected 1 to {VALUE_BYTES_MAX}")]
    Length(usize),
    /// White space at the beginning or the end.
    #[error("a value begins or ends with white space")]
    Untrimmed,
    /// A character that hides or turns what is shown.
    #[error("character U+{:04X} does not belong into a value: it is not seen, or turns what is", u32::from(*.0))]
    Character(char),
}

/// Joiners, which Bengali and Hindi spelling needs within words.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Controls, invisible characters, and those that turn the direction of writing.
fn is_treacherous(character: char) -> bool {
    let invisible = matches!(
        character,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    // White space other than the plain one looks like it.
    character.is_control()
        || (invisible && !JOINERS.contains(&character))
        || (character.is_whitespace() && character != ' ')
}

impl FromStr for ClaimValue {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if !(1..=VALUE_BYTES_MAX).contains(&text.len()) {
            return Err(ValueError::Length(text.len()));
        }
        // A joiner joins two letters: where there are none it is merely unseen.
        let letter = |character: Option<char>| character.is_some_and(|it| !it.is_ascii() && !JOINERS.contains(&it));
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let after = characters.peek().copied();
            let joins = letter(before) && (letter(after) || after.is_none_or(|it| it == ' '));
            if is_treacherous(character) || (JOINERS.contains(&character) && !joins) {
                return Err(ValueError::Character(character));
            }
            before = Some(character);
        }
        if text.trim() != text {
            return Err(ValueError::Untrimmed);
        }
        Ok(Self(text.to_owned()))
    }
}

impl ClaimValue {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ClaimValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One claim with its salt: whoever holds it can show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name.
    pub name: ClaimName,
    /// What it says.
    pub value: ClaimValue,
    /// Its salt.
    pub salt: Salt,
}

/// What a claim's leaf is the hash of, after the domain.
#[derive(SchemaWrite, SchemaRead)]
struct ClaimBytes {
    name: ClaimName,
    value: Vec<u8>,
    salt: Hash,
}

impl Claim {
    /// The hash of its leaf.
    pub fn leaf(&self) -> Hash {
        let bytes =
            ClaimBytes { name: self.name.clone(), value: self.value.as_str().as_bytes().to_vec(), salt: self.salt.0 };
        leaf_hash(&[Domain::Claim.label().as_bytes(), &[0], &codec::encode(&bytes)].concat())
    }
}
