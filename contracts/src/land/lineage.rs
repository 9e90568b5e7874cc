//! What became of a plot: the plots that splits and mergers made from it, and what a share of it is there.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::state::Overlay;

use super::book::Book;
use super::keys::PlotId;
use super::share::Share;
use crate::refusal::{OrReject as _, Refusal, require};

/// The most plots that are followed from one divided plot.
pub const LINEAGE_MAX: usize = 64;

/// What became of a plot.
#[derive(Default)]
pub(super) struct Lineage {
    /// The plots in force in its place (itself, if it is in force) and what the whole of it is of each: all of it after a
    /// split, for each part has the shares of the whole; its part of the area after a merger.
    pub(super) fronts: BTreeMap<PlotId, Share>,
    /// All plots made from it, in force or divided again.
    pub(super) later: BTreeSet<PlotId>,
}

/// Follows a plot through splits and mergers. Refused with D2 if it led through more than [`LINEAGE_MAX`] plots, with
/// L1-DENOM if a part of an area is too fine.
pub(super) fn lineage(state: &Overlay<'_>, book: &mut Book, plot: &PlotId) -> Result<Lineage, Refusal> {
    let mut found = Lineage::default();
    let mut open = vec![(plot.clone(), Share::WHOLE)];
    let mut steps = 0;
    while let Some((id, whole)) = open.pop() {
        steps += 1;
        require(steps <= LINEAGE_MAX, "D2", || format!("plot {plot} became more than {LINEAGE_MAX} plots"))?;
        if id != *plot {
            found.later.insert(id.clone());
        }
        let now = book.plot(state, &id)?.clone();
        if !now.retired {
            let before = found.fronts.get(&id).copied().unwrap_or(Share::ZERO);
            found.fronts.insert(id, before.plus(whole)?);
            continue;
        }
        for child in &now.children {
            let parents = book.plot(state, child)?.parents.clone();
            let part = if parents.len() < 2 { Share::WHOLE } else { part_of_area(state, book, &id, &parents)? };
            open.push((child.clone(), part.of(whole)?));
        }
    }
    Ok(found)
}

/// The area of `plot` as a part of the area of all that were merged.
fn part_of_area(state: &Overlay<'_>, book: &mut Book, plot: &PlotId, merged: &[PlotId]) -> Result<Share, Refusal> {
    let mut sum: u64 = 0;
    for id in merged {
        let area = book.plot(state, id)?.area.0;
        sum = sum.checked_add(area).or_reject("L7", || "the merged area is too great to record".to_owned())?;
    }
    let own = book.plot(state, plot)?.area.0;
    Share::new(own, sum).or_reject("L7", || format!("plot {plot} has no area"))
}
