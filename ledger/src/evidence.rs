//! Proof that a consensus key said two things at one place.
//!
//! It needs nothing but the chain id to be checked: not the validator set, not the block, not the messenger.

use serde::{Deserialize, Serialize};

use crate::block::Height;
use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::{Hash, PublicKey};
use crate::statement::{Position, SignedStatement};

/// Two valid signatures of one key at one position under different statements. Whether the key was a validator's at that
/// height, the reader must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The consensus key that contradicted itself.
    pub key: PublicKey,
    /// The statement whose sign-bytes are the lower ones.
    pub first: SignedStatement,
    /// The other statement.
    pub second: SignedStatement,
}

/// Why evidence proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The statements stand at different positions, or say the same.
    #[error("the two statements do not contradict each other")]
    NoContradiction,
    /// One pair of statements has one spelling.
    #[error("the two statements are in the wrong order")]
    Disordered,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    BadSignature,
}

impl Evidence {
    /// The evidence of two statements, in either order.
    pub fn new(key: PublicKey, one: SignedStatement, other: SignedStatement) -> Self {
        let ordered = one.statement.sign_bytes() < other.statement.sign_bytes();
        let (first, second) = if ordered { (one, other) } else { (other, one) };
        Self { key, first, second }
    }

    /// Where the contradiction stands.
    pub fn position(&self) -> Position {
        self.first.statement.position()
    }

    /// Its height.
    pub fn height(&self) -> Height {
        self.position().height
    }

    /// Checks that the key contradicted itself on `chain`.
    pub fn verify(&self, chain: &Hash) -> Result<(), EvidenceError> {
        let (first, second) = (&self.first.statement, &self.second.statement);
        if first.position() != second.position() || first == second {
            return Err(EvidenceError::NoContradiction);
        }
        if first.sign_bytes() > second.sign_bytes() {
            return Err(EvidenceError::Disordered);
        }
        for signed in [&self.first, &self.second] {
            signed.verify(&self.key, chain).map_err(|_| EvidenceError::BadSignature)?;
        }
        Ok(())
    }
}
