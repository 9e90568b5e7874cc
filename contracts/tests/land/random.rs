//! Random calls by their proper officers: whatever is accepted, the register adds up; whatever is refused, nothing moves.
//!
//! The oracle shares no arithmetic with the product: it adds shares over their common denominator by itself, keeps its own
//! list of charges, and finds cases, plots and documents by searching the whole state.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::land::LandCall;
use dalil_contracts::land::appeal::{AppealDecision, OrderAppeal};
use dalil_contracts::land::case::{CaseState, MutationCase};
use dalil_contracts::land::charge::{EnterCharge, ReleaseCharge};
use dalil_contracts::land::convert::Convert;
use dalil_contracts::land::court::CourtSetAside;
use dalil_contracts::land::deed::{Conveyance, Deed, DeedKind, Transferor};
use dalil_contracts::land::extract::IssueRor;
use dalil_contracts::land::ground::Ground;
use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::keys::{PlotId, case_key, stays_key};
use dalil_contracts::land::mutation::{Allowance, Giver, Opened, Placement, Saw, Target};
use dalil_contracts::land::offers::{Offers, offers_key};
use dalil_contracts::land::order::{Decision, MutateAuto, OrderCase};
use dalil_contracts::land::public::{Confirm, FreezePlot, SettlePlot, VestPlot};
use dalil_contracts::land::registers::{Extent, chain_of_title, encumbrances, pendency};
use dalil_contracts::land::registration::CancelDeed;
use dalil_contracts::land::share::Share;
use dalil_contracts::land::stay::{OverlayTarget, Stay};
use dalil_contracts::land::survey::{Amalgamate, Part, Split};
use dalil_contracts::land::types::{Charge, Holding, Khatian, LandClass, Plot};
use dalil_contracts::units::Area;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical, Set};
use dalil_ledger::document::{Dependency, DocumentEntry, Status, left_key};
use dalil_ledger::state::Overlay;
use proptest::prelude::*;

use super::fixture::{
    BENDA, DEATH, benda, by_death, by_deeds, call, fee, from_deed, from_khatian, id, paper, parties, plot,
    record_death, register, share, suo_motu,
};
use crate::support::{World, digest, token};

const KHATIANS: [u32; 8] = [101, 103, 105, 1, 201, 202, 203, 204];
const PARTS: [&str; 6] = ["1/1", "1/2", "1/3", "2/3", "1/4", "3/7"];

/// All keys under a prefix, with their values.
fn under<T: Canonical>(world: &World, prefix: &str) -> BTreeMap<Vec<u8>, T> {
    let under = world.state.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes()));
    under.map(|(key, bytes)| (key.clone(), codec::decode(bytes, CANONICAL_BYTES_MAX).unwrap())).collect()
}

/// All values under a prefix.
fn all<T: Canonical>(world: &World, prefix: &str) -> Vec<T> {
    under(world, prefix).into_values().collect()
}

fn numbers(share: Share) -> (u128, u128) {
    let text = share.to_string();
    let (a, b) = text.split_once('/').unwrap();
    (a.parse().unwrap(), b.parse().unwrap())
}

/// Whether fractions sum to one: the sum of a × (product of the other denominators) is the product of all.
fn sums_to_one(shares: &[Share]) -> bool {
    let lcm = shares.iter().fold(1_u128, |lcm, share| {
        let mut candidate = lcm;
        while !candidate.is_multiple_of(numbers(*share).1) {
            candidate += lcm;
        }
        candidate
    });
    shares.iter().map(|share| numbers(*share)).map(|(a, b)| a * (lcm / b)).sum::<u128>() == lcm
}

