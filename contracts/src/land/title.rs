//! Title: what a case would move, judged at mutation and never at registration.
//!
//! L2 no more than is held · L3 a deed is used up once over each plot · L4 a succession stands on a valid death
//! certificate · L5 the deeds cover plots and parties, in order · L6 vested and frozen land is not transferred
//! voluntarily · L10 a khatian that needs permission shows it.

use std::collections::BTreeMap;

use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;

use super::book::Book;
use super::case::{MutationCase, Recipient, case};
use super::deed::{Deed, PlotShare, Transferee, TransfereeOf, Transferor, deed};
use super::ground::{DeedChain, Ground, Inheritance, OrderedTransfer};
use super::keys::{KhatianId, KhatianNumber, MouzaId, PlotId, VESTED_KHATIAN};
use super::share::Share;
use super::succession::require_death;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// What a case would move on one plot.
pub(super) struct Planned {
    /// The plot.
    pub(super) plot: PlotId,
    /// The khatian that gives.
    pub(super) from: KhatianNumber,
    /// Who takes how much of the whole plot; nothing for one who passed all of it on.
    pub(super) to: BTreeMap<Recipient, Share>,
}

/// What a case would move, and to whom.
pub(super) struct Plan {
    /// One for each plot.
    pub(super) moves: Vec<Planned>,
    /// The commitment of each transferee or heir.
    pub(super) holders: BTreeMap<Recipient, Hash>,
    /// The deeds it rests on, in order.
    pub(super) deeds: Vec<Deed>,
    /// Whether "permission required" goes over to the takers: in a succession it does.
    pub(super) keeps_permission: bool,
}

/// Judges title and says what the case would move.
pub(super) fn plan(
    state: &Overlay<'_>,
    context: &Context<'_>,
    book: &mut Book,
    record: &MutationCase,
) -> Result<Plan, Refusal> {
    match &record.ground {
        Ground::Deed(chain) => by_deeds(state, book, record, chain),
        Ground::Inheritance(inheritance) => by_inheritance(state, context, book, inheritance),
        Ground::Acquisition(ordered) | Ground::SuoMotu(ordered) => by_order(state, book, ordered),
    }
}

