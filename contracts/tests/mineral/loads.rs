//! Challans from issue to gate, vehicles, stockyards: M1, M3 to M6, M8, M10 to M12.

use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::delivery::DeliverChallan;
use dalil_contracts::mineral::gate::LapseChallan;
use dalil_contracts::mineral::issue::{ChallanKind, Receiver};
use dalil_contracts::mineral::keys::vehicle_key;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::source::Source;
use dalil_contracts::mineral::vehicle::{VehicleClass, live_challan};
use dalil_contracts::units::{HOUR_MS, Kilograms, MINUTE_MS};
use dalil_ledger::document::Status;
use dalil_ledger::state::Overlay;

use crate::quarry::{
    AGENT, PERMIT, YARD, YARD_AGENT, accepted, cancel, challan_of, deliver, gate, issue, load, permit_record, quarry,
    refused, send, stock_of, truck, uri, vehicle,
};
use crate::support::{World, digest, token};

/// Puts a vehicle on record behind Transport's back.
fn put(world: &mut World, plate: &str, change: impl FnOnce(&mut dalil_contracts::mineral::vehicle::RegisterVehicle)) {
    let mut record = truck(plate);
    change(&mut record);
    world.put(vehicle_key(&vehicle(plate)), &record);
}

fn lapse(number: &str) -> MineralCall {
    MineralCall::LapseChallan(LapseChallan { challan: token(number) })
}

#[test]
fn m1_reservations_stay_within_the_permit() {
    let mut world = quarry();
    for at in 0..90 {
        put(&mut world, &format!("T-{at}"), |_| {});
        let challan = load(&world, &format!("C-{at}"), &format!("T-{at}"));
        accepted(&mut world, AGENT, issue(challan));
    }
    // 1,600 t less 90 × 17.6 t leave 16 t: too little for 11 m³, enough for 10.
    put(&mut world, "T-90", |_| {});
    let mut last = load(&world, "C-90", "T-90");
    assert_eq!(refused(&mut world, AGENT, issue(last.clone())), "M1");
    last.quantity = Quantity::Litres(10_000);
    accepted(&mut world, AGENT, issue(last));
    assert_eq!(permit_record(&world, PERMIT).free_kg(), Kilograms(0));
    accepted(&mut world, AGENT, cancel("C-0"));
    assert_eq!(permit_record(&world, PERMIT).free_kg(), Kilograms(17_600), "a cancelled load goes back");
}

#[test]
fn m1_the_gate_refuses_more_than_reserved_and_tolerance() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 17_953)), "M1", "2 % above 17,600 kg are 17,952 kg");
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 0)), "M1");
    accepted(&mut world, AGENT, gate("C-1", 17_952));
    let permit = permit_record(&world, PERMIT);
    assert_eq!((permit.reserved_kg, permit.drawn_kg), (Kilograms(0), Kilograms(17_952)));
}

#[test]
fn m1_a_full_permit_gives_no_tolerance() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    let key = dalil_contracts::mineral::keys::permit_key(&token(PERMIT));
    let mut permit = permit_record(&world, PERMIT);
    permit.total_kg = Kilograms(17_600);
    world.put(key, &permit);
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 17_601)), "M1");
    accepted(&mut world, AGENT, gate("C-1", 17_600));
}

#[test]
fn m1_a_lapsed_reservation_goes_back_once() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    assert_eq!(refused(&mut world, AGENT, lapse("C-1")), "D2", "it has not ended");
    world.advance(8 * HOUR_MS);
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 17_600)), "M6", "it has ended");
    assert_eq!(world.status(&uri("C-1")).status, Status::Expired);
    accepted(&mut world, AGENT, lapse("C-1"));
    assert_eq!(permit_record(&world, PERMIT).free_kg(), Kilograms(1_600_000));
    assert_eq!(refused(&mut world, AGENT, lapse("C-1")), "D2");
    assert_eq!(challan_of(&world, "C-1").stage, Stage::Lapsed);
}

