//! Cases on plots that were divided or merged since: shares go where the plots went.

use dalil_contracts::land::LandCall;
use dalil_contracts::land::appeal::{AppealDecision, OrderAppeal};
use dalil_contracts::land::case::CaseState;
use dalil_contracts::land::public::SettlePlot;
use dalil_contracts::land::types::Holding;

use super::fixture::{
    DEATH, accept, allow, auto, benda, by_death, by_deeds, case, deed, existing, id, merge, open, paper, plot,
    record_death, refuse, sell, set_aside, share, split, to_hearing,
};
use crate::support::{World, digest, token};

const D1: &str = "0101-I-00001-2026";
const D2: &str = "0101-I-00002-2026";
const D3: &str = "0101-I-00003-2026";
const BLRO: &str = "land/blro-2795";
const SYSTEM: &str = "land/system";
const COURT: &str = "judicial/court";
const SURVEYOR: &str = "land/surveyor";

/// 101 sold one half of 257 to 201 by case C-1; then 257 was divided.
fn sold_and_divided() -> World {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    accept(&mut world, SURVEYOR, split("2795-51/257", &[4_000, 6_000]));
    world
}

#[test]
fn l15_a_divided_plot_is_given_back_in_its_parts_that_the_order_names() {
    let mut world = sold_and_divided();
    let (first, second) = ("2795-51/257/1", "2795-51/257/2");
    for named in [&[][..], &[first], &[first, second, "2795-51/258"]] {
        refuse(&mut world, COURT, set_aside("C-1", &[], named), "L15");
    }
    let versions = [first, second].map(|part| plot(&world, part).version);
    accept(&mut world, COURT, set_aside("C-1", &[], &[first, second]));
    for (part, before) in [first, second].into_iter().zip(versions) {
        let land = plot(&world, part);
        assert_eq!((land.held(101), land.held(201), land.version), (share("1/1"), share("0/1"), before + 1));
    }
    let parent = plot(&world, "2795-51/257");
    assert_eq!(
        (parent.held(201), parent.retired),
        (share("1/2"), true),
        "what it was when it was divided stays written"
    );
    assert!(deed(&world, D1).plots[0].user(0).is_none());
    assert_eq!(case(&world, "C-1").state, CaseState::SetAside);
    // Nothing was divided: nothing may be named.
    sell(&mut world, D2, 101, "b", 258, "1/4");
    let call = auto(&world, "C-2", D2, 101, open(202));
    accept(&mut world, SYSTEM, call);
    refuse(&mut world, COURT, set_aside("C-2", &[], &[first]), "L15");
    accept(&mut world, COURT, set_aside("C-2", &[], &[]));
}

#[test]
fn l15_what_was_sold_of_a_part_since_is_named_too() {
    let mut world = sold_and_divided();
    let parts = ["2795-51/257/1", "2795-51/257/2"];
    sell(&mut world, D2, 201, "b", 258, "1/2");
    let mut call = super::fixture::register(
        D3,
        dalil_contracts::land::deed::DeedKind::Sale,
        super::fixture::from_khatian(201),
        &[("c", "1/1")],
        257,
        "1/4",
    );
    if let LandCall::RegisterDeed(call) = &mut call {
        call.conveyances[0].plots[0].plot = id(parts[0]);
    }
    accept(&mut world, "registration/adsr-bankura", call);
    let call = auto(&world, "C-3", D3, 201, open(203));
    accept(&mut world, SYSTEM, call);
    refuse(&mut world, COURT, set_aside("C-1", &[], &parts), "L15");
    accept(&mut world, COURT, set_aside("C-1", &["C-3"], &parts));
    let land = plot(&world, parts[0]);
    assert_eq!((land.held(101), land.held(203)), (share("1/1"), share("0/1")));
    assert_eq!(case(&world, "C-3").state, CaseState::SetAside);
}

