//! Issuing a challan: the load is reserved and the document enters the registry (M1, M3 to M12).
//!
//! Every challan is admitted by the same rules (`admit`) at the time of its issue, and entered in the same way
//! (`enter`): one issued through the network at the block's time, one issued off it ([`super::offline`]) at the time
//! that its device claims.
//!
//! | Kind | From | To |
//! |---|---|---|
//! | intra | a permit | this state |
//! | stockyard | a stockyard | this state |
//! | inter | a permit or a stockyard | another state |
//! | ISTP, outward | a permit or a stockyard | another state |
//! | ISTP, inward | another state, under that state's pass | this state, or through it to another |

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{OfficeId, Provenance};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter_u64;
use crate::authority::place::{BlockCode, DistrictCode};
use crate::authority::{Acting, PostingId};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Stage, challan_uri};
use crate::mineral::keys::{challan_key, paper_key, pass_key};
use crate::mineral::parameters::{
    HOME_STATE, STATUS_AGE_MAX_MIN, VALIDITY_BASE_MIN, VALIDITY_MAX_MIN, VALIDITY_MIN_MIN, VALIDITY_SPEED_KMPH,
    VALIDITY_START_WINDOW_MIN, minutes_ms, speed_kmph,
};
use crate::mineral::quantity::Quantity;
use crate::mineral::source::{self, Site, Source};
use crate::mineral::types::{
    ChallanNumber, Commitment, MineralCode, PaperNumber, VehicleId, YardId, plain, subject, unused,
};
use crate::mineral::{range, vehicle, yard};
use crate::refusal::{Refusal, reject, require};
use crate::registry::{self, NewDocument};
use crate::units::{HOUR_MS, Kilograms};

/// A route's code.
pub type RouteCode = Token<64>;

/// Metres in a kilometre.
const KILOMETRE_M: u128 = 1_000;

/// The pass under which a load comes from another state.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginPass {
    /// LGD code of the state of origin.
    pub state: u32,
    /// Digest of its pass, which serves once (M12).
    #[schemars(with = "String")]
    pub pass: Hash,
}

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
    /// The pass of the state of origin, for a load that enters from there.
    pub origin_pass: Option<OriginPass>,
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

/// M7: the destination fits kind and source, and a stockyard that is to receive exists.
fn require_destination(state: &Overlay<'_>, context: &Context<'_>, call: &IssueChallan) -> Result<(), Refusal> {
    let home_state = parameter_u64(state, context, HOME_STATE)?;
    let home = u64::from(call.destination.state) == home_state;
    let fits = match (call.kind, &call.source) {
        (ChallanKind::Intra, Source::Permit(_)) | (ChallanKind::Stockyard, Source::Stockyard(_)) => home,
        (ChallanKind::Inter | ChallanKind::Istp, Source::Permit(_) | Source::Stockyard(_)) => !home,
        (ChallanKind::Istp, Source::Entry(_)) => true,
        _ => false,
    };
    require(fits, "M7", || format!("a challan of kind {:?} does not lead from this source there", call.kind))?;
    let enters = matches!(call.source, Source::Entry(_));
    require(enters == call.origin_pass.is_some(), "M7", || {
        "a load from another state names that state's pass, and no other load does".to_owned()
    })?;
    let abroad = call.origin_pass.as_ref().is_none_or(|origin| u64::from(origin.state) != home_state);
    require(abroad, "M7", || "the pass of origin is of another state".to_owned())?;
    if let Receiver::Yard(id) = &call.destination.receiver {
        let district = yard::load(state, id)?.district;
        let there = home && district == call.destination.district;
        require(there, "M7", || format!("stockyard {id} is in district {district} of this state"))?;
    }
    Ok(())
}

/// M10: what came to the stockyard under the parent challan is what leaves.
fn require_parent(state: &Overlay<'_>, call: &IssueChallan) -> Result<(), Refusal> {
    let Some(number) = &call.parent else { return Ok(()) };
    let parent = challan::load(state, number)?;
    let arrived = matches!(parent.stage, Stage::Delivered | Stage::DeliveredLate)
        && match (&call.source, &parent.issued.destination.receiver) {
            (Source::Stockyard(here), Receiver::Yard(there)) => here == there,
            _ => false,
        };
    require(arrived && parent.issued.mineral == call.mineral, "M10", || {
        format!("no {} came to the stockyard under challan {number}", call.mineral)
    })
}

