//! Who may act: departments, their offices, officer keys, dated postings, dated parameters, and votes.
//!
//! Every other room begins with [`authorise`] and judges by [`parameter`]. [`establishment`] is what genesis starts with;
//! [`calls`] is how departments administer their [`office`]s, [`key`]s and [`posting`]s afterwards; [`ballot`] is how they
//! decide together, on parameters, certificate types, [`department`]s, [`membership`] of the validator set and
//! [`upgrade`]s; [`duties`] keeps two officers apart where the rules ask for two; [`evidence`] puts contradictions of
//! [`consensus_keys`] on record.
//!
//! A1 a signer acts only in a live posting with the role · A2 only in its jurisdiction, an administrator only in its
//! department · A3 keys canonical, not weak, used once · A4 a height changes at most f validators each way · A5 a revoked
//! key signs nothing after · A6 two acts that check each other are by different officers, the second one in time · A7 a
//! gateway names the posting it acts for · A8 a vote counts once, cannot be changed or replayed, and nothing takes effect
//! in the past · A9 a contradiction is recorded by anybody, once a key and height · P1 a parameter has a value in force ·
//! P2 names fit their fields.

pub mod ballot;
pub mod calls;
pub mod consensus_keys;
pub mod dated;
pub mod department;
pub mod duties;
pub mod establishment;
pub mod evidence;
pub mod key;
pub mod membership;
pub mod office;
pub mod parameters;
pub mod place;
pub mod posting;
pub mod role;
pub mod upgrade;

pub use ballot::{Ballot, BallotId, Choice, Matter, ballot_key};
pub use calls::AuthorityCall;
pub use consensus_keys::{ConsensusKey, consensus_key_key, genesis_validators, register_consensus_keys};
pub use department::{Department, DepartmentChange, NamedAdministrator};
pub use establishment::{Establishment, EstablishmentError, EstablishmentPlan};
pub use key::{Holder, KeyHolder, KeyRecord};
pub use membership::ValidatorChange;
pub use office::{Office, OfficeRecord};
pub use parameters::parameter;
pub use place::{Jurisdiction, Place};
pub use posting::{Acting, Posting, PostingId, authorise, authorise_role, authorise_statewide, identify};
pub use role::Role;

/// State key of the validator set in force, which genesis writes: its departments are those that vote.
pub fn validators_key() -> Vec<u8> {
    b"auth/validators".to_vec()
}
