//! Extending a challan on the road: breakdown, accident, road closure, calamity (M6).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::ReasonCode;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter_u64;
use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Stage};
use crate::mineral::parameters::{EXTENSION_COUNT_MAX, EXTENSION_MIN_MAX};
use crate::mineral::types::{ChallanNumber, reason};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::registry;
use crate::units::MINUTE_MS;

/// Why a truck is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionReason {
    /// The vehicle broke down.
    Breakdown,
    /// An accident.
    Accident,
    /// The road is closed.
    RoadClosure,
    /// Flood, storm or another calamity.
    Calamity,
}

impl ExtensionReason {
    /// As it stands in the document's history.
    fn code(self) -> ReasonCode {
        reason(match self {
            Self::Breakdown => "breakdown",
            Self::Accident => "accident",
            Self::RoadClosure => "road_closure",
            Self::Calamity => "calamity",
        })
    }
}

/// Extends a challan on the road.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district in which the truck stands.
    pub district: DistrictCode,
    /// Why.
    pub reason: ExtensionReason,
    /// By how much, minutes.
    pub minutes: u32,
    /// Digest of the report.
    #[schemars(with = "String")]
    pub report: Hash,
}

pub(super) fn extend(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ExtendChallan,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::DistrictMiningOfficer], &Place::district(call.district))?;
    let mut challan = challan::load(state, &call.challan)?;
    if challan.stage != Stage::InTransit {
        return challan.refuse_stage("extended");
    }
    // One that has expired stays expired: its vehicle may have another by now (M3).
    let live = challan.is_live(context.time_ms);
    require(live, "M6", || format!("challan {} has expired and cannot be extended", call.challan))?;
    let count_max = parameter_u64(state, context, EXTENSION_COUNT_MAX)?;
    let again = u64::from(challan.extensions) < count_max;
    require(again, "M6", || format!("challan {} was extended {count_max} times already", call.challan))?;
    let minutes_max = parameter_u64(state, context, EXTENSION_MIN_MAX)?;
    let minutes = u64::from(call.minutes);
    require((1..=minutes_max).contains(&minutes), "M6", || {
        format!("{minutes} minutes asked; an extension is of 1 to {minutes_max} minutes")
    })?;
    let until_ms = challan.valid_until_ms.checked_add(minutes * MINUTE_MS);
    challan.valid_until_ms = until_ms.or_reject("M6", || "the end is too late".to_owned())?;
    challan.extensions += 1;
    registry::extend(state, context, &challan.uri, challan.valid_until_ms, &call.reason.code())?;
    challan::save(state, &challan);
    Ok(challan.outcome(&acting, "mineral.challan_extended"))
}
