//! Charges: encumbrances by a registered instrument. A charge stays on the plot through every transfer, split and merger;
//! a plot is free of it only by its release (L16).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::deed::deed;
use super::keys::{DeedId, PlotId};
use super::office::{acting, require_cited};
use super::types::{CHARGES_MAX, Charge};
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// Enters a charge; by the registrar.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterCharge {
    /// The plot.
    pub plot: PlotId,
    /// Rank, holder and instrument: a registered mortgage or lease that covers the plot.
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
    acting(state, context, posting, &[Role::Registrar], &call.plot.mouza)?;
    let instrument = deed(state, &call.charge.instrument)?;
    require(instrument.kind.encumbers() && instrument.cancelled.is_none(), "L5", || {
        format!("deed {} ({:?}) creates no charge", instrument.id, instrument.kind)
    })?;
    require(instrument.covers(&call.plot).is_some(), "L5", || {
        format!("deed {} does not cover plot {}", instrument.id, call.plot)
    })?;
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let known = plot.charges.iter().any(|charge| charge.instrument == instrument.id);
    require(!known, "D1", || format!("the charge of deed {} is entered already", instrument.id))?;
    require(plot.charges.len() < CHARGES_MAX, "L16", || format!("plot {} has {CHARGES_MAX} charges", call.plot))?;
    let rank = call.charge.rank;
    let at = plot.charges.binary_search_by_key(&rank, |charge| charge.rank).err();
    let at = at.or_reject("D1", || format!("plot {} has a charge of rank {rank} already", call.plot))?;
    plot.charges.insert(at, call.charge.clone());
    let mut outcome = Outcome::default();
    outcome.event("land.charge_entered", call.plot.subject());
    outcome.about(instrument.id.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Releases a charge.
pub(super) fn release(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReleaseCharge,
) -> Result<Outcome, Refusal> {
    acting(state, context, posting, &[Role::Registrar], &call.plot.mouza)?;
    require_cited("charge-holder's record", &call.satisfaction)?;
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let at = plot.charges.iter().position(|charge| charge.instrument == call.instrument);
    plot.charges
        .remove(at.or_reject("L16", || format!("plot {} has no charge of deed {}", call.plot, call.instrument))?);
    let mut outcome = Outcome::default();
    outcome.event("land.charge_released", call.plot.subject());
    outcome.about(call.instrument.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
