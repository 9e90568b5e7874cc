//! Issuing a challan: the load is reserved and the document enters the registry (M1, M3 to M12).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{OfficeId, Provenance};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::PostingId;
use crate::authority::parameters::parameter_u64;
use crate::authority::place::{BlockCode, DistrictCode};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Stage, challan_uri};
use crate::mineral::keys::{challan_key, paper_key};
use crate::mineral::parameters::{
    HOME_STATE, STATUS_AGE_MAX_MIN, VALIDITY_BASE_MIN, VALIDITY_MAX_MIN, VALIDITY_MIN_MIN, VALIDITY_SPEED_KMPH,
    VALIDITY_START_WINDOW_MIN, minutes_ms, speed_kmph,
};
use crate::mineral::quantity::Quantity;
use crate::mineral::source::{self, Source};
use crate::mineral::types::{
    ChallanNumber, Commitment, MineralCode, PaperNumber, VehicleId, YardId, plain, subject, unused,
};
use crate::mineral::{vehicle, yard};
use crate::refusal::{OrReject as _, Refusal, reject, require};
use crate::registry::{self, NewDocument};
use crate::units::HOUR_MS;

/// A route's code.
pub type RouteCode = Token<64>;

/// Metres in a kilometre.
const KILOMETRE_M: u128 = 1_000;

/// What a challan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallanKind {
    /// From a lease, within the state.
    Intra,
    /// To another state.
    Inter,
    /// From a stockyard, within the state.
    Stockyard,
    /// Inter-state transit pass (ISTP).
    Istp,
}

/// Who may take delivery.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// A stockyard's agent; the load adds to its balance.
    Yard(#[schemars(with = "String")] YardId),
    /// A receiver or works officer of this office.
    Office(#[schemars(with = "String")] OfficeId),
    /// Whoever knows the consignee's one-time code; this is its SHA-256.
    CodeHash(#[schemars(with = "String")] Hash),
}

/// Where the load goes; fixed once and for all (M7).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// LGD code of the state.
    pub state: u32,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// LGD code of the community development block; none in cities.
    pub block: Option<BlockCode>,
    /// Who may take delivery.
    pub receiver: Receiver,
}

/// Issues a challan.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueChallan {
    /// Its number; at least 64 random bits.
    #[schemars(with = "String")]
    pub number: ChallanNumber,
    /// What it is for.
    pub kind: ChallanKind,
    /// What it draws on.
    pub source: Source,
    /// The mineral.
    #[schemars(with = "String")]
    pub mineral: MineralCode,
    /// The declared load.
    pub quantity: Quantity,
    /// The vehicle.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// Commitment to the transporter.
    #[schemars(with = "String")]
    pub transporter: Commitment,
    /// Commitment to the consignee.
    #[schemars(with = "String")]
    pub consignee: Commitment,
    /// Where it goes.
    pub destination: Destination,
    /// Code of the route.
    #[schemars(with = "String")]
    pub route: RouteCode,
    /// Length of the route, metres.
    pub distance_m: u64,
    /// Start of validity, UTC milliseconds.
    pub valid_from_ms: u64,
    /// End of validity (exclusive), UTC milliseconds; it stands on the signed document.
    pub valid_until_ms: u64,
    /// Number of the security paper (M12).
    #[schemars(with = "String")]
    pub paper: PaperNumber,
    /// The challan under which the load came to the stockyard.
    #[schemars(with = "Option<String>")]
    pub parent: Option<ChallanNumber>,
    /// Digest of the pass of the state of origin.
    #[schemars(with = "Option<String>")]
    pub origin_pass: Option<Hash>,
    /// SHA-256 of the document's file.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// Root of the document's salted claims.
    #[schemars(with = "Option<String>")]
    pub claims_root: Option<Hash>,
}

