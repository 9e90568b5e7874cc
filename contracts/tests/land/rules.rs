//! One test for each code, named after it.

use dalil_contracts::authority::Posting;
use dalil_contracts::authority::posting::posting_key;
use dalil_contracts::land::LandCall;
use dalil_contracts::land::appeal::{AppealDecision, OrderAppeal};
use dalil_contracts::land::case::CaseState;
use dalil_contracts::land::charge::{EnterCharge, ReleaseCharge};
use dalil_contracts::land::convert::{Convert, Rectify};
use dalil_contracts::land::court::CourtSetAside;
use dalil_contracts::land::deed::{DeedFlag, DeedKind};
use dalil_contracts::land::extract::IssueRor;
use dalil_contracts::land::ground::Ground;
use dalil_contracts::land::keys::case_key;
use dalil_contracts::land::mutation::{Opened, Placement, Target};
use dalil_contracts::land::order::MutateAuto;
use dalil_contracts::land::public::{Confirm, FreezePlot, SettlePlot, VestPlot};
use dalil_contracts::land::registration::CancelDeed;
use dalil_contracts::land::share::Share;
use dalil_contracts::land::stay::{Objection, OverlayTarget, Stay};
use dalil_contracts::land::survey::{Amalgamate, Part, Split};
use dalil_contracts::land::types::{Charge, Holding, LandClass};
use dalil_contracts::units::{Area, DAY_MS};
use dalil_ledger::codec::{self, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, Standing, Status, StatusEvent, document_key};

use super::fixture::{
    BENDA, DEATH, accept, allow, allowance, auto, benda, by_death, by_deeds, case, deed, existing, fee, from_deed,
    from_khatian, id, khatian, open, paper, plot, record_death, refuse, register, reject, saw, sell, share, suo_motu,
    to_hearing,
};
use crate::support::{START_MS, World, digest, token};

const D1: &str = "0101-I-00001-2026";
const D2: &str = "0101-I-00002-2026";
const D3: &str = "0101-I-00003-2026";
const REGISTRAR: &str = "registration/adsr-bankura";
const BLRO: &str = "land/blro-2795";
const SYSTEM: &str = "land/system";
const COURT: &str = "judicial/court";

fn at(transferee: u8, number: u32) -> Placement {
    Placement { transferee, ..open(number) }
}

fn in_chain(deed: u8, transferee: u8, number: u32) -> Placement {
    Placement { deed, ..at(transferee, number) }
}

fn set_aside(case: &str, later: &[&str]) -> LandCall {
    let later = later.iter().map(|case| token(case)).collect();
    LandCall::CourtSetAside(CourtSetAside {
        case: token(case),
        cnr: token("CNR-1"),
        order: digest("decree"),
        later,
        divided: Set::default(),
    })
}

fn freeze(main: u32) -> FreezePlot {
    FreezePlot { plot: id(&format!("{BENDA}/{main}")), reference: token("CNR-9"), order: digest("freeze") }
}

/// Freezes a plot with both officers.
fn frozen(world: &mut World, main: u32) {
    let record = world.record;
    accept(world, COURT, LandCall::Freeze(freeze(main)));
    accept(world, "judicial/court-second", LandCall::Confirm(Confirm { record }));
}

fn holding(khatian: u32, part: &str) -> Holding {
    Holding { khatian, share: share(part) }
}

#[test]
fn l1_shares_sum_to_one() {
    let mut world = benda();
    let parts = register(D1, DeedKind::Sale, from_khatian(101), &[("a", "1/2"), ("b", "1/3")], 257, "1/1");
    refuse(&mut world, REGISTRAR, parts, "L1");
    let too_much = register(D1, DeedKind::Sale, from_khatian(101), &[("a", "1/1")], 257, "3/2");
    refuse(&mut world, REGISTRAR, too_much, "L1");
    let settle = |holdings: Vec<Holding>| {
        let plot = id("2795-51/257");
        LandCall::Settle(SettlePlot { plot, order: digest("settlement"), open: Vec::new(), holdings })
    };
    let uneven = settle(vec![holding(101, "1/2"), holding(103, "1/3")]);
    refuse(&mut world, "district/collector", uneven, "L1");
    let twice = settle(vec![holding(101, "1/2"), holding(101, "1/2")]);
    refuse(&mut world, "district/collector", twice, "L1");
    let whole = settle(vec![holding(101, "1/3"), holding(103, "2/3")]);
    accept(&mut world, "district/collector", whole);
    assert_eq!(plot(&world, "2795-51/257").held(103), share("2/3"));
}

#[test]
fn l1_denom_a_share_too_fine_is_refused() {
    let mut world = benda();
    let parts = [("a", "1/4294967311"), ("b", "4294967310/4294967311")];
    let call = register(D1, DeedKind::Sale, from_khatian(101), &parts, 257, "1/4294967357");
    accept(&mut world, REGISTRAR, call);
    let LandCall::MutateAuto(mut call) = auto(&world, "C-1", D1, 101, open(201)) else { unreachable!() };
    call.khatians.push(at(1, 202));
    refuse(&mut world, SYSTEM, LandCall::MutateAuto(call), "L1-DENOM");
}