#[test]
fn l15_in_a_merged_plot_shares_go_back_by_area() {
    let mut world = benda();
    // 258 (0.5 acre) and 261 (0.5 acre), both 101 and 103 by halves. 101 sells its half of 258 and of 261 to one buyer.
    for (name, deed, main) in [("C-1", D1, 258), ("C-2", D2, 261)] {
        sell(&mut world, deed, 101, "a", main, "1/2");
        let to = if main == 258 { open(201) } else { existing(201) };
        let call = auto(&world, name, deed, 101, to);
        accept(&mut world, SYSTEM, call);
    }
    accept(&mut world, SURVEYOR, merge(&["2795-51/258", "2795-51/261"], "2795-51/300"));
    accept(&mut world, COURT, set_aside("C-1", &[], &["2795-51/300"]));
    // One half of one half of the merged area.
    let land = plot(&world, "2795-51/300");
    assert_eq!([101, 103, 201].map(|number| land.held(number)), ["1/4", "1/2", "1/4"].map(share));
    accept(&mut world, COURT, set_aside("C-2", &[], &["2795-51/300"]));
    let land = plot(&world, "2795-51/300");
    assert_eq!([101, 103, 201].map(|number| land.held(number)), ["1/2", "1/2", "0/1"].map(share));
}

#[test]
fn l15_a_settlement_since_stands_in_the_way() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, SYSTEM, call);
    let holdings = vec![Holding { khatian: 101, share: share("1/4") }, Holding { khatian: 201, share: share("3/4") }];
    let settle = SettlePlot { plot: id("2795-51/257"), order: digest("settlement"), open: Vec::new(), holdings };
    accept(&mut world, "district/collector", LandCall::Settle(settle));
    refuse(&mut world, COURT, set_aside("C-1", &[], &[]), "L15");
}

#[test]
fn an_appeal_after_a_division_gives_back_in_the_parts() {
    let mut world = benda();
    sell(&mut world, D1, 101, "a", 257, "1/2");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    accept(&mut world, BLRO, call);
    accept(&mut world, "land/intake", LandCall::Appeal(paper("C-1")));
    accept(&mut world, SURVEYOR, split("2795-51/257", &[4_000, 6_000]));
    let order = |divided: &[&str]| {
        let divided = divided.iter().map(|plot| id(plot)).collect();
        let (case, order, decision) = (token("C-1"), digest("order"), AppealDecision::Remand);
        LandCall::AppealOrder(OrderAppeal { case, order, decision, later: Vec::new(), divided })
    };
    refuse(&mut world, "land/sdllro", order(&[]), "L15");
    accept(&mut world, "land/sdllro", order(&["2795-51/257/1", "2795-51/257/2"]));
    assert_eq!(plot(&world, "2795-51/257/2").held(101), share("1/1"));
    // Heard again, the deed over the whole moves its share of each part.
    accept(&mut world, BLRO, LandCall::Hear(paper("C-1")));
    let call = allow(&world, "C-1", &[101], &[existing(201)]);
    accept(&mut world, BLRO, call);
    for part in ["2795-51/257/1", "2795-51/257/2"] {
        assert_eq!(plot(&world, part).held(201), share("1/2"), "{part}");
    }
    accept(&mut world, COURT, set_aside("C-1", &[], &[]));
    assert_eq!(plot(&world, "2795-51/257/1").held(201), share("0/1"));
}

#[test]
fn a_deed_or_death_before_a_division_is_mutated_in_the_parts_by_an_officer() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    sell(&mut world, D1, 101, "a", 257, "1/4");
    to_hearing(&mut world, by_death("C-2", 101, 257, &[("x", "1/3"), ("y", "2/3")]));
    accept(&mut world, SURVEYOR, split("2795-51/257", &[1_000, 2_000, 7_000]));
    let call = auto(&world, "C-1", D1, 101, open(201));
    refuse(&mut world, SYSTEM, call, "L9");
    to_hearing(&mut world, by_deeds("C-1", &[D1], &[257]));
    let call = allow(&world, "C-1", &[101], &[open(201)]);
    accept(&mut world, BLRO, call);
    let heirs = [open(202), dalil_contracts::land::mutation::Placement { transferee: 1, ..open(203) }];
    let call = allow(&world, "C-2", &[101], &heirs);
    accept(&mut world, BLRO, call);
    for part in 1..=3 {
        let land = plot(&world, &format!("2795-51/257/{part}"));
        assert_eq!([101, 201, 202, 203].map(|number| land.held(number)), ["0/1", "1/4", "1/4", "1/2"].map(share));
    }
}
