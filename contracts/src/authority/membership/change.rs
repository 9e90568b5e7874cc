//! What a vote may change, and how it comes to wait for its height.

use dalil_ledger::block::{DepartmentId, Height};
use dalil_ledger::checkpoint::KeyName;
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use dalil_ledger::validators::{Validator, ValidatorSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LAPSE_AFTER, Membership, PENDING_MAX, PendingChange, keys_of, require_fresh_keys};
use crate::authority::ballot::BallotId;
use crate::authority::department::{Department, department_key};
use crate::authority::parameters::parameter_u64;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// One change of the validator set.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ValidatorChange {
    /// A department without a validator gets one.
    Add(#[schemars(with = "MemberSchema")] Validator),
    /// A department's validator leaves.
    Remove(#[schemars(with = "String")] DepartmentId),
    /// The validator of one department leaves and another takes its place: of another department, or of the same one
    /// with new keys.
    Replace {
        /// Whose validator leaves.
        #[schemars(with = "String")]
        leaving: DepartmentId,
        /// Who takes its place.
        #[schemars(with = "MemberSchema")]
        member: Validator,
    },
}

/// JSON of a [`Validator`]: its department, and its public keys in hexadecimal.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Validator")]
#[expect(dead_code, reason = "only its schema is used")]
struct MemberSchema {
    department: String,
    consensus: String,
    cosigner: String,
    log: String,
    network: String,
}

impl ValidatorChange {
    /// The member that it brings.
    pub fn incoming(&self) -> Option<&Validator> {
        match self {
            Self::Add(member) | Self::Replace { member, .. } => Some(member),
            Self::Remove(_) => None,
        }
    }

    /// The department whose validator leaves.
    pub fn outgoing(&self) -> Option<&DepartmentId> {
        match self {
            Self::Add(_) => None,
            Self::Remove(department) | Self::Replace { leaving: department, .. } => Some(department),
        }
    }

    /// The departments that it is about.
    pub fn departments(&self) -> impl Iterator<Item = &DepartmentId> {
        self.outgoing().into_iter().chain(self.incoming().map(|member| &member.department))
    }
}

/// What can be said of a change before it is due: the incoming department is known and may name a key (A4), its keys are
/// fresh (A3).
pub(crate) fn check(
    state: &Overlay<'_>,
    context: &Context<'_>,
    set: &ValidatorSet,
    change: &ValidatorChange,
) -> Result<(), Refusal> {
    let Some(member) = change.incoming() else { return Ok(()) };
    let department = &member.department;
    let known: Option<Department> = state.get_value(&department_key(department))?;
    let known = known.or_reject("A4", || format!("there is no department {department}"))?;
    require(known.governs_itself(context.time_ms), "A4", || {
        format!("department {department} has nobody who administers it or votes for it, now or from a time decided")
    })?;
    require(department.as_str().parse::<KeyName>().is_ok(), "A4", || {
        format!("{department} cannot be part of the name under which its validator cosigns")
    })?;
    require_fresh_keys(state, set, member)?;
    let membership = Membership::read(state)?;
    let taken = keys_of(member).into_iter().find(|key| {
        let mut waiting = membership.incoming();
        waiting.any(|other| keys_of(other).contains(key))
    });
    require(taken.is_none(), "A3", || format!("a key of {department} is named by a change that waits already"))
}

/// A quorum has approved: the change waits for its height.
pub(crate) fn carry(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    ballot: &BallotId,
    change: &ValidatorChange,
    named_height: Height,
) -> Result<(), Refusal> {
    let mut membership = Membership::read(state)?;
    require(membership.pending.len() < PENDING_MAX, "A4", || {
        format!("{PENDING_MAX} changes of the validator set wait already")
    })?;
    let lapses_at_ms = context.time_ms.saturating_add(parameter_u64(state, context, LAPSE_AFTER)?);
    membership.pending.push(PendingChange {
        ballot: ballot.clone(),
        change: change.clone(),
        named_height,
        recorded_height: context.height,
        ready_height: None,
        lapses_at_ms,
    });
    membership.write(state);
    Ok(())
}