/// What must hold of every register.
fn check(world: &World) {
    let plots: Vec<Plot> = all(world, "land/plot/");
    let mut held_in: BTreeMap<u32, u32> = BTreeMap::new();
    for plot in &plots {
        let mut shares: Vec<Share> = plot.holdings.iter().map(|holding| holding.share).collect();
        shares.push(plot.remainder);
        assert!(sums_to_one(&shares), "{plot:?}");
        for holding in plot.live_holdings() {
            *held_in.entry(holding.khatian).or_default() += 1;
        }
    }
    let area: u64 = plots.iter().filter(|plot| !plot.retired).map(|plot| plot.area.0).sum();
    assert_eq!(area, 31_000, "area is conserved");
    for khatian in all::<Khatian>(world, "land/khatian/") {
        assert_eq!(khatian.plots, held_in.get(&khatian.id.number).copied().unwrap_or(0), "{khatian:?}");
    }
    // A deed's marks and the applied cases tell the same story (L3).
    let cases: Vec<MutationCase> = all(world, "land/case/");
    for deed in all::<Deed>(world, "land/deed/") {
        for given in &deed.plots {
            let users = cases
                .iter()
                .filter(|case| case.ground.deeds().contains(&deed.id) && case.ground.plots().contains(&&given.plot))
                .filter(|case| case.applied.is_some())
                .map(|case| case.id.clone())
                .collect::<BTreeSet<_>>();
            assert_eq!(given.used.iter().map(|used| used.case.clone()).collect::<BTreeSet<_>>(), users, "{deed:?}");
            assert!(given.used.is_sorted_by(|a, b| a.transferor < b.transferor), "{deed:?}");
        }
    }
}

/// What is kept of the deeds that wait is what those give that are neither used up nor cancelled.
fn check_offers(world: &World) {
    let mut expected: BTreeMap<Vec<u8>, Offers> = BTreeMap::new();
    let deeds = all::<Deed>(world, "land/deed/").into_iter();
    for deed in deeds.filter(|deed| deed.kind.transfers() && deed.cancelled.is_none()) {
        for (at, conveyance) in (0..).zip(&deed.conveyances) {
            for given in &conveyance.plots {
                if deed.covers(&given.plot).unwrap().user(at).is_some() {
                    continue;
                }
                let offers = expected.entry(offers_key(&given.plot, &conveyance.transferor)).or_default();
                let (a, b) = numbers(given.share);
                offers.deeds += 1;
                offers.parts += (a << 64) / b;
            }
        }
    }
    assert_eq!(under(world, "land/offers/"), expected);
}

/// Every plot counts the stays of the cases and deeds over it.
fn check_stays(world: &World) {
    let mut expected: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut lies = |plots: Vec<&PlotId>, stays: usize| {
        plots.into_iter().for_each(|plot| *expected.entry(stays_key(plot)).or_default() += stays as u64);
    };
    let (cases, deeds) = (all::<MutationCase>(world, "land/case/"), all::<Deed>(world, "land/deed/"));
    cases.iter().for_each(|case| lies(case.ground.plots(), case.stays.len()));
    deeds.iter().for_each(|deed| lies(deed.plots.iter().map(|given| &given.plot).collect(), deed.stays.len()));
    expected.retain(|_, stays| *stays > 0);
    assert_eq!(under(world, "land/stays/"), expected);
}

/// The plots in force that came of a plot, found by their children.
fn fronts(world: &World, id: &PlotId) -> BTreeSet<PlotId> {
    let found = plot(world, &id.to_string());
    if !found.retired {
        return BTreeSet::from([id.clone()]);
    }
    found.children.iter().flat_map(|child| fronts(world, child)).collect()
}

/// The plots that an order must name to undo a case: those made since from the ones that it concerned.
fn divided(world: &World, case: &str) -> Set<PlotId> {
    let record: Option<MutationCase> = world.get(&case_key(&token(case)));
    let applied = record.and_then(|record| record.applied).map(|applied| applied.plots).unwrap_or_default();
    let since = applied.iter().filter(|done| plot(world, &done.plot.to_string()).retired);
    since.flat_map(|done| fronts(world, &done.plot)).collect()
}

