//! The register opened for one record: plots and khatians are read once, changed in memory, and written together.
//!
//! Closing the book is where versions rise. Whatever changes on a plot changes what the extract of every khatian that
//! holds in it shows, before or after; so the plot and each of those khatians goes up by exactly one version a record,
//! and the version that was current is marked as left, which supersedes the documents drawn from it.
//!
//! What happened to a plot is noted in the book too, and goes into the plot's history as it is closed.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DependencyKey, Provenance};
use dalil_ledger::state::Overlay;

use super::history::{HistoryEntry, PlotAct};
use super::keys::{KhatianId, PlotId, history_key, khatian_key, plot_key};
use super::types::{Khatian, Plot};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::registry;

/// The khatian, refused with D2 if there is none.
pub fn khatian(state: &Overlay<'_>, id: &KhatianId) -> Result<Khatian, Refusal> {
    state.get_value(&khatian_key(id))?.or_reject("D2", || format!("there is no khatian {id}"))
}

/// The plot, refused with D2 if there is none. Other rooms read class, flags and holders here (M15).
pub fn plot(state: &Overlay<'_>, id: &PlotId) -> Result<Plot, Refusal> {
    state.get_value(&plot_key(id))?.or_reject("D2", || format!("there is no plot {id}"))
}

/// Something as it was and as it is being made.
struct Draft<T> {
    before: Option<T>,
    now: T,
}

/// Plots and khatians that one record changes.
#[derive(Default)]
pub(super) struct Book {
    plots: BTreeMap<PlotId, Draft<Plot>>,
    khatians: BTreeMap<KhatianId, Draft<Khatian>>,
    /// What is to be added to the history of plots, with the number of the entry.
    notes: BTreeMap<(PlotId, u32), PlotAct>,
}

/// The entry of a plot's history, refused with D2 if there is none.
pub(super) fn history(state: &Overlay<'_>, id: &PlotId, entry: u32) -> Result<HistoryEntry, Refusal> {
    let found = state.get_value(&history_key(id, entry))?;
    found.or_reject("D2", || format!("the history of plot {id} has no entry {entry}"))
}

impl Book {
    /// A plot to read or change; refused with D2 if there is none.
    pub(super) fn plot(&mut self, state: &Overlay<'_>, id: &PlotId) -> Result<&mut Plot, Refusal> {
        if !self.plots.contains_key(id) {
            let found = plot(state, id)?;
            self.plots.insert(id.clone(), Draft { before: Some(found.clone()), now: found });
        }
        self.plots.get_mut(id).map(|draft| &mut draft.now).or_reject("D2", || format!("there is no plot {id}"))
    }

    /// A plot in force; refused with D2 if it was divided or merged away.
    pub(super) fn live_plot(&mut self, state: &Overlay<'_>, id: &PlotId) -> Result<&mut Plot, Refusal> {
        let plot = self.plot(state, id)?;
        require(!plot.retired, "D2", || {
            let children: Vec<String> = plot.children.iter().map(ToString::to_string).collect();
            format!("plot {id} is no longer in force; it became {}", children.join(", "))
        })?;
        Ok(plot)
    }

    /// Enters a new plot; refused with D1 if its number is in use.
    pub(super) fn enter_plot(&mut self, state: &Overlay<'_>, plot: Plot) -> Result<(), Refusal> {
        let known = self.plots.contains_key(&plot.id) || state.get_value::<Plot>(&plot_key(&plot.id))?.is_some();
        require(!known, "D1", || format!("plot {} is already on record", plot.id))?;
        self.plots.insert(plot.id.clone(), Draft { before: None, now: plot });
        Ok(())
    }

    /// Adds to a plot's history and returns the entry's number.
    pub(super) fn note(&mut self, state: &Overlay<'_>, id: &PlotId, act: PlotAct) -> Result<u32, Refusal> {
        let plot = self.plot(state, id)?;
        let entry = plot.history;
        plot.history = entry.checked_add(1).or_reject("D1", || format!("the history of plot {id} is full"))?;
        self.notes.insert((id.clone(), entry), act);
        Ok(entry)
    }

