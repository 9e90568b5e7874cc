//! Deeds of several transferors, transferees and plots, and the ids that they go by.

use dalil_contracts::land::LandCall;
use dalil_contracts::land::deed::{DeedFlag, DeedKind};
use dalil_contracts::land::keys::{CaseId, DeedId, KhatianId, MouzaId, PlotId};
use dalil_contracts::land::mutation::{Giver, Placement};
use dalil_contracts::land::order::{Decision, MutateAuto};
use dalil_contracts::land::registration::{CancelDeed, DocumentFile, RegisterDeed};
use dalil_ledger::codec;

use super::fixture::{
    accept, allow, auto, benda, by_deeds, conveyance, deed, existing, from_deed, from_khatian, id, open, plot, refuse,
    register_all, saw, sell, set_aside, share, suo_motu, to_hearing,
};
use crate::support::{World, digest, token};

const D1: &str = "0101-I-00001-2026";
const D2: &str = "0101-I-00002-2026";
const D3: &str = "0101-I-00003-2026";
const REGISTRAR: &str = "registration/adsr-bankura";
const BLRO: &str = "land/blro-2795";
const SYSTEM: &str = "land/system";

fn taker(transferee: u8, placement: Placement) -> Placement {
    Placement { transferee, ..placement }
}

fn mutate(world: &World, case: &str, deed: &str, from: &[u32], khatians: Vec<Placement>) -> LandCall {
    let (case, saw): (CaseId, _) = (token(case), saw(world, from));
    LandCall::MutateAuto(MutateAuto { case, deed: id(deed), permission: None, saw, khatians })
}

#[test]
fn ids_with_a_slash_inside_are_no_ids() {
    let khatian = codec::encode(&id::<KhatianId>("2795-51/101"));
    assert!(codec::decode::<KhatianId>(&khatian, 64).is_ok());
    for (from, to) in [(b'-', b'/'), (b'-', b'#'), (b'-', b' ')] {
        let slashed: Vec<u8> = khatian.iter().map(|byte| if *byte == from { to } else { *byte }).collect();
        assert!(codec::decode::<KhatianId>(&slashed, 64).is_err(), "{:?}", char::from(to));
    }
    let plot = codec::encode(&id::<PlotId>("2795-51/257/1"));
    let slashed: Vec<u8> = plot.iter().map(|byte| if *byte == b'-' { b'/' } else { *byte }).collect();
    assert!(codec::decode::<PlotId>(&plot, 64).is_ok() && codec::decode::<PlotId>(&slashed, 64).is_err());
    let deed = codec::encode(&id::<DeedId>(D1));
    let dashed: Vec<u8> = deed.iter().map(|byte| if *byte == b'I' { b'-' } else { *byte }).collect();
    assert!(codec::decode::<DeedId>(&deed, 64).is_ok() && codec::decode::<DeedId>(&dashed, 64).is_err());
    for text in ["", "2795/51", "2795 51", "mouza-of-more-than-24-characters"] {
        assert!(text.parse::<MouzaId>().is_err(), "{text}");
    }
}

#[test]
fn joint_holders_sell_in_one_deed() {
    let mut world = benda();
    let to = [(0, "1/1")];
    let both =
        vec![conveyance(from_khatian(101), &[(258, "1/2")], &to), conveyance(from_khatian(103), &[(258, "1/4")], &to)];
    register_all(&mut world, D1, DeedKind::Sale, &["buyer"], both);
    assert!(deed(&world, D1).flags.is_empty());
    let unseen = mutate(&world, "C-1", D1, &[101], vec![open(201)]);
    refuse(&mut world, SYSTEM, unseen, "L14");
    let call = mutate(&world, "C-1", D1, &[101, 103], vec![open(201)]);
    accept(&mut world, SYSTEM, call);
    let land = plot(&world, "2795-51/258");
    assert_eq!([101, 103, 201].map(|number| land.held(number)), ["0/1", "1/4", "3/4"].map(share));
    // What the one buyer took of both goes on as one share, and comes back to each giver.
    sell(&mut world, D2, 201, "c", 258, "3/4");
    accept(&mut world, "judicial/court", set_aside("C-1", &[], &[]));
    let land = plot(&world, "2795-51/258");
    assert_eq!([101, 103, 201].map(|number| land.held(number)), ["1/2", "1/2", "0/1"].map(share));
}

