//! Transhipment: after a breakdown another vehicle takes the load over, on the road.
//!
//! The paper names the broken vehicle, so the load gets another challan with a paper and a document of its own, which
//! supersedes the old one: whoever is shown the old paper is told so. Load, source, consignee and destination stay as
//! they are, and so does the end: more time is for [`super::extend`]. The new vehicle is judged by M3, M4, M5 and M8.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Stage, challan_uri};
use crate::mineral::issue::{self, IssueChallan};
use crate::mineral::keys::challan_key;
use crate::mineral::types::{ChallanNumber, Commitment, PaperNumber, VehicleId, plain, reason, subject, unused};
use crate::mineral::{range, vehicle};
use crate::refusal::{Refusal, require};
use crate::registry;

/// Moves the load of a challan on the road to another vehicle.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TranshipChallan {
    /// The challan whose load is moved.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// Number of the challan under which it goes on; at least 64 random bits.
    #[schemars(with = "String")]
    pub number: ChallanNumber,
    /// The vehicle that takes it over.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// Commitment to that vehicle's transporter.
    #[schemars(with = "String")]
    pub transporter: Commitment,
    /// LGD code of the district in which the load is moved.
    pub district: DistrictCode,
    /// Digest of the report of breakdown or accident.
    #[schemars(with = "String")]
    pub report: Hash,
    /// Number of the new security paper (M12).
    #[schemars(with = "String")]
    pub paper: PaperNumber,
    /// SHA-256 of the new document's file.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// Root of the new document's salted claims.
    #[schemars(with = "Option<String>")]
    pub claims_root: Option<Hash>,
}

pub(super) fn tranship(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &TranshipChallan,
) -> Result<Outcome, Refusal> {
    let roles = [Role::DistrictMiningOfficer];
    let acting = authorise(state, context, posting, &roles, &Place::district(call.district))?;
    let mut old = challan::load(state, &call.challan)?;
    let (Stage::InTransit, Some(gate)) = (old.stage, old.gate.clone()) else {
        return old.refuse_stage("transhipped");
    };
    let live = old.is_live(context.time_ms);
    require(live, "M6", || format!("challan {} has expired; its load cannot be moved", call.challan))?;
    plain("challan", call.number.as_str())?;
    unused(state, &challan_key(&call.number), "challan", &call.number)?;
    range::require_outside(state, &call.number)?;

    let truck = vehicle::load(state, &call.vehicle)?;
    vehicle::require_fit(state, context, &truck, old.valid_until_ms)?;
    vehicle::require_free(state, context, &call.vehicle, old.valid_until_ms)?;
    vehicle::require_load(state, context, &truck, gate.net_kg)?;
    issue::use_paper(state, &call.paper, &call.number)?;

    old.end(Stage::Transhipped, context);
    challan::save(state, &old);
    let issued = IssueChallan {
        number: call.number.clone(),
        vehicle: call.vehicle,
        transporter: call.transporter,
        paper: call.paper.clone(),
        digest: call.digest,
        claims_root: call.claims_root,
        ..old.issued.clone()
    };
    let new = Challan {
        issued,
        uri: challan_uri(&call.number),
        issued_at_ms: context.time_ms,
        offline: None,
        stage: Stage::InTransit,
        ended_at_ms: None,
        took_over: Some(call.challan.clone()),
        ..old.clone()
    };
    let document = issue::document(state, context, &new)?;
    registry::supersede(state, context, acting.issuer(), document, &old.uri, &reason("transhipped"))?;
    vehicle::note_challan(state, context, &call.vehicle, &call.number)?;
    challan::save(state, &new);
    let mut outcome = new.outcome(&acting, "mineral.challan_transhipped");
    outcome.about(subject("challan", &call.challan));
    outcome.about(subject("vehicle", old.issued.vehicle));
    Ok(outcome)
}
