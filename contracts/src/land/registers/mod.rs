//! The registers that an office asks for: chain of title, encumbrances, pendency.
//!
//! Each is one pure function of the state. A node runs it over its state and hands out the answer with a proof of every key
//! that was read; a verifier runs the same function over the proven values alone, so that no node can leave out the charge
//! or the case that hurts. What a register reads is bounded: one that would read more says that it is not complete.

mod encumbrances;
mod pendency;
mod title;

use std::collections::{BTreeMap, VecDeque};

use dalil_ledger::document::OfficeId;
use dalil_ledger::state::{Overlay, StateError, StateView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use encumbrances::{Encumbrance, Encumbrances, Satisfaction, encumbrances};
pub use pendency::{PAGES_MAX, Pendency, PendingCase, SeatCounts, StageCount, pendency};
pub use title::{ChainOfTitle, TitleLine, chain_of_title};

use super::book::{history, plot};
use super::history::HistoryEntry;
use super::keys::PlotId;
use super::types::Plot;
use crate::refusal::{Refusal, Reject};

/// The most plots that a register follows through splits and mergers.
pub const PLOTS_MAX: usize = 64;
/// The most entries of plots' histories that a register reads.
pub const ENTRIES_MAX: usize = 512;

/// Whether a register shows all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All there is.
    Complete,
    /// There is more than one answer holds; ask about the plots named in it.
    CutShort,
}

/// What is asked of the registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterQuestion {
    /// The chain of title of a plot.
    Title(PlotId),
    /// The encumbrances of a plot.
    Encumbrances(PlotId),
    /// The cases that wait for an office.
    Pendency(OfficeId),
}

/// What a register answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Register {
    /// A chain of title.
    Title(ChainOfTitle),
    /// Encumbrances.
    Encumbrances(Encumbrances),
    /// Pendency.
    Pendency(Pendency),
}

impl RegisterQuestion {
    /// The answer from a state, or why there is none: no such plot or office. `as_of_ms` is the time of asking.
    pub fn answer(&self, state: &dyn StateView, as_of_ms: u64) -> Result<Result<Register, Reject>, StateError> {
        let state = Overlay::new(state);
        let answer = match self {
            Self::Title(plot) => chain_of_title(&state, plot).map(Register::Title),
            Self::Encumbrances(plot) => encumbrances(&state, plot).map(Register::Encumbrances),
            Self::Pendency(office) => pendency(&state, office, as_of_ms).map(Register::Pendency),
        };
        match answer {
            Ok(register) => Ok(Ok(register)),
            Err(Refusal::Rule(reject)) => Ok(Err(reject)),
            Err(Refusal::State(error)) => Err(error),
        }
    }
}

/// Plots found from one plot by following parents or children.
struct Family {
    plots: BTreeMap<PlotId, Plot>,
    /// The nearest first, itself before all: what is read in this order is cut short where it is farthest.
    nearest: Vec<PlotId>,
    extent: Extent,
}

impl Family {
    fn gather(state: &Overlay<'_>, from: &PlotId, next: impl Fn(&Plot) -> Vec<PlotId>) -> Result<Self, Refusal> {
        let mut found = Self { plots: BTreeMap::new(), nearest: Vec::new(), extent: Extent::Complete };
        let mut open = VecDeque::from([from.clone()]);
        while let Some(id) = open.pop_front() {
            if found.plots.contains_key(&id) {
                continue;
            }
            if found.plots.len() == PLOTS_MAX {
                found.extent = Extent::CutShort;
                break;
            }
            let record = plot(state, &id)?;
            open.extend(next(&record));
            found.nearest.push(id.clone());
            found.plots.insert(id, record);
        }
        Ok(found)
    }

    fn nearest(&self) -> impl Iterator<Item = &Plot> {
        self.nearest.iter().filter_map(|id| self.plots.get(id))
    }
}

/// Reads the histories of plots, each newest first, as far as one answer goes.
struct Histories {
    left: usize,
    extent: Extent,
}

impl Histories {
    fn new() -> Self {
        Self { left: ENTRIES_MAX, extent: Extent::Complete }
    }

    fn of(&mut self, state: &Overlay<'_>, plot: &Plot) -> Result<Vec<(u32, HistoryEntry)>, Refusal> {
        let mut entries = Vec::new();
        for entry in (0..plot.history).rev() {
            if self.left == 0 {
                self.extent = Extent::CutShort;
                break;
            }
            self.left -= 1;
            entries.push((entry, history(state, &plot.id, entry)?));
        }
        Ok(entries)
    }
}

impl Extent {
    fn and(self, other: Self) -> Self {
        if self == Self::Complete { other } else { self }
    }
}
