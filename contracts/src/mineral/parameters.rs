//! Names of the dated parameters that this room judges by. No such number stands in the code.
//!
//! | Name | Unit |
//! |---|---|
//! | `mineral/royalty/<MINERAL>` | paise a m³ |
//! | `mineral/royalty_tonne/<MINERAL>` | paise a tonne, for minerals that are sold by mass |
//! | `mineral/density/<MINERAL>` | kg a m³ |
//! | `mineral/dmf_permille`, `mineral/cess_permille` | permille of the royalty |
//! | `mineral/gate_tolerance_permille` | permille of the reservation, by which the weighed load may exceed it (M1) |
//! | `mineral/gvw_tolerance_permille` | permille of the gross vehicle weight (M4) |
//! | `mineral/gvw_kg/axles_2`, `…/axles_3`, `…/rigid`, `…/articulated` | kg, where a registration names no weight (M4) |
//! | `mineral/validity/base_min`, `…/min_min`, `…/max_min`, `…/start_window_min` | minutes (M6) |
//! | `mineral/validity/speed_kmph` | km/h that the rule allows for (M6) |
//! | `mineral/extension/count_max`, `mineral/extension/min_max` | number; minutes each (M6) |
//! | `mineral/vltd_wheels_min` | wheels from which a tracking device is needed (M8) |
//! | `mineral/turn_round/base_min`, `mineral/turn_round/speed_kmph` | minutes; km/h (M11) |
//! | `mineral/clone/speed_kmph`, `mineral/clone/slack_min` | km/h that no truck exceeds; minutes of doubt (M14) |
//! | `mineral/check/unsealed_min` | minutes in which a check that no device sealed must reach the ledger (M14) |
//! | `mineral/check/sync_window_min` | minutes in which a check sealed by a device must reach the ledger (O1) |
//! | `mineral/range/count_max`, `mineral/range/window_min_max` | numbers of a range; minutes in which they are issued (O2) |
//! | `mineral/range/sync_min` | minutes after its window in which a range's challans must reach the ledger (O2) |
//! | `mineral/raiyati_class/<class>` | 1 where mining leases are granted on raiyati land of this use, else 0 (M15) |
//! | `mineral/status_age_max_min` | minutes: oldest proof of a challan's present status |
//! | `mineral/home_state` | LGD code of the state |

use dalil_ledger::state::Overlay;

use crate::authority::parameters::parameter_u64;
use crate::context::Context;
use crate::land::types::LandClass;
use crate::mineral::types::MineralCode;
use crate::refusal::{OrReject as _, Refusal};
use crate::units::MINUTE_MS;

