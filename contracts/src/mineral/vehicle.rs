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
use crate::refusal::{OrReject as _, Refusal, reject, require};
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

/// What a vehicle last did under challans.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct VehicleUse {
    /// Its last challan: the only one that can be live (M3).
    pub last: ChallanNumber,
    /// Its last departure (M11), which an intervening cancelled challan does not hide.
    pub departure: Option<Departure>,
}

pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterVehicle,
) -> Result<Outcome, Refusal> {
    authorise(state, context, posting, &[Role::TransportOfficer], &Place::district(call.district))?;
    require(call.unladen_kg.0 > 0, "M4", || "a vehicle has an unladen weight".to_owned())?;
    let known = gvw(state, context, call)?;
    require(call.unladen_kg < known, "M4", || {
        format!("unladen weight {} kg is not below the gross vehicle weight {} kg", call.unladen_kg.0, known.0)
    })?;
    state.put_value(vehicle_key(&call.vehicle), call);
    let mut outcome = Outcome::default();
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

/// Refuses a second live challan (M3) and one sooner than the vehicle can be back (M11); returns the last departure.
///
/// From the gate of the last load back to the same one is at least twice the way; to another one at least the way once.
pub(super) fn require_free(
    state: &Overlay<'_>,
    context: &Context<'_>,
    vehicle: &VehicleId,
    site: &LeaseId,
) -> Result<Option<Departure>, Refusal> {
    let Some(used): Option<VehicleUse> = state.get_value(&vehicle_use_key(vehicle))? else { return Ok(None) };
    let last: Option<Challan> = state.get_value(&challan_key(&used.last))?;
    if last.is_some_and(|challan| challan.is_live(context.time_ms)) {
        return reject("M3", format!("the vehicle has a live challan, {}", used.last));
    }
    if let Some(departure) = &used.departure {
        let ways: u64 = if departure.site == *site { 2 } else { 1 };
        let speed = speed_kmph(state, context, TURN_ROUND_SPEED_KMPH)?;
        let base_ms = minutes_ms(state, context, TURN_ROUND_BASE_MIN)?;
        let road_ms = u128::from(departure.distance_m) * u128::from(ways * HOUR_MS)
            / (u128::from(speed) * u128::from(KILOMETRE_M));
        let earliest = u128::from(departure.at_ms) + u128::from(base_ms) + road_ms;
        require(u128::from(context.time_ms) >= earliest, "M11", || {
            format!("the vehicle left with its last load too short a time ago to load again, {}", used.last)
        })?;
    }
    Ok(used.departure)
}

/// Takes note of the vehicle's new challan.
pub(super) fn note(
    state: &mut Overlay<'_>,
    vehicle: &VehicleId,
    challan: &ChallanNumber,
    departure: Option<Departure>,
) {
    state.put_value(vehicle_use_key(vehicle), &VehicleUse { last: challan.clone(), departure });
}

/// The vehicle's live challan at `time_ms`, for an enforcement officer who sees its plate.
pub fn live_challan(state: &Overlay<'_>, vehicle: &VehicleId, time_ms: u64) -> Result<Option<Challan>, StateError> {
    let Some(used): Option<VehicleUse> = state.get_value(&vehicle_use_key(vehicle))? else { return Ok(None) };
    let last: Option<Challan> = state.get_value(&challan_key(&used.last))?;
    Ok(last.filter(|challan| challan.is_live(time_ms)))
}

/// The registration, refused with M5 if Transport knows none.
pub(super) fn load(state: &Overlay<'_>, id: &VehicleId) -> Result<RegisterVehicle, Refusal> {
    find(state, id)?.or_reject("M5", || "Transport has registered no such vehicle".to_owned())
}
