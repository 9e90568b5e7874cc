//! Who decides: validators are added, removed, replaced and given new keys by vote, at an exact height (A3, A4).
//!
//! ```text
//!   votes of a quorum ─► pending ─► `ready` by the incoming keys ─► due ─► in force ─► `joined`
//!        (change)          │                 (proof)              │ (due)               (proof)
//!                          └─► lapsed, 30 days† after it passed   └─► refused with the rule's code
//! ```
//!
//! A change comes into force at max(height named, recorded + 2, last `ready` + 2): the set of that height decides it. It
//! is worked out when the block below is closed ([`close_block`]), on every node alike, blocks without records included.
//! Changes due at one height are taken in the order in which they were carried; one that breaks a rule at that time is
//! refused with its code, and the others go on.
//!
//! A4: with f of the set before, a height adds at most f and removes at most f members; a replacement, be it by another
//! department or by new keys of the same one, is one of each. No set has fewer than [`VALIDATORS_MIN`] members. After a
//! change at most f of the new set are without a `joined`, so that no two changes in a row rest on newcomers that nobody
//! has heard. A development chain may be smaller, and there f counts as 1 at least: else it could never grow. Every set has
//! a policy by which readers tell its signatures apart: each key has a name, and no other has the same name and id.
//!
//! A3: keys are usable, and no key that ever served a validator or an officer serves again. Members of genesis count as
//! joined.

mod change;
mod due;
mod proof;

use dalil_ledger::block::{BlockId, DepartmentId, Height};
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::{Overlay, StateError, StateView as _};
use dalil_ledger::validators::{Validator, ValidatorSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use change::ValidatorChange;
pub(super) use change::{carry, check};
pub use due::{Closing, close_block};
pub use proof::{JoinedStatement, MemberSignatures, ReadyStatement};
pub(super) use proof::{joined, ready};

use super::ballot::BallotId;
use super::key::key_key;
use super::validators_key;
use crate::refusal::{Refusal, require};

/// The fewest validators a set may have: fewer bear no faulty one.
pub const VALIDATORS_MIN: usize = 4;
/// The same on a development chain.
pub const VALIDATORS_MIN_DEVELOPMENT: usize = 1;
/// The most changes that wait at a time.
pub const PENDING_MAX: usize = 16;
/// A head is recent while no more blocks than these came after it.
pub const RECENT_HEADS_MAX: usize = 128;
/// How long after it passed a change may wait for its height and its `ready`, in milliseconds.
pub const LAPSE_AFTER: &str = "authority/validator_change_lapse_ms";

/// A block by height and id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct HeadName {
    /// Its height.
    pub height: Height,
    /// Its id.
    #[schemars(with = "String")]
    pub id: BlockId,
}

/// A change that was carried and is not in force yet.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct PendingChange {
    /// The ballot that carried it; also its name.
    pub ballot: BallotId,
    /// What changes.
    pub change: ValidatorChange,
    /// The height that the departments named.
    pub named_height: Height,
    /// Height of the vote that carried it.
    pub recorded_height: Height,
    /// Height of the last `ready` of the incoming member.
    pub ready_height: Option<Height>,
    /// Block time beyond which it lapses, UTC milliseconds.
    pub lapses_at_ms: u64,
}

impl PendingChange {
    /// The height that the changed set decides first; none while a `ready` is wanted.
    pub fn due_height(&self) -> Option<Height> {
        let least = self.named_height.max(self.recorded_height.saturating_add(2));
        match (self.change.incoming(), self.ready_height) {
            (None, _) => Some(least),
            (Some(_), Some(ready)) => Some(least.max(ready.saturating_add(2))),
            (Some(_), None) => None,
        }
    }
}

/// A member that has not said `joined` yet.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Absent {
    /// The department.
    pub department: DepartmentId,
    /// The first height that it decides with its present keys.
    pub from_height: Height,
}

/// What is under way. Kept in the state only while something is.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Membership {
    /// Changes that were carried, in the order of their records.
    pub pending: Vec<PendingChange>,
    /// Members of the set in force without a `joined`.
    pub absent: Vec<Absent>,
    /// The newest blocks, oldest first, of which a `ready` or a `joined` names one.
    pub heads: Vec<HeadName>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// The set with it decides from this height on.
    InForce(Height),
    /// It broke a rule when it came due.
    Refused {
        /// The height at which it would have come into force.
        height: Height,
        /// The rule's code.
        code: Token<8>,
    },
    /// It waited too long; the block of this height was the first that was too late.
    Lapsed(Height),
}

/// State key of what is under way.
pub fn membership_key() -> Vec<u8> {
    b"auth/membership".to_vec()
}

/// State key of what became of a change, by its ballot.
pub fn outcome_key(ballot: &BallotId) -> Vec<u8> {
    format!("auth/change/{ballot}").into_bytes()
}

/// State key of a key that a former or incoming member used; the value is its department. Those of the members of
/// genesis are entered when they leave.
pub fn used_key_key(key: &PublicKey) -> Vec<u8> {
    format!("auth/validator_key/{key}").into_bytes()
}

impl Membership {
    /// What is under way in `state`.
    pub fn read(state: &Overlay<'_>) -> Result<Self, StateError> {
        Ok(state.get_value(&membership_key())?.unwrap_or_default())
    }

    fn write(&self, state: &mut Overlay<'_>) {
        if self.pending.is_empty() && self.absent.is_empty() {
            state.delete(membership_key());
        } else {
            state.put_value(membership_key(), self);
        }
    }

    /// The members that pending changes bring.
    pub fn incoming(&self) -> impl Iterator<Item = &Validator> {
        self.pending.iter().filter_map(|pending| pending.change.incoming())
    }
}

/// The four keys of a member.
pub(super) fn keys_of(member: &Validator) -> [PublicKey; 4] {
    [member.consensus, member.cosigner, member.log, member.network]
}

/// Whether `key` serves, served or is about to serve a validator.
pub(super) fn serves_validator(state: &Overlay<'_>, key: &PublicKey) -> Result<bool, StateError> {
    let set: Option<ValidatorSet> = state.get_value(&validators_key())?;
    let in_set = set.iter().flat_map(ValidatorSet::iter).any(|member| keys_of(member).contains(key));
    let is_incoming = || Ok(Membership::read(state)?.incoming().any(|member| keys_of(member).contains(key)));
    Ok(in_set || state.get(&used_key_key(key))?.is_some() || is_incoming()?)
}

/// A3: the member's keys are usable, apart from one another, and served nobody before.
fn require_fresh_keys(state: &Overlay<'_>, set: &ValidatorSet, member: &Validator) -> Result<(), Refusal> {
    let keys = keys_of(member);
    for (place, key) in keys.iter().enumerate() {
        require(key.check().is_ok(), "A3", || format!("{key} is no canonical Ed25519 key or a weak one"))?;
        require(!keys[..place].contains(key), "A3", || format!("key {key} would serve two purposes"))?;
        let serves = set.iter().any(|other| keys_of(other).contains(key)) || state.get(&used_key_key(key))?.is_some();
        require(!serves, "A3", || format!("key {key} serves or served a validator"))?;
        require(state.get(&key_key(key))?.is_none(), "A3", || format!("key {key} is an officer's"))?;
    }
    Ok(())
}