    /// What an entry of a plot's history says, written before or noted in this book.
    pub(super) fn act(&self, state: &Overlay<'_>, id: &PlotId, entry: u32) -> Result<PlotAct, Refusal> {
        match self.notes.get(&(id.clone(), entry)) {
            Some(act) => Ok(act.clone()),
            None => Ok(history(state, id, entry)?.act),
        }
    }

    /// A khatian to read or change; refused with D2 if there is none.
    pub(super) fn khatian(&mut self, state: &Overlay<'_>, id: &KhatianId) -> Result<&mut Khatian, Refusal> {
        if !self.khatians.contains_key(id) {
            let found = khatian(state, id)?;
            self.khatians.insert(id.clone(), Draft { before: Some(found.clone()), now: found });
        }
        self.khatians.get_mut(id).map(|draft| &mut draft.now).or_reject("D2", || format!("there is no khatian {id}"))
    }

    /// Opens a khatian for a holder; refused with D1 if its number is in use.
    pub(super) fn open_khatian(
        &mut self,
        state: &Overlay<'_>,
        id: KhatianId,
        holder: Hash,
        permission_required: bool,
        provenance: Provenance,
    ) -> Result<(), Refusal> {
        let known = self.khatians.contains_key(&id) || state.get_value::<Khatian>(&khatian_key(&id))?.is_some();
        require(!known, "D1", || format!("khatian {id} is already open"))?;
        let khatian = Khatian { id: id.clone(), holder, version: 1, permission_required, plots: 0, provenance };
        self.khatians.insert(id, Draft { before: None, now: khatian });
        Ok(())
    }

    /// Checks every changed plot (L1), raises versions, marks the old ones as left, and writes.
    pub(super) fn close(
        mut self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        for ((id, entry), act) in std::mem::take(&mut self.notes) {
            let noted = HistoryEntry { record: context.record, at_ms: context.time_ms, act };
            state.put_value(history_key(&id, entry), &noted);
        }
        let plots = std::mem::take(&mut self.plots);
        // Khatians whose extract shows something else now, and in how many plots more or fewer each holds.
        let mut shown: BTreeMap<KhatianId, (u32, u32)> = BTreeMap::new();
        for (id, Draft { before, mut now }) in plots {
            if before.as_ref() == Some(&now) {
                continue;
            }
            now.check_shares()?;
            outcome.about(id.subject());
            // An entry in its history (a share that came back to its giver) is nothing that an extract shows.
            if before.as_ref().is_some_and(|before| Plot { history: now.history, ..before.clone() } == now) {
                state.put_value(plot_key(&id), &now);
                continue;
            }
            let holders = |plot: &Plot| -> BTreeSet<KhatianId> {
                plot.live_holdings().iter().map(|holding| id.khatian(holding.khatian)).collect()
            };
            let old = before.as_ref().map(holders).unwrap_or_default();
            let new = holders(&now);
            for khatian in old.union(&new) {
                let (gained, lost) = shown.entry(khatian.clone()).or_default();
                *gained += u32::from(!old.contains(khatian));
                *lost += u32::from(!new.contains(khatian));
            }
            if let Some(before) = before {
                now.version = leave(state, context, &id.dependency(), before.version)?;
            }
            state.put_value(plot_key(&id), &now);
        }
        for (id, (gained, lost)) in &shown {
            let khatian = self.khatian(state, id)?;
            let plots = khatian.plots.checked_add(*gained).and_then(|plots| plots.checked_sub(*lost));
            khatian.plots = plots.or_reject("L1", || format!("the plots of khatian {id} do not add up"))?;
        }
        for (id, Draft { before, mut now }) in self.khatians {
            if before.as_ref() == Some(&now) && !shown.contains_key(&id) {
                continue;
            }
            if let Some(before) = before {
                now.version = leave(state, context, &id.dependency(), before.version)?;
            }
            outcome.about(id.subject());
            state.put_value(khatian_key(&id), &now);
        }
        Ok(())
    }
}

/// Leaves a version and returns the next.
fn leave(state: &mut Overlay<'_>, context: &Context<'_>, key: &DependencyKey, version: u64) -> Result<u64, Refusal> {
    registry::leave(state, context, key, version, context.time_ms)?;
    version.checked_add(1).or_reject("L14", || format!("{key} has no further version"))
}
