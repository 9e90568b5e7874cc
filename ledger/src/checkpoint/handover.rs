//! How one validator set hands over to the next, and how a verifier follows.

use crate::block::{Entry, HEADER_VERSION, Header, Height};
use crate::codec::{self, CodecError, SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::log::leaf_hash;
use crate::validators::{Certificate, CertificateError, ValidatorSet, ValidatorSetError};

/// The longest canonical handover, in bytes: a header, up to 32 signatures and 32 validators.
pub const HANDOVER_BYTES_MAX: usize = 32 << 10;

/// The last header that set(h) decided alone, its commit certificate, and set(h+1) in full. Kept for ever where the two
/// sets differ.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Handover {
    /// Header h.
    pub header: Header,
    /// Commit certificate of h by set(h).
    pub certificate: Certificate,
    /// set(h+1), in full.
    pub next: ValidatorSet,
}

/// Why a handover does not lead from one set to the next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// A header of a layout that is not known here.
    #[error("header version {0}, expected {HEADER_VERSION}")]
    Version(u32),
    /// A header of another chain.
    #[error("chain {got}, expected {expected}")]
    Chain {
        /// Chain in the header.
        got: Hash,
        /// Chain of the pin.
        expected: Hash,
    },
    /// The header was decided at a height that the current set did not reach yet.
    #[error("height {got}, expected at least {least}")]
    Height {
        /// Height of the header.
        got: Height,
        /// First height that the current set decides.
        least: Height,
    },
    /// The header was decided by another set: a handover between is missing, or the set is made up.
    #[error("decided by the set {got}, expected {expected}")]
    DecidedBy {
        /// Set named in the header.
        got: Hash,
        /// The current set.
        expected: Hash,
    },
    /// The certificate is a prevote's, a nil's, or for another block.
    #[error("the certificate does not commit block {0}")]
    NotCommitted(Hash),
    /// The certificate is no quorum's.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The next set is not the one that the header commits to: a key was swapped.
    #[error("the next set is {got}, the header commits to {expected}")]
    Next {
        /// Hash of the set given.
        got: Hash,
        /// Hash in the header.
        expected: Hash,
    },
    /// The next set breaks a rule of sets.
    #[error("next set: {0}")]
    NextSet(#[from] ValidatorSetError),
}

impl Handover {
    /// Decodes one handover of at most [`HANDOVER_BYTES_MAX`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, HANDOVER_BYTES_MAX)
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Checks that `current`, which decides from `least` on, decided this header on `chain` and so handed over to
    /// [`Handover::next`].
    pub fn verify(&self, current: &ValidatorSet, chain: &Hash, least: Height) -> Result<(), HandoverError> {
        let header = &self.header;
        if header.version != HEADER_VERSION {
            return Err(HandoverError::Version(header.version));
        }
        if header.chain != *chain {
            return Err(HandoverError::Chain { got: header.chain, expected: *chain });
        }
        if header.height < least {
            return Err(HandoverError::Height { got: header.height, least });
        }
        let expected = current.hash();
        if header.validators_hash != expected {
            return Err(HandoverError::DecidedBy { got: header.validators_hash, expected });
        }
        let id = leaf_hash(&Entry::Header(header.clone()).encode());
        if !self.certificate.commits(header.height, &id) {
            return Err(HandoverError::NotCommitted(id));
        }
        self.certificate.verify(current, chain)?;
        let got = self.next.hash();
        if got != header.next_validators_hash {
            return Err(HandoverError::Next { got, expected: header.next_validators_hash });
        }
        self.next.clone().checked()?;
        Ok(())
    }
}
