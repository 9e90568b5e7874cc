//! Hashes, keys and signatures, each under a domain of its own.
//!
//! One rule of signature checking holds everywhere: Ed25519 `verify_strict` (RFC 8032, canonical points, no small
//! order). Batch verification is never used: it accepts signatures that single verification refuses, and a validator
//! that batched would fork from one that did not.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::codec::{SchemaRead, SchemaWrite};

/// What a signature or an identifier is for. A byte string made for one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The chain id, from the canonical genesis.
    Genesis,
    /// An officer's signature under a transaction.
    Transaction,
    /// The transaction id, for the duplicate check.
    TransactionId,
    /// A consensus proposal.
    Proposal,
    /// A consensus prevote.
    Prevote,
    /// A consensus precommit.
    Precommit,
    /// A validator's network key, bound by its consensus key.
    NetworkKey,
    /// A personal value behind a salt.
    Commitment,
    /// A claim of a document behind a salt.
    Claim,
    /// The ids and expiries of one block.
    TransactionIds,
    /// The attachments of one block.
    Attachments,
    /// A validator set.
    ValidatorSet,
    /// An incoming validator's proof that it holds its keys.
    ValidatorReady,
    /// A new validator's word that it follows the chain it decides.
    ValidatorJoined,
    /// Statements inside a transaction, signed by a key other than the sender's (road checks, offline challans).
    Statement,
    /// An officer's question to a node that is answered to officers alone.
    Enquiry,
    /// What an issuer says of a document in a QR code, to be checked off the network.
    Slip,
}

impl Domain {
    /// `dalil/v1/<what>`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Genesis => "dalil/v1/genesis",
            Self::Transaction => "dalil/v1/transaction",
            Self::TransactionId => "dalil/v1/transaction-id",
            Self::Proposal => "dalil/v1/proposal",
            Self::Prevote => "dalil/v1/prevote",
            Self::Precommit => "dalil/v1/precommit",
            Self::NetworkKey => "dalil/v1/network-key",
            Self::Commitment => "dalil/v1/commitment",
            Self::Claim => "dalil/v1/claim",
            Self::TransactionIds => "dalil/v1/transaction-ids",
            Self::Attachments => "dalil/v1/attachments",
            Self::ValidatorSet => "dalil/v1/validator-set",
            Self::ValidatorReady => "dalil/v1/validator-ready",
            Self::ValidatorJoined => "dalil/v1/validator-joined",
            Self::Statement => "dalil/v1/statement",
            Self::Enquiry => "dalil/v1/enquiry",
            Self::Slip => "dalil/v1/slip",
        }
    }

    /// SHA-256(label ‖ NUL ‖ message).
    pub fn hash(self, message: &[u8]) -> Hash {
        hash_parts(&[self.label().as_bytes(), &[0], message])
    }

    /// What is signed: label ‖ NUL ‖ chain id ‖ message.
    fn signing_input(self, chain: &Hash, message: &[u8]) -> Vec<u8> {
        [self.label().as_bytes(), &[0], &chain.0, message].concat()
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// SHA-256 of all that `reader` gives, without holding it.
pub fn sha256_of_reader(mut reader: impl std::io::Read) -> std::io::Result<Hash> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Hash(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// SHA-256 of the concatenation of `parts`.
pub fn hash_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// Text that does not spell a value of fixed length in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lower-case hexadecimal digits for a {what}")]
pub struct HexError {
    what: &'static str,
    expected: usize,
}

/// Defines hexadecimal text, serde and debug for a newtype over a byte array.
macro_rules! hex_newtype {
    ($name:ident, $bytes:literal, $what:literal) => {
        impl $name {
            /// The bytes.
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($what, "({}…)"), &hex::encode(&self.0[..6]))
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                let error = HexError { what: $what, expected: 2 * $bytes };
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(error);
                }
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| error)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, SchemaWrite, SchemaRead)]
pub struct Hash(pub [u8; 32]);

hex_newtype!(Hash, 32, "hash");

impl Hash {
    /// 32 zero bytes: the parent of genesis, the root of an empty state.
    pub const ZERO: Self = Self([0; 32]);
}

/// An Ed25519 public key as 32 bytes, not yet known to be a usable point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct PublicKey(pub [u8; 32]);

hex_newtype!(PublicKey, 32, "key");

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct Signature(pub [u8; 64]);

hex_newtype!(Signature, 64, "signature");

/// Why a key or a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The 32 bytes are no canonical point, or one of small order.
    #[error("not a usable Ed25519 public key")]
    UnusableKey,
    /// `verify_strict` refused.
    #[error("the signature does not verify")]
    BadSignature,
}