/// Place in a list that is never longer than a byte counts (chains, transferees).
fn place(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn holders_of(deed: u8, transferees: &[Transferee]) -> impl Iterator<Item = (Recipient, Hash)> {
    transferees
        .iter()
        .enumerate()
        .map(move |(at, transferee)| (Recipient { deed, transferee: place(at) }, transferee.holder))
}

/// Refuses with L2 unless the khatian holds at least `share` of the plot.
fn require_held(
    state: &Overlay<'_>,
    book: &mut Book,
    plot: &PlotId,
    from: KhatianNumber,
    share: Share,
) -> Result<(), Refusal> {
    let held = book.live_plot(state, plot)?.held(from);
    require(share <= held, "L2", || format!("khatian {from} holds {held} of plot {plot}; it cannot give {share}"))
}

fn by_deeds(state: &Overlay<'_>, book: &mut Book, record: &MutationCase, chain: &DeedChain) -> Result<Plan, Refusal> {
    let deeds = chain.deeds.iter().map(|id| deed(state, id)).collect::<Result<Vec<_>, _>>()?;
    for given in &deeds {
        require(given.kind.transfers(), "L5", || format!("deed {} ({:?}) transfers nothing", given.id, given.kind))?;
        require(given.cancelled.is_none(), "L5", || format!("deed {} was cancelled by a court", given.id))?;
        let concerned = chain.plots.iter().any(|plot| given.covers(plot).is_some());
        require(concerned, "L5", || format!("deed {} covers none of the plots of the case", given.id))?;
    }
    let sources = sources(&deeds)?;
    let mut moves = Vec::new();
    for plot in chain.plots.iter() {
        for given in &deeds {
            let used = given.covers(plot).and_then(|given| given.used_by.as_ref());
            require(used.is_none(), "L3", || {
                format!("deed {} over plot {plot} is already used by a case that stands", given.id)
            })?;
        }
        let Some(first) = deeds.first() else { return reject("L5", "a case names at least one deed") };
        let given = first.covers(plot).or_reject("L5", || format!("deed {} does not cover plot {plot}", first.id))?;
        let from = match &first.transferor {
            Transferor::Khatian(khatian) => khatian.clone(),
            Transferor::Deed(source) => resolve(state, source, plot)?,
        };
        require_voluntary(state, book, record, plot, &from)?;
        require_held(state, book, plot, from.number, given.share)?;
        moves.push(Planned { plot: plot.clone(), from: from.number, to: passed_on(&deeds, &sources, plot)? });
    }
    let holders = deeds.iter().enumerate().flat_map(|(at, deed)| holders_of(place(at), &deed.transferees)).collect();
    Ok(Plan { moves, holders, deeds, keeps_permission: false })
}

/// For each deed after the first, whose share it passes on: a transferee of a deed before it (L5).
fn sources(deeds: &[Deed]) -> Result<Vec<Option<Recipient>>, Refusal> {
    let find = |(at, given): (usize, &Deed)| match &given.transferor {
        _ if at == 0 => Ok(None),
        Transferor::Deed(source) => {
            let earlier = deeds[..at].iter().position(|earlier| earlier.id == source.deed);
            let earlier = earlier.filter(|at| usize::from(source.transferee) < deeds[*at].transferees.len());
            let found = earlier.map(|at| Recipient { deed: place(at), transferee: source.transferee });
            found
                .map(Some)
                .or_reject("L5", || format!("deed {} does not follow from a deed before it in the chain", given.id))
        }
        Transferor::Khatian(khatian) => {
            reject("L5", format!("deed {} gives from khatian {khatian}, not from a deed before it", given.id))
        }
    };
    deeds.iter().enumerate().map(find).collect()
}

/// What every transferee of a chain keeps of a plot after passing on.
fn passed_on(
    deeds: &[Deed],
    sources: &[Option<Recipient>],
    plot: &PlotId,
) -> Result<BTreeMap<Recipient, Share>, Refusal> {
    let mut keeps: BTreeMap<Recipient, Share> = BTreeMap::new();
    for ((at, given), source) in deeds.iter().enumerate().zip(sources) {
        let Some(covered) = given.covers(plot) else { continue };
        if let Some(source) = source {
            let has = keeps.get(source).copied().unwrap_or(Share::ZERO);
            let left = has.minus(covered.share)?.or_reject("L2", || {
                format!("deed {} gives {} of plot {plot}, its transferor was given {has}", given.id, covered.share)
            })?;
            keeps.insert(*source, left);
        }
        for (to, transferee) in given.transferees.iter().enumerate() {
            let recipient = Recipient { deed: place(at), transferee: place(to) };
            keeps.insert(recipient, transferee.part.of(covered.share)?);
        }
    }
    Ok(keeps)
}

/// The khatian that a transferee of an already mutated deed was given (L5).
fn resolve(state: &Overlay<'_>, source: &TransfereeOf, plot: &PlotId) -> Result<KhatianId, Refusal> {
    let unmutated = || format!("deed {} over plot {plot} is not mutated; name it first in the chain", source.deed);
    let earlier = deed(state, &source.deed)?;
    let user = earlier.covers(plot).and_then(|given| given.used_by.clone()).or_reject("L5", unmutated)?;
    let user = case(state, &user)?;
    let at = user.ground.deeds().iter().position(|id| *id == source.deed).or_reject("L5", unmutated)?;
    let recipient = Recipient { deed: place(at), transferee: source.transferee };
    let moves = user.applied.map(|applied| applied.moves).unwrap_or_default();
    let done = moves.into_iter().find(|done| done.plot == *plot).or_reject("L5", unmutated)?;
    let gain = done.gains.iter().find(|gain| gain.recipient == recipient);
    let gain = gain.or_reject("L5", || format!("that transferee of deed {} passed the share on", source.deed))?;
    Ok(plot.khatian(gain.khatian))
}

/// Refuses a transfer by will of vested or frozen land (L6), or without a permission that is needed (L10).
fn require_voluntary(
    state: &Overlay<'_>,
    book: &mut Book,
    record: &MutationCase,
    plot: &PlotId,
    from: &KhatianId,
) -> Result<(), Refusal> {
    require_mouza(&from.mouza, plot)?;
    let land = book.live_plot(state, plot)?;
    require(!land.vested && from.number != VESTED_KHATIAN, "L6", || {
        format!("plot {plot} is vested in the Government; nobody can transfer it")
    })?;
    require(land.freezes.is_empty(), "L6", || {
        let by = land.freezes.first().map(|freeze| freeze.reference.to_string()).unwrap_or_default();
        format!("plot {plot} is frozen by order {by}")
    })?;
    let khatian = book.khatian(state, from)?;
    require(!khatian.permission_required || record.permission.is_some(), "L10", || {
        format!("khatian {from} needs a permission to transfer; the case cites none")
    })
}

fn require_mouza(mouza: &MouzaId, plot: &PlotId) -> Result<(), Refusal> {
    require(*mouza == plot.mouza, "L5", || format!("the transferor's khatian is not of the mouza of plot {plot}"))
}

fn by_inheritance(
    state: &Overlay<'_>,
    context: &Context<'_>,
    book: &mut Book,
    inheritance: &Inheritance,
) -> Result<Plan, Refusal> {
    require_death(state, context, &inheritance.death_certificate)?;
    let from = &inheritance.khatian;
    let mut moves = Vec::new();
    for plot in inheritance.plots.iter() {
        let held = book.live_plot(state, plot)?.held(from.number);
        require(!held.is_zero(), "L2", || format!("khatian {from} holds nothing of plot {plot}"))?;
        let to = parts_of(&inheritance.heirs, held)?;
        moves.push(Planned { plot: plot.clone(), from: from.number, to });
    }
    require(from.number != VESTED_KHATIAN, "L6", || "nobody inherits from the Government's khatian".to_owned())?;
    let holders = holders_of(0, &inheritance.heirs).collect();
    let keeps_permission = book.khatian(state, from)?.permission_required;
    Ok(Plan { moves, holders, deeds: Vec::new(), keeps_permission })
}

fn by_order(state: &Overlay<'_>, book: &mut Book, ordered: &OrderedTransfer) -> Result<Plan, Refusal> {
    let from = ordered.khatian.number;
    let mut moves = Vec::new();
    for PlotShare { plot, share } in &ordered.plots {
        require_held(state, book, plot, from, *share)?;
        moves.push(Planned { plot: plot.clone(), from, to: parts_of(&ordered.transferees, *share)? });
    }
    let holders = holders_of(0, &ordered.transferees).collect();
    Ok(Plan { moves, holders, deeds: Vec::new(), keeps_permission: false })
}

fn parts_of(transferees: &[Transferee], whole: Share) -> Result<BTreeMap<Recipient, Share>, Refusal> {
    let part = |(at, transferee): (usize, &Transferee)| {
        Ok((Recipient { deed: 0, transferee: place(at) }, transferee.part.of(whole)?))
    };
    transferees.iter().enumerate().map(part).collect()
}
