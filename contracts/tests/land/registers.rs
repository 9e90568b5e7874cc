//! The registers: chain of title, encumbrances, pendency; each from the keys that it reads and from nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dalil_contracts::land::LandCall;
use dalil_contracts::land::case::CaseState;
use dalil_contracts::land::charge::{EnterCharge, ReleaseCharge};
use dalil_contracts::land::deed::DeedKind;
use dalil_contracts::land::docket::{PAGE_CASES_MAX, Seat};
use dalil_contracts::land::ground::Ground;
use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::registers::{ENTRIES_MAX, Extent, chain_of_title, encumbrances, pendency};
use dalil_contracts::land::stay::{Objection, OverlayTarget, Stay};
use dalil_contracts::land::types::Charge;
use dalil_contracts::refusal::Refusal;
use dalil_contracts::units::DAY_MS;
use dalil_ledger::state::{Overlay, StateError, StateView};

use super::fixture::{
    DEATH, accept, allow, auto, benda, by_death, by_deeds, fee, from_khatian, id, open, paper, record_death, register,
    sell, set_aside, share, split, to_hearing,
};
use crate::support::{START_MS, World, digest, token};

const D1: &str = "0101-I-00001-2026";
const D2: &str = "0101-I-00002-2026";
const D3: &str = "0101-I-00003-2026";
const REGISTRAR: &str = "registration/adsr-bankura";
const BLRO: &str = "land/blro-2795";
const SYSTEM: &str = "land/system";

/// Remembers what is read; fails for what it does not hold.
struct Recorded<'a> {
    world: &'a World,
    reads: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl StateView for Recorded<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.world.state.get(key).cloned();
        self.reads.borrow_mut().insert(key.to_vec(), value.clone());
        Ok(value)
    }
}

struct Only(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl StateView for Only {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.0.get(key).cloned().ok_or_else(|| StateError(format!("{:?} is not proven", String::from_utf8_lossy(key))))
    }
}

/// The register, made from the state and made again from its reads alone; with any read left out there is none.
fn ask<T: PartialEq + std::fmt::Debug>(world: &World, ask: impl Fn(&Overlay<'_>) -> Result<T, Refusal>) -> T {
    let recorded = Recorded { world, reads: RefCell::default() };
    let answer = ask(&Overlay::new(&recorded)).unwrap();
    let reads = recorded.reads.into_inner();
    for left_out in reads.keys() {
        let mut without = reads.clone();
        without.remove(left_out);
        let refused = ask(&Overlay::new(&Only(without)));
        assert!(matches!(refused, Err(Refusal::State(_))), "{}", String::from_utf8_lossy(left_out));
    }
    assert_eq!(ask(&Overlay::new(&Only(reads))).unwrap(), answer);
    answer
}

#[test]
fn chain_of_title_through_deeds_successions_splits_and_set_asides() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    to_hearing(&mut world, by_death("C-2", 101, 257, &[("heir", "1/1")]));
    let call = allow(&world, "C-2", &[101], &[open(202)]);
    accept(&mut world, BLRO, call);
    accept(&mut world, "land/surveyor", split("2795-51/257", &[4_000, 6_000]));
    let parts = ["2795-51/257/1", "2795-51/257/2"];
    accept(&mut world, "judicial/court", set_aside("C-1", &[], &parts));

    let title = ask(&world, |state| chain_of_title(state, &id(parts[0])));
    assert_eq!(title.extent, Extent::Complete);
    let names: Vec<String> = title.plots.iter().map(|plot| plot.id.to_string()).collect();
    assert_eq!(names, ["2795-51/257", parts[0]], "the sibling is another chain");
    let acts: Vec<&PlotAct> = title.lines.iter().map(|line| &line.act).collect();
    let [given_back, marked, divided, inherited, sold] = acts[..] else { panic!("{acts:#?}") };
    // Of one record, the plot's own line and the part's.
    let (given_back, marked) = match (given_back, marked) {
        (PlotAct::SetAside { undoes: Some(_), .. }, other) => (other, given_back),
        _ => (given_back, marked),
    };
    assert!(matches!(marked, PlotAct::SetAside { undoes: Some(0), gives, .. } if gives.is_empty()));
    let PlotAct::SetAside { gives, gains, .. } = given_back else { panic!("{given_back:?}") };
    assert_eq!((gives[0].khatian, gains[0].khatian, gains[0].share), (201, 101, share("1/2")));
    assert!(matches!(divided, PlotAct::Surveyed { .. }));
    assert!(matches!(inherited, PlotAct::Mutated { case, .. } if case.as_str() == "C-2"));
    assert!(matches!(sold, PlotAct::Mutated { case, gives, .. } if case.as_str() == "C-1" && gives[0].khatian == 101));
    let states: Vec<_> = title.lines.iter().filter_map(|line| line.case_state).collect();
    assert_eq!(states, [CaseState::Allowed, CaseState::SetAside]);
    assert!(matches!(&title.lines[4].ground, Some(Ground::Deed(chain)) if chain.deeds[0].to_string() == D1));

    // From the old plot forward, both parts.
    let forward = ask(&world, |state| chain_of_title(state, &id("2795-51/257")));
    assert_eq!(forward.plots.len(), 3);
    assert_eq!(forward.lines.len(), 6);
}