#[test]
fn shares_have_one_spelling() {
    assert_eq!(share("2/4"), share("1/2"));
    assert!("1/0".parse::<Share>().is_err());
    let numbers = |a: u64, b: u64| [a.to_le_bytes(), b.to_le_bytes()].concat();
    assert_eq!(codec::decode::<Share>(&numbers(1, 2), 16), Ok(share("1/2")));
    for (a, b) in [(2, 4), (1, 0), (0, 0), (0, 2)] {
        assert!(codec::decode::<Share>(&numbers(a, b), 16).is_err(), "{a}/{b}");
    }
}

#[test]
fn l2_no_more_is_transferred_than_is_held() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    sell(&mut world, D2, 101, "b", 257, "1/1");
    assert!(deed(&world, D2).flags.contains(&DeedFlag::ExceedsHolding));
    let call = auto(&world, "C-2", D2, 101, open(202));
    refuse(&mut world, SYSTEM, call, "L2");
    to_hearing(&mut world, by_deeds("C-3", &[D2], &[257]));
    let call = allow(&world, "C-3", &[101], &[open(202)]);
    refuse(&mut world, BLRO, call, "L2");
    let call = suo_motu("C-4", 101, 257, "3/4", &[("c", "1/1")]);
    to_hearing(&mut world, call);
    let call = allow(&world, "C-4", &[101], &[open(203)]);
    refuse(&mut world, BLRO, call, "L2");
}

#[test]
fn l3_deed_is_consumed_once() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/4");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    let call = auto(&world, "C-2", D1, 101, open(202));
    refuse(&mut world, SYSTEM, call, "L3");
    refuse(&mut world, "land/intake", LandCall::File(by_deeds("C-2", &[D1], &[257])), "L3");
    // Set aside, the deed is usable again; an officer looks at it now (L9).
    accept(&mut world, COURT, set_aside("C-1", &[]));
    to_hearing(&mut world, by_deeds("C-3", &[D1], &[257]));
    let call = allow(&world, "C-3", &[101], &[existing(201)]);
    accept(&mut world, BLRO, call);
    assert_eq!(plot(&world, "2795-51/257").held(201), share("1/4"));
}

#[test]
fn l4_each_change_cites_what_it_rests_on() {
    let mut world = benda();
    let heirs = [("heir", "1/1")];
    refuse(&mut world, "land/intake", LandCall::File(by_death("C-1", 101, 257, &heirs)), "L4");
    record_death(&mut world, DEATH);
    let mut without = by_death("C-1", 101, 257, &heirs);
    if let Ground::Inheritance(inheritance) = &mut without.ground {
        inheritance.heirship = Hash::ZERO;
    }
    refuse(&mut world, "land/intake", LandCall::File(without), "L4");
    to_hearing(&mut world, by_death("C-1", 101, 257, &heirs));
    // Revoked between filing and order: the succession has lost its ground.
    let valid: DocumentEntry = world.document(DEATH);
    let mut revoked = valid.clone();
    revoked.events.push(StatusEvent {
        standing: Standing::Revoked,
        recorded_at_ms: START_MS,
        effective_from_ms: START_MS,
        reason: token("revoked"),
        record: 1,
    });
    world.put(document_key(&valid.uri), &revoked);
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    refuse(&mut world, BLRO, call.clone(), "L4");
    world.put(document_key(&valid.uri), &valid);
    accept(&mut world, BLRO, call);
    let uncited = VestPlot { plot: id("2795-51/257"), order: Hash::ZERO };
    refuse(&mut world, "district/collector", LandCall::Vest(uncited), "L4");
}

#[test]
fn l4_only_a_death_certificate_opens_a_succession() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    let mut other = world.document(DEATH);
    other.kind = token("INC");
    world.put(document_key(&other.uri), &other);
    refuse(&mut world, "land/intake", LandCall::File(by_death("C-1", 101, 257, &[("heir", "1/1")])), "L4");
}

