//! On the road and at its end: M6 extensions, M7, M13, M14, seizure and offences.

use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::{Finding, Stage};
use dalil_contracts::mineral::check::Check;
use dalil_contracts::mineral::delivery::{DeliverChallan, RedeemChallan};
use dalil_contracts::mineral::extend::{ExtendChallan, ExtensionReason};
use dalil_contracts::mineral::issue::{ChallanKind, Receiver};
use dalil_contracts::mineral::keys::check_key;
use dalil_contracts::mineral::seize::{OffenceStep, RecordOffence, ReleaseChallan, SeizeChallan};
use dalil_contracts::units::{DAY_MS, HOUR_MS, Kilograms, MINUTE_MS};
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Status;

use crate::quarry::{
    AGENT, BANKURA, HOOGHLY, ONE_TIME_CODE, accepted, challan_of, check_of, deliver, events, gate, issue, load, quarry,
    refused, send, uri,
};
use crate::support::{World, digest, token};

const POLICE: &str = "home/police-hooghly";
const DMO: &str = "minerals/dmo-hooghly";

fn extend(number: &str, minutes: u32) -> MineralCall {
    MineralCall::ExtendChallan(ExtendChallan {
        challan: token(number),
        district: 312,
        reason: ExtensionReason::Breakdown,
        minutes,
        report: digest("report"),
    })
}

fn seize(number: &str) -> MineralCall {
    MineralCall::SeizeChallan(SeizeChallan {
        challan: token(number),
        district: 312,
        cause: Finding::Overload,
        memo: digest("memo"),
    })
}

fn release(number: &str) -> MineralCall {
    MineralCall::ReleaseChallan(ReleaseChallan { challan: token(number), district: 312, order: digest("order") })
}

fn with_code(number: &str, code: &str) -> MineralCall {
    MineralCall::DeliverChallan(DeliverChallan { challan: token(number), received_kg: None, code: Some(token(code)) })
}

/// A challan to whoever knows the code, past the gate.
fn send_by_code(world: &mut World, code: &str) {
    let mut challan = load(world, "C-1", "WB00A0001");
    challan.destination.receiver = Receiver::CodeHash(sha256(code.as_bytes()));
    accepted(world, AGENT, issue(challan));
    accepted(world, AGENT, gate("C-1", 17_600));
}

#[test]
fn m6_two_extensions_on_the_road() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    let end_ms = challan.valid_until_ms;
    accepted(&mut world, AGENT, issue(challan));
    assert_eq!(refused(&mut world, DMO, extend("C-1", 60)), "D2", "not on the road");
    accepted(&mut world, AGENT, gate("C-1", 17_600));
    assert_eq!(refused(&mut world, POLICE, extend("C-1", 60)), "A1");
    assert_eq!(refused(&mut world, "minerals/dmo-bankura", extend("C-1", 60)), "A2");
    assert_eq!(refused(&mut world, DMO, extend("C-1", 0)), "M6");
    assert_eq!(refused(&mut world, DMO, extend("C-1", 721)), "M6");
    accepted(&mut world, DMO, extend("C-1", 360));
    accepted(&mut world, DMO, extend("C-1", 60));
    assert_eq!(refused(&mut world, DMO, extend("C-1", 60)), "M6", "twice at most");
    assert_eq!(world.document(&uri("C-1")).valid_until_ms, Some(end_ms + 420 * MINUTE_MS));
}

#[test]
fn m6_an_expired_challan_is_not_revived() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(8 * HOUR_MS);
    assert_eq!(refused(&mut world, DMO, extend("C-1", 60)), "M6");
}

#[test]
fn m7_delivered_once_where_it_goes() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    assert_eq!(refused(&mut world, "works/yard", deliver("C-1")), "D2", "it has not left");
    accepted(&mut world, AGENT, gate("C-1", 17_600));
    assert_eq!(refused(&mut world, "works/officer", deliver("C-1")), "M7", "another office");
    assert_eq!(refused(&mut world, AGENT, deliver("C-1")), "A1");
    let more = DeliverChallan { challan: token("C-1"), received_kg: Some(Kilograms(17_953)), code: None };
    assert_eq!(refused(&mut world, "works/yard", MineralCall::DeliverChallan(more)), "M7", "more than left");
    assert_eq!(world.status(&uri("C-1")).status, Status::Valid);
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(refused(&mut world, "works/yard", deliver("C-1")), "M7");
    let shown = world.status(&uri("C-1"));
    assert_eq!((shown.status, shown.reason.as_str()), (Status::Consumed, "delivered"));
}

