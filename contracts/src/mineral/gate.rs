//! At the gate: the weighed load leaves, or the reservation goes back (M1, M4, M10).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Standing;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter_u64;
use crate::authority::{Acting, PostingId};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Gate, Stage};
use crate::mineral::parameters::GATE_TOLERANCE_PERMILLE;
use crate::mineral::quantity::with_tolerance;
use crate::mineral::types::ChallanNumber;
use crate::mineral::vehicle::Departure;
use crate::mineral::{source, vehicle};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Kilograms;

/// Lets a weighed load out.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateOut {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// Digest of the weight slip.
    #[schemars(with = "String")]
    pub slip: Hash,
    /// Vehicle and load, kg.
    pub gross_kg: Kilograms,
    /// The empty vehicle, kg.
    pub tare_kg: Kilograms,
}

/// A weighing, wherever it was made.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighing {
    /// Digest of the weight slip.
    #[schemars(with = "String")]
    pub slip: Hash,
    /// Vehicle and load, kg.
    pub gross_kg: Kilograms,
    /// The empty vehicle, kg.
    pub tare_kg: Kilograms,
}

/// Withdraws a challan before the gate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
}

/// Closes a challan that ended without passing the gate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LapseChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
}

/// The challan, after checking that its site's own agent acts.
fn load_for_agent(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    number: &ChallanNumber,
) -> Result<(Challan, Acting), Refusal> {
    let challan = challan::load(state, number)?;
    let site = source::site(state, &challan.issued.source)?;
    let acting = source::authorise_agent(state, context, posting, &site)?;
    Ok((challan, acting))
}

pub(super) fn gate_out(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &GateOut,
) -> Result<Outcome, Refusal> {
    let (mut challan, acting) = load_for_agent(state, context, posting, &call.challan)?;
    source::require_open(state, context, &challan.issued.source, &challan.issued.mineral)?;
    // Transport may have changed the registration since the issue.
    let truck = vehicle::load(state, &challan.issued.vehicle)?;
    vehicle::require_fit(state, context, &truck, challan.valid_until_ms)?;
    let weighed = Weighing { slip: call.slip, gross_kg: call.gross_kg, tare_kg: call.tare_kg };
    leave(state, context, &mut challan, &weighed)?;
    Ok(challan.outcome(&acting, "mineral.challan_gated_out"))
}

/// The load of a challan leaves as weighed, at the context's time (M1, M4, M6, M10).
pub(super) fn leave(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    challan: &mut Challan,
    weighed: &Weighing,
) -> Result<(), Refusal> {
    if challan.stage != Stage::Reserved {
        return challan.refuse_stage("let out");
    }
    let number = challan.number();
    require(context.time_ms < challan.valid_until_ms, "M6", || format!("challan {number} has expired"))?;
    let begun = context.time_ms >= challan.issued.valid_from_ms;
    require(begun, "M6", || format!("challan {number} is not valid yet"))?;
    let net_kg = weighed.gross_kg.checked_sub(weighed.tare_kg).filter(|net| net.0 > 0);
    let net_kg = net_kg.or_reject("M1", || "the slip shows no load: gross is not above tare".to_owned())?;
    let permille = parameter_u64(state, context, GATE_TOLERANCE_PERMILLE)?;
    let most = with_tolerance(challan.reserved_kg, permille);
    require(net_kg <= most, "M1", || {
        format!("{} kg weighed; {} kg reserved, {} kg with tolerance", net_kg.0, challan.reserved_kg.0, most.0)
    })?;
    let truck = vehicle::load(state, &challan.issued.vehicle)?;
    vehicle::require_gross(state, context, &truck, weighed.gross_kg)?;
    source::settle(state, &challan.issued.source, &challan.issued.mineral, challan.reserved_kg, net_kg)?;
    let departure =
        Departure { at_ms: context.time_ms, site: challan.site.clone(), distance_m: challan.issued.distance_m };
    vehicle::note_departure(state, &challan.issued.vehicle, departure)?;
    challan.gate = Some(Gate { at_ms: context.time_ms, slip: weighed.slip, gross_kg: weighed.gross_kg, net_kg });
    challan.amounts = source::amounts(state, &challan.issued.source, net_kg)?;
    challan.stage = Stage::InTransit;
    challan::save(state, challan);
    Ok(())
}

/// Gives the reservation back and ends the challan.
fn withdraw(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    challan: &mut Challan,
    stage: Stage,
) -> Result<(), Refusal> {
    source::give_back(state, &challan.issued.source, &challan.issued.mineral, challan.reserved_kg)?;
    challan.end(stage, context);
    challan::save(state, challan);
    Ok(())
}

pub(super) fn cancel(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CancelChallan,
) -> Result<Outcome, Refusal> {
    let (mut challan, acting) = load_for_agent(state, context, posting, &call.challan)?;
    if challan.stage != Stage::Reserved {
        return challan.refuse_stage("cancelled");
    }
    challan::move_document(state, context, &challan, Standing::Cancelled, "cancelled")?;
    withdraw(state, context, &mut challan, Stage::Cancelled)?;
    Ok(challan.outcome(&acting, "mineral.challan_cancelled"))
}

pub(super) fn lapse(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &LapseChallan,
) -> Result<Outcome, Refusal> {
    let (mut challan, acting) = load_for_agent(state, context, posting, &call.challan)?;
    if challan.stage != Stage::Reserved {
        return challan.refuse_stage("lapsed");
    }
    let over = context.time_ms >= challan.valid_until_ms;
    require(over, "D2", || format!("challan {} has not expired; cancel it instead", call.challan))?;
    withdraw(state, context, &mut challan, Stage::Lapsed)?;
    Ok(challan.outcome(&acting, "mineral.challan_lapsed"))
}