#[test]
fn m3_one_live_challan_a_vehicle() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    let second = |world: &World| issue(load(world, "C-2", "WB00A0001"));
    let call = second(&world);
    assert_eq!(refused(&mut world, AGENT, call), "M3");
    world.advance(8 * HOUR_MS - 1);
    let call = second(&world);
    assert_eq!(refused(&mut world, AGENT, call), "M3", "live until its last millisecond");
    world.advance(1);
    let call = second(&world);
    accepted(&mut world, AGENT, call);
    let overlay = Overlay::new(&world.state);
    let live = live_challan(&overlay, &vehicle("WB00A0001"), world.time_ms).unwrap().unwrap();
    assert_eq!(live.number().as_str(), "C-2", "an officer who sees the plate finds it");
    assert_eq!(live_challan(&overlay, &vehicle("WB00A0002"), world.time_ms).unwrap(), None);
}

#[test]
fn m3_a_cancelled_challan_frees_the_vehicle() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    accepted(&mut world, AGENT, cancel("C-1"));
    assert_eq!(world.status(&uri("C-1")).status, Status::Cancelled);
    send(&mut world, "C-2", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, cancel("C-2")), "D2", "past the gate nothing is cancelled");
}

#[test]
fn m4_gross_weight_stays_within_the_vehicles() {
    let mut world = quarry();
    let mut heavy = load(&world, "C-1", "WB00A0001");
    // 28.5 t and 5 % are 29,925 kg: 20,425 kg on 9,500 kg.
    heavy.quantity = Quantity::Kilograms(20_426);
    assert_eq!(refused(&mut world, AGENT, issue(heavy.clone())), "M4");
    heavy.quantity = Quantity::Kilograms(20_425);
    accepted(&mut world, AGENT, issue(heavy));
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 20_426)), "M4", "as weighed, too");
    accepted(&mut world, AGENT, gate("C-1", 20_425));
}

#[test]
fn m4_without_a_registered_weight_the_axles_decide() {
    let mut world = quarry();
    let limits = [
        (VehicleClass::GoodsRigid, 2, 19_950),
        (VehicleClass::GoodsRigid, 3, 29_925),
        (VehicleClass::GoodsRigid, 5, 51_450),
        (VehicleClass::GoodsArticulated, 3, 57_750),
    ];
    for (class, axles, limit) in limits {
        put(&mut world, "T-1", |record| {
            (record.class, record.axles, record.gvw_kg) = (class, axles, None);
        });
        let mut challan = load(&world, "C-1", "T-1");
        challan.quantity = Quantity::Kilograms(limit - 9_500 + 1);
        assert_eq!(refused(&mut world, AGENT, issue(challan.clone())), "M4", "{class:?} {axles}");
        challan.quantity = Quantity::Kilograms(limit - 9_500);
        accepted(&mut world, AGENT, issue(challan));
        accepted(&mut world, AGENT, cancel("C-1"));
        world.state.retain(|key, _| !key.ends_with(b"/C-1") && !key.ends_with(b"SP-C-1") && !key.starts_with(b"doc/"));
    }
}

#[test]
fn m5_goods_vehicles_only() {
    let mut world = quarry();
    let other = [VehicleClass::TwoWheeler, VehicleClass::Ambulance, VehicleClass::Car, VehicleClass::Bus];
    for class in other {
        put(&mut world, "T-1", |record| record.class = class);
        let challan = load(&world, "C-1", "T-1");
        assert_eq!(refused(&mut world, AGENT, issue(challan)), "M5", "{class:?}");
    }
    let unknown = load(&world, "C-1", "T-2");
    assert_eq!(refused(&mut world, AGENT, issue(unknown)), "M5", "not registered");
}

#[test]
fn m5_papers_hold_until_the_challan_ends() {
    let mut world = quarry();
    let end_ms = load(&world, "C-1", "T-1").valid_until_ms;
    for paper in 0..3 {
        put(&mut world, "T-1", |record| {
            let papers = [&mut record.fitness_until_ms, &mut record.permit_until_ms, &mut record.tax_until_ms];
            *papers.into_iter().nth(paper).unwrap() = end_ms - 1;
        });
        let challan = load(&world, "C-1", "T-1");
        assert_eq!(refused(&mut world, AGENT, issue(challan)), "M5");
    }
}

