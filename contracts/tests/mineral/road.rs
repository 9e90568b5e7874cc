//! On the road and at its end: M6 extensions, M7, M13, M14, seizure and offences.

use dalil_contracts::Call;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::check::{Check, CheckChallan, Checks, Finding};
use dalil_contracts::mineral::delivery::{DeliverChallan, RedeemChallan};
use dalil_contracts::mineral::enquiry::Enquiry;
use dalil_contracts::mineral::extend::{ExtendChallan, ExtensionReason};
use dalil_contracts::mineral::issue::{ChallanKind, Receiver};
use dalil_contracts::mineral::keys::{bare_checks_key, check_key, offence_key};
use dalil_contracts::mineral::offence::{Offence, OffenceAbout, OffenceStep, RecordOffence};
use dalil_contracts::mineral::seize::{ReleaseChallan, SeizeChallan};
use dalil_contracts::units::{HOUR_MS, Kilograms, MINUTE_MS};
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Status;
use dalil_ledger::state::Overlay;

use crate::quarry::{
    AGENT, BANKURA, HOOGHLY, ONE_TIME_CODE, accepted, challan_of, check_of, checks_of, deliver, events, gate, issue,
    load, quarry, refused, send, uri, vehicle,
};
use crate::support::{World, code, digest, key_of, token};

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
    assert_eq!(world.document(&uri("C-1")).ends_at_ms(u64::MAX), Some(end_ms + 420 * MINUTE_MS));
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

fn redeem(bill: &str) -> MineralCall {
    MineralCall::RedeemChallan(RedeemChallan { challan: token("C-1"), bill: token(bill), late_decision: None })
}

#[test]
fn m13_a_late_load_needs_the_officers_decision() {
    let mut world = quarry();
    let decided = |decision: Option<&str>| {
        let late_decision = decision.map(digest);
        MineralCall::RedeemChallan(RedeemChallan { challan: token("C-1"), bill: token("BILL-1"), late_decision })
    };
    send(&mut world, "C-1", "WB00A0001");
    world.advance(8 * HOUR_MS);
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(refused(&mut world, "works/officer", decided(None)), "M13");
    accepted(&mut world, "works/officer", decided(Some("the truck broke down at Arambagh")));
    assert_eq!(challan_of(&world, "C-1").stage, Stage::Redeemed);
    assert_eq!(world.status(&uri("C-1")).reason, "delivered_late", "the document still says so");

    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(refused(&mut world, "works/officer", decided(Some("none is needed"))), "M13");
}

#[test]
fn m13_one_works_bill() {
    let mut world = quarry();
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
    assert_eq!(refused(&mut world, "works/officer", redeem("BILL-1")), "M13");
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
    assert_eq!(
        refused(&mut world, POLICE, check(HOOGHLY, now - 31 * MINUTE_MS)),
        "M14",
        "too long ago for a bare word"
    );
    for at in 0..3 {
        accepted(&mut world, POLICE, check(HOOGHLY, now - at * MINUTE_MS));
    }
    let stored: Vec<Check> = (0..3).map(|at| world.get(&check_key(&token("C-1"), at)).unwrap()).collect();
    assert!(stored.iter().all(|check| check.findings.is_empty() && check.recorded_at_ms == now));
    assert_eq!(checks_of(&world, "C-1").count, 3);
}

#[test]
fn m14_a_check_is_not_before_the_challan() {
    let mut world = quarry();
    let early = world.time_ms;
    world.advance(MINUTE_MS);
    send(&mut world, "C-1", "WB00A0001");
    let check = MineralCall::CheckChallan(check_of("C-1", "WB00A0001", HOOGHLY, early));
    assert_eq!(refused(&mut world, POLICE, check), "M14");
}

#[test]
fn m14_what_is_not_on_record_is_checked_all_the_same() {
    let mut world = quarry();
    let now = world.time_ms;
    let forged = MineralCall::CheckChallan(check_of("FORGED-77", "WB00A0001", HOOGHLY, now));
    let outcome = accepted(&mut world, POLICE, forged);
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.unknown_challan_shown"]);
    assert_eq!(checks_of(&world, "FORGED-77").alerts.as_slice(), [Finding::NotOnRecord]);
    let none = CheckChallan { challan: None, ..check_of("C-1", "WB00A0002", HOOGHLY, now) };
    let outcome = accepted(&mut world, POLICE, MineralCall::CheckChallan(none));
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.load_without_challan_seen"]);
    let bare: Checks = world.get(&bare_checks_key(&vehicle("WB00A0002"))).unwrap();
    assert_eq!((bare.count, bare.alerts.as_slice()), (1, [Finding::NoChallan].as_slice()));
}

#[test]
fn m14_two_places_too_far_apart_raise_a_clone_alert() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(HOUR_MS);
    let check = |at, time_ms| MineralCall::CheckChallan(check_of("C-1", "WB00A0001", at, time_ms));
    let now = world.time_ms;
    accepted(&mut world, "home/police-bankura", check(BANKURA, now));
    // 73 km in an hour can be driven.
    world.advance(HOUR_MS);
    let now = world.time_ms;
    let outcome = accepted(&mut world, POLICE, check(HOOGHLY, now));
    assert_eq!(events(&outcome), ["mineral.challan_checked"]);
    // A check made before and recorded after is held against both.
    let outcome = accepted(&mut world, "home/police-bankura", check(BANKURA, now - 10 * MINUTE_MS));
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.clone_suspected"]);
    assert!(checks_of(&world, "C-1").alerts.contains(&Finding::Clone));
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
fn d2_released_where_it_was_seized() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    accepted(&mut world, POLICE, seize("C-1"));
    let elsewhere = ReleaseChallan { challan: token("C-1"), district: 305, order: digest("order") };
    assert_eq!(refused(&mut world, "home/police-bankura", MineralCall::ReleaseChallan(elsewhere)), "A2");
    world.advance(MINUTE_MS);
    let now = world.time_ms;
    let shown = MineralCall::CheckChallan(check_of("C-1", "WB00A0001", HOOGHLY, now));
    assert_eq!(events(&accepted(&mut world, POLICE, shown))[1..], ["mineral.held_challan_shown"]);
    // Any enforcement officer of that district.
    accepted(&mut world, "minerals/check-hooghly", release("C-1"));
}

