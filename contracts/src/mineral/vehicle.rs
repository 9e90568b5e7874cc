//! Vehicles, registered by Transport alone: class, weights, papers, tracking device (M3, M4, M5, M8, M11).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::{Overlay, StateError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter_u64;
use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::Challan;
use crate::mineral::keys::{challan_key, vehicle_key, vehicle_use_key};
use crate::mineral::parameters::{
    GVW_ARTICULATED_KG, GVW_AXLES_2_KG, GVW_AXLES_3_KG, GVW_RIGID_KG, GVW_TOLERANCE_PERMILLE, TURN_ROUND_BASE_MIN,
    TURN_ROUND_SPEED_KMPH, VLTD_WHEELS_MIN, minutes_ms, speed_kmph,
};
use crate::mineral::quantity::with_tolerance;
use crate::mineral::types::{ChallanNumber, LeaseId, VehicleId, subject};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::{HOUR_MS, Kilograms};

/// Metres in a kilometre.
const KILOMETRE_M: u64 = 1_000;

/// What a vehicle is registered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VehicleClass {
    /// A rigid goods vehicle.
    GoodsRigid,
    /// An articulated goods vehicle.
    GoodsArticulated,
    /// A motorcycle, scooter or moped.
    TwoWheeler,
    /// A three-wheeler for passengers.
    ThreeWheeler,
    /// A car or taxi.
    Car,
    /// An ambulance.
    Ambulance,
    /// A bus.
    Bus,
    /// A tractor with an agricultural trailer.
    AgriculturalTractor,
    /// Anything else.
    Other,
}

impl VehicleClass {
    /// Whether it may carry minerals (M5).
    pub fn is_goods(self) -> bool {
        matches!(self, Self::GoodsRigid | Self::GoodsArticulated)
    }
}

/// Registers a vehicle, or brings its registration up to date.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterVehicle {
    /// The vehicle.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// LGD code of the registering office's district.
    pub district: DistrictCode,
    /// Class.
    pub class: VehicleClass,
    /// Number of axles.
    pub axles: u8,
    /// Number of wheels.
    pub wheels: u8,
    /// Gross vehicle weight, kg; without it the parameter for its axles holds.
    pub gvw_kg: Option<Kilograms>,
    /// Unladen weight, kg.
    pub unladen_kg: Kilograms,
    /// End of fitness (exclusive), UTC milliseconds.
    pub fitness_until_ms: u64,
    /// End of the goods permit (exclusive), UTC milliseconds.
    pub permit_until_ms: u64,
    /// End of the paid tax (exclusive), UTC milliseconds.
    pub tax_until_ms: u64,
    /// End of the tracking device's certificate (exclusive), UTC milliseconds; none without a device.
    pub vltd_until_ms: Option<u64>,
}

/// A departure through a gate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Departure {
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// The lease or stockyard.
    pub site: LeaseId,
    /// Declared distance of the journey, metres.
    pub distance_m: u64,
}

/// The most challans that are remembered of one vehicle. One that was issued off the network is held against them.
pub const RECENT_MAX: usize = 8;

/// What a vehicle last did under challans. Among `recent` is the live one, if there is one (M3).
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize)]
pub struct VehicleUse {
    /// Its last challans in the order of their records.
    pub recent: Vec<ChallanNumber>,
    /// Its last departure (M11), which an intervening cancelled challan does not hide.
    pub departure: Option<Departure>,
}

pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterVehicle,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::TransportOfficer], &Place::district(call.district))?;
    require(call.unladen_kg.0 > 0, "M4", || "a vehicle has an unladen weight".to_owned())?;
    let known = gvw(state, context, call)?;
    require(call.unladen_kg < known, "M4", || {
        format!("unladen weight {} kg is not below the gross vehicle weight {} kg", call.unladen_kg.0, known.0)
    })?;
    state.put_value(vehicle_key(&call.vehicle), call);
    let mut outcome = acting.outcome();
    outcome.event("mineral.vehicle_registered", subject("vehicle", call.vehicle));
    Ok(outcome)
}

/// The registration, if there is one.
pub(super) fn find(state: &Overlay<'_>, id: &VehicleId) -> Result<Option<RegisterVehicle>, Refusal> {
    Ok(state.get_value(&vehicle_key(id))?)
}

/// The gross vehicle weight: as registered, else by class and axles.
fn gvw(state: &Overlay<'_>, context: &Context<'_>, vehicle: &RegisterVehicle) -> Result<Kilograms, Refusal> {
    if let Some(registered) = vehicle.gvw_kg {
        return Ok(registered);
    }
    let name = match (vehicle.class, vehicle.axles) {
        (VehicleClass::GoodsArticulated, _) => GVW_ARTICULATED_KG,
        (_, ..=2) => GVW_AXLES_2_KG,
        (_, 3) => GVW_AXLES_3_KG,
        _ => GVW_RIGID_KG,
    };
    Ok(Kilograms(parameter_u64(state, context, name)?))
}

/// The heaviest that the vehicle may be on the road: gross vehicle weight and tolerance (M4).
pub(super) fn gross_limit(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &RegisterVehicle,
) -> Result<Kilograms, Refusal> {
    let permille = parameter_u64(state, context, GVW_TOLERANCE_PERMILLE)?;
    Ok(with_tolerance(gvw(state, context, vehicle)?, permille))
}

/// Refuses a gross weight above what the vehicle may be (M4).
pub(super) fn require_gross(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &RegisterVehicle,
    gross: Kilograms,
) -> Result<(), Refusal> {
    let limit = gross_limit(state, context, vehicle)?;
    require(gross <= limit, "M4", || {
        format!("gross weight {} kg; the vehicle may weigh {} kg with tolerance", gross.0, limit.0)
    })
}