/// M12: security paper and pass of origin are used once.
fn use_papers(state: &mut Overlay<'_>, call: &IssueChallan) -> Result<(), Refusal> {
    use_paper(state, &call.paper, &call.number)?;
    if let Some(origin) = &call.origin_pass {
        let key = pass_key(&origin.pass);
        if let Some(other) = state.get_value::<ChallanNumber>(&key)? {
            return reject("M12", format!("the pass of origin was used for challan {other}"));
        }
        state.put_value(key, &call.number);
    }
    Ok(())
}

/// Uses a security paper up (M12).
pub(super) fn use_paper(state: &mut Overlay<'_>, paper: &PaperNumber, challan: &ChallanNumber) -> Result<(), Refusal> {
    plain("security paper", paper.as_str())?;
    let key = paper_key(paper);
    if let Some(other) = state.get_value::<ChallanNumber>(&key)? {
        return reject("M12", format!("security paper {paper} was used for challan {other}"));
    }
    state.put_value(key, challan);
    Ok(())
}

/// Judges a challan at the context's time by all rules but those on quantity (M3 to M12), uses its papers up, and
/// returns the mass of its load.
pub(super) fn admit(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    call: &IssueChallan,
    site: &Site,
) -> Result<Kilograms, Refusal> {
    plain("challan", call.number.as_str())?;
    unused(state, &challan_key(&call.number), "challan", &call.number)?;
    source::require_open(state, context, &call.source, &call.mineral)?;
    require_destination(state, context, call)?;
    require_parent(state, call)?;
    let truck = vehicle::load(state, &call.vehicle)?;
    vehicle::require_fit(state, context, &truck, call.valid_until_ms)?;
    vehicle::require_free(state, context, &call.vehicle, call.valid_until_ms)?;
    vehicle::require_turned_round(state, context, &call.vehicle, &site.id)?;
    let mass_kg = call.quantity.mass(state, context, &call.mineral)?;
    vehicle::require_load(state, context, &truck, mass_kg)?;
    require_validity(state, context, call)?;
    use_papers(state, call)?;
    Ok(mass_kg)
}

/// Enters an admitted challan whose load is reserved, with its document.
pub(super) fn enter(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    acting: &Acting,
    site: &Site,
    call: &IssueChallan,
    reserved_kg: Kilograms,
) -> Result<Challan, Refusal> {
    let challan = Challan {
        issued: call.clone(),
        site: site.id.clone(),
        uri: challan_uri(&call.number),
        issued_at_ms: context.time_ms,
        offline: None,
        reserved_kg,
        amounts: source::amounts(state, &call.source, reserved_kg)?,
        valid_until_ms: call.valid_until_ms,
        extensions: 0,
        stage: Stage::Reserved,
        gate: None,
        ended_at_ms: None,
        seizure: None,
        took_over: None,
        bill: None,
    };
    registry::issue(state, context, acting.issuer(), document(state, context, &challan)?)?;
    vehicle::note_challan(state, context, &call.vehicle, &call.number)?;
    challan::save(state, &challan);
    Ok(challan)
}

/// The document of a challan as it stands.
pub(super) fn document(state: &Overlay<'_>, context: &Context<'_>, challan: &Challan) -> Result<NewDocument, Refusal> {
    let issued = &challan.issued;
    Ok(NewDocument {
        uri: challan.uri.clone(),
        digest: issued.digest,
        kind: challan::type_code(),
        subject: subject("vehicle", issued.vehicle),
        valid_from_ms: issued.valid_from_ms,
        valid_until_ms: Some(challan.valid_until_ms),
        claims_root: issued.claims_root,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        status_age_max_ms: minutes_ms(state, context, STATUS_AGE_MAX_MIN)?,
    })
}

pub(super) fn issue(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssueChallan,
) -> Result<Outcome, Refusal> {
    let site = source::site(state, &call.source)?;
    let acting = source::authorise_agent(state, context, posting, &site)?;
    range::require_outside(state, &call.number)?;
    let mass_kg = admit(state, context, call, &site)?;
    source::reserve(state, &call.source, &call.mineral, mass_kg)?;
    let challan = enter(state, context, &acting, &site, call, mass_kg)?;
    let mut outcome = challan.outcome(&acting, "mineral.challan_issued");
    outcome.about(call.source.subject());
    Ok(outcome)
}