#[test]
fn an_expired_challan_is_seized_released_and_delivered_late() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(9 * HOUR_MS);
    assert_eq!(world.status(&uri("C-1")).status, Status::Expired);
    accepted(&mut world, POLICE, seize("C-1"));
    assert_eq!(world.status(&uri("C-1")).status, Status::Seized);
    accepted(&mut world, POLICE, release("C-1"));
    assert_eq!(world.status(&uri("C-1")).status, Status::Expired, "a release gives no time");
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(challan_of(&world, "C-1").stage, Stage::DeliveredLate);
}

fn offence(about: OffenceAbout, step: OffenceStep) -> MineralCall {
    MineralCall::RecordOffence(RecordOffence { offence: token("OFF-1"), about, district: 312, step })
}

#[test]
fn d2_an_offence_goes_from_booked_to_compounded() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    let about = || OffenceAbout::Challan(token("C-1"));
    let booked = || OffenceStep::Booked(token("MMDR-21-5"));
    let compounded = || offence(about(), OffenceStep::Compounded(digest("order")));
    assert_eq!(refused(&mut world, POLICE, compounded()), "D2", "never booked");
    let unknown = OffenceAbout::Challan(token("FORGED-77"));
    assert_eq!(refused(&mut world, POLICE, offence(unknown, booked())), "D2", "the vehicle is booked instead");
    accepted(&mut world, POLICE, offence(about(), booked()));
    assert_eq!(refused(&mut world, POLICE, offence(about(), booked())), "D1");
    let other = OffenceAbout::Vehicle(vehicle("WB00A0001"));
    assert_eq!(refused(&mut world, POLICE, offence(other, OffenceStep::Compounded(digest("order")))), "D2");
    let nowhere = offence(about(), OffenceStep::Forwarded(token("minerals/nowhere")));
    assert_eq!(refused(&mut world, POLICE, nowhere), "A1");
    accepted(&mut world, POLICE, offence(about(), OffenceStep::Forwarded(token("minerals/dmo-hooghly"))));
    assert_eq!(refused(&mut world, POLICE, compounded()), "A2", "it lies with the mining office now");
    accepted(&mut world, DMO, compounded());
    assert_eq!(refused(&mut world, DMO, compounded()), "D2", "final");
    let case: Offence = world.get(&offence_key(&token("OFF-1"))).unwrap();
    assert_eq!(case.steps.len(), 3);
}

#[test]
fn d2_a_vehicle_without_a_challan_is_booked_too() {
    let mut world = quarry();
    let about = || OffenceAbout::Vehicle(vehicle("WB00A0001"));
    let outcome = accepted(&mut world, POLICE, offence(about(), OffenceStep::Booked(token("MMDR-21-1"))));
    assert!(outcome.subjects.contains(&token(&format!("vehicle/{}", vehicle("WB00A0001")))));
    accepted(&mut world, POLICE, offence(about(), OffenceStep::Compounded(digest("order"))));
}

#[test]
fn m7_a_gateway_hands_the_code_in() {
    let mut world = quarry();
    send_by_code(&mut world, ONE_TIME_CODE);
    // The portal's key is no officer's; the posting that it names is judged (A7).
    let portal = key_of("land-gateway").public();
    let stranger = key_of("district-gateway").public();
    let call = || Call::Mineral(with_code("C-1", ONE_TIME_CODE));
    assert_eq!(code(world.call_signed_by(stranger, "land/intake", call())), "A7");
    let wrong = Call::Mineral(with_code("C-1", "KOLKATA7SAND2345WRONG"));
    assert_eq!(code(world.call_signed_by(portal, "land/intake", wrong)), "M7");
    world.call_signed_by(portal, "land/intake", call()).unwrap();
    assert_eq!(world.status(&uri("C-1")).status, Status::Consumed);
}

#[test]
fn an_officer_asks_for_the_live_challan_of_a_plate() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    let (chain, now) = (World::chain(), world.time_ms);
    let ask = |plate: &str, posting: &str, key: &str, asked_at_ms| {
        Enquiry { vehicle: vehicle(plate), posting: token(posting), asked_at_ms }.sign(&key_of(key), &chain)
    };
    let state = Overlay::new(&world.state);
    let police = ask("WB00A0001", POLICE, "home-police-hooghly", now);
    let live = police.answer(&state, chain, now).unwrap().unwrap();
    assert_eq!(live.number().as_str(), "C-1");
    let idle = ask("WB00A0002", POLICE, "home-police-hooghly", now);
    assert_eq!(idle.answer(&state, chain, now).unwrap(), None);
    assert_eq!(code(police.answer(&state, chain, now + 3 * MINUTE_MS)), "O1", "an old question");
    let stolen = ask("WB00A0001", POLICE, "minerals-agent-L1", now);
    assert_eq!(code(stolen.answer(&state, chain, now)), "O1");
    let agent = ask("WB00A0001", AGENT, "minerals-agent-L1", now);
    assert_eq!(code(agent.answer(&state, chain, now)), "A1", "enforcement alone");
    assert_eq!(code(police.answer(&state, digest("another chain"), now)), "O1");
}
