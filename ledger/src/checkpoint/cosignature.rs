//! The two signatures under a checkpoint: the log's (C2SP signed-note, type 0x01) and a validator's timestamped
//! cosignature (C2SP tlog-cosignature, cosignature/v1, type 0x04).

use super::body::Checkpoint;
use super::key::VerifierKey;
use super::note::NoteSignature;
use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::{CryptoError, PublicKey, SecretKey, Signature};

/// No timestamp is larger (C2SP tlog-cosignature: at most 2^63 − 1).
const TIME_S_MAX: u64 = i64::MAX as u64;

/// "At this time this is the largest head that I know, and it continues every head that I cosigned before."
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Cosignature {
    /// When it was made, POSIX seconds.
    pub time_s: u64,
    /// Ed25519 over the time and the checkpoint's text.
    pub signature: Signature,
}

fn message(checkpoint_text: &str, time_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_s}\n{checkpoint_text}").into_bytes()
}

impl Cosignature {
    /// Cosigns `checkpoint` with a cosigner key. Whether it may is the caller's to know.
    pub fn sign(checkpoint: &Checkpoint, key: &SecretKey, time_s: u64) -> Self {
        Self { time_s, signature: key.sign_raw(&message(&checkpoint.to_string(), time_s)) }
    }

    /// Checks the cosignature of `checkpoint` by `key`, at whatever time.
    pub fn verify(&self, checkpoint: &Checkpoint, key: &PublicKey) -> Result<(), CryptoError> {
        if self.time_s > TIME_S_MAX {
            return Err(CryptoError::BadSignature);
        }
        key.verify_raw(&message(&checkpoint.to_string(), self.time_s), &self.signature)
    }

    /// When it was made, UTC milliseconds.
    pub fn time_ms(&self) -> u64 {
        self.time_s.saturating_mul(1000)
    }

    /// The signature line under the note: 8 bytes of big-endian time, then the signature.
    pub fn to_line(&self, key: &VerifierKey) -> NoteSignature {
        let bytes = [&self.time_s.to_be_bytes()[..], &self.signature.0].concat();
        NoteSignature { name: key.name.clone(), id: key.id(), bytes }
    }

    /// Reads a signature line; none if it is no cosignature of `checkpoint` by `key`.
    pub(super) fn from_line(line: &NoteSignature, checkpoint: &Checkpoint, key: &PublicKey) -> Option<Self> {
        let (time, signature) = line.bytes.split_first_chunk()?;
        let read = Self { time_s: u64::from_be_bytes(*time), signature: Signature(signature.try_into().ok()?) };
        read.verify(checkpoint, key).is_ok().then_some(read)
    }
}

/// The log's own signature over a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct LogSignature(pub Signature);

impl LogSignature {
    /// Signs `checkpoint` with a log key.
    pub fn sign(checkpoint: &Checkpoint, key: &SecretKey) -> Self {
        Self(key.sign_raw(checkpoint.to_string().as_bytes()))
    }

    /// Checks the signature of `checkpoint` by `key`.
    pub fn verify(&self, checkpoint: &Checkpoint, key: &PublicKey) -> Result<(), CryptoError> {
        key.verify_raw(checkpoint.to_string().as_bytes(), &self.0)
    }

    /// The signature line under the note.
    pub fn to_line(&self, key: &VerifierKey) -> NoteSignature {
        NoteSignature { name: key.name.clone(), id: key.id(), bytes: self.0.0.to_vec() }
    }

    /// Reads a signature line; none if it is no signature of `checkpoint` by `key`.
    pub(super) fn from_line(line: &NoteSignature, checkpoint: &Checkpoint, key: &PublicKey) -> Option<Self> {
        let read = Self(Signature(line.bytes[..].try_into().ok()?));
        read.verify(checkpoint, key).is_ok().then_some(read)
    }
}
