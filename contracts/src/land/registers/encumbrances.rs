//! Encumbrance search: every charge that ever lay on a plot, also on those it was made from, by rank, and how it was
//! satisfied; and what bars a transfer now.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::history::PlotAct;
use super::super::keys::{DeedId, PlotId};
use super::super::types::{Charge, Freeze, Plot};
use super::{Extent, Family, Histories};
use crate::refusal::Refusal;

/// What lies and lay on a plot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Encumbrances {
    /// The plot that was asked about.
    pub plot: PlotId,
    /// Its version.
    pub version: u64,
    /// Whether it is in force; one that was divided or merged away carried its charges over to what was made from it.
    pub in_force: bool,
    /// Charges, by rank; of one rank the unsatisfied first. Those that lie on the plot now are among them however much of
    /// the history was read.
    pub charges: Vec<Encumbrance>,
    /// Bars on voluntary transfer in force.
    pub freezes: Vec<Freeze>,
    /// Vested in the Government: nobody can transfer it.
    pub vested: bool,
    /// Whether that is all.
    pub extent: Extent,
}

/// A charge and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Encumbrance {
    /// Rank, holder and instrument.
    pub charge: Charge,
    /// The plot on which it was entered: this one or one it was made from; this one too where its entry was not read.
    pub entered_on: PlotId,
    /// Log index of the record that entered it; none for one that the older register had, and for one whose entry lies
    /// beyond what was read.
    pub record: Option<u64>,
    /// Block time of that record, UTC milliseconds.
    pub at_ms: Option<u64>,
    /// How it was released from this plot; none while it lies on it.
    pub satisfied: Option<Satisfaction>,
}

/// The release of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Satisfaction {
    /// Digest of the charge-holder's record.
    pub paper: Hash,
    /// Log index of the record.
    pub record: u64,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
}

/// The encumbrances of a plot; refused with D2 if there is no such plot.
pub fn encumbrances(state: &Overlay<'_>, id: &PlotId) -> Result<Encumbrances, Refusal> {
    let family = Family::gather(state, id, |plot| plot.parents.clone())?;
    let mut histories = Histories::new();
    let mut charges = Vec::new();
    let mut releases: Vec<(PlotId, DeedId, Satisfaction)> = Vec::new();
    for plot in family.nearest() {
        let mut noted: BTreeSet<DeedId> = BTreeSet::new();
        let mut older: BTreeMap<DeedId, Charge> = BTreeMap::new();
        for (_, entry) in histories.of(state, plot)? {
            match entry.act {
                PlotAct::Charged(charge) => {
                    noted.insert(charge.instrument.clone());
                    older.remove(&charge.instrument);
                    let (record, at_ms) = (Some(entry.record), Some(entry.at_ms));
                    charges.push(Encumbrance { charge, entered_on: plot.id.clone(), record, at_ms, satisfied: None });
                }
                PlotAct::Released { charge, satisfaction: paper } => {
                    let released = Satisfaction { paper, record: entry.record, at_ms: entry.at_ms };
                    releases.push((plot.id.clone(), charge.instrument.clone(), released));
                    older.insert(charge.instrument.clone(), charge);
                }
                _ => {}
            }
        }
        // What a plot of the older register bore without a record here, it bore from the first.
        if plot.parents.is_empty() {
            let borne = plot.charges.iter().filter(|charge| !noted.contains(&charge.instrument));
            older.extend(borne.map(|charge| (charge.instrument.clone(), charge.clone())));
            charges.extend(older.into_values().map(|charge| Encumbrance {
                charge,
                entered_on: plot.id.clone(),
                record: None,
                at_ms: None,
                satisfied: None,
            }));
        }
    }
    for encumbrance in &mut charges {
        let later = releases.iter().filter(|(plot, instrument, satisfaction)| {
            *instrument == encumbrance.charge.instrument
                && encumbrance.record.is_none_or(|entered| entered < satisfaction.record)
                && is_made_from(&family, plot, &encumbrance.entered_on)
        });
        let first = later.min_by_key(|(_, _, satisfaction)| satisfaction.record);
        encumbrance.satisfied = first.map(|(_, _, satisfaction)| satisfaction.clone());
    }
    let asked: Plot = super::plot(state, id)?;
    let lies = |charge: &&Charge| {
        let shown = |one: &Encumbrance| one.satisfied.is_none() && one.charge.instrument == charge.instrument;
        !charges.iter().any(shown)
    };
    let beyond: Vec<_> = asked.charges.iter().filter(lies).cloned().collect();
    charges.extend(beyond.into_iter().map(|charge| Encumbrance {
        charge,
        entered_on: id.clone(),
        record: None,
        at_ms: None,
        satisfied: None,
    }));
    charges.sort_by_key(|one| (one.charge.rank, one.satisfied.is_some(), one.record, one.entered_on.clone()));
    Ok(Encumbrances {
        plot: id.clone(),
        version: asked.version,
        in_force: !asked.retired,
        charges,
        freezes: asked.freezes,
        vested: asked.vested,
        extent: family.extent.and(histories.extent),
    })
}

/// Whether `plot` is `ancestor` or was made from it.
fn is_made_from(family: &Family, plot: &PlotId, ancestor: &PlotId) -> bool {
    let mut open = vec![plot];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == ancestor {
            return true;
        }
        if seen.insert(id) {
            open.extend(family.plots.get(id).into_iter().flat_map(|plot| &plot.parents));
        }
    }
    false
}
