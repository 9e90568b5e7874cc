//! A signed call by one officer or gateway: the record of the ledger.

use crate::codec::{self, CodecError, SchemaRead, SchemaWrite};
use crate::crypto::{CryptoError, Domain, Hash, PublicKey, SecretKey, Signature};

/// The longest canonical transaction, in bytes.
pub const RECORD_BYTES_MAX: usize = 32 << 10;

/// How far beyond the block's time a transaction may expire, in milliseconds.
pub const EXPIRY_WINDOW_MS: u64 = 3_600_000;

/// What an officer signs.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct TransactionBody {
    /// The chain the call is meant for.
    pub chain: Hash,
    /// The officer's or gateway's key.
    pub signer: PublicKey,
    /// Block time must be below this, and at most [`EXPIRY_WINDOW_MS`] before it. UTC milliseconds.
    pub expires_at_ms: u64,
    /// Makes two equal calls different transactions.
    pub salt: [u8; 16],
    /// The canonical bytes of a contract call; opaque to the ledger.
    pub call: Vec<u8>,
}

/// A call and the signature under it. The signature is part of the log entry.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct SignedTransaction {
    /// What is signed.
    pub body: TransactionBody,
    /// The signer's signature over the canonical body, under [`Domain::Transaction`].
    pub signature: Signature,
}

impl TransactionBody {
    /// Signs with the key whose public half stands in `signer`.
    pub fn sign(self, key: &SecretKey) -> SignedTransaction {
        debug_assert_eq!(key.public(), self.signer);
        let signature = key.sign(Domain::Transaction, &self.chain, &codec::encode(&self));
        SignedTransaction { body: self, signature }
    }
}

impl SignedTransaction {
    /// Decodes one record of at most [`RECORD_BYTES_MAX`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, RECORD_BYTES_MAX)
    }

    /// The transaction id: the domain-separated hash of the body without the signature. It serves the duplicate check
    /// only; whatever needs the exact bytes uses the leaf hash of the entry.
    pub fn id(&self) -> Hash {
        Domain::TransactionId.hash(&codec::encode(&self.body))
    }

    /// Checks the signature.
    pub fn verify_signature(&self) -> Result<(), CryptoError> {
        let body = &self.body;
        body.signer.verify(Domain::Transaction, &body.chain, &codec::encode(body), &self.signature)
    }
}