#[test]
fn an_exchange_gives_both_ways_and_a_partition_divides_what_was_joint() {
    let mut world = benda();
    // 101 gives its half of 258 for 103's half of 261.
    let each_way = vec![
        conveyance(from_khatian(101), &[(258, "1/2")], &[(0, "1/1")]),
        conveyance(from_khatian(103), &[(261, "1/2")], &[(1, "1/1")]),
    ];
    register_all(&mut world, D1, DeedKind::Exchange, &["holder 103", "holder 101"], each_way);
    let to = vec![existing(103), taker(1, existing(101))];
    let call = mutate(&world, "C-1", D1, &[101, 103], to.clone());
    accept(&mut world, SYSTEM, call);
    assert_eq!(
        (plot(&world, "2795-51/258").held(103), plot(&world, "2795-51/261").held(101)),
        (share("1/1"), share("1/1"))
    );
    accept(&mut world, "judicial/court", set_aside("C-1", &[], &[]));
    // The same by partition, each co-sharer giving up a share in the other's plot.
    let partition = vec![
        conveyance(from_khatian(103), &[(258, "1/2")], &[(0, "1/1")]),
        conveyance(from_khatian(101), &[(261, "1/2")], &[(1, "1/1")]),
    ];
    register_all(&mut world, D2, DeedKind::Partition, &["holder 101", "holder 103"], partition);
    assert!(deed(&world, D2).flags.contains(&DeedFlag::SecondDeed) || deed(&world, D2).flags.is_empty());
    to_hearing(&mut world, by_deeds("C-2", &[D2], &[258, 261]));
    let call = allow(&world, "C-2", &[101, 103], &[existing(101), taker(1, existing(103))]);
    accept(&mut world, BLRO, call);
    assert_eq!(
        (plot(&world, "2795-51/258").held(101), plot(&world, "2795-51/261").held(103)),
        (share("1/1"), share("1/1"))
    );
}

#[test]
fn l5_a_seller_with_and_one_without_a_mutation_sell_together() {
    let mut world = benda();
    // B bought the half of 101 and never mutated; B and the recorded 103 sell to C.
    sell(&mut world, D1, 101, "B", 258, "1/2");
    let to = [(0, "1/1")];
    let both =
        vec![conveyance(from_deed(D1, 0), &[(258, "1/2")], &to), conveyance(from_khatian(103), &[(258, "1/2")], &to)];
    register_all(&mut world, D2, DeedKind::Sale, &["C"], both);
    to_hearing(&mut world, by_deeds("C-1", &[D1, D2], &[258]));
    let call = allow(&world, "C-1", &[101, 103], &[Placement { deed: 1, ..open(201) }]);
    accept(&mut world, BLRO, call);
    assert_eq!(plot(&world, "2795-51/258").held(201), share("1/1"));
}

#[test]
fn l1_a_deed_names_nobody_in_vain_and_no_share_twice() {
    let mut world = benda();
    let one = || conveyance(from_khatian(101), &[(257, "1/2")], &[(0, "1/1")]);
    let deeds = [
        (vec!["a"], vec![]),
        (vec![], vec![one()]),
        (vec!["a", "idle"], vec![one()]),
        (vec!["a"], vec![one(), one()]),
        (vec!["a"], vec![conveyance(from_khatian(101), &[(257, "1/2")], &[(1, "1/1")])]),
        (vec!["a"], vec![conveyance(from_khatian(101), &[(257, "1/2")], &[(0, "1/2"), (0, "1/2")])]),
        (vec!["a"], vec![conveyance(from_khatian(101), &[(257, "1/2"), (257, "1/4")], &[(0, "1/1")])]),
    ];
    for (takers, conveyances) in deeds {
        let transferees = takers.iter().map(|name| digest(name)).collect();
        let call = RegisterDeed { deed: id(D1), kind: DeedKind::Sale, transferees, conveyances, document: None };
        refuse(&mut world, REGISTRAR, LandCall::RegisterDeed(call), "L1");
    }
}

