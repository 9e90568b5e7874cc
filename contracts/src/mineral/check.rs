//! Checks on the road: evidence that is only ever added to (M14).
//!
//! A check is recorded whatever it finds, whether the challan shown is on record or not, or none was shown at all; a refusal would lose
//! evidence. One made on the network is recorded at once. One made off it is a statement that the checkpost's device
//! sealed ([`super::device`], O1), brought by an officer of the device's office when there is a network again.
//!
//! **PENDING.** A number of an allocated range ([`super::range`]) that is not on record yet may have been issued off the
//! network: the check says so until the range's challans are due, and that it is not on record afterwards.
//!
//! **CLONE.** For each vehicle the last [`SIGHTINGS_MAX`] sightings are kept. A new one is held against each of them:
//! if the distance ([`super::geo`], a lower bound) could be driven in the time between, with the parameter's doubt added,
//! only above the parameter's speed, two vehicles show one plate: the challan is flagged and an alert goes out.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::{Overlay, StateView as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Acting, Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Stage};
use crate::mineral::device::{Purpose, Seal};
use crate::mineral::geo::{Point, distance_min_m, is_too_far};
use crate::mineral::keys::{bare_check_key, bare_checks_key, check_key, checks_key, sightings_key, void_key};
use crate::mineral::parameters::{
    CHECK_SYNC_WINDOW_MIN, CHECK_UNSEALED_MIN, CLONE_SLACK_MIN, CLONE_SPEED_KMPH, minutes_ms, speed_kmph,
};
use crate::mineral::types::{ChallanNumber, VehicleId, plain, subject};
use crate::mineral::{range, vehicle};
use crate::refusal::{Refusal, require};
use crate::units::Kilograms;

/// The most sightings kept of one vehicle.
pub const SIGHTINGS_MAX: usize = 16;
/// The most checks of one challan, or of one vehicle without a challan.
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

/// Records a check on the road.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckChallan {
    /// The challan shown, on record or not; none if the vehicle showed none.
    #[schemars(with = "Option<String>")]
    pub challan: Option<ChallanNumber>,
    /// The vehicle seen.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// Where.
    pub place: CheckPlace,
    /// When, UTC milliseconds; the claim of officer or device.
    pub observed_at_ms: u64,
    /// Vehicle and load as weighed, kg.
    pub gross_kg: Option<Kilograms>,
    /// The device's seal over all the rest, for a check made off the network.
    #[serde(default)]
    pub seal: Option<Seal>,
}

impl CheckChallan {
    /// What a device seals: the check without a seal.
    pub fn unsealed(&self) -> Self {
        Self { seal: None, ..self.clone() }
    }
}

/// What checks on the road find.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Seen at two places that no truck reaches in the time between.
    Clone,
    /// On a vehicle other than the challan's.
    OtherVehicle,
    /// Heavier than the vehicle may be.
    Overload,
    /// Shown after its end.
    Expired,
    /// Shown though it was used up or withdrawn.
    Spent,
    /// Shown though it never passed the gate.
    NotGatedOut,
    /// Shown on the road though it is held.
    Held,
    /// A load without a challan.
    NoChallan,
    /// A number that the ledger does not know.
    NotOnRecord,
    /// A number of a range, perhaps issued off the network and not on record yet. No alert.
    Pending,
    /// Issued off the network though the vehicle has another challan for that time.
    Overlap,
    /// Issued off the network against a rule, and on record as void.
    Void,
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