/// Who holds a plot by its chain of title alone, beginning with what the older register had.
fn by_title(world: &World, older: &BTreeMap<PlotId, Vec<Holding>>, id: &PlotId) -> BTreeMap<u32, Share> {
    let found = plot(world, &id.to_string());
    let first = found.parents.first();
    let mut held: BTreeMap<u32, Share> = match first {
        Some(parent) => by_title(world, older, parent),
        None => older[id].iter().map(|holding| (holding.khatian, holding.share)).collect(),
    };
    let title = chain_of_title(&Overlay::new(&world.state), id).unwrap();
    assert_eq!(title.extent, Extent::Complete);
    for line in title.lines.iter().rev().filter(|line| line.plot == *id) {
        let mut move_all = |gives: &[Holding], gains: &[(u32, Share)]| {
            for give in gives {
                let left = held[&give.khatian].minus(give.share).unwrap().unwrap();
                held.insert(give.khatian, left);
            }
            for (khatian, share) in gains {
                let sum = held.get(khatian).copied().unwrap_or(Share::ZERO).plus(*share).unwrap();
                held.insert(*khatian, sum);
            }
        };
        match &line.act {
            PlotAct::Mutated { gives, gains, .. } => {
                let gains: Vec<_> = gains.iter().map(|gain| (gain.khatian, gain.share)).collect();
                move_all(gives, &gains);
            }
            PlotAct::SetAside { gives, gains, .. } => {
                let gains: Vec<_> = gains.iter().map(|gain| (gain.khatian, gain.share)).collect();
                move_all(gives, &gains);
            }
            PlotAct::Settled { holdings, .. } => {
                held = holdings.iter().map(|holding| (holding.khatian, holding.share)).collect();
            }
            PlotAct::Vested { .. } => held = BTreeMap::from([(1, Share::WHOLE)]),
            _ => {}
        }
    }
    held.retain(|_, share| !share.is_zero());
    held
}

/// The registers say what a search of the whole state says.
fn check_registers(world: &World, older: &BTreeMap<PlotId, Vec<Holding>>, charged: &BTreeMap<PlotId, Charges>) {
    let state = Overlay::new(&world.state);
    for land in all::<Plot>(world, "land/plot/") {
        let held: BTreeMap<u32, Share> = land.holdings.iter().map(|holding| (holding.khatian, holding.share)).collect();
        assert_eq!(by_title(world, older, &land.id), held, "{land:?}");
        let borne: Charges = land.charges.iter().map(|charge| charge.instrument.to_string()).collect();
        assert_eq!(borne, charged.get(&land.id).cloned().unwrap_or_default(), "L16: {land:?}");
        let found = encumbrances(&state, &land.id).unwrap();
        let open = found.charges.iter().filter(|one| one.satisfied.is_none());
        assert_eq!(open.map(|one| one.charge.instrument.to_string()).collect::<Charges>(), borne, "{found:?}");
    }
    let waiting = |state: CaseState| {
        !matches!(state, CaseState::Allowed | CaseState::Rejected | CaseState::Upheld | CaseState::SetAside)
    };
    let cases = all::<MutationCase>(world, "land/case/").into_iter().filter(|case| waiting(case.state));
    let expected: BTreeMap<String, CaseState> = cases.map(|case| (case.id.to_string(), case.state)).collect();
    let found = pendency(&state, &token("land/blro-2795"), world.time_ms).unwrap();
    let listed: BTreeMap<String, CaseState> =
        found.cases.iter().map(|one| (one.waiting.case.to_string(), one.waiting.stage)).collect();
    assert_eq!((listed.len(), &listed), (found.cases.len(), &expected));
    for count in found.seats.iter().flat_map(|seat| &seat.stages) {
        let there = expected.values().filter(|stage| **stage == count.stage).count();
        assert_eq!(count.cases as usize, there, "{count:?}");
    }
}

/// At most one document of a chain is in force, and none that shows what is no longer so.
fn check_documents(world: &World) {
    let documents: Vec<DocumentEntry> = all(world, "doc/uri/in.gov.wb.land-");
    for document in &documents {
        if let Some(next) = &document.superseded_by {
            assert_eq!(world.status(document.uri.as_str()).status, Status::Superseded, "{document:?}");
            assert_eq!(world.document(next.as_str()).supersedes.as_ref(), Some(&document.uri));
        }
        let versions: BTreeMap<String, u64> = all::<Khatian>(world, "land/khatian/")
            .into_iter()
            .map(|khatian| (khatian.id.dependency().to_string(), khatian.version))
            .collect();
        let current = document.depends.iter().all(|source| versions[source.key.as_str()] == source.version);
        let valid = world.status(document.uri.as_str()).status == Status::Valid;
        assert_eq!(valid, current && document.superseded_by.is_none(), "{document:?}");
    }
}

/// Instruments of the charges on a plot, by the calls that were accepted.
type Charges = BTreeSet<String>;

