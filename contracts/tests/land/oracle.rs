//! What must hold of the land records after every call.
//!
//! It shares no arithmetic with the product: it adds shares over their common denominator by itself, keeps its own list of
//! charges, and finds cases, plots and documents by searching the whole state.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::land::LandCall;
use dalil_contracts::land::case::{CaseState, MutationCase};
use dalil_contracts::land::deed::Deed;
use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::keys::{KhatianId, PlotId, stays_key};
use dalil_contracts::land::offers::{Offers, offers_key};
use dalil_contracts::land::registers::{Extent, chain_of_title, encumbrances, pendency};
use dalil_contracts::land::share::Share;
use dalil_contracts::land::types::{Holding, Khatian, Plot};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical};
use dalil_ledger::document::{Dependency, DocumentEntry, Status, left_key};
use dalil_ledger::state::Overlay;

use super::fixture::{BENDA, id, plot};
use crate::support::{World, token};

/// All keys under a prefix, with their values.
fn under<T: Canonical>(world: &World, prefix: &str) -> BTreeMap<Vec<u8>, T> {
    let under = world.state.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes()));
    under.map(|(key, bytes)| (key.clone(), codec::decode(bytes, CANONICAL_BYTES_MAX).unwrap())).collect()
}

/// All values under a prefix.
pub fn all<T: Canonical>(world: &World, prefix: &str) -> Vec<T> {
    under(world, prefix).into_values().collect()
}

fn numbers(share: Share) -> (u128, u128) {
    let text = share.to_string();
    let (a, b) = text.split_once('/').unwrap();
    (a.parse().unwrap(), b.parse().unwrap())
}

/// Whether fractions sum to one: the sum of a × (product of the other denominators) is the product of all.
pub fn sums_to_one(shares: &[Share]) -> bool {
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
pub fn check(world: &World) {
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
pub fn check_offers(world: &World) {
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
pub fn check_stays(world: &World) {
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
pub fn check_registers(world: &World, older: &BTreeMap<PlotId, Vec<Holding>>, charged: &BTreeMap<PlotId, Charges>) {
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
pub fn check_documents(world: &World) {
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
pub type Charges = BTreeSet<String>;

/// What an accepted call does to the charges.
pub fn note_charges(charged: &mut BTreeMap<PlotId, Charges>, land: &LandCall) {
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
pub fn extracts(world: &World) -> BTreeMap<u32, (Vec<String>, u64)> {
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
pub fn check_versions(before: &BTreeMap<u32, (Vec<String>, u64)>, world: &World) {
    for (number, (shows, version)) in extracts(world) {
        let Some((showed, was)) = before.get(&number) else { continue };
        let left = |version| {
            let key = id::<KhatianId>(&format!("{BENDA}/{number}")).dependency();
            world.state.contains_key(&left_key(&Dependency { key, version }))
        };
        assert_eq!(version, if shows == *showed { *was } else { was + 1 }, "khatian {number}");
        assert_eq!(left(*was), shows != *showed, "khatian {number}");
        assert!(!left(version), "khatian {number}");
    }
}
