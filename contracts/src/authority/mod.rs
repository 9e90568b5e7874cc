//! Who may act: departments, their offices, officer keys, dated postings, and dated parameters.
//!
//! Every other room begins with [`authorise`]. Rules: A1 a live posting with the role, A2 inside its jurisdiction, A3
//! keys canonical, not weak, used once, A5 a revoked key signs nothing after, A7 a gateway names the posting it acts for.

pub mod calls;
pub mod establishment;
pub mod parameters;
pub mod posting;

pub use calls::AuthorityCall;
pub use establishment::{Establishment, EstablishmentError, EstablishmentPlan};
pub use parameters::parameter;
pub use posting::{Acting, Department, Jurisdiction, KeyRecord, Office, Place, Posting, PostingId, Role, authorise};

/// State key of the validator set in force, which genesis writes: its departments are those that vote.
pub fn validators_key() -> Vec<u8> {
    b"auth/validators".to_vec()
}