/// What an accepted call does to the charges.
fn note_charges(charged: &mut BTreeMap<PlotId, Charges>, land: &LandCall) {
    let of = |charged: &BTreeMap<PlotId, Charges>, plot: &PlotId| charged.get(plot).cloned().unwrap_or_default();
    match land {
        LandCall::Charge(call) => {
            charged.entry(call.plot.clone()).or_default().insert(call.charge.instrument.to_string());
        }
        LandCall::Release(call) => {
            charged.entry(call.plot.clone()).or_default().remove(&call.instrument.to_string());
        }
        LandCall::Split(call) => {
            let borne = of(charged, &call.plot);
            for part in &call.parts {
                charged.insert(PlotId { bata: Some(part.bata), ..call.plot.clone() }, borne.clone());
            }
        }
        LandCall::Amalgamate(call) => {
            let borne = call.plots.iter().flat_map(|plot| of(charged, plot)).collect();
            charged.insert(call.into.clone(), borne);
        }
        _ => {}
    }
}

/// What an extract of each khatian shows, and the versions.
fn extracts(world: &World) -> BTreeMap<u32, (Vec<String>, u64)> {
    let plots: Vec<Plot> = all(world, "land/plot/");
    let shows = |khatian: &Khatian| {
        let held = plots.iter().filter(|plot| plot.live_holdings().iter().any(|one| one.khatian == khatian.id.number));
        let line = |plot: &Plot| {
            format!(
                "{} {:?} {:?} {:?} {:?} {:?} {:?}",
                plot.id, plot.class, plot.area, plot.holdings, plot.charges, plot.freezes, plot.vested
            )
        };
        held.map(line).collect::<Vec<_>>()
    };
    all::<Khatian>(world, "land/khatian/").iter().map(|one| (one.id.number, (shows(one), one.version))).collect()
}

/// Every extract that shows something else now has the next version, and the old one is marked as left.
fn check_versions(before: &BTreeMap<u32, (Vec<String>, u64)>, world: &World) {
    for (number, (shows, version)) in extracts(world) {
        let Some((showed, was)) = before.get(&number) else { continue };
        let left = |version| {
            let key = id::<dalil_contracts::land::keys::KhatianId>(&format!("{BENDA}/{number}")).dependency();
            world.state.contains_key(&left_key(&Dependency { key, version }))
        };
        assert_eq!(version, if shows == *showed { *was } else { was + 1 }, "khatian {number}");
        assert_eq!(left(*was), shows != *showed, "khatian {number}");
        assert!(!left(version), "khatian {number}");
    }
}

/// Picks of one step.
type Picks = (u8, u8, u8, u8, u8);

fn pick<T: Copy>(items: &[T], at: u8) -> T {
    items[usize::from(at) % items.len()]
}

/// A deed that is registered, mostly; else a number that is free.
fn deed_name(world: &World, at: u8) -> String {
    let deeds: Vec<Deed> = all(world, "land/deed/");
    let known = deeds.get(usize::from(at) % (deeds.len() + 1));
    known.map_or_else(|| format!("0101-I-{:05}-2026", deeds.len() + 1), |deed| deed.id.to_string())
}

/// A case that was filed, mostly one of the last; else an id that is free.
fn case_name(world: &World, at: u8) -> String {
    let cases: Vec<MutationCase> = all(world, "land/case/");
    let back = usize::from(at) % 6;
    let known = cases.len().checked_sub(back).and_then(|at| cases.get(at));
    known.map_or_else(|| new_case(world), |case| case.id.to_string())
}

fn new_case(world: &World) -> String {
    format!("C-{:04}", all::<MutationCase>(world, "land/case/").len() + 1)
}

/// A khatian that holds in the plot, mostly.
fn holder(plot: &Plot, at: u8) -> u32 {
    let held = plot.holdings.get(usize::from(at) % (plot.holdings.len() + 1));
    held.map_or_else(|| pick(&KHATIANS, at), |holding| holding.khatian)
}

