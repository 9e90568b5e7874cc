//! B: what an issuer says of a document, signed, to be checked where there is no network.
//!
//! ```text
//! [kind, issuer key id, content, signature]        signature over `dalil/v1/slip` ‖ NUL ‖ chain ‖ [kind, id, content]
//! ```
//!
//! The content is the kind's own CBOR, which the contracts know. A slip says what the issuer said when it was made: not
//! that the document is on record, nor that it is still in force.

use std::fmt;

use serde::Serialize;

use super::cbor::{self, CborError, Deterministic, Reader, Writer};
use super::{QrError, SLIP_PREFIX, bounded, from_text, to_text};
use crate::crypto::{CryptoError, Domain, Hash, PublicKey, SecretKey, Signature, sha256};
use crate::document::TypeCode;

/// The longest slip, in bytes of CBOR.
pub const SLIP_BYTES_MAX: usize = 350;

/// The first 8 bytes of the SHA-256 of an issuer's key: tells keys apart, proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerKeyId(pub [u8; 8]);

impl From<&PublicKey> for IssuerKeyId {
    fn from(key: &PublicKey) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&sha256(&key.0).0[..8]);
        Self(id)
    }
}

impl fmt::Display for IssuerKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for IssuerKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerKeyId({self})")
    }
}

impl Serialize for IssuerKeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlipBody {
    /// Type code of the document; it tells how the content is read.
    pub kind: TypeCode,
    /// Whose key signed.
    pub issuer: IssuerKeyId,
    /// The kind's own CBOR.
    pub content: Vec<u8>,
}

/// A body and its signature, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// What is signed.
    pub body: SlipBody,
    /// The issuer's.
    pub signature: Signature,
}

impl Deterministic for SlipBody {
    fn write(&self, cbor: &mut Writer) {
        cbor.array(3).text(self.kind.as_str()).bytes(&self.issuer.0).bytes(&self.content);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.array(3)?;
        Ok(Self { kind: cbor.parsed()?, issuer: IssuerKeyId(cbor.fixed()?), content: cbor.bytes()?.to_vec() })
    }
}

impl Deterministic for Slip {
    fn write(&self, cbor: &mut Writer) {
        let SlipBody { kind, issuer, content } = &self.body;
        cbor.array(4).text(kind.as_str()).bytes(&issuer.0).bytes(content).bytes(&self.signature.0);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.array(4)?;
        let body =
            SlipBody { kind: cbor.parsed()?, issuer: IssuerKeyId(cbor.fixed()?), content: cbor.bytes()?.to_vec() };
        Ok(Self { body, signature: Signature(cbor.fixed()?) })
    }
}

impl Slip {
    /// Signs `content` with the issuer's key for `chain`. Refused if the slip would be longer than [`SLIP_BYTES_MAX`].
    pub fn sign<T: Deterministic>(kind: TypeCode, content: &T, key: &SecretKey, chain: &Hash) -> Result<Self, QrError> {
        let body = SlipBody { kind, issuer: (&key.public()).into(), content: cbor::encode(content) };
        let signature = key.sign(Domain::Slip, chain, &cbor::encode(&body));
        let slip = Self { body, signature };
        bounded("bytes", cbor::encode(&slip).len(), SLIP_BYTES_MAX)?;
        Ok(slip)
    }

    /// Checks that `key` signed the body for `chain`.
    pub fn verify(&self, key: &PublicKey, chain: &Hash) -> Result<(), CryptoError> {
        key.verify(Domain::Slip, chain, &cbor::encode(&self.body), &self.signature)
    }

    /// The content as a `T`; ask for it only where the kind is `T`'s.
    pub fn content<T: Deterministic>(&self) -> Result<T, CborError> {
        cbor::decode(&self.body.content, SLIP_BYTES_MAX)
    }

    /// The text of the QR code.
    pub fn to_text(&self) -> String {
        to_text(SLIP_PREFIX, &cbor::encode(self))
    }

    pub(super) fn parse(text: &str) -> Result<Self, QrError> {
        Ok(cbor::decode(&from_text(text, SLIP_PREFIX, SLIP_BYTES_MAX)?, SLIP_BYTES_MAX)?)
    }
}
