//! Rule 13: proof that a validator said two things at one place.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::crypto::Signature;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind};

use crate::statement::Statement;

/// Two valid signatures of one key of set(h) at one position over different statements.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Evidence {
    /// Place of the signer in set(h).
    pub signer: u8,
    /// One statement.
    pub first: Statement,
    /// The signature under it.
    pub first_signature: Signature,
    /// The other statement.
    pub second: Statement,
    /// The signature under it.
    pub second_signature: Signature,
}

/// Why evidence proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The signer is not in the set.
    #[error("signer {0} is not in the validator set")]
    UnknownSigner(usize),
    /// The statements stand at different positions, or say the same.
    #[error("the two statements do not contradict each other")]
    NoContradiction,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    BadSignature,
}

impl Evidence {
    /// Checks the evidence against set(h), h being the height of the statements.
    pub fn verify(&self, set: &ValidatorSet, chain: &Hash) -> Result<(), EvidenceError> {
        let index = ValidatorIndex(usize::from(self.signer));
        let signer = set.get(index).ok_or(EvidenceError::UnknownSigner(index.0))?;
        if self.first.position() != self.second.position() || self.first == self.second {
            return Err(EvidenceError::NoContradiction);
        }
        for (statement, signature) in [(&self.first, &self.first_signature), (&self.second, &self.second_signature)] {
            statement.verify(&signer.consensus, chain, signature).map_err(|_| EvidenceError::BadSignature)?;
        }
        Ok(())
    }
}

/// The members accused by a commit certificate and a later polka of the same height for another block: they precommitted
/// one block and prevoted another in a later round. Without a polka in between that released them, at least f+1 of them
/// broke the lock rule (amnesia); which of them, their own messages must show. Empty unless the two contradict each other.
///
/// Both certificates must have been verified against set(h).
pub fn accused_of_amnesia(commit: &Certificate, polka: &Certificate) -> Vec<ValidatorIndex> {
    let (earlier, later) = (commit.subject, polka.subject);
    let of_kinds = commit.kind == VoteKind::Precommit && polka.kind == VoteKind::Prevote;
    let of_blocks = earlier.block.is_some() && later.block.is_some() && earlier.block != later.block;
    if !of_kinds || !of_blocks || earlier.height != later.height || earlier.round >= later.round {
        return Vec::new();
    }
    commit.signer_indexes().filter(|who| polka.signers >> who.0 & 1 == 1).collect()
}
