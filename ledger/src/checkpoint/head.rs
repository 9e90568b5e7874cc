//! The header under a checkpoint: proof that a header is the last leaf of a cosigned log, so that its state root is the
//! present one.

use super::key::KeyName;
use super::policy::Policy;
use super::quorum::{Endorsement, EndorsementError};
use crate::block::{Entry, HEADER_VERSION, Header};
use crate::crypto::Hash;
use crate::log::{LogSize, ProofError, leaf_hash, verify_inclusion};

/// A header, its way to the root as the log's last leaf, and the published note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadProof {
    /// The header.
    pub header: Header,
    /// Inclusion path of the last leaf, from its sibling to the root's child.
    pub path: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub note: String,
}

/// Why a header is not shown to be the head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The checkpoint is not endorsed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] EndorsementError),
    /// A log without leaves has no head.
    #[error("the log of {0} is empty, expected at least a genesis header")]
    Empty(KeyName),
    /// The header is not the last leaf.
    #[error("the header is not the last leaf: {0}")]
    NotLast(#[from] ProofError),
    /// The header says that it stands elsewhere.
    #[error("the header closes a log of {got:?} leaves, the checkpoint has {expected}")]
    Place {
        /// Size that follows from the header; none if it overflows.
        got: Option<LogSize>,
        /// Size of the checkpoint.
        expected: LogSize,
    },
    /// A header of a layout that is not known here.
    #[error("header version {0}, expected {HEADER_VERSION}")]
    Version(u32),
}

impl HeadProof {
    /// Checks that a quorum of `policy` cosigned the checkpoint and that the header is its last leaf: an older header
    /// of the same log has another state root, under which a revoked document would still be in force.
    pub fn verify(&self, policy: &Policy, now_ms: u64, skew_ms: u64) -> Result<Endorsement, HeadError> {
        let endorsement = policy.verify(self.note.as_bytes(), now_ms, skew_ms)?;
        let size = endorsement.checkpoint.size;
        let last = size.checked_sub(1).ok_or_else(|| HeadError::Empty(endorsement.checkpoint.origin.clone()))?;
        let leaf = leaf_hash(&Entry::Header(self.header.clone()).encode());
        verify_inclusion(last, size, &leaf, &self.path, &endorsement.checkpoint.root)?;
        if self.header.version != HEADER_VERSION {
            return Err(HeadError::Version(self.header.version));
        }
        // Not `Header::log_size`: the header comes from outside and its numbers may overflow.
        let records = u64::from(self.header.record_count);
        let own = self.header.first_entry.checked_add(records).and_then(|index| index.checked_add(1));
        if own != Some(size) {
            return Err(HeadError::Place { got: own, expected: size });
        }
        Ok(endorsement)
    }
}