/// DMF share of the royalty, permille.
pub const DMF_PERMILLE: &str = "mineral/dmf_permille";
/// Cess share of the royalty, permille.
pub const CESS_PERMILLE: &str = "mineral/cess_permille";
/// Tolerance above the reservation at gate-out, permille (M1).
pub const GATE_TOLERANCE_PERMILLE: &str = "mineral/gate_tolerance_permille";
/// Tolerance above the gross vehicle weight, permille (M4).
pub const GVW_TOLERANCE_PERMILLE: &str = "mineral/gvw_tolerance_permille";
/// Gross vehicle weight of two axles, kg (M4).
pub const GVW_AXLES_2_KG: &str = "mineral/gvw_kg/axles_2";
/// Gross vehicle weight of three axles, kg (M4).
pub const GVW_AXLES_3_KG: &str = "mineral/gvw_kg/axles_3";
/// Gross vehicle weight of longer rigid vehicles, kg (M4).
pub const GVW_RIGID_KG: &str = "mineral/gvw_kg/rigid";
/// Gross vehicle weight of articulated vehicles, kg (M4).
pub const GVW_ARTICULATED_KG: &str = "mineral/gvw_kg/articulated";
/// Fixed part of a challan's validity, minutes (M6).
pub const VALIDITY_BASE_MIN: &str = "mineral/validity/base_min";
/// Speed that a challan's validity allows for, km/h (M6).
pub const VALIDITY_SPEED_KMPH: &str = "mineral/validity/speed_kmph";
/// The shortest validity that the rule gives, minutes (M6).
pub const VALIDITY_MIN_MIN: &str = "mineral/validity/min_min";
/// The longest validity that the rule gives, minutes (M6).
pub const VALIDITY_MAX_MIN: &str = "mineral/validity/max_min";
/// How far a challan's start may lie from the block's time, minutes (M6).
pub const VALIDITY_START_WINDOW_MIN: &str = "mineral/validity/start_window_min";
/// The most extensions of one challan (M6).
pub const EXTENSION_COUNT_MAX: &str = "mineral/extension/count_max";
/// The longest extension, minutes (M6).
pub const EXTENSION_MIN_MAX: &str = "mineral/extension/min_max";
/// Wheels from which a vehicle location tracking device is needed (M8).
pub const VLTD_WHEELS_MIN: &str = "mineral/vltd_wheels_min";
/// Fixed part of the turn-round, minutes (M11).
pub const TURN_ROUND_BASE_MIN: &str = "mineral/turn_round/base_min";
/// Speed at which the turn-round is reckoned, km/h (M11).
pub const TURN_ROUND_SPEED_KMPH: &str = "mineral/turn_round/speed_kmph";
/// Speed that no truck exceeds on the straight line, km/h (M14).
pub const CLONE_SPEED_KMPH: &str = "mineral/clone/speed_kmph";
/// Doubt in the times of two checks, minutes (M14).
pub const CLONE_SLACK_MIN: &str = "mineral/clone/slack_min";
/// Time in which a check that no device sealed must reach the ledger, minutes (M14).
pub const CHECK_UNSEALED_MIN: &str = "mineral/check/unsealed_min";
/// Time in which a sealed road check must reach the ledger, minutes (O1).
pub const CHECK_SYNC_WINDOW_MIN: &str = "mineral/check/sync_window_min";
/// The most numbers of one range (O2).
pub const RANGE_COUNT_MAX: &str = "mineral/range/count_max";
/// The longest time in which a range's numbers are issued, minutes (O2).
pub const RANGE_WINDOW_MIN_MAX: &str = "mineral/range/window_min_max";
/// Time after its window in which a range's challans must reach the ledger, minutes (O2).
pub const RANGE_SYNC_MIN: &str = "mineral/range/sync_min";
/// Oldest proof of a challan's present status, minutes.
pub const STATUS_AGE_MAX_MIN: &str = "mineral/status_age_max_min";
/// LGD code of the state that the chain serves.
pub const HOME_STATE: &str = "mineral/home_state";

/// Royalty, paise a m³.
pub fn royalty_name(mineral: &MineralCode) -> String {
    format!("mineral/royalty/{mineral}")
}

/// Royalty, paise a tonne.
pub fn royalty_tonne_name(mineral: &MineralCode) -> String {
    format!("mineral/royalty_tonne/{mineral}")
}

/// Density, kg a m³.
pub fn density_name(mineral: &MineralCode) -> String {
    format!("mineral/density/{mineral}")
}

/// Whether mining leases are granted on raiyati land of a use: 1 or 0.
pub fn raiyati_class_name(class: LandClass) -> String {
    let class = match class {
        LandClass::Shali => "shali",
        LandClass::Sona => "sona",
        LandClass::Danga => "danga",
        LandClass::Bastu => "bastu",
        LandClass::Pukur => "pukur",
        LandClass::Doba => "doba",
        LandClass::Bagan => "bagan",
        LandClass::Road => "road",
        LandClass::River => "river",
        LandClass::Karkhana => "karkhana",
        LandClass::Commercial => "commercial",
    };
    format!("mineral/raiyati_class/{class}")
}

/// A parameter of minutes, in milliseconds.
pub(super) fn minutes_ms(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<u64, Refusal> {
    let minutes = parameter_u64(state, context, name)?;
    minutes.checked_mul(MINUTE_MS).or_reject("P1", || format!("parameter {name} is too large"))
}

/// A speed that is not zero, in km/h.
pub(super) fn speed_kmph(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<u64, Refusal> {
    let speed = parameter_u64(state, context, name)?;
    (speed > 0).then_some(speed).or_reject("P1", || format!("parameter {name} is zero"))
}
