//! Permits: what may leave a lease in a window, paid for beforehand (M1, M2).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{PostingId, Role, authorise};
use crate::calendar::CivilDate;
use crate::context::{Context, Outcome};
use crate::mineral::keys::{lease_year_key, permit_key};
use crate::mineral::quantity::{Heads, Quantity};
use crate::mineral::types::{GrnId, LeaseId, MineralCode, PermitId, plain, subject, unused};
use crate::mineral::{lease, payment};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Kilograms;

/// A permit and what has been drawn from it. Always: `reserved_kg` + `drawn_kg` ≤ `total_kg` (M1).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Permit {
    /// What was granted.
    pub granted: GrantPermit,
    /// Mass of the granted quantity, kg.
    pub total_kg: Kilograms,
    /// What was levied on it, paise by head.
    pub levied: Heads,
    /// Reserved by challans that have not passed the gate and by ranges of numbers, kg.
    pub reserved_kg: Kilograms,
    /// Net weights that have passed the gate, kg.
    pub drawn_kg: Kilograms,
}

/// Grants a permit against a payment.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantPermit {
    /// The permit's id.
    #[schemars(with = "String")]
    pub permit: PermitId,
    /// The lease.
    #[schemars(with = "String")]
    pub lease: LeaseId,
    /// The mineral.
    #[schemars(with = "String")]
    pub mineral: MineralCode,
    /// How much.
    pub quantity: Quantity,
    /// Start of the window, UTC milliseconds.
    pub from_ms: u64,
    /// End of the window (exclusive), UTC milliseconds.
    pub until_ms: u64,
    /// The payment that it uses up.
    #[schemars(with = "String")]
    pub grn: GrnId,
}

impl Permit {
    /// What can still be reserved, kg.
    pub fn free_kg(&self) -> Kilograms {
        Kilograms(self.total_kg.0.saturating_sub(self.reserved_kg.0).saturating_sub(self.drawn_kg.0))
    }
}

/// The permit, refused with M1 if there is none.
pub(super) fn load(state: &Overlay<'_>, id: &PermitId) -> Result<Permit, Refusal> {
    state.get_value(&permit_key(id))?.or_reject("M1", || format!("there is no permit {id}"))
}

pub(super) fn grant(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &GrantPermit,
) -> Result<Outcome, Refusal> {
    let lease = lease::load(state, &call.lease)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &lease.place())?;
    plain("permit", call.permit.as_str())?;
    unused(state, &permit_key(&call.permit), "permit", &call.permit)?;
    lease.require_active(context)?;
    lease.require_mineral(&call.mineral)?;
    let granted = &lease.granted;
    let within = granted.from_ms <= call.from_ms && call.from_ms < call.until_ms && call.until_ms <= granted.until_ms;
    require(within, "M9", || format!("the window of permit {} is not within the lease's term", call.permit))?;
    require(context.time_ms < call.until_ms, "M1", || format!("the window of permit {} is past", call.permit))?;
    // What is permitted counts in the year in which it can first be dug.
    let year = CivilDate::in_india(call.from_ms.max(context.time_ms)).financial_year();

    let total_kg = call.quantity.mass(state, context, &call.mineral)?;
    let year_key = lease_year_key(&call.lease, year);
    let before: Kilograms = state.get_value(&year_key)?.unwrap_or_default();
    let after = before.checked_add(total_kg).filter(|after| *after <= granted.annual_cap_kg);
    let after = after.or_reject("M1", || {
        let cap = granted.annual_cap_kg.0;
        format!("the lease's annual cap is {cap} kg; {} kg are permitted and {} kg asked", before.0, total_kg.0)
    })?;
    let due = call.quantity.levies(state, context, &call.mineral)?;
    payment::use_up(state, &call.grn, &call.lease, &call.permit, &due)?;
    state.put_value(year_key, &after);
    let permit = Permit {
        granted: call.clone(),
        total_kg,
        levied: due,
        reserved_kg: Kilograms::default(),
        drawn_kg: Kilograms::default(),
    };
    state.put_value(permit_key(&call.permit), &permit);
    let mut outcome = acting.outcome();
    outcome.event("mineral.permit_granted", subject("permit", &call.permit));
    outcome.about(subject("lease", &call.lease));
    outcome.about(subject("grn", &call.grn));
    Ok(outcome)
}