/// Refuses a load with which the vehicle would weigh more than it may (M4).
pub(super) fn require_load(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &RegisterVehicle,
    load: Kilograms,
) -> Result<(), Refusal> {
    let gross = vehicle.unladen_kg.checked_add(load);
    require_gross(state, context, vehicle, gross.or_reject("M4", || "the gross weight is too large".to_owned())?)
}

/// Refuses a vehicle that may not carry minerals until `until_ms`: class and papers (M5), tracking device (M8).
pub(super) fn require_fit(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &RegisterVehicle,
    until_ms: u64,
) -> Result<(), Refusal> {
    let class = vehicle.class;
    require(class.is_goods(), "M5", || format!("minerals travel on goods vehicles only; this is a {class:?}"))?;
    let papers = [
        ("fitness", vehicle.fitness_until_ms),
        ("goods permit", vehicle.permit_until_ms),
        ("tax", vehicle.tax_until_ms),
    ];
    for (paper, ends_ms) in papers {
        require(ends_ms >= until_ms, "M5", || format!("the vehicle's {paper} ends before the challan"))?;
    }
    let wheels_min = parameter_u64(state, context, VLTD_WHEELS_MIN)?;
    let tracked = vehicle.vltd_until_ms.is_some_and(|ends_ms| ends_ms >= until_ms);
    require(u64::from(vehicle.wheels) < wheels_min || tracked, "M8", || {
        format!("from {wheels_min} wheels a vehicle needs a tracking device (VLTD) certified until the challan ends")
    })
}

fn load_use(state: &Overlay<'_>, vehicle: &VehicleId) -> Result<VehicleUse, StateError> {
    Ok(state.get_value(&vehicle_use_key(vehicle))?.unwrap_or_default())
}

/// Refuses a second challan that would be live at the same time, from now until `until_ms` (M3).
pub(super) fn require_free(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &VehicleId,
    until_ms: u64,
) -> Result<(), Refusal> {
    for number in load_use(state, vehicle)?.recent {
        let other: Option<Challan> = state.get_value(&challan_key(&number))?;
        let live = other.is_some_and(|challan| challan.is_live_within(context.time_ms, until_ms));
        require(!live, "M3", || format!("the vehicle has a live challan, {number}"))?;
    }
    Ok(())
}

/// Refuses a load sooner than the vehicle can be back from its last one (M11): from the gate of that load back to the
/// same one is at least twice the way; to another one at least the way once. A departure later than now says nothing.
pub(super) fn require_turned_round(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &VehicleId,
    site: &LeaseId,
) -> Result<(), Refusal> {
    let departure = load_use(state, vehicle)?.departure.filter(|departure| departure.at_ms <= context.time_ms);
    let Some(departure) = departure else { return Ok(()) };
    let ways: u64 = if departure.site == *site { 2 } else { 1 };
    let speed = speed_kmph(state, context, TURN_ROUND_SPEED_KMPH)?;
    let base_ms = minutes_ms(state, context, TURN_ROUND_BASE_MIN)?;
    let road_ms =
        u128::from(departure.distance_m) * u128::from(ways * HOUR_MS) / (u128::from(speed) * u128::from(KILOMETRE_M));
    let earliest_ms = u128::from(departure.at_ms) + u128::from(base_ms) + road_ms;
    require(u128::from(context.time_ms) >= earliest_ms, "M11", || {
        format!("the vehicle left {} with a load too short a time ago to load again", departure.site)
    })
}

/// Takes note of a new challan of the vehicle; the oldest that is no longer live makes room.
pub(super) fn note_challan(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    vehicle: &VehicleId,
    challan: &ChallanNumber,
) -> Result<(), Refusal> {
    let mut used = load_use(state, vehicle)?;
    if used.recent.len() >= RECENT_MAX {
        let mut over = 0;
        for (at, number) in used.recent.iter().enumerate() {
            let other: Option<Challan> = state.get_value(&challan_key(number))?;
            if !other.is_some_and(|challan| challan.is_live(context.time_ms)) {
                over = at;
                break;
            }
        }
        used.recent.remove(over);
    }
    used.recent.push(challan.clone());
    state.put_value(vehicle_use_key(vehicle), &used);
    Ok(())
}

/// Takes note of a departure, unless a later one is on record.
pub(super) fn note_departure(
    state: &mut Overlay<'_>,
    vehicle: &VehicleId,
    departure: Departure,
) -> Result<(), Refusal> {
    let mut used = load_use(state, vehicle)?;
    if used.departure.as_ref().is_none_or(|last| last.at_ms <= departure.at_ms) {
        used.departure = Some(departure);
        state.put_value(vehicle_use_key(vehicle), &used);
    }
    Ok(())
}

/// The vehicle's live challan at `time_ms`, for an enforcement officer who sees its plate.
pub fn live_challan(state: &Overlay<'_>, vehicle: &VehicleId, time_ms: u64) -> Result<Option<Challan>, StateError> {
    for number in load_use(state, vehicle)?.recent.iter().rev() {
        let challan: Option<Challan> = state.get_value(&challan_key(number))?;
        if let Some(live) = challan.filter(|challan| challan.is_live(time_ms)) {
            return Ok(Some(live));
        }
    }
    Ok(None)
}

/// The registration, refused with M5 if Transport knows none.
pub(super) fn load(state: &Overlay<'_>, id: &VehicleId) -> Result<RegisterVehicle, Refusal> {
    find(state, id)?.or_reject("M5", || "Transport has registered no such vehicle".to_owned())
}