#[test]
fn m7_late_delivery_is_recorded_as_late() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(8 * HOUR_MS);
    let outcome = accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(events(&outcome), ["mineral.challan_delivered_late"]);
    assert_eq!(world.status(&uri("C-1")).reason, "delivered_late");
    assert_eq!(challan_of(&world, "C-1").stage, Stage::DeliveredLate);
}

#[test]
fn m7_the_consignees_code_opens_one_challan() {
    let mut world = quarry();
    send_by_code(&mut world, ONE_TIME_CODE);
    assert_eq!(refused(&mut world, "land/intake", deliver("C-1")), "M7", "no code");
    assert_eq!(refused(&mut world, "land/intake", with_code("C-1", "KOLKATA7SAND2345WRONG")), "M7");
    accepted(&mut world, "land/intake", with_code("C-1", ONE_TIME_CODE));
    assert_eq!(world.status(&uri("C-1")).status, Status::Consumed);
}

#[test]
fn m7_a_short_code_is_no_code() {
    let mut world = quarry();
    send_by_code(&mut world, "1234");
    assert_eq!(refused(&mut world, "land/intake", with_code("C-1", "1234")), "M7");
}

#[test]
fn m7_the_destination_fits_the_kind() {
    let mut world = quarry();
    for (kind, state) in
        [(ChallanKind::Inter, 19), (ChallanKind::Istp, 19), (ChallanKind::Intra, 10), (ChallanKind::Stockyard, 19)]
    {
        let mut challan = load(&world, "C-1", "WB00A0001");
        (challan.kind, challan.destination.state) = (kind, state);
        assert_eq!(refused(&mut world, AGENT, issue(challan)), "M7", "{kind:?}");
    }
    let mut elsewhere = load(&world, "C-1", "WB00A0001");
    elsewhere.destination.receiver = Receiver::Yard(token("Y-BANKURA-01"));
    assert_eq!(refused(&mut world, AGENT, issue(elsewhere)), "M7", "the yard is not in Kolkata");
}

#[test]
fn m13_one_works_bill() {
    let mut world = quarry();
    let redeem = |bill: &str| MineralCall::RedeemChallan(RedeemChallan { challan: token("C-1"), bill: token(bill) });
    send(&mut world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, "works/officer", redeem("BILL-1")), "D2", "not delivered");
    accepted(&mut world, "works/yard", deliver("C-1"));
    accepted(&mut world, "works/officer", redeem("BILL-1"));
    assert_eq!(refused(&mut world, "works/officer", redeem("BILL-2")), "M13");
    assert_eq!(refused(&mut world, "works/officer", redeem("BILL-1")), "M13");
}

#[test]
fn m13_only_what_the_works_department_received() {
    let mut world = quarry();
    send_by_code(&mut world, ONE_TIME_CODE);
    accepted(&mut world, "land/intake", with_code("C-1", ONE_TIME_CODE));
    let redeem = MineralCall::RedeemChallan(RedeemChallan { challan: token("C-1"), bill: token("BILL-1") });
    assert_eq!(refused(&mut world, "works/officer", redeem), "M13");
}

#[test]
fn m14_checks_are_only_ever_added_by_officers_of_the_district() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(HOUR_MS);
    let check = |at, time_ms| MineralCall::CheckChallan(check_of("C-1", "WB00A0001", at, time_ms));
    let now = world.time_ms;
    assert_eq!(refused(&mut world, POLICE, check(BANKURA, now)), "A2", "Hooghly's police in Bankura");
    assert_eq!(refused(&mut world, AGENT, check(BANKURA, now)), "A1");
    assert_eq!(refused(&mut world, POLICE, check(HOOGHLY, now + 1)), "M14", "in the future");
    assert_eq!(refused(&mut world, POLICE, check(HOOGHLY, now - 2 * HOUR_MS)), "M14", "before it was issued");
    for at in 0..3 {
        accepted(&mut world, POLICE, check(HOOGHLY, now - at * MINUTE_MS));
    }
    let stored: Vec<Check> = (0..3).map(|at| world.get(&check_key(&token("C-1"), at)).unwrap()).collect();
    assert!(stored.iter().all(|check| check.findings.is_empty() && check.recorded_at_ms == now));
    assert_eq!(challan_of(&world, "C-1").checks, 3);
    world.advance(2 * DAY_MS + 1);
    assert_eq!(refused(&mut world, POLICE, check(HOOGHLY, now)), "M14", "synced too late");
}