/// All checks of one challan number, or of one vehicle without a challan.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize)]
pub struct Checks {
    /// How many there are.
    pub count: u32,
    /// What they found, once and for all, and what gave rise to a seizure.
    pub alerts: Set<Finding>,
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

/// What the shown number says, apart from the vehicle.
fn findings_of_number(
    state: &Overlay<'_>,
    context: &Context<'_>,
    call: &CheckChallan,
) -> Result<Vec<Finding>, Refusal> {
    let Some(number) = &call.challan else { return Ok(vec![Finding::NoChallan]) };
    let Some(challan) = challan::find(state, number)? else {
        if state.get(&void_key(number))?.is_some() {
            return Ok(vec![Finding::Void]);
        }
        if !range::is_pending(state, context, number)? {
            return Ok(vec![Finding::NotOnRecord]);
        }
        let other = vehicle::live_challan(state, &call.vehicle, context.time_ms)?;
        return Ok([Finding::Pending].into_iter().chain(other.map(|_| Finding::Overlap)).collect());
    };
    let seen_at = call.observed_at_ms;
    require(seen_at >= challan.begun_ms().min(challan.issued.valid_from_ms), "M14", || {
        format!("challan {number} was not yet issued at that time")
    })?;
    let found = [
        (call.vehicle != challan.issued.vehicle, Finding::OtherVehicle),
        (seen_at >= challan.valid_until_ms, Finding::Expired),
        (challan.ended_at_ms.is_some_and(|ended| seen_at >= ended), Finding::Spent),
        (challan.gate.is_none() && challan.stage == Stage::Reserved, Finding::NotGatedOut),
        (challan.seizure.as_ref().is_some_and(|seizure| seen_at > seizure.at_ms), Finding::Held),
    ];
    Ok(found.into_iter().filter_map(|(is, finding)| is.then_some(finding)).collect())
}

/// What the check says.
fn findings(state: &mut Overlay<'_>, context: &Context<'_>, call: &CheckChallan) -> Result<Set<Finding>, Refusal> {
    let mut found = findings_of_number(state, context, call)?;
    if let (Some(gross), Some(truck)) = (call.gross_kg, vehicle::find(state, &call.vehicle)?)
        && gross > vehicle::gross_limit(state, context, &truck)?
    {
        found.push(Finding::Overload);
    }
    if is_clone(state, context, call)? {
        found.push(Finding::Clone);
    }
    Ok(found.into_iter().collect())
}

fn event_of(finding: Finding) -> &'static str {
    match finding {
        Finding::Clone => "mineral.clone_suspected",
        Finding::OtherVehicle => "mineral.other_vehicle_seen",
        Finding::Overload => "mineral.overload_seen",
        Finding::Expired => "mineral.expired_challan_shown",
        Finding::Spent => "mineral.spent_challan_shown",
        Finding::NotGatedOut => "mineral.ungated_challan_shown",
        Finding::Held => "mineral.held_challan_shown",
        Finding::NoChallan => "mineral.load_without_challan_seen",
        Finding::NotOnRecord => "mineral.unknown_challan_shown",
        Finding::Pending => "mineral.pending_challan_shown",
        Finding::Overlap => "mineral.overlapping_challan_shown",
        Finding::Void => "mineral.void_challan_shown",
    }
}

/// The time of a check is bounded: by the officer's word shortly after, by a device's seal longer (M14, O1).
fn require_time(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    acting: &Acting,
    call: &CheckChallan,
) -> Result<(), Refusal> {
    require(call.observed_at_ms <= context.time_ms, "M14", || "a check cannot be made in the future".to_owned())?;
    let Some(seal) = &call.seal else {
        let window_ms = minutes_ms(state, context, CHECK_UNSEALED_MIN)?;
        return require(context.time_ms - call.observed_at_ms <= window_ms, "M14", || {
            format!("after {} minutes a check needs the seal of the device that made it", window_ms / 60_000)
        });
    };
    let device = seal.verify(state, context, Purpose::Check, &call.unsealed())?;
    let here = device.office == acting.office.id;
    require(here, "O1", || format!("device {} serves office {}", seal.device, device.office))?;
    let window_ms = minutes_ms(state, context, CHECK_SYNC_WINDOW_MIN)?;
    seal.advance(state, context, device, call.observed_at_ms, window_ms)
}

/// Adds alerts to a list of checks.
pub(super) fn raise(
    state: &mut Overlay<'_>,
    key: Vec<u8>,
    findings: impl IntoIterator<Item = Finding>,
) -> Result<(), Refusal> {
    let mut checks: Checks = state.get_value(&key)?.unwrap_or_default();
    checks.alerts = checks.alerts.iter().copied().chain(findings).collect();
    state.put_value(key, &checks);
    Ok(())
}

pub(super) fn check(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CheckChallan,
) -> Result<Outcome, Refusal> {
    let place = Place::district(call.place.district);
    let acting = authorise(state, context, posting, &[Role::Enforcement], &place)?;
    if let Some(number) = &call.challan {
        plain("challan", number.as_str())?;
    }
    require(call.place.point.exists(), "M14", || "there is no such place on the globe".to_owned())?;
    require_time(state, context, &acting, call)?;
    let findings = findings(state, context, call)?;
    let (list, shown) = match &call.challan {
        Some(number) => (checks_key(number), subject("challan", number)),
        None => (bare_checks_key(&call.vehicle), subject("vehicle", call.vehicle)),
    };
    let mut checks: Checks = state.get_value(&list)?.unwrap_or_default();
    require(checks.count < CHECKS_MAX, "M14", || format!("{shown} has {CHECKS_MAX} checks"))?;
    let key = match &call.challan {
        Some(number) => check_key(number, checks.count),
        None => bare_check_key(&call.vehicle, checks.count),
    };
    let check = Check {
        made: call.clone(),
        recorded_at_ms: context.time_ms,
        officer: acting.posting.officer,
        findings: findings.clone(),
    };
    state.put_value(key, &check);
    checks.count += 1;
    let alerts = findings.iter().filter(|finding| **finding != Finding::Pending);
    checks.alerts = checks.alerts.iter().chain(alerts).copied().collect();
    state.put_value(list, &checks);
    let mut outcome = acting.outcome();
    outcome.event("mineral.challan_checked", shown.clone());
    outcome.about(subject("vehicle", call.vehicle));
    for finding in findings.iter() {
        outcome.event(event_of(*finding), shown.clone());
    }
    Ok(outcome)
}
