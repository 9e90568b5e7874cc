//! Checks on the road: evidence that is only ever added to (M14).
//!
//! A check is recorded whatever it finds; a refusal would lose evidence. The time at which it was made is the officer's
//! claim, bounded by the block's time and by the window in which checks must reach the ledger.
//!
//! **CLONE.** For each vehicle the last [`SIGHTINGS_MAX`] sightings are kept. A new one is held against each of them:
//! if the distance ([`super::geo`], a lower bound) could be driven in the time between, with the parameter's doubt added,
//! only above the parameter's speed, two vehicles show one plate: the challan is flagged and an alert goes out.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Finding, Stage};
use crate::mineral::geo::{Point, distance_min_m, is_too_far};
use crate::mineral::keys::{check_key, sightings_key};
use crate::mineral::parameters::{CHECK_SYNC_WINDOW_MIN, CLONE_SLACK_MIN, CLONE_SPEED_KMPH, minutes_ms, speed_kmph};
use crate::mineral::types::{ChallanNumber, VehicleId, subject};
use crate::mineral::vehicle;
use crate::refusal::{Refusal, require};
use crate::units::Kilograms;

/// The most sightings kept of one vehicle.
pub const SIGHTINGS_MAX: usize = 16;
/// The most checks of one challan.
pub const CHECKS_MAX: u32 = 256;

/// A checkpost's id, or a patrol's.
pub type CheckpostId = Token<32>;

/// Where a check is made.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckPlace {
    /// The checkpost or patrol.
    #[schemars(with = "String")]
    pub post: CheckpostId,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// The point, microdegrees.
    pub point: Point,
}

/// Records a check of a challan that was shown on the road.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckChallan {
    /// The challan shown.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// The vehicle seen.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// Where.
    pub place: CheckPlace,
    /// When, UTC milliseconds; the officer's claim.
    pub observed_at_ms: u64,
    /// Vehicle and load as weighed, kg.
    pub gross_kg: Option<Kilograms>,
}

/// A check on record.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Check {
    /// What the officer recorded.
    pub made: CheckChallan,
    /// Block time, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// The officer.
    pub officer: PublicKey,
    /// What followed from it.
    pub findings: Set<Finding>,
}

/// A vehicle at a place.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Sighting {
    /// When, UTC milliseconds.
    pub observed_at_ms: u64,
    /// Where.
    pub point: Point,
}

/// A vehicle's last sightings in the order of their times.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize)]
pub struct Sightings {
    /// The sightings.
    pub sightings: Vec<Sighting>,
}

impl Sightings {
    /// Adds one; the oldest makes room.
    fn add(&mut self, sighting: Sighting) {
        let at = self.sightings.partition_point(|earlier| earlier.observed_at_ms <= sighting.observed_at_ms);
        self.sightings.insert(at, sighting);
        if self.sightings.len() > SIGHTINGS_MAX {
            self.sightings.remove(0);
        }
    }
}

/// Whether the vehicle cannot have been where it was seen before and here; takes note of the sighting.
fn is_clone(state: &mut Overlay<'_>, context: &Context<'_>, call: &CheckChallan) -> Result<bool, Refusal> {
    let slack_ms = minutes_ms(state, context, CLONE_SLACK_MIN)?;
    let speed = speed_kmph(state, context, CLONE_SPEED_KMPH)?;
    let key = sightings_key(&call.vehicle);
    let mut seen: Sightings = state.get_value(&key)?.unwrap_or_default();
    let clone = seen.sightings.iter().any(|earlier| {
        let time_ms = earlier.observed_at_ms.abs_diff(call.observed_at_ms).saturating_add(slack_ms);
        is_too_far(distance_min_m(earlier.point, call.place.point), time_ms, speed)
    });
    seen.add(Sighting { observed_at_ms: call.observed_at_ms, point: call.place.point });
    state.put_value(key, &seen);
    Ok(clone)
}

/// What the check says about the challan.
fn findings(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    challan: &Challan,
    call: &CheckChallan,
) -> Result<Set<Finding>, Refusal> {
    let seen_at = call.observed_at_ms;
    let overload = match (call.gross_kg, vehicle::find(state, &call.vehicle)?) {
        (Some(gross), Some(truck)) => gross > vehicle::gross_limit(state, context, &truck)?,
        _ => false,
    };
    let found = [
        (is_clone(state, context, call)?, Finding::Clone),
        (call.vehicle != challan.issued.vehicle, Finding::OtherVehicle),
        (overload, Finding::Overload),
        (seen_at >= challan.valid_until_ms, Finding::Expired),
        (challan.ended_at_ms.is_some_and(|ended| seen_at >= ended), Finding::Spent),
        (challan.gate.is_none() && challan.stage == Stage::Reserved, Finding::NotGatedOut),
    ];
    Ok(found.into_iter().filter_map(|(is, finding)| is.then_some(finding)).collect())
}

fn event_of(finding: Finding) -> &'static str {
    match finding {
        Finding::Clone => "mineral.clone_suspected",
        Finding::OtherVehicle => "mineral.other_vehicle_seen",
        Finding::Overload => "mineral.overload_seen",
        Finding::Expired => "mineral.expired_challan_shown",
        Finding::Spent => "mineral.spent_challan_shown",
        Finding::NotGatedOut => "mineral.ungated_challan_shown",
    }
}

pub(super) fn check(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CheckChallan,
) -> Result<Outcome, Refusal> {
    let place = Place::district(call.place.district);
    let acting = authorise(state, context, posting, &[Role::Enforcement], &place)?;
    let mut challan = challan::load(state, &call.challan)?;
    require(call.place.point.exists(), "M14", || "there is no such place on the globe".to_owned())?;
    require(call.observed_at_ms <= context.time_ms, "M14", || "a check cannot be made in the future".to_owned())?;
    let window_ms = minutes_ms(state, context, CHECK_SYNC_WINDOW_MIN)?;
    require(context.time_ms - call.observed_at_ms <= window_ms, "M14", || {
        format!("a check must reach the ledger within {} minutes", window_ms / 60_000)
    })?;
    let began_ms = challan.issued_at_ms.min(challan.issued.valid_from_ms);
    require(call.observed_at_ms >= began_ms, "M14", || {
        format!("challan {} was not yet issued at that time", call.challan)
    })?;
    require(challan.checks < CHECKS_MAX, "M14", || format!("challan {} has {CHECKS_MAX} checks", call.challan))?;
    let findings = findings(state, context, &challan, call)?;
    let check = Check {
        made: call.clone(),
        recorded_at_ms: context.time_ms,
        officer: acting.posting.officer,
        findings: findings.clone(),
    };
    state.put_value(check_key(&call.challan, challan.checks), &check);
    challan.checks += 1;
    challan.alerts = challan.alerts.iter().chain(findings.iter()).copied().collect();
    challan::save(state, &challan);
    let mut outcome = challan.outcome("mineral.challan_checked");
    outcome.about(subject("vehicle", call.vehicle));
    for finding in findings.iter() {
        outcome.event(event_of(*finding), subject("challan", &call.challan));
    }
    Ok(outcome)
}