#[test]
fn m14_two_places_too_far_apart_raise_a_clone_alert() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(4 * HOUR_MS);
    let now = world.time_ms;
    let check = |at, time_ms| MineralCall::CheckChallan(check_of("C-1", "WB00A0001", at, time_ms));
    accepted(&mut world, "home/police-bankura", check(BANKURA, now - 2 * HOUR_MS));
    // 73 km in an hour can be driven.
    let outcome = accepted(&mut world, POLICE, check(HOOGHLY, now - HOUR_MS));
    assert_eq!(events(&outcome), ["mineral.challan_checked"]);
    // A check made earlier and synced later is held against both.
    let outcome = accepted(&mut world, "home/police-bankura", check(BANKURA, now - HOUR_MS - 10 * MINUTE_MS));
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.clone_suspected"]);
    assert!(challan_of(&world, "C-1").alerts.contains(&Finding::Clone));
}

#[test]
fn m14_a_clone_shows_across_challans_of_one_vehicle() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    send(&mut world, "C-2", "WB00A0002");
    world.advance(HOUR_MS);
    let now = world.time_ms;
    let first = check_of("C-1", "WB00A0001", BANKURA, now);
    accepted(&mut world, "home/police-bankura", MineralCall::CheckChallan(first));
    let second = check_of("C-2", "WB00A0001", HOOGHLY, now);
    let outcome = accepted(&mut world, POLICE, MineralCall::CheckChallan(second));
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.clone_suspected", "mineral.other_vehicle_seen"]);
}

#[test]
fn m14_a_check_says_what_it_found() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    let check = |world: &World, gross: u64| {
        let mut check = check_of("C-1", "WB00A0001", HOOGHLY, world.time_ms);
        check.gross_kg = Some(Kilograms(gross));
        MineralCall::CheckChallan(check)
    };
    let found = |world: &mut World, gross| {
        let call = check(world, gross);
        events(&accepted(world, POLICE, call))[1..].to_vec()
    };
    assert_eq!(found(&mut world, 27_100), ["mineral.ungated_challan_shown"]);
    accepted(&mut world, AGENT, gate("C-1", 17_600));
    assert_eq!(found(&mut world, 29_926), ["mineral.overload_seen"]);
    accepted(&mut world, "works/yard", deliver("C-1"));
    world.advance(MINUTE_MS);
    assert_eq!(found(&mut world, 27_100), ["mineral.spent_challan_shown"], "shown again");
    world.advance(8 * HOUR_MS);
    assert_eq!(found(&mut world, 27_100), ["mineral.expired_challan_shown", "mineral.spent_challan_shown"]);
}

#[test]
fn d2_seized_and_released() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, POLICE, release("C-1")), "D2");
    assert_eq!(refused(&mut world, "home/police-bankura", seize("C-1")), "A2");
    accepted(&mut world, POLICE, seize("C-1"));
    assert_eq!(world.status(&uri("C-1")).status, Status::Seized);
    assert_eq!(refused(&mut world, "works/yard", deliver("C-1")), "D2", "what is held is not delivered");
    assert_eq!(refused(&mut world, POLICE, seize("C-1")), "D2");
    let second = load(&world, "C-2", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(second)), "M3", "a seized challan keeps its vehicle");
    accepted(&mut world, POLICE, release("C-1"));
    assert_eq!(world.status(&uri("C-1")).status, Status::Valid);
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(refused(&mut world, POLICE, seize("C-1")), "D2");
}

#[test]
fn d2_an_offence_goes_from_booked_to_compounded() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    let offence = |step| {
        let offence = token("OFF-1");
        MineralCall::RecordOffence(RecordOffence { offence, challan: token("C-1"), district: 312, step })
    };
    let compounded = || offence(OffenceStep::Compounded(digest("order")));
    assert_eq!(refused(&mut world, POLICE, compounded()), "D2", "never booked");
    accepted(&mut world, POLICE, offence(OffenceStep::Booked(token("MMDR-21-5"))));
    assert_eq!(refused(&mut world, POLICE, offence(OffenceStep::Booked(token("MMDR-21-5")))), "D1");
    accepted(&mut world, POLICE, offence(OffenceStep::Forwarded(token("minerals/dmo-hooghly"))));
    accepted(&mut world, POLICE, compounded());
    assert_eq!(refused(&mut world, POLICE, compounded()), "D2");
}
