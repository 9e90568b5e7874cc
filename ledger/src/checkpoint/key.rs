//! Names, ids and text form of the keys under a note (C2SP signed-note, "Verifier keys").

use std::fmt;
use std::str::FromStr;

use super::text::{from_base64, shortened, to_base64};
use crate::block::DepartmentId;
use crate::crypto::{CryptoError, PublicKey, hash_parts};

/// The longest key name, in bytes.
const KEY_NAME_BYTES_MAX: usize = 255;

/// Name of a key: a scheme-less URL by custom, without spaces and `+`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let refused = |character: char| character.is_whitespace() || character.is_control() || character == '+';
        if (1..=KEY_NAME_BYTES_MAX).contains(&name.len()) && !name.contains(refused) {
            Ok(Self(name.to_owned()))
        } else {
            Err(KeyError::Name(shortened(name)))
        }
    }
}

/// The name under which a department cosigns: `<origin>/<department>`.
pub fn cosigner_name(origin: &KeyName, department: &DepartmentId) -> Result<KeyName, KeyError> {
    format!("{origin}/{department}").parse()
}

/// SHA-256(name ‖ 0x0A ‖ type ‖ key)[..4]: tells keys apart, proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The signature types that Dalil uses (C2SP signed-note, "Signature types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// 0x01: Ed25519 over the text; the log's own signature.
    Log = 0x01,
    /// 0x04: timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature, cosignature/v1).
    Cosigner = 0x04,
}

/// A key with its name and purpose, written as a vkey: `name+hex(id)+base64(type ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    /// Name of the key.
    pub name: KeyName,
    /// What it signs.
    pub kind: KeyKind,
    /// The Ed25519 key.
    pub key: PublicKey,
}

/// Why a name or a vkey is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key name.
    #[error(
        "{0:?} is no key name: expected 1 to {KEY_NAME_BYTES_MAX} bytes without spaces, control characters and '+'"
    )]
    Name(String),
    /// No vkey of a type that is known here.
    #[error("{0:?} is no vkey of type 0x01 or 0x04")]
    Shape(String),
    /// The id in the vkey is not that of the key.
    #[error("{name}: key id {got}, expected {expected}")]
    Id {
        /// Name in the vkey.
        name: KeyName,
        /// Id in the vkey.
        got: String,
        /// Id computed.
        expected: KeyId,
    },
    /// The key is no usable point.
    #[error("{0}: {1}")]
    Key(KeyName, CryptoError),
}

impl VerifierKey {
    /// The key id.
    pub fn id(&self) -> KeyId {
        let hash = hash_parts(&[self.name.as_str().as_bytes(), b"\n", &[self.kind as u8], &self.key.0]);
        let [a, b, c, d, ..] = hash.0;
        KeyId([a, b, c, d])
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id(), to_base64(&[&[self.kind as u8][..], &self.key.0].concat()))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape(shortened(vkey));
        // The base64 part may hold a `+`; name and id may not.
        let mut parts = vkey.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (name, id) = (name.ok_or_else(shape)?.parse::<KeyName>()?, id.ok_or_else(shape)?);
        let bytes = key.and_then(from_base64).ok_or_else(shape)?;
        let (kind, key) = bytes.split_first().ok_or_else(shape)?;
        let kind =
            [KeyKind::Log, KeyKind::Cosigner].into_iter().find(|known| *known as u8 == *kind).ok_or_else(shape)?;
        let key = PublicKey(key.try_into().map_err(|_| shape())?);
        key.check().map_err(|error| KeyError::Key(name.clone(), error))?;
        let parsed = Self { name, kind, key };
        let expected = parsed.id();
        if expected.to_string() == id {
            Ok(parsed)
        } else {
            Err(KeyError::Id { name: parsed.name, got: shortened(id), expected })
        }
    }
}
