//! Dividing and merging plots (L7): area is conserved, the old plots retire, and charges and bars go over (L16).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Provenance;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::history::PlotAct;
use super::keys::{PlotId, ulpin_key};
use super::office::{acting, require_cited};
use super::types::{CHARGES_MAX, OVERLAYS_MAX, PLOTS_MAX, Plot};
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Area;

/// A part of a divided plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its bata number.
    pub bata: u32,
    /// Its area in 1/10,000 acre.
    pub area: Area,
}

/// Divides a plot; by the surveyor.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The plot.
    pub plot: PlotId,
    /// The parts; their areas sum to the plot's.
    pub parts: Vec<Part>,
    /// Digest of the survey (L4).
    #[schemars(with = "String")]
    pub survey: Hash,
}

/// Merges plots of one mouza with the same khatians and shares; by the surveyor.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amalgamate {
    /// The plots.
    #[schemars(with = "Vec<PlotId>")]
    pub plots: Set<PlotId>,
    /// The merged plot's number.
    pub into: PlotId,
    /// Digest of the survey (L4).
    #[schemars(with = "String")]
    pub survey: Hash,
}

/// Gives a plot its unique land parcel number; by the surveyor. A plot made by a split or merger has none yet.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignUlpin {
    /// The plot.
    pub plot: PlotId,
    /// The number, opaque here; it names one plot for ever.
    #[schemars(with = "String")]
    pub ulpin: Token<14>,
    /// Digest of the survey (L4).
    #[schemars(with = "String")]
    pub survey: Hash,
}

/// Assigns a ULPIN.
pub(super) fn assign_ulpin(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &AssignUlpin,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Surveyor], &call.plot.mouza)?;
    require_cited("survey", &call.survey)?;
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    require(plot.ulpin.is_none(), "D2", || format!("plot {} has a ULPIN already", call.plot))?;
    plot.ulpin = Some(call.ulpin.clone());
    claim_ulpin(state, &call.ulpin, &call.plot)?;
    let mut outcome = officer.outcome();
    outcome.event("land.ulpin_assigned", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Enters whose number a ULPIN is, refused with D1 if it is another plot's.
pub(super) fn claim_ulpin(state: &mut Overlay<'_>, ulpin: &Token<14>, plot: &PlotId) -> Result<(), Refusal> {
    let known: Option<PlotId> = state.get_value(&ulpin_key(ulpin))?;
    require(known.is_none(), "D1", || format!("ULPIN {ulpin} names another plot"))?;
    state.put_value(ulpin_key(ulpin), plot);
    Ok(())
}

/// Divides.
pub(super) fn split(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Split,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Surveyor], &call.plot.mouza)?;
    require_cited("survey", &call.survey)?;
    require((2..=PLOTS_MAX).contains(&call.parts.len()), "L7", || {
        format!("{} parts, expected 2 to {PLOTS_MAX}", call.parts.len())
    })?;
    let mut book = Book::default();
    let parent = book.live_plot(state, &call.plot)?;
    let sum = call.parts.iter().try_fold(Area(0), |sum, part| sum.checked_add(part.area));
    let positive = call.parts.iter().all(|part| part.area.0 > 0);
    require(positive && sum == Some(parent.area), "L7", || {
        format!("the areas of the parts do not sum to the {} of plot {}", parent.area.0, call.plot)
    })?;
    let children: Vec<PlotId> = call
        .parts
        .iter()
        .map(|part| PlotId { mouza: call.plot.mouza.clone(), main: call.plot.main, bata: Some(part.bata) })
        .collect();
    let whole = parent.clone();
    parent.retired = true;
    parent.children = children.clone();
    for (part, id) in call.parts.iter().zip(children) {
        let child = Plot {
            id,
            version: 1,
            area: part.area,
            ulpin: None,
            parents: vec![call.plot.clone()],
            children: Vec::new(),
            history: 0,
            entered: context.record,
            provenance: Provenance::Decided,
            ..whole.clone()
        };
        book.enter_plot(state, child)?;
    }
    book.note(state, &call.plot, PlotAct::Surveyed { survey: call.survey })?;
    let mut outcome = officer.outcome();
    outcome.event("land.plot_split", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Merges.
pub(super) fn amalgamate(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Amalgamate,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Surveyor], &call.into.mouza)?;
    require_cited("survey", &call.survey)?;
    require((2..=PLOTS_MAX).contains(&call.plots.len()), "L7", || {
        format!("{} plots, expected 2 to {PLOTS_MAX}", call.plots.len())
    })?;
    let mut book = Book::default();
    let mut merged: Option<Plot> = None;
    for id in call.plots.iter() {
        require(id.mouza == call.into.mouza, "L7", || "plots of two mouzas cannot be merged".to_owned())?;
        let plot = book.live_plot(state, id)?;
        let before = plot.clone();
        plot.retired = true;
        plot.children = vec![call.into.clone()];
        let Some(whole) = &mut merged else {
            let (parents, id) = (call.plots.iter().cloned().collect(), call.into.clone());
            merged = Some(Plot {
                id,
                version: 1,
                ulpin: None,
                parents,
                history: 0,
                entered: context.record,
                provenance: Provenance::Decided,
                ..before
            });
            continue;
        };
        let same = whole.holdings == before.holdings
            && whole.remainder == before.remainder
            && whole.class == before.class
            && whole.vested == before.vested;
        require(same, "L7", || format!("plot {id} differs from the others in khatians, shares, use or vesting"))?;
        let area = whole.area.checked_add(before.area);
        whole.area = area.or_reject("L7", || "the merged area is too great to record".to_owned())?;
        join_charges(whole, &before)?;
        for freeze in before.freezes {
            if !whole.freezes.contains(&freeze) {
                whole.freezes.push(freeze);
            }
        }
        require(whole.freezes.len() <= OVERLAYS_MAX, "L7", || "too many freezes to merge".to_owned())?;
    }
    if let Some(whole) = merged {
        book.enter_plot(state, whole)?;
    }
    for id in call.plots.iter() {
        book.note(state, id, PlotAct::Surveyed { survey: call.survey })?;
    }
    let mut outcome = officer.outcome();
    outcome.event("land.plots_amalgamated", call.into.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Every charge goes over (L16). Two charges of one rank by different instruments have no order between them: refused
/// with L7, to be settled before the merger.
fn join_charges(whole: &mut Plot, other: &Plot) -> Result<(), Refusal> {
    for charge in &other.charges {
        match whole.charges.binary_search_by_key(&charge.rank, |known| known.rank) {
            Ok(at) => require(whole.charges[at] == *charge, "L7", || {
                format!("two charges of rank {} cannot be merged; settle their ranks first", charge.rank)
            })?,
            Err(at) => whole.charges.insert(at, charge.clone()),
        }
    }
    require(whole.charges.len() <= CHARGES_MAX, "L7", || "too many charges to merge".to_owned())
}