#[test]
fn l5_the_deeds_cover_plots_and_parties() {
    let mut world = benda();
    sell(&mut world, D1, 101, "B", 257, "1/1");
    accept(&mut world, REGISTRAR, register(D2, DeedKind::Sale, from_deed(D1, 0), &[("C", "1/1")], 257, "1/2"));
    let order = |world: &mut World, name: &str, deeds: &[&str], plots: &[u32], to: &[Placement], expected: &str| {
        to_hearing(world, by_deeds(name, deeds, plots));
        let call = allow(world, name, &[101], to);
        refuse(world, BLRO, call, expected);
    };
    order(&mut world, "C-1", &[D1], &[257, 258], &[open(201)], "L5");
    order(&mut world, "C-2", &[D2], &[257], &[open(201)], "L5");
    order(&mut world, "C-3", &[D2, D1], &[257], &[open(201)], "L5");
    let both = [in_chain(0, 0, 201), in_chain(1, 0, 202)];
    order(&mut world, "C-4", &[D1, D2], &[257], &both[..1], "L5");
    order(&mut world, "C-5", &[D1], &[257], &both, "L5");
    // In order: B passed one half on and keeps the other.
    let call = allow(&world, "C-4", &[101], &both);
    accept(&mut world, BLRO, call);
    let land = plot(&world, "2795-51/257");
    assert_eq!((land.held(101), land.held(201), land.held(202)), (share("0/1"), share("1/2"), share("1/2")));
    assert_eq!(khatian(&world, "2795-51/201").holder, digest("B"));

    accept(
        &mut world,
        REGISTRAR,
        register(D3, DeedKind::AgreementForSale, from_khatian(101), &[("D", "1/1")], 258, "1/2"),
    );
    order(&mut world, "C-6", &[D3], &[258], &[open(203)], "L5");
}

#[test]
fn l5_a_chain_goes_on_from_a_mutated_deed() {
    let mut world = benda();
    sell(&mut world, D1, 101, "B", 257, "1/1");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    accept(&mut world, REGISTRAR, register(D2, DeedKind::Sale, from_deed(D1, 0), &[("C", "1/1")], 257, "1/1"));
    to_hearing(&mut world, by_deeds("C-2", &[D2], &[257]));
    let call = allow(&world, "C-2", &[201], &[open(202)]);
    accept(&mut world, BLRO, call);
    assert_eq!(plot(&world, "2795-51/257").held(202), share("1/1"));
}

#[test]
fn l5_a_cancelled_deed_moves_nothing() {
    let mut world = benda();
    sell(&mut world, D1, 101, "B", 257, "1/1");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let cancel = CancelDeed { deed: id(D1), cnr: token("CNR-2"), order: digest("decree") };
    accept(&mut world, COURT, LandCall::CancelDeed(cancel.clone()));
    refuse(&mut world, COURT, LandCall::CancelDeed(cancel), "D2");
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    refuse(&mut world, BLRO, call, "L5");
}

#[test]
fn l6_vested_stayed_and_frozen_block_voluntary_transfer() {
    let mut world = benda();
    sell(&mut world, D1, 1, "grabber", 260, "1/1");
    let call = auto(&world, "C-1", D1, 1, open(201));
    refuse(&mut world, SYSTEM, call, "L6");

    sell(&mut world, D2, 101, "b", 257, "1/2");
    frozen(&mut world, 257);
    let call = auto(&world, "C-2", D2, 101, open(201));
    refuse(&mut world, SYSTEM, call.clone(), "L6");
    let LandCall::MutateAuto(mut call) = call else { unreachable!() };
    accept(&mut world, COURT, LandCall::Unfreeze(freeze(257)));
    refuse(&mut world, COURT, LandCall::Unfreeze(freeze(257)), "D2");

    let stay = |target| Stay { target, cnr: token("CNR-3"), order: digest("stay") };
    let on_deed = stay(OverlayTarget::Deed(id(D2)));
    accept(&mut world, COURT, LandCall::Stay(on_deed.clone()));
    call.saw = saw(&world, &[101]);
    refuse(&mut world, SYSTEM, LandCall::MutateAuto(call), "L6");
    accept(&mut world, COURT, LandCall::LiftStay(on_deed));

    to_hearing(&mut world, by_deeds("C-3", &[D2], &[257]));
    let on_case = stay(OverlayTarget::Case(token("C-3")));
    accept(&mut world, COURT, LandCall::Stay(on_case.clone()));
    refuse(&mut world, COURT, LandCall::Stay(on_case.clone()), "D2");
    let call = allow(&world, "C-3", &[101], &[open(201)]);
    refuse(&mut world, BLRO, call.clone(), "L6");
    refuse(&mut world, BLRO, reject("C-3"), "L6");
    accept(&mut world, COURT, LandCall::LiftStay(on_case));
    accept(&mut world, BLRO, call);
}

#[test]
fn l6_a_succession_is_no_voluntary_transfer() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    frozen(&mut world, 257);
    to_hearing(&mut world, by_death("C-1", 101, 257, &[("heir", "1/1")]));
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    accept(&mut world, BLRO, call);
    assert_eq!(plot(&world, "2795-51/257").freezes.len(), 1);
}

