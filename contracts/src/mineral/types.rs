//! Names and small types that the whole room shares.

use std::fmt::Display;

use dalil_ledger::codec::Token;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{ReasonCode, SubjectId};
use dalil_ledger::state::Overlay;

use crate::authority::Place;
use crate::authority::place::{BlockCode, DistrictCode};
use crate::refusal::{Refusal, require};

pub use crate::authority::place::LeaseId;

/// A mineral's code, such as `SAND`; rates and densities are parameters under it.
pub type MineralCode = Token<24>;
/// A mining block's id.
pub type MiningBlockId = Token<48>;
/// A permit's id.
pub type PermitId = Token<48>;
/// A stockyard's id. Leases and stockyards share their ids, because an agent's office is bound to either in the same way.
pub type YardId = LeaseId;
/// A payment's number (GRN).
pub type GrnId = Token<32>;
/// A challan's number, with at least 64 random bits; whoever issues sees to the randomness.
pub type ChallanNumber = Token<48>;
/// A range of challan numbers, with at least 64 random bits; its numbers are `<range>-0001` and so on.
pub type RangeId = Token<40>;
/// Number of the security paper that a challan is printed on.
pub type PaperNumber = Token<32>;
/// An offence case's id.
pub type OffenceId = Token<48>;
/// A works bill's id.
pub type BillId = Token<48>;
/// A vehicle: HMAC of its plate under a key that the enforcement departments share. The plate is never on the chain.
pub type VehicleId = Hash;
/// A person or firm: a salted commitment.
pub type Commitment = Hash;

/// The subject `<what>/<id>` of a history.
///
/// # Panics
/// Never: the longest id of this room has 64 characters and every id is printable ASCII.
pub(super) fn subject(what: &str, id: impl Display) -> SubjectId {
    format!("{what}/{id}").parse().expect("an id of this room fits a subject")
}

/// A reason for the registry; `text` is a literal of this room.
///
/// # Panics
/// Never: the literals are short printable ASCII.
pub(super) fn reason(text: &'static str) -> ReasonCode {
    text.parse().expect("a reason of this room is a token")
}

/// Refuses ids that could be mistaken for another in a path: letters, digits, dash, dot and underscore only (D1).
pub(super) fn plain(what: &str, id: &str) -> Result<(), Refusal> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    require(plain, "D1", || format!("{what} {id} may hold letters, digits, dash, dot and underscore only"))
}

/// Refuses with D1 if `key` has a value.
pub(super) fn unused(state: &Overlay<'_>, key: &[u8], what: &str, id: impl Display) -> Result<(), Refusal> {
    use dalil_ledger::state::StateView as _;
    let taken = state.get(key)?.is_some();
    require(!taken, "D1", || format!("{what} {id} is already on record"))
}

/// Where a lease or stockyard lies, as authority judges it.
pub(super) fn site_place(district: DistrictCode, block: Option<BlockCode>, site: &LeaseId) -> Place {
    Place { district, block, lease: Some(site.clone()) }
}
