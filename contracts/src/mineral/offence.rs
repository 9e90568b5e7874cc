//! Offence cases: booked, forwarded, compounded.
//!
//! A case is about a challan on record, or about a vehicle that carried minerals with none or with a forged one. It is
//! booked by enforcement of the district and compounded there; once it is forwarded, the office that it went to takes the
//! next step. Compounded is final.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::document::OfficeId;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::office::office_record;
use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan;
use crate::mineral::keys::offence_key;
use crate::mineral::types::{ChallanNumber, OffenceId, VehicleId, plain, subject};
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// The most steps of one case.
pub const OFFENCE_STEPS_MAX: usize = 16;

/// A section of the law, such as `MMDR-21-5`.
pub type SectionCode = Token<32>;

/// What an offence is about.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffenceAbout {
    /// What travelled under a challan.
    Challan(#[schemars(with = "String")] ChallanNumber),
    /// A vehicle that carried minerals without a challan on record.
    Vehicle(#[schemars(with = "String")] VehicleId),
}

/// A step of an offence case.
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
    /// What it is about, the same in every step.
    pub about: OffenceAbout,
    /// LGD code of the district, the same in every step.
    pub district: DistrictCode,
    /// The step.
    pub step: OffenceStep,
}

/// A step on record.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct StepTaken {
    /// The step.
    pub step: OffenceStep,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// The officer.
    pub officer: PublicKey,
}

/// An offence case.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Offence {
    /// What it is about.
    pub about: OffenceAbout,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// Its steps, the booking first.
    pub steps: Vec<StepTaken>,
}

pub(super) fn record(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RecordOffence,
) -> Result<Outcome, Refusal> {
    let roles = [Role::Enforcement, Role::DistrictMiningOfficer];
    let acting = authorise(state, context, posting, &roles, &Place::district(call.district))?;
    plain("offence", call.offence.as_str())?;
    let key = offence_key(&call.offence);
    let before: Option<Offence> = state.get_value(&key)?;
    let (mut offence, event) = match (before, &call.step) {
        (None, OffenceStep::Booked(_)) => {
            let offence = Offence { about: call.about.clone(), district: call.district, steps: Vec::new() };
            (offence, "mineral.offence_booked")
        }
        (None, _) => return reject("D2", format!("offence {} was never booked", call.offence)),
        (Some(_), OffenceStep::Booked(_)) => {
            return reject("D1", format!("offence {} is already on record", call.offence));
        }
        (Some(offence), step) => {
            let same = offence.about == call.about && offence.district == call.district;
            require(same, "D2", || format!("offence {} is about something else or another district", call.offence))?;
            let last = offence.steps.last().map(|taken| &taken.step);
            if let Some(OffenceStep::Forwarded(to)) = last {
                let here = acting.office.id == *to;
                require(here, "A2", || format!("offence {} was forwarded to office {to}", call.offence))?;
            }
            let open = !matches!(last, Some(OffenceStep::Compounded(_)));
            require(open, "D2", || format!("offence {} was compounded", call.offence))?;
            let event = match step {
                OffenceStep::Forwarded(_) => "mineral.offence_forwarded",
                _ => "mineral.offence_compounded",
            };
            (offence, event)
        }
    };
    if let OffenceStep::Forwarded(to) = &call.step {
        office_record(state, to)?;
    }
    require(offence.steps.len() < OFFENCE_STEPS_MAX, "D2", || {
        format!("offence {} has {OFFENCE_STEPS_MAX} steps", call.offence)
    })?;
    let (at_ms, officer) = (context.time_ms, acting.posting.officer);
    offence.steps.push(StepTaken { step: call.step.clone(), at_ms, officer });
    state.put_value(key, &offence);
    let mut outcome = acting.outcome();
    outcome.event(event, subject("offence", &call.offence));
    match &call.about {
        OffenceAbout::Challan(number) => {
            let challan = challan::find(state, number)?;
            let challan = challan.or_reject("D2", || format!("there is no challan {number}; book the vehicle"))?;
            outcome.about(subject("challan", number));
            outcome.about(subject("vehicle", challan.issued.vehicle));
        }
        OffenceAbout::Vehicle(vehicle) => outcome.about(subject("vehicle", vehicle)),
    }
    Ok(outcome)
}