#[test]
fn m6_the_end_follows_the_rule() {
    let mut world = quarry();
    // Distance in metres and the longest validity in minutes: 60 + way at 20 km/h, between 2 h and 48 h.
    for (distance_m, minutes) in [(1, 120), (20_000, 120), (150_000, 510), (940_000, 2_880), (u64::MAX, 2_880)] {
        let mut challan = load(&world, &format!("C-{distance_m}"), "WB00A0001");
        challan.distance_m = distance_m;
        challan.valid_until_ms = challan.valid_from_ms + minutes * MINUTE_MS + 1;
        assert_eq!(refused(&mut world, AGENT, issue(challan.clone())), "M6", "{distance_m} m");
        challan.valid_until_ms -= 1;
        let number = challan.number.as_str().to_owned();
        accepted(&mut world, AGENT, issue(challan));
        accepted(&mut world, AGENT, cancel(&number));
    }
}

#[test]
fn m6_the_start_lies_near_now() {
    let mut world = quarry();
    let hour = |world: &World, from_ms: u64| {
        let mut challan = load(world, "C-1", "WB00A0001");
        (challan.valid_from_ms, challan.valid_until_ms) = (from_ms, from_ms + 2 * HOUR_MS);
        issue(challan)
    };
    let now = world.time_ms;
    let (ahead, behind) = (hour(&world, now + HOUR_MS + 1), hour(&world, now - HOUR_MS - 1));
    assert_eq!(refused(&mut world, AGENT, ahead), "M6");
    assert_eq!(refused(&mut world, AGENT, behind), "M6");
    let mut over = load(&world, "C-1", "WB00A0001");
    (over.valid_from_ms, over.valid_until_ms) = (now - HOUR_MS, now);
    assert_eq!(refused(&mut world, AGENT, issue(over)), "M6");
    let mut nowhere = load(&world, "C-1", "WB00A0001");
    nowhere.distance_m = 0;
    assert_eq!(refused(&mut world, AGENT, issue(nowhere)), "M6");
    let call = hour(&world, now + HOUR_MS);
    accepted(&mut world, AGENT, call);
    assert_eq!(refused(&mut world, AGENT, gate("C-1", 17_600)), "M6", "nothing leaves before the challan begins");
    world.advance(HOUR_MS);
    accepted(&mut world, AGENT, gate("C-1", 17_600));
}

#[test]
fn m8_a_tracking_device_from_six_wheels() {
    let mut world = quarry();
    let end_ms = load(&world, "C-1", "T-1").valid_until_ms;
    for (wheels, vltd_until_ms, code) in
        [(6, None, Some("M8")), (6, Some(end_ms - 1), Some("M8")), (5, None, None), (6, Some(end_ms), None)]
    {
        put(&mut world, "T-1", |record| (record.wheels, record.vltd_until_ms) = (wheels, vltd_until_ms));
        let number = format!("C-{wheels}-{}", vltd_until_ms.unwrap_or(0));
        let challan = load(&world, &number, "T-1");
        match code {
            Some(code) => assert_eq!(refused(&mut world, AGENT, issue(challan)), code),
            None => {
                accepted(&mut world, AGENT, issue(challan));
                accepted(&mut world, AGENT, cancel(&number));
            }
        }
    }
}

/// Sends one load of 17.6 t to the stockyard.
fn fill_yard(world: &mut World) {
    let mut inbound = load(world, "C-IN", "WB00A0001");
    inbound.destination.district = 305;
    inbound.destination.receiver = Receiver::Yard(token(YARD));
    accepted(world, AGENT, issue(inbound));
    accepted(world, AGENT, gate("C-IN", 17_600));
    let more = DeliverChallan { challan: token("C-IN"), received_kg: Some(Kilograms(17_700)), code: None };
    let outcome = accepted(world, YARD_AGENT, MineralCall::DeliverChallan(more));
    assert!(outcome.subjects.contains(&token(&format!("stockyard/{YARD}"))));
}