#[test]
fn l7_a_split_conserves_area_and_retires_the_parent() {
    let mut world = benda();
    let split = |areas: &[u64]| {
        let part = |(at, area): (usize, &u64)| Part { bata: 900 + at as u32, area: Area(*area) };
        let parts = areas.iter().enumerate().map(part).collect();
        LandCall::Split(Split { plot: id("2795-51/257"), parts, survey: digest("survey") })
    };
    for areas in [&[10_000][..], &[4_000, 5_999], &[10_000, 0], &[u64::MAX, 10_001]] {
        refuse(&mut world, "land/surveyor", split(areas), "L7");
    }
    let before = khatian(&world, "2795-51/101");
    accept(&mut world, "land/surveyor", split(&[4_000, 6_000]));
    let parent = plot(&world, "2795-51/257");
    assert!(parent.retired && parent.children.len() == 2);
    let after = khatian(&world, "2795-51/101");
    assert_eq!((after.plots, after.version), (before.plots + 1, before.version + 1));
    refuse(&mut world, "land/surveyor", split(&[4_000, 6_000]), "D2");
}

#[test]
fn l7_a_merger_needs_like_plots() {
    let mut world = benda();
    let merge = |plots: &[u32], into: u32| {
        let plots = plots.iter().map(|main| id(&format!("{BENDA}/{main}"))).collect();
        LandCall::Amalgamate(Amalgamate { plots, into: id(&format!("{BENDA}/{into}")), survey: digest("survey") })
    };
    refuse(&mut world, "land/surveyor", merge(&[257, 258], 300), "L7");
    refuse(&mut world, "land/surveyor", merge(&[258], 300), "L7");
    refuse(&mut world, "land/surveyor", merge(&[258, 261], 257), "D1");
    accept(&mut world, "land/surveyor", merge(&[258, 261], 300));
    let merged = plot(&world, "2795-51/300");
    assert_eq!((merged.area, merged.held(103)), (Area(10_000), share("1/2")));
    assert!(plot(&world, "2795-51/258").retired && plot(&world, "2795-51/261").retired);
}

#[test]
fn l8_conversion_changes_use_alone_within_the_officers_power() {
    let mut world = benda();
    let convert = |main: u32, from, to| {
        LandCall::Convert(Convert { plot: id(&format!("{BENDA}/{main}")), from, to, order: digest("conversion") })
    };
    // 20, 50 and 100 decimals are beyond the BL&LRO's 10; 100 is beyond the SDLLRO's 99; water is the DLLRO's.
    refuse(&mut world, BLRO, convert(259, LandClass::Danga, LandClass::Bastu), "L8");
    refuse(&mut world, "land/sdllro", convert(257, LandClass::Danga, LandClass::Bastu), "L8");
    refuse(&mut world, "land/sdllro", convert(259, LandClass::Danga, LandClass::Pukur), "L8");
    refuse(&mut world, "land/dllro", convert(259, LandClass::Shali, LandClass::Bastu), "L8");
    let before = plot(&world, "2795-51/259");
    accept(&mut world, "land/sdllro", convert(259, LandClass::Danga, LandClass::Bastu));
    let mut expected = before.clone();
    (expected.class, expected.version, expected.history) = (LandClass::Bastu, before.version + 1, 1);
    assert_eq!(plot(&world, "2795-51/259"), expected);
    accept(&mut world, "land/dllro", convert(257, LandClass::Danga, LandClass::Pukur));
    world.set_parameter("land/convert_max_blro_decimals", 20);
    accept(&mut world, BLRO, convert(259, LandClass::Bastu, LandClass::Bagan));
}

#[test]
fn l9_what_needs_an_officers_eye_is_not_mutated_automatically() {
    let mut world = benda();
    // A kind that transfers nothing, and a transferor that is no recorded khatian.
    accept(
        &mut world,
        REGISTRAR,
        register(D1, DeedKind::PowerOfAttorney, from_khatian(101), &[("a", "1/1")], 257, "1/1"),
    );
    let call = auto(&world, "C-1", D1, 101, open(201));
    refuse(&mut world, SYSTEM, call, "L9");
    sell(&mut world, D2, 101, "b", 257, "1/2");
    accept(&mut world, REGISTRAR, register(D3, DeedKind::Sale, from_deed(D2, 0), &[("c", "1/1")], 257, "1/2"));
    let call = auto(&world, "C-1", D3, 101, open(201));
    refuse(&mut world, SYSTEM, call, "L9");
    // An objection, until it is disposed of.
    let target = OverlayTarget::Deed(id(D2));
    let objection = Objection { target, objector: digest("neighbour"), paper: digest("petition") };
    accept(&mut world, "land/intake", LandCall::Object(objection.clone()));
    let call = auto(&world, "C-1", D2, 101, open(201));
    refuse(&mut world, SYSTEM, call.clone(), "L9");
    accept(&mut world, BLRO, LandCall::LiftObjection(objection));
    // An existing khatian of somebody else.
    let other = auto(&world, "C-1", D2, 101, existing(103));
    refuse(&mut world, SYSTEM, other, "L9");
    accept(&mut world, SYSTEM, call);
}