#[test]
fn a_deed_of_several_plots_is_mutated_as_one_or_plot_by_plot() {
    let mut world = benda();
    let plots = [(257, "1/4"), (258, "1/4")];
    register_all(&mut world, D1, DeedKind::Gift, &["a"], vec![conveyance(from_khatian(101), &plots, &[(0, "1/1")])]);
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    accept(&mut world, BLRO, call);
    let used = |world: &World| deed(world, D1).plots.iter().map(|given| given.user(0).is_some()).collect::<Vec<_>>();
    assert_eq!(used(&world), [true, false]);
    let rest = auto(&world, "C-2", D1, 101, existing(201));
    refuse(&mut world, SYSTEM, rest, "L3");
    to_hearing(&mut world, by_deeds("C-2", &[D1], &[258]));
    let call = allow(&world, "C-2", &[101], &[existing(201)]);
    accept(&mut world, BLRO, call);
    assert_eq!(used(&world), [true, true]);

    register_all(
        &mut world,
        D2,
        DeedKind::Gift,
        &["other"],
        vec![conveyance(from_khatian(101), &plots, &[(0, "1/1")])],
    );
    let call = auto(&world, "C-3", D2, 101, existing(201));
    refuse(&mut world, SYSTEM, call, "L9");
    let call = auto(&world, "C-3", D2, 101, open(202));
    accept(&mut world, SYSTEM, call);
    assert_eq!(
        (plot(&world, "2795-51/257").held(202), plot(&world, "2795-51/258").held(202)),
        (share("1/4"), share("1/4"))
    );
}

#[test]
fn d1_a_deeds_document_is_of_its_type_and_not_guessable() {
    let mut world = benda();
    let call = |uri: &str| {
        LandCall::RegisterDeed(RegisterDeed {
            deed: id(D1),
            kind: DeedKind::Sale,
            transferees: vec![digest("a")],
            conveyances: vec![conveyance(from_khatian(101), &[(257, "1/2")], &[(0, "1/1")])],
            document: Some(DocumentFile { uri: token(uri), digest: digest("file") }),
        })
    };
    for uri in ["in.gov.wb.registration-DEED-1", "in.gov.wb.land-ROR-3kX9vQ2mT7bLw0Zr", "DEED-3kX9vQ2mT7bLw0Zr"] {
        refuse(&mut world, REGISTRAR, call(uri), "D1");
    }
    accept(&mut world, REGISTRAR, call("in.gov.wb.registration-DEED-3kX9vQ2mT7bLw0Zr"));
}

#[test]
fn the_registrar_records_any_number_of_deeds_over_one_share() {
    const FLATS: u32 = 200;
    let mut world = benda();
    let name = |flat: u32| format!("0101-I-{:05}-2026", 100 + flat);
    for flat in 0..FLATS {
        sell(&mut world, &name(flat), 101, "buyer", 257, "1/200");
        assert!(deed(&world, &name(flat)).flags.is_empty(), "{flat}: they fit together");
    }
    // One more than there is: recorded and flagged, and no deed of them goes without an officer.
    sell(&mut world, &name(FLATS), 101, "one too many", 257, "1/200");
    assert!(deed(&world, &name(FLATS)).flags.contains(&DeedFlag::SecondDeed));
    let first = |world: &World| auto(world, "C-1", &name(0), 101, open(201));
    let call = first(&world);
    refuse(&mut world, SYSTEM, call, "L9");
    let cancel = CancelDeed { deed: id(&name(FLATS)), cnr: token("CNR-1"), order: digest("decree") };
    accept(&mut world, "judicial/court", LandCall::CancelDeed(cancel));
    let call = first(&world);
    accept(&mut world, SYSTEM, call);
    assert_eq!(plot(&world, "2795-51/257").held(101), share("199/200"));
}

/// 101 and 103 sell both halves of 258 in one deed, but 103 sold its half before to 203. Heard as case C-1.
fn joint_sale_of_one_half_too_much() -> World {
    let mut world = benda();
    sell(&mut world, D2, 103, "before", 258, "1/2");
    let call = auto(&world, "C-0", D2, 103, open(203));
    accept(&mut world, SYSTEM, call);
    let half = |khatian| conveyance(from_khatian(khatian), &[(258, "1/2")], &[(0, "1/1")]);
    register_all(&mut world, D1, DeedKind::Sale, &["buyer"], vec![half(101), half(103)]);
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[258]));
    world
}

