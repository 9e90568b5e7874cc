//! What a consensus key signs, and the order in which it may sign.

use serde::{Deserialize, Serialize};

use crate::block::{BlockId, Height, Round};
use crate::codec::{self, SchemaRead, SchemaWrite};
use crate::crypto::{CryptoError, Domain, Hash, PublicKey, SecretKey, Signature};
use crate::validators::{VoteKind, VoteSubject};

/// What a proposal says (L19): the sign-bytes are exactly these four fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalSubject {
    /// Height proposed at.
    pub height: Height,
    /// Round proposed in.
    pub round: Round,
    /// The block proposed.
    pub block: BlockId,
    /// vr: the round of the polka that the block brings along; none (the paper's −1) for a fresh block.
    pub valid_round: Option<Round>,
}

/// Anything that a consensus key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statement {
    /// A proposal.
    Proposal(ProposalSubject),
    /// A prevote or precommit.
    Vote {
        /// Which vote.
        kind: VoteKind,
        /// What it says.
        subject: VoteSubject,
    },
}

/// The place of a statement within its round, in the order of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Proposal.
    Propose,
    /// First vote.
    Prevote,
    /// Second vote.
    Precommit,
}

/// Where a statement stands. A key signs at most one statement a position, and never at a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Kind of statement.
    pub phase: Phase,
}

impl Statement {
    /// A vote.
    pub fn vote(kind: VoteKind, height: Height, round: Round, block: Option<BlockId>) -> Self {
        Self::Vote { kind, subject: VoteSubject { height, round, block } }
    }

    /// Where the statement stands.
    pub fn position(&self) -> Position {
        match self {
            Self::Proposal(subject) => Position { height: subject.height, round: subject.round, phase: Phase::Propose },
            Self::Vote { kind, subject } => {
                let phase = match kind {
                    VoteKind::Prevote => Phase::Prevote,
                    VoteKind::Precommit => Phase::Precommit,
                };
                Position { height: subject.height, round: subject.round, phase }
            }
        }
    }

    /// The domain under which it is signed.
    pub fn domain(&self) -> Domain {
        match self {
            Self::Proposal(_) => Domain::Proposal,
            Self::Vote { kind, .. } => kind.domain(),
        }
    }

    /// The bytes under the signature, apart from domain and chain id.
    pub fn sign_bytes(&self) -> Vec<u8> {
        match self {
            Self::Proposal(subject) => codec::encode(subject),
            Self::Vote { subject, .. } => subject.sign_bytes(),
        }
    }

    /// Signs the statement. Ed25519 is deterministic: the same statement always gets the same signature.
    pub fn sign(&self, key: &SecretKey, chain: &Hash) -> Signature {
        key.sign(self.domain(), chain, &self.sign_bytes())
    }

    /// Checks a signature under the statement.
    pub fn verify(&self, key: &PublicKey, chain: &Hash, signature: &Signature) -> Result<(), CryptoError> {
        key.verify(self.domain(), chain, &self.sign_bytes(), signature)
    }

    /// Whether this is a precommit for a block, which goes with a lock.
    pub fn is_block_precommit(&self) -> bool {
        matches!(self, Self::Vote { kind: VoteKind::Precommit, subject: VoteSubject { block: Some(_), .. } })
    }
}

/// A statement and the signature that was made under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// What was signed.
    pub statement: Statement,
    /// The signature.
    pub signature: Signature,
}

impl SignedStatement {
    /// Checks that `key` signed it on `chain`.
    pub fn verify(&self, key: &PublicKey, chain: &Hash) -> Result<(), CryptoError> {
        self.statement.verify(key, chain, &self.signature)
    }
}