#[test]
fn l9_a_second_deed_or_an_earlier_case_stands_in_the_way() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "2/3");
    sell(&mut world, D2, 101, "b", 257, "2/3");
    assert!(deed(&world, D1).flags.is_empty());
    assert!(deed(&world, D2).flags.contains(&DeedFlag::SecondDeed));
    for (name, deed) in [("C-1", D1), ("C-2", D2)] {
        let call = auto(&world, name, deed, 101, open(201));
        refuse(&mut world, SYSTEM, call, "L9");
    }
    // Two deeds that fit together are no double sale.
    sell(&mut world, D3, 103, "c", 258, "1/4");
    accept(&mut world, "land/intake", LandCall::File(by_deeds("C-3", &[D3], &[258])));
    let call = auto(&world, "C-4", D3, 103, open(203));
    refuse(&mut world, SYSTEM, call, "L9");
    for other in ["C-5", "C-6"] {
        to_hearing(&mut world, by_deeds(other, &[D3], &[258]));
    }
    accept(&mut world, BLRO, reject("C-5"));
    let call = allow(&world, "C-6", &[103], &[open(203)]);
    accept(&mut world, BLRO, call);
    accept(&mut world, COURT, set_aside("C-6", &[]));
    let call = auto(&world, "C-7", D3, 103, existing(203));
    refuse(&mut world, SYSTEM, call, "L9");
}

#[test]
fn l10_permission_required_needs_the_reference() {
    let mut world = benda();
    sell(&mut world, D1, 105, "b", 259, "1/2");
    let LandCall::MutateAuto(call) = auto(&world, "C-1", D1, 105, open(201)) else { unreachable!() };
    refuse(&mut world, SYSTEM, LandCall::MutateAuto(call.clone()), "L10");
    accept(&mut world, SYSTEM, LandCall::MutateAuto(MutateAuto { permission: Some(digest("permission")), ..call }));
    assert!(!khatian(&world, "2795-51/201").permission_required);
    // A succession needs none, and keeps it.
    record_death(&mut world, DEATH);
    to_hearing(&mut world, by_death("C-2", 105, 259, &[("heir", "1/1")]));
    let call = allow(&world, "C-2", &[105], &[open(202)]);
    accept(&mut world, BLRO, call);
    assert!(khatian(&world, "2795-51/202").permission_required);
}

#[test]
fn l11_an_officer_acts_inside_the_jurisdiction() {
    let mut world = benda();
    sell(&mut world, D1, 101, "b", 257, "1/2");
    accept(&mut world, "land/intake", LandCall::File(by_deeds("C-1", &[D1], &[257])));
    accept(&mut world, "finance/treasury", fee("C-1"));
    refuse(&mut world, "land/inspector-2903", LandCall::Enquire(paper("C-1")), "L11");
    refuse(&mut world, "land/blro-2795", LandCall::Enquire(paper("C-1")), "A1");
    let elsewhere = register(D2, DeedKind::Sale, from_khatian(101), &[("b", "1/1")], 257, "1/2");
    refuse(&mut world, "registration/adsr-hooghly", elsewhere, "L11");
}

#[test]
fn l12_the_appellate_officer_outranks_the_first() {
    let mut world = benda();
    sell(&mut world, D1, 101, "b", 257, "1/2");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    accept(&mut world, BLRO, call);
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let decide = |decision| {
        let order = digest("appellate order");
        LandCall::AppealOrder(OrderAppeal {
            case: token("C-1"),
            order,
            decision,
            later: Vec::new(),
            divided: Set::default(),
        })
    };
    let key = posting_key(&token("land/sdllro"));
    let appellate: Posting = world.get(&key).unwrap();
    world.put(key.clone(), &Posting { rank: 3, ..appellate.clone() });
    refuse(&mut world, "land/sdllro", decide(AppealDecision::SetAside), "L12");
    world.put(key, &appellate);
    accept(&mut world, "land/sdllro", decide(AppealDecision::SetAside));
    assert_eq!(case(&world, "C-1").state, CaseState::SetAside);
    assert_eq!(plot(&world, "2795-51/257").held(101), share("1/1"));
}

#[test]
fn a6_checking_acts_are_by_different_officers() {
    let mut world = benda();
    // The officer who enquired, posted as BL&LRO since, cannot give the order.
    sell(&mut world, D1, 101, "b", 257, "1/2");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let key = posting_key(&token(BLRO));
    let blro: Posting = world.get(&key).unwrap();
    let inspector: Posting = world.get(&posting_key(&token("land/inspector-2795"))).unwrap();
    world.put(key.clone(), &Posting { officer: inspector.officer, ..blro.clone() });
    let order = allow(&world, "C-1", &[101], &[open(201)]);
    refuse(&mut world, BLRO, order.clone(), "A6");
    world.put(key, &blro);
    accept(&mut world, BLRO, order);
    // The officer who gave the order, promoted since, cannot decide the appeal.
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let key = posting_key(&token("land/sdllro"));
    let appellate: Posting = world.get(&key).unwrap();
    world.put(key, &Posting { officer: blro.officer, ..appellate });
    let (order, divided) = (digest("order"), Set::default());
    let uphold =
        OrderAppeal { case: token("C-1"), order, decision: AppealDecision::Uphold, later: Vec::new(), divided };
    refuse(&mut world, "land/sdllro", LandCall::AppealOrder(uphold), "A6");
    // A freeze waits for a second officer, for a day.
    let record = world.record;
    accept(&mut world, COURT, LandCall::Freeze(freeze(258)));
    assert!(plot(&world, "2795-51/258").freezes.is_empty());
    refuse(&mut world, COURT, LandCall::Confirm(Confirm { record }), "A6");
    refuse(&mut world, "judicial/court-second", LandCall::Confirm(Confirm { record: record + 1 }), "A6");
    world.advance(DAY_MS + 1);
    refuse(&mut world, "judicial/court-second", LandCall::Confirm(Confirm { record }), "A6");
    frozen(&mut world, 258);
    assert_eq!(plot(&world, "2795-51/258").freezes.len(), 1);
}