/// The order that takes from some transferors alone.
fn allow_only(world: &World, case: &str, from: &[u32], to: Placement, only: &[(u8, u8)]) -> LandCall {
    let LandCall::Order(mut order) = allow(world, case, from, &[to]) else { unreachable!() };
    if let Decision::Allow(allowance) = &mut order.decision {
        allowance.only = only.iter().map(|(deed, transferor)| Giver { deed: *deed, transferor: *transferor }).collect();
    }
    LandCall::Order(order)
}

fn users(world: &World) -> Vec<(u8, String)> {
    deed(world, D1).plots[0].used.iter().map(|used| (used.transferor, used.case.to_string())).collect()
}

#[test]
fn l3_one_transferors_part_is_allowed_alone_and_the_others_stays_for_another_case() {
    let mut world = joint_sale_of_one_half_too_much();
    let both = allow(&world, "C-1", &[101, 103], &[open(201)]);
    refuse(&mut world, BLRO, both, "L2");
    for nobody in [(0, 2), (1, 0)] {
        let call = allow_only(&world, "C-1", &[101], open(201), &[(0, 0), nobody]);
        refuse(&mut world, BLRO, call, "L5");
    }
    let call = allow_only(&world, "C-1", &[101], open(201), &[(0, 0)]);
    accept(&mut world, BLRO, call);
    let held = |world: &World| [101, 103, 201, 203].map(|number| plot(world, "2795-51/258").held(number));
    assert_eq!(held(&world), ["0/1", "0/1", "1/2", "1/2"].map(share));
    assert_eq!(users(&world), [(0, "C-1".to_owned())]);

    // The other half, once 103 has it back.
    to_hearing(&mut world, by_deeds("C-2", &[D1], &[258]));
    accept(&mut world, "judicial/court", set_aside("C-0", &[], &[]));
    for only in [&[][..], &[(0, 0)], &[(0, 0), (0, 1)]] {
        let call = allow_only(&world, "C-2", &[101, 103], existing(201), only);
        refuse(&mut world, BLRO, call, "L3");
    }
    let call = allow_only(&world, "C-2", &[103], existing(201), &[(0, 1)]);
    accept(&mut world, BLRO, call);
    assert_eq!(held(&world), ["0/1", "0/1", "1/1", "0/1"].map(share));
    let file = LandCall::File(by_deeds("C-3", &[D1], &[258]));
    refuse(&mut world, "land/intake", file, "L3");

    // A set-aside gives back what its own case took, and no more.
    accept(&mut world, "judicial/court", set_aside("C-1", &[], &[]));
    assert_eq!(held(&world), ["1/2", "0/1", "1/2", "0/1"].map(share));
    assert_eq!(users(&world), [(1, "C-2".to_owned())]);
    accept(&mut world, "land/intake", LandCall::File(by_deeds("C-3", &[D1], &[258])));
}

#[test]
fn l5_only_deeds_have_transferors_to_choose_from() {
    let mut world = benda();
    to_hearing(&mut world, suo_motu("C-1", 101, 257, "1/2", &[("x", "1/1")]));
    let call = allow_only(&world, "C-1", &[101], open(201), &[(0, 0)]);
    refuse(&mut world, BLRO, call, "L5");
}

#[test]
fn l5_a_buyer_whose_shares_came_by_two_cases_sells_on_from_one_khatian() {
    for (second, outcome) in [(existing(201), "accepted"), (open(202), "L5")] {
        let mut world = joint_sale_of_one_half_too_much();
        let call = allow_only(&world, "C-1", &[101], open(201), &[(0, 0)]);
        accept(&mut world, BLRO, call);
        accept(&mut world, "judicial/court", set_aside("C-0", &[], &[]));
        to_hearing(&mut world, by_deeds("C-2", &[D1], &[258]));
        let call = allow_only(&world, "C-2", &[103], second, &[(0, 1)]);
        accept(&mut world, BLRO, call);
        let on = vec![conveyance(from_deed(D1, 0), &[(258, "1/1")], &[(0, "1/1")])];
        register_all(&mut world, D3, DeedKind::Sale, &["next"], on);
        to_hearing(&mut world, by_deeds("C-3", &[D3], &[258]));
        let call = allow(&world, "C-3", &[201], &[open(204)]);
        match outcome {
            "accepted" => drop(accept(&mut world, BLRO, call)),
            code => refuse(&mut world, BLRO, call, code),
        }
    }
}