#[test]
fn encumbrances_by_rank_with_their_satisfaction_also_from_the_plots_before() {
    let mut world = benda();
    for deed in [D1, D2] {
        let mortgage = register(deed, DeedKind::Mortgage, from_khatian(101), &[(deed, "1/1")], 257, "1/1");
        accept(&mut world, REGISTRAR, mortgage);
    }
    let charge = |deed: &str, rank| {
        let charge = Charge { rank, holder: digest(deed), instrument: id(deed) };
        LandCall::Charge(EnterCharge { plot: id("2795-51/257"), charge })
    };
    accept(&mut world, REGISTRAR, charge(D2, 2));
    accept(&mut world, REGISTRAR, charge(D1, 1));
    accept(&mut world, "land/surveyor", split("2795-51/257", &[4_000, 6_000]));
    let (first, second) = ("2795-51/257/1", "2795-51/257/2");
    let (plot, instrument) = (id(first), id(D1));
    let release = ReleaseCharge { plot, instrument, satisfaction: digest("satisfaction") };
    accept(&mut world, REGISTRAR, LandCall::Release(release));

    let of = |plot: &str| ask(&world, |state| encumbrances(state, &id(plot)));
    let shown = |plot: &str| -> Vec<(u8, String, bool)> {
        let charges = of(plot).charges;
        charges.iter().map(|one| (one.charge.rank, one.entered_on.to_string(), one.satisfied.is_some())).collect()
    };
    let on = || "2795-51/257".to_owned();
    assert_eq!(shown(first), [(1, on(), true), (2, on(), false)]);
    assert_eq!(shown(second), [(1, on(), false), (2, on(), false)]);
    assert_eq!(of(first).charges[0].satisfied.as_ref().unwrap().paper, digest("satisfaction"));
    assert!(of(first).in_force && !of("2795-51/257").in_force);
    // A deed over the old plot encumbers its part anew.
    let again = Charge { rank: 1, holder: digest(D1), instrument: id(D1) };
    accept(&mut world, REGISTRAR, LandCall::Charge(EnterCharge { plot: id(first), charge: again }));
    let charges = ask(&world, |state| encumbrances(state, &id(first))).charges;
    let ranks: Vec<_> = charges.iter().map(|one| (one.charge.rank, one.satisfied.is_some())).collect();
    assert_eq!(ranks, [(1, false), (1, true), (2, false)]);
}

#[test]
fn a_history_longer_than_an_answer_leaves_out_no_charge_that_lies_on_the_plot() {
    let mut world = benda();
    for deed in [D1, D2] {
        let mortgage = register(deed, DeedKind::Mortgage, from_khatian(101), &[(deed, "1/1")], 257, "1/1");
        accept(&mut world, REGISTRAR, mortgage);
    }
    let enter = |deed: &str, rank| {
        let charge = Charge { rank, holder: digest(deed), instrument: id(deed) };
        LandCall::Charge(EnterCharge { plot: id("2795-51/257"), charge })
    };
    accept(&mut world, REGISTRAR, enter(D1, 1));
    for _ in 0..=ENTRIES_MAX / 2 {
        accept(&mut world, REGISTRAR, enter(D2, 2));
        let (plot, instrument) = (id("2795-51/257"), id(D2));
        accept(
            &mut world,
            REGISTRAR,
            LandCall::Release(ReleaseCharge { plot, instrument, satisfaction: digest("paid") }),
        );
    }
    accept(&mut world, "land/surveyor", split("2795-51/257", &[4_000, 6_000]));
    for plot in ["2795-51/257", "2795-51/257/1"] {
        let found = encumbrances(&Overlay::new(&world.state), &id(plot)).unwrap();
        assert_eq!(found.extent, Extent::CutShort);
        let lies: Vec<_> = found.charges.iter().filter(|one| one.satisfied.is_none()).collect();
        assert_eq!(lies.iter().map(|one| &one.charge.instrument).collect::<Vec<_>>(), [&id(D1)], "{plot}");
    }
}