/// M6: the start lies near the block's time, the end is still to come and no later than the rule gives: a fixed time
/// and the way at a slow truck's speed, between a floor and a ceiling.
fn require_validity(state: &Overlay<'_>, context: &Context<'_>, call: &IssueChallan) -> Result<(), Refusal> {
    let (from_ms, until_ms) = (call.valid_from_ms, call.valid_until_ms);
    require(call.distance_m > 0, "M6", || "the distance is more than nothing".to_owned())?;
    require(from_ms < until_ms && context.time_ms < until_ms, "M6", || "the challan would end at once".to_owned())?;
    let window_ms = minutes_ms(state, context, VALIDITY_START_WINDOW_MIN)?;
    require(from_ms.abs_diff(context.time_ms) <= window_ms, "M6", || {
        format!("the challan starts more than {window_ms} ms before or after now")
    })?;
    let base_ms = minutes_ms(state, context, VALIDITY_BASE_MIN)?;
    let floor_ms = minutes_ms(state, context, VALIDITY_MIN_MIN)?;
    let ceiling_ms = minutes_ms(state, context, VALIDITY_MAX_MIN)?;
    let speed = speed_kmph(state, context, VALIDITY_SPEED_KMPH)?;
    let road_ms = (u128::from(call.distance_m) * u128::from(HOUR_MS)).div_ceil(u128::from(speed) * KILOMETRE_M);
    let rule_ms = (u128::from(base_ms) + road_ms).max(u128::from(floor_ms)).min(u128::from(ceiling_ms));
    require(u128::from(until_ms - from_ms) <= rule_ms, "M6", || {
        let asked_min = (until_ms - from_ms) / 60_000;
        format!("{asked_min} minutes asked; {} m allow {} minutes", call.distance_m, rule_ms / 60_000)
    })
}

/// M7: the destination fits the kind, and a stockyard that is to receive exists.
fn require_destination(state: &Overlay<'_>, context: &Context<'_>, call: &IssueChallan) -> Result<(), Refusal> {
    let home = u64::from(call.destination.state) == parameter_u64(state, context, HOME_STATE)?;
    let from_yard = matches!(call.source, Source::Stockyard(_));
    let fits = match call.kind {
        ChallanKind::Intra => home && !from_yard,
        ChallanKind::Stockyard => home && from_yard,
        ChallanKind::Inter | ChallanKind::Istp => !home,
    };
    require(fits, "M7", || format!("a challan of kind {:?} does not lead from this source there", call.kind))?;
    if let Receiver::Yard(id) = &call.destination.receiver {
        let district = yard::load(state, id)?.district;
        require(district == call.destination.district, "M7", || format!("stockyard {id} is in district {district}"))?;
    }
    Ok(())
}

pub(super) fn issue(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssueChallan,
) -> Result<Outcome, Refusal> {
    let site = source::site(state, &call.source)?;
    let acting = source::authorise_agent(state, context, posting, &site)?;
    plain("challan", call.number.as_str())?;
    unused(state, &challan_key(&call.number), "challan", &call.number)?;
    source::require_open(state, context, &call.source, &call.mineral)?;
    require_destination(state, context, call)?;

    let truck = vehicle::load(state, &call.vehicle)?;
    vehicle::require_fit(state, context, &truck, call.valid_until_ms)?;
    let departure = vehicle::require_free(state, context, &call.vehicle, &site.id)?;
    let reserved_kg = call.quantity.mass(state, context, &call.mineral)?;
    let gross = truck.unladen_kg.checked_add(reserved_kg);
    let gross = gross.or_reject("M4", || "the gross weight is too large".to_owned())?;
    vehicle::require_gross(state, context, &truck, gross)?;
    require_validity(state, context, call)?;

    plain("security paper", call.paper.as_str())?;
    let paper: Option<ChallanNumber> = state.get_value(&paper_key(&call.paper))?;
    if let Some(other) = paper {
        return reject("M12", format!("security paper {} was used for challan {other}", call.paper));
    }
    source::reserve(state, &call.source, &call.mineral, reserved_kg)?;

    let uri = challan_uri(&call.number);
    let document = NewDocument {
        uri: uri.clone(),
        digest: call.digest,
        kind: challan::type_code(),
        subject: subject("vehicle", call.vehicle),
        valid_from_ms: call.valid_from_ms,
        valid_until_ms: Some(call.valid_until_ms),
        claims_root: call.claims_root,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        status_age_max_ms: minutes_ms(state, context, STATUS_AGE_MAX_MIN)?,
    };
    registry::issue(state, context, acting.issuer(), document)?;
    state.put_value(paper_key(&call.paper), &call.number);
    vehicle::note(state, &call.vehicle, &call.number, departure);
    let challan = Challan {
        issued: call.clone(),
        site: site.id,
        uri,
        issued_at_ms: context.time_ms,
        reserved_kg,
        valid_until_ms: call.valid_until_ms,
        extensions: 0,
        stage: Stage::Reserved,
        gate: None,
        ended_at_ms: None,
        checks: 0,
        alerts: Set::default(),
        bill: None,
    };
    challan::save(state, &challan);
    let mut outcome = challan.outcome("mineral.challan_issued");
    match &call.source {
        Source::Permit(permit) => outcome.about(subject("permit", permit)),
        Source::Stockyard(yard) => outcome.about(subject("stockyard", yard)),
    }
    Ok(outcome)
}
