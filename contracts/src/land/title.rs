//! Title: what a case would move, judged at mutation and never at registration.
//!
//! L2 no more than is held · L3 a deed is used up once by transferor and plot · L4 a succession stands on a valid death
//! certificate · L5 the deeds cover plots and parties, in order · L6 vested and frozen land is not transferred
//! voluntarily · L10 a khatian that needs permission shows it.
//!
//! Where a plot that the ground names was divided or merged since, the case moves what its shares are in the plots made
//! from it ([`lineage`]).

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;

use super::book::{Book, history};
use super::case::{MutationCase, Recipient, case};
use super::deed::{Deed, Line, PlotShare, Transferee, TransfereeOf, Transferor, Use, deed};
use super::ground::{DeedChain, Ground, Inheritance, OrderedTransfer};
use super::history::PlotAct;
use super::keys::{CaseId, KhatianId, KhatianNumber, MouzaId, PlotId, VESTED_KHATIAN};
use super::lineage::lineage;
use super::mutation::Allowance;
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
    allowance: &Allowance,
) -> Result<Plan, Refusal> {
    let whole = allowance.only.is_empty() || matches!(record.ground, Ground::Deed(_));
    require(whole, "L5", || "only a case on deeds is allowed for some transferors alone".to_owned())?;
    match &record.ground {
        Ground::Deed(chain) => by_deeds(state, book, record, chain, allowance),
        Ground::Inheritance(inheritance) => by_inheritance(state, context, book, inheritance),
        Ground::Acquisition(ordered) | Ground::SuoMotu(ordered) => by_order(state, book, ordered),
    }
}

/// Place in a list that is never longer than a byte counts (chains, transferees).
pub(super) fn place(at: usize) -> u8 {
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

fn by_deeds(
    state: &Overlay<'_>,
    book: &mut Book,
    record: &MutationCase,
    chain: &DeedChain,
    allowance: &Allowance,
) -> Result<Plan, Refusal> {
    let deeds = chain.deeds.iter().map(|id| deed(state, id)).collect::<Result<Vec<_>, _>>()?;
    require_chain(&deeds, chain, allowance)?;
    let mut moves = Vec::new();
    for plot in chain.plots.iter() {
        for (at, given) in deeds.iter().enumerate() {
            for line in taken(&deeds, at, plot, allowance) {
                let user = given.covers(plot).and_then(|given| given.user(line.transferor));
                require(user.is_none(), "L3", || {
                    let transferor = line.transferor;
                    format!(
                        "deed {} over plot {plot} is already used by a case that stands (transferor {transferor})",
                        given.id
                    )
                })?;
            }
        }
        let (gives, keeps) = passed_on(state, &deeds, plot, allowance)?;
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

/// What the order takes of a plot by the deed at `at` of the chain.
fn taken<'d>(
    deeds: &'d [Deed],
    at: usize,
    plot: &'d PlotId,
    allowance: &'d Allowance,
) -> impl Iterator<Item = Line<'d>> {
    deeds[at].lines(plot).filter(move |line| allowance.takes_from(place(at), line.transferor))
}

/// The deeds transfer, stand, and follow one another; the first covers every plot, and the order takes something by each
/// and from every transferor that it names (L5).
fn require_chain(deeds: &[Deed], chain: &DeedChain, allowance: &Allowance) -> Result<(), Refusal> {
    for (at, given) in deeds.iter().enumerate() {
        require(given.kind.transfers(), "L5", || format!("deed {} ({:?}) transfers nothing", given.id, given.kind))?;
        require(given.cancelled.is_none(), "L5", || format!("deed {} was cancelled by a court", given.id))?;
        let mut lines = chain.plots.iter().flat_map(|plot| taken(deeds, at, plot, allowance)).peekable();
        require(lines.peek().is_some(), "L5", || {
            format!("deed {} covers none of the plots of the case, or none of its transferors is named", given.id)
        })?;
        let follows = lines.any(|line| source(&deeds[..at], &line.conveyance.transferor).is_some());
        require(at == 0 || follows, "L5", || {
            format!("deed {} does not follow from a deed before it in the chain", given.id)
        })?;
    }
    for plot in chain.plots.iter() {
        let covered = taken(deeds, 0, plot, allowance).next().is_some();
        require(covered, "L5", || format!("nothing is taken of plot {plot} by the first deed"))?;
    }
    for giver in allowance.only.iter() {
        let at = usize::from(giver.deed);
        let mut lines = chain.plots.iter().filter(|_| at < deeds.len()).flat_map(|plot| deeds[at].lines(plot));
        let gives = lines.any(|line| line.transferor == giver.transferor);
        require(gives, "L5", || {
            format!("transferor {} of deed {} in the chain gives nothing of these plots", giver.transferor, giver.deed)
        })?;
    }
    Ok(())
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

fn passed_on(state: &Overlay<'_>, deeds: &[Deed], plot: &PlotId, allowance: &Allowance) -> Result<PassedOn, Refusal> {
    let mut gives: BTreeMap<KhatianNumber, Share> = BTreeMap::new();
    let mut keeps: BTreeMap<Recipient, Share> = BTreeMap::new();
    for (at, given) in deeds.iter().enumerate() {
        for Line { conveyance, share, .. } in taken(deeds, at, plot, allowance) {
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
    let earlier = deed(state, &source.deed)?;
    let used = earlier.covers(plot).map(|given| given.used.as_slice()).unwrap_or_default();
    require(!used.is_empty(), "L5", || {
        format!("deed {} over plot {plot} is not mutated; name it first in the chain", source.deed)
    })?;
    let mut khatians = BTreeSet::new();
    for Use { case, .. } in used {
        khatians.extend(gained(state, case, source, plot)?);
    }
    require(khatians.len() < 2, "L5", || {
        format!("that transferee of deed {} was given shares of plot {plot} in several khatians", source.deed)
    })?;
    let khatian = khatians.pop_first();
    let khatian = khatian.or_reject("L5", || format!("that transferee of deed {} passed the share on", source.deed))?;
    Ok(plot.khatian(khatian))
}

/// The khatian in which an applied case gave a transferee a share of a plot; none if it passed the share on.
fn gained(
    state: &Overlay<'_>,
    id: &CaseId,
    source: &TransfereeOf,
    plot: &PlotId,
) -> Result<Option<KhatianNumber>, Refusal> {
    let user = case(state, id)?;
    let at = user.ground.deeds().iter().position(|deed| *deed == source.deed);
    let applied = user.applied.map(|applied| applied.plots).unwrap_or_default();
    let applied = applied.into_iter().find(|applied| applied.of == *plot);
    let (Some(at), Some(applied)) = (at, applied) else { return Ok(None) };
    let recipient = Recipient { deed: place(at), transferee: source.transferee };
    Ok(match history(state, &applied.plot, applied.entry)?.act {
        PlotAct::Mutated { gains, .. } => {
            gains.iter().find(|gain| gain.recipient == recipient).map(|gain| gain.khatian)
        }
        _ => None,
    })
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
