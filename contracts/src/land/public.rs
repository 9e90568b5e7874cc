//! Acts of public power on a plot: freezing, vesting in the Government, settling vested land.
//!
//! Freezing and vesting wait until a second officer of the same role confirms the record's index in time (A6).
//! Unfreezing needs one officer of the office that froze.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Provenance;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::history::PlotAct;
use super::keys::{Cnr, KhatianNumber, PlotId, VESTED_KHATIAN, pending_key};
use super::mutation::Opened;
use super::office::{acting, require_cited};
use super::share::Share;
use super::types::{Freeze, FrozenBy, Holding, OVERLAYS_MAX};
use crate::authority::duties::FirstOfficer;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// A freeze, or its end; by the court entry officer or the land acquisition collector.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezePlot {
    /// The plot.
    pub plot: PlotId,
    /// CNR or number of the order, which the end names again.
    #[schemars(with = "String")]
    pub reference: Cnr,
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
}

/// Vests a plot in the Government; by the collector.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VestPlot {
    /// The plot.
    pub plot: PlotId,
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
}

/// Confirms an act of a first officer.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// Log index of the first officer's record.
    pub record: u64,
}

/// Settles a plot anew; by the collector. It gives vested land to a raiyat, and mends shares too fine to add (L1-DENOM).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlePlot {
    /// The plot.
    pub plot: PlotId,
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
    /// New khatians and their holders.
    pub open: Vec<SettledKhatian>,
    /// Who holds how much from now on, by increasing khatian number.
    pub holdings: Vec<Holding>,
}

/// A khatian that a settlement opens.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettledKhatian {
    /// Number and permission flag.
    pub khatian: Opened,
    /// Commitment to the holder.
    #[schemars(with = "String")]
    pub holder: Hash,
}

/// An act that waits for a second officer.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Pending {
    /// The first officer, and when.
    pub first: FirstOfficer,
    /// The role that the first acted in.
    pub role: Role,
    /// The act.
    pub act: PendingAct,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingAct {
    /// A freeze.
    Freeze(FreezePlot),
    /// A vesting.
    Vest(VestPlot),
}

impl PendingAct {
    fn plot(&self) -> &PlotId {
        match self {
            Self::Freeze(call) => &call.plot,
            Self::Vest(call) => &call.plot,
        }
    }
}

fn frozen_by(role: Role) -> FrozenBy {
    if role == Role::CourtEntry { FrozenBy::Court } else { FrozenBy::Acquisition }
}

fn wait(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    act: PendingAct,
    order: &Hash,
) -> Result<Outcome, Refusal> {
    let plot = act.plot().clone();
    let officer = acting(state, context, posting, roles, &plot.mouza)?;
    require_cited("order", order)?;
    Book::default().live_plot(state, &plot)?;
    let pending = Pending { first: FirstOfficer::now(&officer, context), role: officer.posting.role, act };
    state.put_value(pending_key(context.record), &pending);
    let mut outcome = officer.outcome();
    outcome.event("land.confirmation_awaited", plot.subject());
    Ok(outcome)
}

/// A freeze, in force once confirmed.
pub(super) fn freeze(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &FreezePlot,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::CourtEntry, Role::AcquisitionCollector];
    wait(state, context, posting, roles, PendingAct::Freeze(call.clone()), &call.order)
}

/// A vesting, in force once confirmed.
pub(super) fn vest(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &VestPlot,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::Collector, Role::Dllro];
    wait(state, context, posting, roles, PendingAct::Vest(call.clone()), &call.order)
}

/// A second officer confirms, and the act takes effect.
pub(super) fn confirm(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Confirm,
) -> Result<Outcome, Refusal> {
    let pending: Option<Pending> = state.get_value(&pending_key(call.record))?;
    let pending =
        pending.or_reject("A6", || format!("record {} waits for no confirmation of the land records", call.record))?;
    let roles: &[Role] = match pending.act {
        PendingAct::Freeze(_) => &[pending.role],
        PendingAct::Vest(_) => &[Role::Collector, Role::Dllro],
    };
    let officer = acting(state, context, posting, roles, &pending.act.plot().mouza)?;
    pending.first.confirm(state, context, &officer)?;
    state.delete(pending_key(call.record));
    let mut book = Book::default();
    let plot = book.live_plot(state, pending.act.plot())?;
    let event = match &pending.act {
        PendingAct::Freeze(call) => {
            require(plot.freezes.len() < OVERLAYS_MAX, "D2", || {
                format!("plot {} has {OVERLAYS_MAX} freezes", call.plot)
            })?;
            let freeze = Freeze { by: frozen_by(pending.role), reference: call.reference.clone(), order: call.order };
            let known = plot.freezes.iter().any(|other| other.by == freeze.by && other.reference == freeze.reference);
            require(!known, "D2", || format!("plot {} is frozen by order {} already", call.plot, call.reference))?;
            plot.freezes.push(freeze.clone());
            book.note(state, &call.plot, PlotAct::Frozen(freeze))?;
            "land.plot_frozen"
        }
        PendingAct::Vest(call) => {
            require(!plot.vested, "D2", || format!("plot {} is vested already", call.plot))?;
            plot.vested = true;
            plot.holdings = vec![Holding { khatian: VESTED_KHATIAN, share: Share::WHOLE }];
            plot.remainder = Share::ZERO;
            book.note(state, &call.plot, PlotAct::Vested { order: call.order })?;
            "land.plot_vested"
        }
    };
    let mut outcome = officer.outcome();
    outcome.event(event, pending.act.plot().subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Ends a freeze.
pub(super) fn unfreeze(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &FreezePlot,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::CourtEntry, Role::AcquisitionCollector];
    let officer = acting(state, context, posting, roles, &call.plot.mouza)?;
    require_cited("order", &call.order)?;
    let by = frozen_by(officer.posting.role);
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let at = plot.freezes.iter().position(|freeze| freeze.by == by && freeze.reference == call.reference);
    plot.freezes.remove(
        at.or_reject("D2", || format!("plot {} is not frozen by order {} of this office", call.plot, call.reference))?,
    );
    let (reference, order) = (call.reference.clone(), call.order);
    book.note(state, &call.plot, PlotAct::Unfrozen { by, reference, order })?;
    let mut outcome = officer.outcome();
    outcome.event("land.plot_unfrozen", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Settles a plot: the holdings are as the order says.
pub(super) fn settle(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &SettlePlot,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Collector], &call.plot.mouza)?;
    require_cited("settlement order", &call.order)?;
    let mut book = Book::default();
    for SettledKhatian { khatian, holder } in &call.open {
        let id = call.plot.khatian(khatian.number);
        book.open_khatian(state, id, *holder, khatian.permission_required, Provenance::Decided)?;
    }
    let numbers: Vec<KhatianNumber> = call.holdings.iter().map(|holding| holding.khatian).collect();
    for number in &numbers {
        book.khatian(state, &call.plot.khatian(*number))?;
    }
    require(numbers.len() <= super::types::HOLDINGS_MAX, "L1", || "too many holdings".to_owned())?;
    let plot = book.live_plot(state, &call.plot)?;
    plot.holdings = call.holdings.clone();
    plot.remainder = Share::ZERO;
    plot.vested = numbers.contains(&VESTED_KHATIAN);
    book.note(state, &call.plot, PlotAct::Settled { order: call.order, holdings: call.holdings.clone() })?;
    let mut outcome = officer.outcome();
    outcome.event("land.plot_settled", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