#[test]
fn vesting_moves_all_to_the_governments_khatian_once_confirmed() {
    let mut world = benda();
    let record = world.record;
    let vest = VestPlot { plot: id("2795-51/258"), order: digest("vesting") };
    accept(&mut world, "district/collector", LandCall::Vest(vest));
    assert_eq!(plot(&world, "2795-51/258").held(1), share("0/1"));
    accept(&mut world, "land/dllro", LandCall::Confirm(Confirm { record }));
    let vested = plot(&world, "2795-51/258");
    assert!(vested.vested && vested.held(1) == share("1/1"));
    assert_eq!(khatian(&world, "2795-51/103").plots, 1);
}

#[test]
fn an_appeal_after_the_limitation_is_refused() {
    let mut world = benda();
    sell(&mut world, D1, 101, "b", 257, "1/2");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    accept(&mut world, BLRO, reject("C-1"));
    world.advance(30 * DAY_MS + 1);
    refuse(&mut world, "land/intake", LandCall::Appeal(paper("C-1")), "D2");
}

#[test]
fn l13_rectification_never_changes_an_area_beyond_minor() {
    let mut world = benda();
    let rectify =
        |area| LandCall::Rectify(Rectify { plot: id("2795-51/257"), area: Area(area), order: digest("slip") });
    refuse(&mut world, BLRO, rectify(10_101), "L13");
    refuse(&mut world, BLRO, rectify(9_899), "L13");
    refuse(&mut world, BLRO, rectify(0), "L13");
    let holdings = plot(&world, "2795-51/257").holdings;
    accept(&mut world, BLRO, rectify(10_100));
    let rectified = plot(&world, "2795-51/257");
    assert_eq!((rectified.area, rectified.holdings), (Area(10_100), holdings));
}

#[test]
fn l14_of_two_concurrent_cases_one_commits() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    sell(&mut world, D2, 101, "b", 257, "1/2");
    let first = auto(&world, "C-1", D1, 101, open(201));
    let second = auto(&world, "C-2", D2, 101, open(202));
    accept(&mut world, SYSTEM, first);
    refuse(&mut world, SYSTEM, second.clone(), "L14");
    let LandCall::MutateAuto(unseen) = second else { unreachable!() };
    refuse(&mut world, SYSTEM, LandCall::MutateAuto(MutateAuto { saw: Vec::new(), ..unseen.clone() }), "L14");
    let renewed = MutateAuto { saw: saw(&world, &[101]), ..unseen };
    accept(&mut world, SYSTEM, LandCall::MutateAuto(renewed));
}

#[test]
fn l14_an_extract_shows_the_current_version() {
    const ROR: &str = "in.gov.wb.land-ROR-3kX9vQ2mT7bLw0Zr";
    let mut world = benda();
    let issue = |uri: &str, version, supersedes: Option<&str>| {
        LandCall::IssueRor(IssueRor {
            uri: token(uri),
            digest: digest(uri),
            khatian: id("2795-51/103"),
            khatian_version: version,
            claims_root: None,
            supersedes: supersedes.map(token),
        })
    };
    refuse(&mut world, BLRO, issue(ROR, 2, None), "L14");
    refuse(&mut world, BLRO, issue("in.gov.wb.land-ROR-short", 1, None), "D1");
    accept(&mut world, BLRO, issue(ROR, 1, None));
    assert_eq!(world.status(ROR).status, Status::Valid);
    // Another holder in plot 258 sells: the extract of khatian 103 shows that plot too.
    sell(&mut world, D1, 101, "a", 258, "1/4");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    assert_eq!(world.status(ROR).status, Status::Superseded);
    refuse(&mut world, BLRO, issue("in.gov.wb.land-ROR-p8Yc5NfJ1sHd6Ea4", 1, Some(ROR)), "L14");
    refuse(&mut world, BLRO, issue("in.gov.wb.land-ROR-p8Yc5NfJ1sHd6Ea4", 2, Some(DEATH)), "D2");
    accept(&mut world, BLRO, issue("in.gov.wb.land-ROR-p8Yc5NfJ1sHd6Ea4", 2, Some(ROR)));
}

