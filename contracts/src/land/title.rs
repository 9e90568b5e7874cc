//! Title: what a case would move, judged at mutation and never at registration.
//!
//! L2 no more than is held · L3 a deed is used up once over each plot · L4 a succession stands on a valid death
//! certificate · L5 the deeds cover plots and parties, in order · L6 vested and frozen land is not transferred
//! voluntarily · L10 a khatian that needs permission shows it.
//!
//! Where a plot that the ground names was divided or merged since, the case moves what its shares are in the plots made
//! from it ([`lineage`]).

use std::collections::BTreeMap;

use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;

use super::book::{Book, history};
use super::case::{MutationCase, Recipient, case};
use super::deed::{Deed, PlotShare, Transferee, TransfereeOf, Transferor, deed};
use super::ground::{DeedChain, Ground, Inheritance, OrderedTransfer};
use super::history::PlotAct;
use super::keys::{KhatianId, KhatianNumber, MouzaId, PlotId, VESTED_KHATIAN};
use super::lineage::lineage;
use super::share::Share;
use super::succession::require_death;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// What a case would move on one plot.
pub(super) struct Planned {
    /// The plot that the ground names.
    pub(super) of: PlotId,
    /// The plot whose shares move: the same, or one made from it since.
    pub(super) plot: PlotId,
    /// Who gives how much of it.
    pub(super) gives: BTreeMap<KhatianNumber, Share>,
    /// Who takes how much of it; nothing for one who passed all of it on.
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

fn holders_of(deed: u8, holders: impl Iterator<Item = Hash>) -> impl Iterator<Item = (Recipient, Hash)> {
    holders.enumerate().map(move |(at, holder)| (Recipient { deed, transferee: place(at) }, holder))
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

/// Each share as a part of `whole`.
fn scaled<K: Ord + Copy>(shares: &BTreeMap<K, Share>, whole: Share) -> Result<BTreeMap<K, Share>, Refusal> {
    shares.iter().map(|(key, share)| Ok((*key, share.of(whole)?))).collect()
}

fn by_deeds(state: &Overlay<'_>, book: &mut Book, record: &MutationCase, chain: &DeedChain) -> Result<Plan, Refusal> {
    let deeds = chain.deeds.iter().map(|id| deed(state, id)).collect::<Result<Vec<_>, _>>()?;
    for (at, given) in deeds.iter().enumerate() {
        require(given.kind.transfers(), "L5", || format!("deed {} ({:?}) transfers nothing", given.id, given.kind))?;
        require(given.cancelled.is_none(), "L5", || format!("deed {} was cancelled by a court", given.id))?;
        let concerned = chain.plots.iter().any(|plot| given.covers(plot).is_some());
        require(concerned, "L5", || format!("deed {} covers none of the plots of the case", given.id))?;
        let follows = given.conveyances.iter().any(|one| source(&deeds[..at], &one.transferor).is_some());
        require(at == 0 || follows, "L5", || {
            format!("deed {} does not follow from a deed before it in the chain", given.id)
        })?;
    }
    let mut moves = Vec::new();
    for plot in chain.plots.iter() {
        for given in &deeds {
            let used = given.covers(plot).and_then(|given| given.used_by.as_ref());
            require(used.is_none(), "L3", || {
                format!("deed {} over plot {plot} is already used by a case that stands", given.id)
            })?;
        }
        let first = deeds.first().filter(|first| first.covers(plot).is_some());
        first.or_reject("L5", || format!("the first deed does not cover plot {plot}"))?;
        let (gives, keeps) = passed_on(state, &deeds, plot)?;
        for (front, whole) in lineage(state, book, plot)?.fronts {
            let gives = scaled(&gives, whole)?;
            for (from, share) in &gives {
                require_voluntary(state, book, record, &front, &plot.khatian(*from))?;
                require_held(state, book, &front, *from, *share)?;
            }
            moves.push(Planned { of: plot.clone(), plot: front, gives, to: scaled(&keeps, whole)? });
        }
    }
    let holders = deeds
        .iter()
        .enumerate()
        .flat_map(|(at, deed)| holders_of(place(at), deed.transferees.iter().copied()))
        .collect();
    Ok(Plan { moves, holders, deeds, keeps_permission: false })
}

/// Whose share a transferor passes on: a transferee of one of the deeds before it in the chain (L5).
fn source(earlier: &[Deed], transferor: &Transferor) -> Option<Recipient> {
    let Transferor::Deed(source) = transferor else { return None };
    let at = earlier.iter().position(|deed| deed.id == source.deed)?;
    let named = usize::from(source.transferee) < earlier[at].transferees.len();
    named.then(|| Recipient { deed: place(at), transferee: source.transferee })
}

/// What khatians give of a plot, and what every transferee of the chain keeps of it after passing on.
type PassedOn = (BTreeMap<KhatianNumber, Share>, BTreeMap<Recipient, Share>);

fn passed_on(state: &Overlay<'_>, deeds: &[Deed], plot: &PlotId) -> Result<PassedOn, Refusal> {
    let mut gives: BTreeMap<KhatianNumber, Share> = BTreeMap::new();
    let mut keeps: BTreeMap<Recipient, Share> = BTreeMap::new();
    for (at, given) in deeds.iter().enumerate() {
        for (conveyance, share) in given.lines(plot) {
            if let Some(source) = source(&deeds[..at], &conveyance.transferor) {
                let has = keeps.get(&source).copied().unwrap_or(Share::ZERO);
                let left = has.minus(share)?.or_reject("L2", || {
                    format!("deed {} gives {share} of plot {plot}, its transferor was given {has}", given.id)
                })?;
                keeps.insert(source, left);
            } else {
                let from = match &conveyance.transferor {
                    Transferor::Khatian(khatian) => khatian.clone(),
                    Transferor::Deed(source) => resolve(state, source, plot)?,
                };
                require_mouza(&from.mouza, plot)?;
                add(&mut gives, from.number, share)?;
            }
            for to in &conveyance.to {
                let recipient = Recipient { deed: place(at), transferee: to.transferee };
                add(&mut keeps, recipient, to.part.of(share)?)?;
            }
        }
    }
    Ok((gives, keeps))
}

fn add<K: Ord>(shares: &mut BTreeMap<K, Share>, key: K, share: Share) -> Result<(), Refusal> {
    let sum = shares.entry(key).or_insert(Share::ZERO);
    *sum = sum.plus(share)?;
    Ok(())
}

/// The khatian that a transferee of an already mutated deed was given (L5).
fn resolve(state: &Overlay<'_>, source: &TransfereeOf, plot: &PlotId) -> Result<KhatianId, Refusal> {
    let unmutated = || format!("deed {} over plot {plot} is not mutated; name it first in the chain", source.deed);
    let earlier = deed(state, &source.deed)?;
    let user = earlier.covers(plot).and_then(|given| given.used_by.clone()).or_reject("L5", unmutated)?;
    let user = case(state, &user)?;
    let at = user.ground.deeds().iter().position(|id| *id == source.deed).or_reject("L5", unmutated)?;
    let recipient = Recipient { deed: place(at), transferee: source.transferee };
    let applied = user.applied.map(|applied| applied.plots).unwrap_or_default();
    let applied = applied.into_iter().find(|applied| applied.of == *plot).or_reject("L5", unmutated)?;
    let gained = match history(state, &applied.plot, applied.entry)?.act {
        PlotAct::Mutated { gains, .. } => gains.into_iter().find(|gain| gain.recipient == recipient),
        _ => None,
    };
    let gained = gained.or_reject("L5", || format!("that transferee of deed {} passed the share on", source.deed))?;
    Ok(plot.khatian(gained.khatian))
}

/// Refuses a transfer by will of vested or frozen land (L6), or without a permission that is needed (L10).
fn require_voluntary(
    state: &Overlay<'_>,
    book: &mut Book,
    record: &MutationCase,
    plot: &PlotId,
    from: &KhatianId,
) -> Result<(), Refusal> {
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
    require(from.number != VESTED_KHATIAN, "L6", || "nobody inherits from the Government's khatian".to_owned())?;
    let mut moves: Vec<Planned> = Vec::new();
    for plot in inheritance.plots.iter() {
        let mut holds = false;
        for front in lineage(state, book, plot)?.fronts.into_keys() {
            let held = book.live_plot(state, &front)?.held(from.number);
            // Of two plots merged since, the one plot that they became passes once.
            if held.is_zero() || moves.iter().any(|planned| planned.plot == front) {
                holds |= !held.is_zero();
                continue;
            }
            holds = true;
            let to = parts_of(&inheritance.heirs, held)?;
            moves.push(Planned { of: plot.clone(), plot: front, gives: BTreeMap::from([(from.number, held)]), to });
        }
        require(holds, "L2", || format!("khatian {from} holds nothing of plot {plot}"))?;
    }
    let holders = holders_of(0, inheritance.heirs.iter().map(|heir| heir.holder)).collect();
    let keeps_permission = book.khatian(state, from)?.permission_required;
    Ok(Plan { moves, holders, deeds: Vec::new(), keeps_permission })
}

fn by_order(state: &Overlay<'_>, book: &mut Book, ordered: &OrderedTransfer) -> Result<Plan, Refusal> {
    let from = ordered.khatian.number;
    let mut moves = Vec::new();
    for PlotShare { plot, share } in &ordered.plots {
        for (front, whole) in lineage(state, book, plot)?.fronts {
            let share = share.of(whole)?;
            require_held(state, book, &front, from, share)?;
            let (gives, to) = (BTreeMap::from([(from, share)]), parts_of(&ordered.transferees, share)?);
            moves.push(Planned { of: plot.clone(), plot: front, gives, to });
        }
    }
    let holders = holders_of(0, ordered.transferees.iter().map(|to| to.holder)).collect();
    Ok(Plan { moves, holders, deeds: Vec::new(), keeps_permission: false })
}

fn parts_of(transferees: &[Transferee], whole: Share) -> Result<BTreeMap<Recipient, Share>, Refusal> {
    let part = |(at, transferee): (usize, &Transferee)| {
        Ok((Recipient { deed: 0, transferee: place(at) }, transferee.part.of(whole)?))
    };
    transferees.iter().enumerate().map(part).collect()
}