#[test]
fn pendency_by_office_and_stage_oldest_first_against_the_clock() {
    let mut world = benda();
    let office = |name: &str, world: &World| {
        let at = world.time_ms;
        ask(world, |state| pendency(state, &token(name), at))
    };
    let cases = 2 * PAGE_CASES_MAX + 5;
    for number in 1..=cases {
        world.advance(60_000);
        let deed = format!("0101-I-{number:05}-2026");
        let (from, main) = if number % 2 == 0 { (101, 257) } else { (103, 258) };
        sell(&mut world, &deed, from, "a", main, "1/2");
        accept(&mut world, "land/intake", LandCall::File(by_deeds(&format!("C-{number}"), &[&deed], &[main])));
    }
    let blro = office("land/blro-2795", &world);
    assert_eq!((blro.cases.len(), blro.seats.len(), blro.seats[0].seat), (cases, 1, Seat::Block(2795)));
    assert_eq!((blro.seats[0].stages[0].stage, blro.seats[0].stages[0].cases as usize), (CaseState::Filed, cases));
    assert!(blro.cases.windows(2).all(|pair| pair[0].waiting.since_ms < pair[1].waiting.since_ms));
    // Those above see the same by district and state; another block's office sees nothing.
    for above in ["land/sdllro", "land/system"] {
        assert_eq!(office(above, &world).cases, blro.cases);
    }
    assert!(office("land/blro-2903", &world).cases.is_empty());

    // The whole first page is decided: it leaves the list, and what comes later stands in order.
    for number in 1..=PAGE_CASES_MAX {
        let name = format!("C-{number}");
        accept(&mut world, "finance/treasury", fee(&name));
        accept(&mut world, "land/inspector-2795", LandCall::Enquire(paper(&name)));
        accept(&mut world, BLRO, LandCall::Notice(paper(&name)));
        accept(&mut world, BLRO, LandCall::Hear(paper(&name)));
        accept(&mut world, BLRO, super::fixture::reject(&name));
    }
    let left = office("land/blro-2795", &world);
    assert_eq!(
        (left.cases.len(), left.cases[0].waiting.case.to_string()),
        (cases - PAGE_CASES_MAX, format!("C-{}", PAGE_CASES_MAX + 1))
    );
    // An appeal waits anew, at the end; an objection gives the contested clock; a stay shows.
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let target = OverlayTarget::Case(token("C-40"));
    let objection = Objection { target: target.clone(), objector: digest("neighbour"), paper: digest("petition") };
    accept(&mut world, "land/intake", LandCall::Object(objection));
    let stay = Stay { target, cnr: token("CNR-1"), order: digest("stay") };
    accept(&mut world, "judicial/court", LandCall::Stay(stay));
    world.advance(46 * DAY_MS);
    let late = office("land/blro-2795", &world);
    assert_eq!(late.cases.last().unwrap().waiting.case.as_str(), "C-1");
    assert_eq!(late.cases.last().unwrap().waiting.stage, CaseState::AppealedRejected);
    let contested = late.cases.iter().find(|one| one.waiting.case.as_str() == "C-40").unwrap();
    assert_eq!((contested.overdue_days, contested.waiting.contested, contested.waiting.stayed), (0, true, true));
    assert_eq!(contested.waiting.due_ms - contested.waiting.since_ms, 60 * DAY_MS);
    let oldest = &late.cases[0];
    assert_eq!((oldest.overdue_days, oldest.waiting.due_ms - oldest.waiting.since_ms), (2, 45 * DAY_MS));
    assert!(oldest.waiting.since_ms > START_MS);
}

#[test]
fn a_mutation_without_a_hearing_never_waits() {
    let mut world = benda();
    sell(&mut world, D3, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D3, 101, open(201));
    accept(&mut world, SYSTEM, call);
    assert!(!world.state.keys().any(|key| key.starts_with(b"land/docket/")));
}