#[test]
fn l15_a_case_falls_only_with_those_that_rest_on_it() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/1");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    sell(&mut world, D2, 201, "b", 257, "1/2");
    let call = auto(&world, "C-2", D2, 201, open(202));
    accept(&mut world, SYSTEM, call);
    sell(&mut world, D3, 202, "c", 257, "1/2");
    let call = auto(&world, "C-3", D3, 202, open(203));
    accept(&mut world, SYSTEM, call);
    refuse(&mut world, COURT, set_aside("C-1", &[]), "L15");
    refuse(&mut world, COURT, set_aside("C-1", &["C-2"]), "L15");
    refuse(&mut world, COURT, set_aside("C-1", &["C-2", "C-3"]), "L15");
    refuse(&mut world, COURT, set_aside("C-1", &["C-3"]), "L15");
    accept(&mut world, COURT, set_aside("C-1", &["C-3", "C-2"]));
    let land = plot(&world, "2795-51/257");
    assert_eq!(land.held(101), share("1/1"));
    for name in ["C-1", "C-2", "C-3"] {
        assert_eq!(case(&world, name).state, CaseState::SetAside);
    }
}

#[test]
fn l15_an_appellate_officer_names_the_later_cases_that_are_before_it_too() {
    let mut world = benda();
    for (name, deed, from, to) in [("C-1", D1, 101, 201), ("C-2", D2, 201, 202), ("C-3", D3, 202, 203)] {
        sell(&mut world, deed, from, &format!("buyer {to}"), 257, "1/1");
        let call = auto(&world, name, deed, from, open(to));
        accept(&mut world, SYSTEM, call);
    }
    let order = |decision: &AppealDecision, later: &[&str]| {
        let (order, later) = (digest("order"), later.iter().map(|case| token(case)).collect());
        let decision = decision.clone();
        LandCall::AppealOrder(OrderAppeal { case: token("C-1"), order, decision, later, divided: Set::default() })
    };
    let sdllro = "land/sdllro";
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let set_aside = order(&AppealDecision::SetAside, &["C-3", "C-2"]);
    refuse(&mut world, sdllro, order(&AppealDecision::SetAside, &[]), "L15");
    refuse(&mut world, sdllro, set_aside.clone(), "D2");
    for later in ["C-2", "C-3"] {
        accept(&mut world, "land/intake", LandCall::Appeal(paper(later)));
    }
    refuse(&mut world, sdllro, order(&AppealDecision::SetAside, &["C-2"]), "L15");
    refuse(&mut world, sdllro, order(&AppealDecision::SetAside, &["C-2", "C-3"]), "L15");
    refuse(&mut world, sdllro, order(&AppealDecision::SetAside, &["C-3", "C-2", "C-1"]), "L15");
    refuse(&mut world, sdllro, order(&AppealDecision::Uphold, &["C-3"]), "L15");
    // Each of them must be in the officer's power.
    let judged = case(&world, "C-2");
    let mut higher = judged.clone();
    higher.decided.as_mut().unwrap().rank = u8::MAX;
    world.put(case_key(&judged.id), &higher);
    refuse(&mut world, sdllro, set_aside.clone(), "L12");
    world.put(case_key(&judged.id), &judged);
    let mut remanded = world.clone();
    let outcome = accept(&mut world, sdllro, set_aside);
    let fallen: Vec<_> = outcome.events.iter().map(|event| (event.name, event.subject.as_str())).collect();
    assert_eq!(fallen, ["case/C-3", "case/C-2", "case/C-1"].map(|case| ("land.mutation_set_aside", case)));
    accept(&mut remanded, sdllro, order(&AppealDecision::Remand, &["C-3", "C-2"]));
    for (world, first) in [(&world, CaseState::SetAside), (&remanded, CaseState::Noticed)] {
        assert_eq!(plot(world, "2795-51/257").held(101), share("1/1"));
        assert_eq!(case(world, "C-1").state, first);
        assert!(["C-2", "C-3"].iter().all(|later| case(world, later).state == CaseState::SetAside));
    }
}

#[test]
fn l15_a_case_on_which_nothing_rests_falls_alone_out_of_the_middle() {
    let mut world = benda();
    for (name, deed, buyer, number) in [("C-1", D1, "a", 201), ("C-2", D2, "b", 202), ("C-3", D3, "c", 203)] {
        sell(&mut world, deed, 101, buyer, 257, "1/4");
        let call = auto(&world, name, deed, 101, open(number));
        accept(&mut world, SYSTEM, call);
    }
    accept(&mut world, COURT, set_aside("C-2", &[]));
    refuse(&mut world, COURT, set_aside("C-2", &[]), "D2");
    accept(&mut world, COURT, set_aside("C-1", &[]));
    accept(&mut world, COURT, set_aside("C-3", &[]));
    let land = plot(&world, "2795-51/257");
    assert_eq!(land.held(101), share("1/1"));
}