/// The call that the case waits for.
fn next_call(world: &World, case: &str, choice: u8, at: u8) -> (&'static str, LandCall) {
    let order = digest("order");
    let record: Option<MutationCase> = world.get(&case_key(&token(case)));
    let Some(record) = record else { return ("land/blro-2795", LandCall::Hear(paper(case))) };
    match record.state {
        CaseState::Filed => ("finance/treasury", fee(case)),
        CaseState::FeeSettled => ("land/inspector-2795", LandCall::Enquire(paper(case))),
        CaseState::Enquired => ("land/blro-2795", LandCall::Notice(paper(case))),
        CaseState::Noticed => ("land/blro-2795", LandCall::Hear(paper(case))),
        CaseState::Heard => {
            let allow = Decision::Allow(case_allowance(world, case, at));
            let decision = if choice.is_multiple_of(5) { Decision::Reject } else { allow };
            ("land/blro-2795", LandCall::Order(OrderCase { case: token(case), order, decision }))
        }
        CaseState::AppealedAllowed | CaseState::AppealedRejected => {
            let undoes = choice % 4 == 1 || choice % 4 == 2;
            let later = if undoes && at.is_multiple_of(3) { vec![case_name(world, at / 3)] } else { Vec::new() };
            let named = later.iter().map(String::as_str).chain([case]).filter(|_| undoes);
            let divided = named.flat_map(|case| divided(world, case).iter().cloned().collect::<Vec<_>>()).collect();
            let later = later.iter().map(|case| token(case)).collect();
            let decision = match choice % 4 {
                0 => AppealDecision::Uphold,
                1 => AppealDecision::SetAside,
                2 => AppealDecision::Remand,
                _ => AppealDecision::Allow(case_allowance(world, case, at)),
            };
            ("land/dllro", LandCall::AppealOrder(OrderAppeal { case: token(case), order, decision, later, divided }))
        }
        _ if choice.is_multiple_of(3) => {
            let later = if at.is_multiple_of(3) { vec![case_name(world, at)] } else { Vec::new() };
            let named = later.iter().map(String::as_str).chain([case]);
            let divided = named.flat_map(|case| divided(world, case).iter().cloned().collect::<Vec<_>>()).collect();
            let later = later.iter().map(|case| token(case)).collect();
            let call = CourtSetAside { case: token(case), cnr: token("CNR-1"), order, later, divided };
            ("judicial/court", LandCall::CourtSetAside(call))
        }
        _ => ("land/intake", LandCall::Appeal(paper(case))),
    }
}

/// Live and retired plots; calls on retired ones are refused.
fn plot_at(world: &World, at: u8) -> Plot {
    let plots: Vec<Plot> = all(world, "land/plot/");
    plots[usize::from(at) % plots.len()].clone()
}

fn target(world: &World, number: u32) -> Target {
    let open = all::<Khatian>(world, "land/khatian/").iter().any(|khatian| khatian.id.number == number);
    if open { Target::Existing(number) } else { Target::Open(Opened { number, permission_required: false }) }
}

/// Names every version, and a khatian for each transferee of the last deed (or heir).
fn allowance(world: &World, transferees: usize, last: u8, at: u8) -> Allowance {
    let saw = all::<Khatian>(world, "land/khatian/")
        .into_iter()
        .map(|khatian| Saw { khatian: khatian.id, version: khatian.version });
    let place = |transferee: usize| {
        let transferee = u8::try_from(transferee).unwrap();
        let number = pick(&KHATIANS, at.wrapping_add(transferee).wrapping_add(4));
        Placement { deed: last, transferee, khatian: target(world, number) }
    };
    let only = if at.is_multiple_of(3) { vec![Giver { deed: last, transferor: at / 3 % 2 }] } else { Vec::new() };
    let khatians = (0..transferees).map(place).collect();
    Allowance { saw: saw.collect(), khatians, only: only.into_iter().collect() }
}

fn case_allowance(world: &World, name: &str, at: u8) -> Allowance {
    let record: Option<MutationCase> = world.get(&case_key(&token(name)));
    let (transferees, last) = match record.map(|record| record.ground) {
        Some(Ground::Deed(chain)) => (1, u8::try_from(chain.deeds.len() - 1).unwrap()),
        Some(Ground::Inheritance(inheritance)) => (inheritance.heirs.len(), 0),
        Some(Ground::Acquisition(ordered) | Ground::SuoMotu(ordered)) => (ordered.transferees.len(), 0),
        None => (0, 0),
    };
    allowance(world, transferees, last, at)
}