#[test]
fn m10_a_stockyard_gives_out_what_came_in() {
    let mut world = quarry();
    let out = |world: &World, number: &str, plate: &str, kilograms| {
        let mut challan = load(world, number, plate);
        (challan.kind, challan.source) = (ChallanKind::Stockyard, Source::Stockyard(token(YARD)));
        challan.quantity = Quantity::Kilograms(kilograms);
        issue(challan)
    };
    let call = out(&world, "C-1", "WB00A0002", 1);
    assert_eq!(refused(&mut world, YARD_AGENT, call), "M10", "an empty yard");
    fill_yard(&mut world);
    assert_eq!(stock_of(&world).balance_kg, Kilograms(17_600), "no more than left the gate");
    let call = out(&world, "C-1", "WB00A0002", 10_000);
    assert_eq!(refused(&mut world, AGENT, call.clone()), "A2", "the lease's agent is not the yard's");
    accepted(&mut world, YARD_AGENT, call);
    let call = out(&world, "C-2", "WB00A0004", 7_601);
    assert_eq!(refused(&mut world, YARD_AGENT, call), "M10");
    let call = out(&world, "C-2", "WB00A0004", 7_600);
    accepted(&mut world, YARD_AGENT, call);
    assert_eq!(refused(&mut world, YARD_AGENT, gate("C-2", 7_601)), "M10", "the rest is reserved for another load");
    accepted(&mut world, YARD_AGENT, gate("C-2", 7_600));
    accepted(&mut world, YARD_AGENT, cancel("C-1"));
    let stock = stock_of(&world);
    assert_eq!((stock.balance_kg, stock.reserved_kg), (Kilograms(10_000), Kilograms(0)));
}

#[test]
fn m11_a_vehicle_needs_its_turn_round() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    accepted(&mut world, "works/yard", deliver("C-1"));
    // 30 minutes and twice 150 km at 60 km/h from the same gate.
    world.advance(330 * MINUTE_MS - 1);
    let early = load(&world, "C-2", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(early)), "M11");
    world.advance(1);
    let challan = load(&world, "C-2", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
}

#[test]
fn m11_a_cancelled_challan_does_not_hide_the_last_departure() {
    let mut world = quarry();
    world.set_parameter("mineral/turn_round/base_min", 600);
    send(&mut world, "C-1", "WB00A0001");
    accepted(&mut world, "works/yard", deliver("C-1"));
    world.advance(899 * MINUTE_MS);
    let early = load(&world, "C-2", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(early)), "M11");
    world.advance(MINUTE_MS);
    let challan = load(&world, "C-2", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    accepted(&mut world, AGENT, cancel("C-2"));
    world.set_parameter("mineral/turn_round/base_min", 1_200);
    let challan = load(&world, "C-3", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(challan)), "M11");
}

#[test]
fn m12_a_security_paper_is_used_once() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    let paper = challan.paper.clone();
    accepted(&mut world, AGENT, issue(challan));
    accepted(&mut world, AGENT, cancel("C-1"));
    let mut second = load(&world, "C-2", "WB00A0002");
    second.paper = paper;
    assert_eq!(refused(&mut world, AGENT, issue(second)), "M12", "used up even when cancelled");
}

#[test]
fn d1_number_and_file_are_on_record_once() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    let same = load(&world, "C-1", "WB00A0002");
    assert_eq!(refused(&mut world, AGENT, issue(same)), "D1");
    let mut same_file = load(&world, "C-2", "WB00A0002");
    same_file.digest = digest("file C-1");
    assert_eq!(refused(&mut world, AGENT, issue(same_file)), "D1");
    let mut slash = load(&world, "C/2", "WB00A0002");
    slash.paper = token("SP-2");
    assert_eq!(refused(&mut world, AGENT, issue(slash)), "D1");
}
