//! Undoing an applied case: the compensating entry, the deeds usable again (L3), and what stands in the way (L15).
//!
//! Where a plot was divided or merged since, the shares go back in the plots made from it: as they are after a split,
//! for each part has the shares of the whole; by area after a merger.

use std::collections::BTreeSet;

use dalil_ledger::codec::Set;
use dalil_ledger::state::Overlay;

use super::book::Book;
use super::case::{Gain, MutationCase};
use super::deed::deed;
use super::history::PlotAct;
use super::keys::{CaseId, KhatianNumber, PlotId, deed_key};
use super::lineage::lineage;
use super::offers::release;
use super::share::Share;
use super::types::Holding;
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, Reject, reject, require};

/// The most entries of plots' histories that are looked through for L15.
pub const LATER_MAX: u32 = 512;

/// The cases that one order undoes, newest first.
#[derive(Default)]
pub(super) struct Undone {
    book: Book,
    /// The plots made since in which shares went back.
    divided: BTreeSet<PlotId>,
    /// Log index of the record that applied the last one undone.
    newer: Option<u64>,
}

impl Undone {
    /// Undoes the next case; refused with L15 unless it was applied before the one undone last, or while another rests on
    /// it.
    pub(super) fn undo(&mut self, state: &mut Overlay<'_>, record: &mut MutationCase) -> Result<(), Refusal> {
        let applied = record.applied.as_ref().map(|applied| applied.record);
        let in_order = self.newer.is_none() || applied < self.newer;
        require(in_order, "L15", || format!("case {} is not named in its place: newest first", record.id))?;
        self.newer = applied;
        self.divided.append(&mut undo(state, &mut self.book, record)?);
        Ok(())
    }

    /// Writes the register; refused with L15 unless the order names exactly the plots, made since, in which shares go
    /// back.
    pub(super) fn close(
        self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        named: &Set<PlotId>,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        require_named(&self.divided, named)?;
        self.book.close(state, context, outcome)
    }
}

/// The most later cases that one order names.
pub const LATER_NAMED_MAX: usize = 32;

/// Refuses with L15 an order that names too many later cases.
pub(super) fn require_few(later: &[CaseId]) -> Result<(), Refusal> {
    require(later.len() <= LATER_NAMED_MAX, "L15", || format!("more than {LATER_NAMED_MAX} later cases"))
}

/// Undoes an applied case and returns the plots, made since from those that it concerned, in which shares went back.
/// Refused with L15 while a later record rests on the case.
fn undo(state: &mut Overlay<'_>, book: &mut Book, record: &mut MutationCase) -> Result<BTreeSet<PlotId>, Refusal> {
    let applied = record.applied.take().or_reject("D2", || format!("case {} is not applied", record.id))?;
    let mut divided = BTreeSet::new();
    let mut looked_at = 0;
    for done in applied.plots.iter().rev() {
        let PlotAct::Mutated { gives, gains, .. } = book.act(state, &done.plot, done.entry)? else {
            return reject("D2", format!("entry {} of plot {} is no mutation", done.entry, done.plot));
        };
        let found = lineage(state, book, &done.plot)?;
        let rests = Rests { case: &record.id, takers: gains.iter().map(|gain| gain.khatian).collect() };
        rests.refuse(state, book, &done.plot, done.entry + 1, &mut looked_at)?;
        for later in &found.later {
            rests.refuse(state, book, later, 0, &mut looked_at)?;
        }
        let own = found.fronts.contains_key(&done.plot);
        let note = |undoes, gives, gains| PlotAct::SetAside { case: record.id.clone(), undoes, gives, gains };
        if !own {
            book.note(state, &done.plot, note(Some(done.entry), Vec::new(), Vec::new()))?;
        }
        for (front, whole) in &found.fronts {
            let (back, gets) = give_back(state, book, front, *whole, &gives, &gains)?;
            book.note(state, front, note(own.then_some(done.entry), back, gets))?;
            if !own {
                divided.insert(front.clone());
            }
        }
    }
    release_deeds(state, record)?;
    Ok(divided)
}