/// The call of one step, with the posting that makes it.
fn step(world: &World, (kind, a, b, c, d): Picks) -> (&'static str, LandCall) {
    let order = digest("order");
    let plot = plot_at(world, a);
    let case = case_name(world, b);
    let fresh = if d.is_multiple_of(13) { case.clone() } else { new_case(world) };
    let heirs: &[(&str, &str)] = if c.is_multiple_of(2) { &[("x", "1/1")] } else { &[("x", "1/3"), ("y", "2/3")] };
    match kind % 22 {
        0..=3 => {
            let from =
                if d.is_multiple_of(3) { from_deed(&deed_name(world, c), 0) } else { from_khatian(holder(&plot, b)) };
            let kind = if d.is_multiple_of(11) { DeedKind::Mortgage } else { DeedKind::Sale };
            let deeds = all::<Deed>(world, "land/deed/").len();
            let name = if d.is_multiple_of(13) { deed_name(world, c) } else { format!("0101-I-{:05}-2026", deeds + 1) };
            let mut call = register(&name, kind, from, &[("x", "1/1")], 257, pick(&PARTS, c));
            if let LandCall::RegisterDeed(call) = &mut call {
                call.conveyances[0].plots[0].plot = plot.id.clone();
                if d % 5 < 2 {
                    let second =
                        Conveyance { transferor: from_khatian(holder(&plot, d)), ..call.conveyances[0].clone() };
                    call.conveyances.push(second);
                }
            }
            ("registration/adsr-bankura", call)
        }
        4..=6 => {
            let Allowance { saw, khatians, .. } = allowance(world, 1, 0, d);
            let permission = Some(order);
            let call = MutateAuto { case: token(&fresh), deed: id(&deed_name(world, a)), permission, saw, khatians };
            ("land/system", LandCall::MutateAuto(call))
        }
        7 => {
            let deeds: Vec<Deed> = all(world, "land/deed/");
            let name = deed_name(world, a);
            let given = deeds.iter().find(|deed| deed.id.to_string() == name);
            let mut chain = vec![name.clone()];
            if let Some(Transferor::Deed(source)) = given.map(|deed| &deed.conveyances[0].transferor)
                && c.is_multiple_of(2)
            {
                chain.insert(0, source.deed.to_string());
            }
            let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
            let mut file = by_deeds(&fresh, &chain, &[257]);
            if let (Ground::Deed(ground), Some(given)) = (&mut file.ground, given) {
                ground.plots = [given.plots[0].plot.clone()].into_iter().collect();
            }
            file.permission = Some(order);
            ("land/intake", LandCall::File(file))
        }
        8 if d.is_multiple_of(2) => {
            let mut file = by_death(&fresh, holder(&plot, c), 257, heirs);
            if let Ground::Inheritance(ground) = &mut file.ground {
                ground.plots = [plot.id].into_iter().collect();
            }
            ("land/intake", LandCall::File(file))
        }
        8 => {
            let mut file = suo_motu(&fresh, holder(&plot, c), 257, pick(&PARTS, d), heirs);
            if let Ground::SuoMotu(ground) = &mut file.ground {
                ground.plots[0].plot = plot.id;
            }
            ("land/blro-2795", LandCall::File(file))
        }
        // What a case does not wait for, the mutation table's own test goes through.
        9..=14 => next_call(world, &case, c, d),
        15 => {
            let cut = plot.area.0 * u64::from(b % 5) / 4;
            let rest = plot.area.0 - cut + u64::from(d.is_multiple_of(7));
            let parts = [cut, rest].into_iter().zip([c, c.wrapping_add(1)]);
            let parts = parts.map(|(area, bata)| Part { bata: bata.into(), area: Area(area) }).collect();
            ("land/surveyor", LandCall::Split(Split { plot: plot.id, parts, survey: order }))
        }
        16 => {
            let plots: BTreeSet<_> = [plot.id, plot_at(world, b).id, plot_at(world, c).id].into_iter().collect();
            let into = id(&format!("{BENDA}/{}", 300 + u32::from(d)));
            let plots = plots.into_iter().collect();
            ("land/surveyor", LandCall::Amalgamate(Amalgamate { plots, into, survey: order }))
        }
        20 if d.is_multiple_of(3) => {
            let call = CancelDeed { deed: id(&deed_name(world, a)), cnr: token("CNR-1"), order };
            ("judicial/court", LandCall::CancelDeed(call))
        }
        20 => {
            let target = match a % 2 {
                0 => OverlayTarget::Case(token(&case)),
                _ => OverlayTarget::Deed(id(&deed_name(world, c))),
            };
            let stay = Stay { target, cnr: token("CNR-1"), order };
            ("judicial/court", if b.is_multiple_of(2) { LandCall::Stay(stay) } else { LandCall::LiftStay(stay) })
        }
        17 => {
            let to = if plot.class == LandClass::Bastu { LandClass::Danga } else { LandClass::Bastu };
            ("land/dllro", LandCall::Convert(Convert { plot: plot.id, from: plot.class, to, order }))
        }
        19 => {
            let khatians: Vec<Khatian> = all(world, "land/khatian/");
            let khatian = &khatians[usize::from(b) % khatians.len()];
            let earlier: Vec<DocumentEntry> = all(world, "doc/uri/in.gov.wb.land-");
            let of_it = earlier.iter().rev().find(|entry| entry.subject == khatian.id.subject());
            let uri = format!("in.gov.wb.land-ROR-{:016}", earlier.len());
            let call = IssueRor {
                uri: token(&uri),
                digest: digest(&uri),
                khatian: khatian.id.clone(),
                khatian_version: khatian.version + u64::from(c.is_multiple_of(9)),
                claims_root: None,
                supersedes: of_it.map(|entry| entry.uri.clone()),
            };
            ("land/blro-2795", LandCall::IssueRor(call))
        }
        18 if d.is_multiple_of(4) => {
            let charged = plot.charges.get(usize::from(b) % (plot.charges.len() + 1));
            let instrument = charged.map_or_else(|| id(&deed_name(world, c)), |charge| charge.instrument.clone());
            let call = ReleaseCharge { plot: plot.id, instrument, satisfaction: order };
            ("registration/adsr-bankura", LandCall::Release(call))
        }
        18 if d.is_multiple_of(2) => {
            let charge = Charge { rank: b % 4, holder: digest("x"), instrument: id(&deed_name(world, c)) };
            ("registration/adsr-bankura", LandCall::Charge(EnterCharge { plot: plot.id, charge }))
        }
        18 => {
            let holdings = parties(&[("x", pick(&PARTS, b)), ("y", pick(&PARTS, c))]);
            let holdings = holdings.iter().zip([101, 103]);
            let holdings = holdings.map(|(party, khatian)| Holding { khatian, share: party.part }).collect();
            let call = SettlePlot { plot: plot.id, order, open: Vec::new(), holdings };
            ("district/collector", LandCall::Settle(call))
        }
        _ => {
            let freeze = FreezePlot { plot: plot.id.clone(), reference: token("CNR-1"), order };
            let before = Confirm { record: world.record.saturating_sub(1 + u64::from(b % 2)) };
            match c % 8 {
                0 | 1 => ("judicial/court", LandCall::Freeze(freeze)),
                2 | 3 => ("judicial/court-second", LandCall::Confirm(before)),
                4 | 5 => ("judicial/court", LandCall::Unfreeze(freeze)),
                6 if d.is_multiple_of(4) => ("district/collector", LandCall::Vest(VestPlot { plot: plot.id, order })),
                _ => ("land/dllro", LandCall::Confirm(before)),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_shares_and_area(steps in prop::collection::vec(any::<Picks>(), 1..250)) {
        let mut world = benda();
        record_death(&mut world, DEATH);
        assert!(sums_to_one(&[share("1/3"), share("2/3")]) && !sums_to_one(&[share("1/3"), share("1/2")]));
        check(&world);
        let older = all::<Plot>(&world, "land/plot/").into_iter().map(|plot| (plot.id, plot.holdings)).collect();
        let mut charged = BTreeMap::new();
        let start = world.start_recording();
        for picks in steps {
            let (posting, land) = step(&world, picks);
            let (state, shown) = (world.state.clone(), extracts(&world));
            if call(&mut world, posting, land.clone()).is_ok() {
                check(&world);
            check_offers(&world);
                check_stays(&world);
                check_versions(&shown, &world);
                note_charges(&mut charged, &land);
                check_registers(&world, &older, &charged);
                check_documents(&world);
            } else {
                prop_assert_eq!(&world.state, &state);
            }
        }
        start.assert_replays_to(&world);
    }
}
