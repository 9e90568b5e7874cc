//! Chain of title of a plot: who held, by which deed, succession or order, through splits, mergers and set-asides, back to
//! the older register and forward to the plots in force today.

use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::case::{CaseState, case};
use super::super::ground::Ground;
use super::super::history::PlotAct;
use super::super::keys::PlotId;
use super::super::types::Plot;
use super::{Extent, Family, Histories};
use crate::refusal::Refusal;

/// A plot's chain of title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainOfTitle {
    /// The plot that was asked about.
    pub plot: PlotId,
    /// That plot, those it was made from, and those made from it, as they stand. A plot without parents was imported: its
    /// first holders were not decided here.
    pub plots: Vec<Plot>,
    /// What happened, newest first.
    pub lines: Vec<TitleLine>,
    /// Whether that is all.
    pub extent: Extent,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TitleLine {
    /// Log index of the record: its receipt shows the call and who signed it.
    pub record: u64,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// The plot.
    pub plot: PlotId,
    /// Place in the plot's history, from 0.
    pub entry: u32,
    /// What happened.
    pub act: PlotAct,
    /// Of a mutation: the deeds, succession or order that it rests on.
    pub ground: Option<Ground>,
    /// Of a mutation: where its case stands now.
    pub case_state: Option<CaseState>,
}

/// The chain of title of a plot; refused with D2 if there is no such plot.
pub fn chain_of_title(state: &Overlay<'_>, id: &PlotId) -> Result<ChainOfTitle, Refusal> {
    let back = Family::gather(state, id, |plot| plot.parents.clone())?;
    let forward = Family::gather(state, id, |plot| plot.children.clone())?;
    let mut extent = back.extent.and(forward.extent);
    let mut histories = Histories::new();
    let mut lines = Vec::new();
    // The plot itself stands in both.
    for plot in back.nearest().chain(forward.nearest().skip(1)) {
        for (entry, noted) in histories.of(state, plot)? {
            if !noted.act.is_of_title() {
                continue;
            }
            let mutation = match &noted.act {
                PlotAct::Mutated { case: id, .. } => Some(case(state, id)?),
                _ => None,
            };
            let case_state = mutation.as_ref().map(|record| record.state);
            let ground = mutation.map(|record| record.ground);
            let (record, at_ms, act) = (noted.record, noted.at_ms, noted.act);
            lines.push(TitleLine { record, at_ms, plot: plot.id.clone(), entry, act, ground, case_state });
        }
    }
    extent = extent.and(histories.extent);
    lines.sort_by(|a, b| (b.record, b.entry, &a.plot).cmp(&(a.record, a.entry, &b.plot)));
    let mut plots = back.plots;
    plots.extend(forward.plots);
    Ok(ChainOfTitle { plot: id.clone(), plots: plots.into_values().collect(), lines, extent })
}