impl PublicKey {
    /// Checks that the bytes are a canonical, torsion-free point (rule A3: keys canonical and not weak).
    pub fn check(&self) -> Result<(), CryptoError> {
        let check = || {
            let key = self.decompress()?;
            let canonical = key.to_bytes() == self.0;
            let torsion_free = key.to_edwards().is_torsion_free();
            if canonical && torsion_free { Ok(()) } else { Err(CryptoError::UnusableKey) }
        };
        memory::remembering(|| Hash(self.0), check)
    }

    fn decompress(&self) -> Result<VerifyingKey, CryptoError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| CryptoError::UnusableKey)?;
        if key.is_weak() { Err(CryptoError::UnusableKey) } else { Ok(key) }
    }

    /// Checks `signature` over `message` under `domain` on `chain`.
    pub fn verify(
        &self,
        domain: Domain,
        chain: &Hash,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        self.verify_raw(&domain.signing_input(chain, message), signature)
    }

    /// Checks `signature` over exactly `bytes`: for formats that bring a domain of their own (C2SP notes).
    pub fn verify_raw(&self, bytes: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        let check = || {
            let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
            self.decompress()?.verify_strict(bytes, &signature).map_err(|_| CryptoError::BadSignature)
        };
        memory::remembering(|| memory::of_signature(self, signature, bytes), check)
    }
}

/// Good signatures and keys that a thread remembers, if it was asked to.
pub mod memory {
    use std::cell::RefCell;
    use std::collections::HashSet;

    use super::{CryptoError, Hash, PublicKey, Signature, hash_parts};

    /// What a thread remembers at most; then it begins anew.
    const REMEMBERED_MAX: usize = 1 << 16;

    thread_local! {
        static GOOD: RefCell<Option<HashSet<Hash>>> = const { RefCell::new(None) };
    }

    /// From now on this thread checks no good signature or key twice, nor a signature that it made. Answers stay what they are.
    /// For simulators, in which a dozen nodes of one process check the same vote; a node has no use for it.
    pub fn remember_good_signatures() {
        GOOD.with_borrow_mut(|good| {
            good.get_or_insert_default();
        });
    }

    /// What stands for a signature in the memory.
    pub(super) fn of_signature(key: &PublicKey, signature: &Signature, bytes: &[u8]) -> Hash {
        hash_parts(&[&key.0, &signature.0, bytes])
    }

    /// Takes note of something good, if this thread remembers anything.
    pub(super) fn remember(key: impl FnOnce() -> Hash) {
        GOOD.with_borrow_mut(|good| {
            if let Some(good) = good {
                insert(good, key());
            }
        });
    }

    fn insert(good: &mut HashSet<Hash>, key: Hash) {
        if good.len() == REMEMBERED_MAX {
            good.clear();
        }
        good.insert(key);
    }

    /// The answer of `check`, which is asked unless this thread remembers it to be good. `key` tells what is checked.
    pub(super) fn remembering(
        key: impl FnOnce() -> Hash,
        check: impl FnOnce() -> Result<(), CryptoError>,
    ) -> Result<(), CryptoError> {
        GOOD.with_borrow_mut(|good| {
            let Some(good) = good else { return check() };
            let key = key();
            if good.contains(&key) {
                return Ok(());
            }
            check()?;
            insert(good, key);
            Ok(())
        })
    }
}

/// An Ed25519 secret key. Wiped from memory when dropped; never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A key from the operating system's randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key of a 32-byte seed (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A further key from the same seed, for another purpose: seed' = SHA-256(`dalil/v1/derive/` ‖ purpose ‖ NUL ‖ seed).
    pub fn derive(&self, purpose: &str) -> Self {
        let seed = hash_parts(&[b"dalil/v1/derive/", purpose.as_bytes(), &[0], self.0.as_bytes()]);
        Self::from_seed(&seed.0)
    }

    /// The seed, for the key file alone.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` under `domain` for `chain`.
    pub fn sign(&self, domain: Domain, chain: &Hash, message: &[u8]) -> Signature {
        self.sign_raw(&domain.signing_input(chain, message))
    }

    /// Signs exactly `bytes`: for formats that bring a domain of their own (C2SP notes).
    pub fn sign_raw(&self, bytes: &[u8]) -> Signature {
        let signature = Signature(self.0.sign(bytes).to_bytes());
        memory::remember(|| memory::of_signature(&self.public(), &signature, bytes));
        signature
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}
