//! The four kinds of challan and what stands on each: M2 amounts, M7, M10 parent, M12 pass of origin.

use dalil_contracts::mineral::issue::{ChallanKind, IssueChallan, OriginPass, Receiver};
use dalil_contracts::mineral::quantity::{Heads, Quantity};
use dalil_contracts::mineral::source::Source;
use dalil_contracts::units::{HOUR_MS, Kilograms, Paise};
use dalil_ledger::document::Status;

use crate::quarry::{
    AGENT, YARD, YARD_AGENT, accepted, challan_of, deliver, gate, issue, load, quarry, refused, stock_of, uri,
};
use crate::support::{World, digest, token};

/// Sends `number` from the lease to the stockyard and takes it in.
fn fill_yard(world: &mut World, number: &str, plate: &str) {
    let mut inbound = load(world, number, plate);
    inbound.destination.district = 305;
    inbound.destination.receiver = Receiver::Yard(token(YARD));
    accepted(world, AGENT, issue(inbound));
    accepted(world, AGENT, gate(number, 17_600));
    accepted(world, YARD_AGENT, deliver(number));
}

/// A load of stone that comes in from Jharkhand (20) under that state's pass.
fn inward(world: &World, number: &str, plate: &str) -> IssueChallan {
    IssueChallan {
        kind: ChallanKind::Istp,
        source: Source::Entry(token(YARD)),
        mineral: token("STONE"),
        origin_pass: Some(OriginPass { state: 20, pass: digest("pass JH-1") }),
        ..load(world, number, plate)
    }
}

#[test]
fn each_kind_goes_from_issue_to_delivery() {
    let mut world = quarry();
    fill_yard(&mut world, "C-INTRA", "WB00A0001");
    let mut stockyard = load(&world, "C-YARD", "WB00A0002");
    (stockyard.kind, stockyard.source) = (ChallanKind::Stockyard, Source::Stockyard(token(YARD)));
    (stockyard.quantity, stockyard.parent) = (Quantity::Kilograms(9_000), Some(token("C-INTRA")));
    let mut inter = load(&world, "C-INTER", "WB00A0004");
    (inter.kind, inter.destination.state) = (ChallanKind::Inter, 10);
    let istp = inward(&world, "C-ISTP", "WB00A0005");
    for (challan, posting, net_kg) in
        [(stockyard, YARD_AGENT, 9_000), (inter, AGENT, 17_600), (istp, YARD_AGENT, 17_600)]
    {
        let number = challan.number.as_str().to_owned();
        accepted(&mut world, posting, issue(challan));
        accepted(&mut world, posting, gate(&number, net_kg));
        assert_eq!(world.status(&uri(&number)).status, Status::Valid);
        accepted(&mut world, "works/yard", deliver(&number));
        assert_eq!(world.status(&uri(&number)).status, Status::Consumed);
    }
    assert_eq!(stock_of(&world).balance_kg, Kilograms(8_600), "what entered from elsewhere drew on nothing");
}

#[test]
fn m7_a_pass_of_origin_goes_with_a_load_from_another_state() {
    let mut world = quarry();
    let inward = inward(&world, "C-1", "WB00A0001");
    let mut without = inward.clone();
    without.origin_pass = None;
    let mut from_here = inward.clone();
    from_here.origin_pass = Some(OriginPass { state: 19, pass: digest("pass") });
    let mut intra = inward.clone();
    intra.kind = ChallanKind::Intra;
    for wrong in [without, from_here, intra] {
        assert_eq!(refused(&mut world, YARD_AGENT, issue(wrong)), "M7");
    }
    let mut own = load(&world, "C-1", "WB00A0001");
    own.origin_pass = inward.origin_pass.clone();
    assert_eq!(refused(&mut world, AGENT, issue(own)), "M7", "a load of this state names none");
    assert_eq!(refused(&mut world, AGENT, issue(inward.clone())), "A2", "the stockyard's own agent issues");
    accepted(&mut world, YARD_AGENT, issue(inward));
}

#[test]
fn m12_a_pass_of_origin_is_used_once() {
    let mut world = quarry();
    let first = inward(&world, "C-1", "WB00A0001");
    accepted(&mut world, YARD_AGENT, issue(first));
    let second = inward(&world, "C-2", "WB00A0002");
    assert_eq!(refused(&mut world, YARD_AGENT, issue(second)), "M12");
}

#[test]
fn m10_a_parent_brought_this_mineral_to_this_yard() {
    let mut world = quarry();
    fill_yard(&mut world, "C-IN", "WB00A0001");
    let mut out = load(&world, "C-1", "WB00A0002");
    (out.kind, out.source) = (ChallanKind::Stockyard, Source::Stockyard(token(YARD)));
    out.quantity = Quantity::Kilograms(9_000);
    let with = |parent: &str| issue(IssueChallan { parent: Some(token(parent)), ..out.clone() });
    assert_eq!(refused(&mut world, YARD_AGENT, with("C-NONE")), "D2");
    let elsewhere = load(&world, "C-2", "WB00A0004");
    accepted(&mut world, AGENT, issue(elsewhere));
    assert_eq!(refused(&mut world, YARD_AGENT, with("C-2")), "M10", "that load went elsewhere");
    let mut from_lease = load(&world, "C-3", "WB00A0005");
    from_lease.parent = Some(token("C-IN"));
    assert_eq!(refused(&mut world, AGENT, issue(from_lease)), "M10", "only what leaves the yard has a parent");
    accepted(&mut world, YARD_AGENT, with("C-IN"));
}

#[test]
fn m2_a_challan_shows_its_part_of_what_was_levied() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    // 11 of 1,000 m³ at ₹53.00 royalty, 30 % DMF, 10 % cess.
    let expected = Heads { royalty: Paise(58_300), dmf: Paise(17_490), cess: Paise(5_830) };
    assert_eq!(challan_of(&world, "C-1").amounts, expected);
    world.advance(HOUR_MS);
    let istp = inward(&world, "C-2", "WB00A0002");
    accepted(&mut world, YARD_AGENT, issue(istp));
    assert_eq!(challan_of(&world, "C-2").amounts, Heads::default(), "nothing was levied here on a load from elsewhere");
}

#[test]
fn m5_the_gate_looks_at_the_registration_again() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    let mut ended = crate::quarry::truck("WB00A0001");
    ended.fitness_until_ms = world.time_ms;
    let register = dalil_contracts::mineral::MineralCall::RegisterVehicle(ended);
    accepted(&mut world, "transport/rto", register);
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 17_600)), "M5");
}
