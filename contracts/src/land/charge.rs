//! Charges: encumbrances by a registered instrument. A charge stays on the plot through every transfer, split and merger;
//! a plot is free of it only by its release (L16).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::deed::{Deed, deed};
use super::history::PlotAct;
use super::keys::{DeedId, PlotId, plot_key};
use super::lineage::LINEAGE_MAX;
use super::office::{acting, require_cited};
use super::types::{CHARGES_MAX, Charge, Plot};
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// Enters a charge; by the registrar.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterCharge {
    /// The plot.
    pub plot: PlotId,
    /// Rank, holder and instrument: a registered mortgage or lease to the holder, over the plot or one it was made from.
    pub charge: Charge,
}

/// Releases a charge; by the registrar on the charge-holder's record.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCharge {
    /// The plot.
    pub plot: PlotId,
    /// The instrument of the charge.
    pub instrument: DeedId,
    /// Digest of the charge-holder's record of satisfaction.
    #[schemars(with = "String")]
    pub satisfaction: Hash,
}

/// Enters a charge on a plot.
pub(super) fn enter(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &EnterCharge,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Registrar], &call.plot.mouza)?;
    let instrument = deed(state, &call.charge.instrument)?;
    require(instrument.kind.encumbers() && instrument.cancelled.is_none(), "L5", || {
        format!("deed {} ({:?}) creates no charge", instrument.id, instrument.kind)
    })?;
    require(instrument.transferees.contains(&call.charge.holder), "L5", || {
        format!("the charge-holder is not a party to whom deed {} gives", instrument.id)
    })?;
    require(covers(state, &instrument, &call.plot)?, "L5", || {
        format!("deed {} does not cover plot {}", instrument.id, call.plot)
    })?;
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let known = plot.charges.iter().any(|charge| charge.instrument == instrument.id);
    require(!known, "D1", || format!("the charge of deed {} is entered already", instrument.id))?;
    require(plot.charges.len() < CHARGES_MAX, "L16", || format!("plot {} has {CHARGES_MAX} charges", call.plot))?;
    let rank = call.charge.rank;
    require(rank > 0, "L16", || "ranks are counted from 1".to_owned())?;
    let at = plot.charges.binary_search_by_key(&rank, |charge| charge.rank).err();
    let at = at.or_reject("D1", || format!("plot {} has a charge of rank {rank} already", call.plot))?;
    plot.charges.insert(at, call.charge.clone());
    book.note(state, &call.plot, PlotAct::Charged(call.charge.clone()))?;
    let mut outcome = officer.outcome();
    outcome.event("land.charge_entered", call.plot.subject());
    outcome.about(instrument.id.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Whether an instrument covers a plot, or the plot was made from one that it covers.
fn covers(state: &Overlay<'_>, instrument: &Deed, plot: &PlotId) -> Result<bool, Refusal> {
    let mut open = vec![plot.clone()];
    for _ in 0..LINEAGE_MAX {
        let Some(id) = open.pop() else { return Ok(false) };
        if instrument.covers(&id).is_some() {
            return Ok(true);
        }
        let known: Option<Plot> = state.get_value(&plot_key(&id))?;
        open.extend(known.into_iter().flat_map(|plot| plot.parents));
    }
    Ok(false)
}

/// Releases a charge.
pub(super) fn release(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReleaseCharge,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Registrar], &call.plot.mouza)?;
    require_cited("charge-holder's record", &call.satisfaction)?;
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let at = plot.charges.iter().position(|charge| charge.instrument == call.instrument);
    let charge = plot
        .charges
        .remove(at.or_reject("L16", || format!("plot {} has no charge of deed {}", call.plot, call.instrument))?);
    book.note(state, &call.plot, PlotAct::Released { charge, satisfaction: call.satisfaction })?;
    let mut outcome = officer.outcome();
    outcome.event("land.charge_released", call.plot.subject());
    outcome.about(call.instrument.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