/// Takes from those who gained and gives to those who gave, each by its share of `whole`.
fn give_back(
    state: &Overlay<'_>,
    book: &mut Book,
    plot: &PlotId,
    whole: Share,
    gave: &[Holding],
    gained: &[Gain],
) -> Result<(Vec<Holding>, Vec<Holding>), Refusal> {
    let scale = |khatian: KhatianNumber, share: Share| Ok(Holding { khatian, share: share.of(whole)? });
    let back: Vec<Holding> =
        gained.iter().map(|gain| scale(gain.khatian, gain.share)).collect::<Result<_, Refusal>>()?;
    let gets: Vec<Holding> = gave.iter().map(|give| scale(give.khatian, give.share)).collect::<Result<_, Refusal>>()?;
    let land = book.live_plot(state, plot)?;
    for Holding { khatian, share } in &back {
        land.take(*khatian, *share).map_err(|refusal| match refusal {
            Refusal::Rule(Reject { code: "L2", message }) => {
                Refusal::Rule(Reject { code: "L15", message: format!("a later record rests on this case: {message}") })
            }
            other => other,
        })?;
    }
    for Holding { khatian, share } in &gets {
        land.give(*khatian, *share)?;
    }
    Ok((back, gets))
}

/// What rests on a case: later cases in which a taker gives, and orders that said anew who holds.
struct Rests<'a> {
    case: &'a CaseId,
    takers: BTreeSet<KhatianNumber>,
}

impl Rests<'_> {
    /// Refuses with L15 if an entry of the plot's history, from `first` on, rests on the case.
    fn refuse(
        &self,
        state: &Overlay<'_>,
        book: &mut Book,
        plot: &PlotId,
        first: u32,
        looked_at: &mut u32,
    ) -> Result<(), Refusal> {
        let mut undone = BTreeSet::new();
        for entry in (first..book.plot(state, plot)?.history).rev() {
            *looked_at += 1;
            require(*looked_at <= LATER_MAX, "L15", || {
                format!("more than {LATER_MAX} things happened to plot {plot} after case {}", self.case)
            })?;
            match book.act(state, plot, entry)? {
                PlotAct::SetAside { undoes, .. } => undone.extend(undoes),
                PlotAct::Mutated { case, gives, .. } if case != *self.case && !undone.contains(&entry) => {
                    let rests = gives.iter().any(|give| self.takers.contains(&give.khatian));
                    require(!rests, "L15", || {
                        format!(
                            "case {case} rests on case {} on plot {plot}; the order must name it too, newest first",
                            self.case
                        )
                    })?;
                }
                PlotAct::Settled { .. } | PlotAct::Vested { .. } => {
                    return reject(
                        "L15",
                        format!(
                            "plot {plot} was settled or vested after case {}; a settlement order says who holds it",
                            self.case
                        ),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The deeds that the case used up are usable again (L3).
fn release_deeds(state: &mut Overlay<'_>, record: &MutationCase) -> Result<(), Refusal> {
    for id in record.ground.deeds() {
        let mut released = deed(state, id)?;
        for plot in record.ground.plots() {
            release(state, &mut released, plot, &record.id)?;
        }
        state.put_value(deed_key(id), &released);
    }
    Ok(())
}

/// Refuses with L15 unless the order names exactly the plots, made since, in which shares go back.
fn require_named(divided: &BTreeSet<PlotId>, named: &Set<PlotId>) -> Result<(), Refusal> {
    require(divided.iter().eq(named.iter()), "L15", || {
        let plots: Vec<String> = divided.iter().map(ToString::to_string).collect();
        if plots.is_empty() {
            "no plot of the case was divided or merged since; the order names some all the same".to_owned()
        } else {
            format!(
                "a plot of the case was divided or merged since; the order must name the plots made from it: {}",
                plots.join(", ")
            )
        }
    })
}
