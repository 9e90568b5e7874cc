//! Seizure and release of a challan by enforcement officers of the district, and offence cases.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{OfficeId, Standing};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Finding, Stage};
use crate::mineral::keys::offence_key;
use crate::mineral::types::{ChallanNumber, OffenceId, plain, subject, unused};
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// A section of the law, such as `MMDR-21-5`.
pub type SectionCode = Token<32>;

/// Seizes a challan with what travels under it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeizeChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// What gave rise to it.
    pub cause: Finding,
    /// Digest of the seizure memo.
    #[schemars(with = "String")]
    pub memo: Hash,
}

/// Releases a seized challan.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// Digest of the release order.
    #[schemars(with = "String")]
    pub order: Hash,
}

/// How far an offence case has come.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffenceStep {
    /// Booked under a section.
    Booked(#[schemars(with = "String")] SectionCode),
    /// Forwarded to another office.
    Forwarded(#[schemars(with = "String")] OfficeId),
    /// Compounded by an order with this digest; final.
    Compounded(#[schemars(with = "String")] Hash),
}

/// Records a step of an offence case.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOffence {
    /// The case.
    #[schemars(with = "String")]
    pub offence: OffenceId,
    /// The challan it is about.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// The step.
    pub step: OffenceStep,
}

pub(super) fn seize(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &SeizeChallan,
) -> Result<Outcome, Refusal> {
    authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let mut challan = challan::load(state, &call.challan)?;
    if !matches!(challan.stage, Stage::Reserved | Stage::InTransit) {
        return challan.refuse_stage("seized");
    }
    challan::move_document(state, context, &challan, Standing::Seized, "seized")?;
    challan.stage = Stage::Seized;
    challan.alerts = challan.alerts.iter().copied().chain([call.cause]).collect();
    challan::save(state, &challan);
    Ok(challan.outcome("mineral.challan_seized"))
}

pub(super) fn release(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReleaseChallan,
) -> Result<Outcome, Refusal> {
    authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let mut challan = challan::load(state, &call.challan)?;
    if challan.stage != Stage::Seized {
        return challan.refuse_stage("released");
    }
    challan::move_document(state, context, &challan, Standing::Active, "released")?;
    challan.stage = if challan.gate.is_some() { Stage::InTransit } else { Stage::Reserved };
    challan::save(state, &challan);
    Ok(challan.outcome("mineral.challan_released"))
}

pub(super) fn record_offence(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RecordOffence,
) -> Result<Outcome, Refusal> {
    authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let challan = challan::load(state, &call.challan)?;
    plain("offence", call.offence.as_str())?;
    let key = offence_key(&call.offence);
    let event = match call.step {
        OffenceStep::Booked(_) => {
            unused(state, &key, "offence", &call.offence)?;
            "mineral.offence_booked"
        }
        OffenceStep::Forwarded(_) | OffenceStep::Compounded(_) => {
            let before: Option<RecordOffence> = state.get_value(&key)?;
            let before = before.or_reject("D2", || format!("offence {} was never booked", call.offence))?;
            let same = before.challan == call.challan && before.district == call.district;
            require(same, "D2", || format!("offence {} is about another challan or district", call.offence))?;
            match (&before.step, &call.step) {
                (OffenceStep::Booked(_), OffenceStep::Forwarded(_)) => "mineral.offence_forwarded",
                (OffenceStep::Booked(_) | OffenceStep::Forwarded(_), OffenceStep::Compounded(_)) => {
                    "mineral.offence_compounded"
                }
                (from, to) => return reject("D2", format!("an offence {from:?} cannot become {to:?}")),
            }
        }
    };
    state.put_value(key, call);
    let mut outcome = challan.outcome("mineral.offence_recorded");
    outcome.event(event, subject("offence", &call.offence));
    Ok(outcome)
}
