//! Authenticated key-value state: a view, an overlay of changes, a commitment, and proofs of presence and absence.
//!
//! Contracts read and write through [`Overlay`]; the executor hashes an overlay's changes into a new root with
//! [`commitment`]; verifiers check single keys against a root with [`proof`].

mod cache;
pub mod commitment;
pub mod overlay;
pub mod proof;

pub use cache::ReadCache;
pub use overlay::{Changes, Overlay};
pub use proof::StateProof;

/// A read of the state failed for a reason that is no part of the state: a broken disk, a corrupt value. Never a
/// verdict on a record; whoever meets it stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state: {0}")]
pub struct StateError(pub String);

/// Read access to one immutable version of the state.
pub trait StateView {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;
}

impl StateView for std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(std::collections::BTreeMap::get(self, key).cloned())
    }
}