#[test]
fn l16_a_charge_carries_over_until_its_release() {
    let mut world = benda();
    accept(&mut world, REGISTRAR, register(D1, DeedKind::Mortgage, from_khatian(101), &[("bank", "1/1")], 257, "1/1"));
    sell(&mut world, D2, 101, "a", 257, "1/1");
    let charge = |deed: &str, rank| {
        let charge = Charge { rank, holder: digest("bank"), instrument: id(deed) };
        LandCall::Charge(EnterCharge { plot: id("2795-51/257"), charge })
    };
    refuse(&mut world, REGISTRAR, charge(D2, 1), "L5");
    refuse(&mut world, REGISTRAR, charge(D1, 0), "L16");
    accept(&mut world, REGISTRAR, charge(D1, 1));
    refuse(&mut world, REGISTRAR, charge(D1, 2), "D1");
    let call = auto(&world, "C-1", D2, 101, open(201));
    accept(&mut world, SYSTEM, call);
    let parts = vec![Part { bata: 1, area: Area(4_000) }, Part { bata: 2, area: Area(6_000) }];
    let split = Split { plot: id("2795-51/257"), parts, survey: digest("survey") };
    accept(&mut world, "land/surveyor", LandCall::Split(split));
    assert_eq!(plot(&world, "2795-51/257/1").charges.len(), 1);
    let release = |plot: &str, instrument: &str| {
        let satisfaction = digest("satisfaction");
        LandCall::Release(ReleaseCharge { plot: id(plot), instrument: id(instrument), satisfaction })
    };
    refuse(&mut world, REGISTRAR, release("2795-51/257/1", D2), "L16");
    accept(&mut world, REGISTRAR, release("2795-51/257/1", D1));
    assert!(plot(&world, "2795-51/257/1").charges.is_empty());
    assert_eq!(plot(&world, "2795-51/257/2").charges.len(), 1);
}

#[test]
fn remand_compensates_and_the_case_is_heard_again() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    to_hearing(&mut world, by_death("C-1", 101, 257, &[("a", "1/2"), ("b", "1/2")]));
    let khatians = [open(201), Placement { transferee: 1, ..open(202) }];
    let call = allow(&world, "C-1", &[101], &khatians);
    accept(&mut world, BLRO, call);
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let order = |decision| OrderAppeal {
        case: token("C-1"),
        order: digest("order"),
        decision,
        later: Vec::new(),
        divided: Set::default(),
    };
    accept(&mut world, "land/sdllro", LandCall::AppealOrder(order(AppealDecision::Remand)));
    assert_eq!((plot(&world, "2795-51/257").held(101), case(&world, "C-1").state), (share("1/1"), CaseState::Noticed));
    accept(&mut world, BLRO, LandCall::Hear(paper("C-1")));
    accept(&mut world, BLRO, reject("C-1"));
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    let again = [existing(201), Placement { transferee: 1, ..existing(202) }];
    let decision = AppealDecision::Allow(allowance(&world, &[101], &again));
    accept(&mut world, "land/dllro", LandCall::AppealOrder(order(decision)));
    assert_eq!((plot(&world, "2795-51/257").held(202), case(&world, "C-1").state), (share("1/2"), CaseState::Allowed));
}

#[test]
fn d1_ids_are_used_once() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let again = register(D1, DeedKind::Gift, from_khatian(103), &[("x", "1/1")], 258, "1/2");
    refuse(&mut world, REGISTRAR, again, "D1");
    let taken = auto(&world, "C-1", D1, 101, open(103));
    refuse(&mut world, SYSTEM, taken, "D1");
    accept(&mut world, "land/intake", LandCall::File(by_deeds("C-1", &[D1], &[257])));
    refuse(&mut world, "land/intake", LandCall::File(by_deeds("C-1", &[D1], &[257])), "D1");
    accept(&mut world, "land/intake", LandCall::File(by_deeds("C-2", &[D1], &[257])));
    accept(&mut world, "finance/treasury", fee("C-1"));
    let LandCall::Pay(mut reused) = fee("C-2") else { unreachable!() };
    reused.receipt = token("GRN-C-1");
    refuse(&mut world, "finance/treasury", LandCall::Pay(reused), "D1");
}

#[test]
fn outcome_names_every_subject() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 258, "1/4");
    let call = auto(
        &world,
        "C-1",
        D1,
        101,
        Placement { khatian: Target::Open(Opened { number: 201, permission_required: false }), ..open(201) },
    );
    let outcome = accept(&mut world, SYSTEM, call);
    let subjects: Vec<String> = outcome.subjects.iter().map(ToString::to_string).collect();
    for subject in ["plot/2795-51/258", "khatian/2795-51/101", "khatian/2795-51/103", "khatian/2795-51/201", "case/C-1"]
    {
        assert!(subjects.contains(&subject.to_owned()), "{subject} not in {subjects:?}");
    }
    assert!(subjects.contains(&format!("deed/{D1}")));
}
