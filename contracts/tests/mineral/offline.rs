//! Off the network: devices (O1), ranges of numbers and the challans issued from them (O2), sealed checks.

use dalil_contracts::authority::{AuthorityCall, Holder};
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::check::{CheckChallan, Checks, Finding};
use dalil_contracts::mineral::device::{Device, Purpose, RegisterDevice, Seal};
use dalil_contracts::mineral::gate::Weighing;
use dalil_contracts::mineral::geo::Point;
use dalil_contracts::mineral::keys::{bare_checks_key, device_key, void_key};
use dalil_contracts::mineral::offline::{OfflineChallan, ReportChallan, SyncChallan, VoidChallan};
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::range::{AllocateRange, CloseRange};
use dalil_contracts::mineral::source::Source;
use dalil_contracts::units::{DAY_MS, HOUR_MS, Kilograms, MINUTE_MS};
use dalil_contracts::{Call, Outcome};
use dalil_ledger::document::Status;

use crate::quarry::{
    AGENT, BANKURA, HOOGHLY, PERMIT, accepted, challan_of, check_of, checks_of, deliver, events, issue, load,
    permit_record, quarry, refused, send, uri, vehicle,
};
use crate::support::{START_MS, World, code, digest, key_of, token};

const POLICE: &str = "home/police-hooghly";
const RANGE: &str = "7C3B9E20D41A86F5";

fn admin(world: &mut World, posting: &str, call: AuthorityCall) {
    world.call(posting, Call::Authority(call)).unwrap();
}

/// Registers the key of a device and the device at an office; returns the log index of that, its first mark.
fn device(world: &mut World, department: &str, name: &str, office: &str) -> u64 {
    let posting = format!("{department}/admin");
    let key = key_of(name).public();
    admin(world, &posting, AuthorityCall::RegisterKey { key, holder: Holder::Device });
    let mark = world.record;
    let register = RegisterDevice { device: key, office: token(office) };
    accepted(world, &posting, MineralCall::RegisterDevice(register));
    mark
}

/// A check at Hooghly that the device sealed.
fn sealed(name: &str, number: &str, (counter, mark): (u64, u64), observed_at_ms: u64) -> MineralCall {
    let check = check_of(number, "WB00A0001", HOOGHLY, observed_at_ms);
    let seal = Seal::new(&key_of(name), &World::chain(), Purpose::Check, (counter, mark), &check);
    MineralCall::CheckChallan(CheckChallan { seal: Some(seal), ..check })
}

fn allocation() -> AllocateRange {
    AllocateRange {
        range: token(RANGE),
        source: Source::Permit(token(PERMIT)),
        mineral: token("SAND"),
        device: key_of("gate").public(),
        count: 3,
        quantity: Quantity::Kilograms(40_000),
        from_ms: START_MS,
        until_ms: START_MS + DAY_MS,
    }
}

/// A quarry with a gate device and a range of three numbers for 40 t; the device has heard of the allocation.
fn gate_without_network() -> (World, u64) {
    let mut world = quarry();
    device(&mut world, "minerals", "gate", "minerals/lease-L-BANKURA-01");
    let mark = world.record;
    accepted(&mut world, AGENT, MineralCall::AllocateRange(allocation()));
    (world, mark)
}

/// What the gate's device seals at this time.
fn offline(world: &World, serial: u32, plate: &str) -> OfflineChallan {
    let number = format!("{RANGE}-{serial:04}");
    OfflineChallan {
        challan: load(world, &number, plate),
        weighed: Weighing { slip: digest("slip"), gross_kg: Kilograms(27_100), tare_kg: Kilograms(9_500) },
        observed_at_ms: world.time_ms,
        place: Point { lat_udeg: 23_070_000, lon_udeg: 87_320_000 },
    }
}

fn seal(offline: &OfflineChallan, counter: u64, mark: u64) -> Seal {
    Seal::new(&key_of("gate"), &World::chain(), Purpose::Challan, (counter, mark), offline)
}

fn sync(offline: &OfflineChallan, counter: u64, mark: u64) -> MineralCall {
    let seal = seal(offline, counter, mark);
    MineralCall::SyncChallan(Box::new(SyncChallan { offline: offline.clone(), seal }))
}

fn report(offline: &OfflineChallan, counter: u64, mark: u64) -> MineralCall {
    let seal = seal(offline, counter, mark);
    MineralCall::ReportChallan(Box::new(ReportChallan { offline: offline.clone(), seal, district: 312 }))
}

fn shown(world: &mut World, number: &str, plate: &str) -> Outcome {
    let check = check_of(number, plate, HOOGHLY, world.time_ms);
    accepted(world, POLICE, MineralCall::CheckChallan(check))
}

#[test]
fn o1_a_device_is_of_its_department() {
    let mut world = quarry();
    let key = key_of("checkpost").public();
    let register = |office: &str| MineralCall::RegisterDevice(RegisterDevice { device: key, office: token(office) });
    assert_eq!(refused(&mut world, "home/admin", register("home/police-hooghly")), "A1", "the key is not registered");
    admin(&mut world, "home/admin", AuthorityCall::RegisterKey { key, holder: Holder::Device });
    assert_eq!(refused(&mut world, "home/admin", register("minerals/dmo-hooghly")), "A2");
    assert_eq!(refused(&mut world, "minerals/admin", register("minerals/dmo-hooghly")), "A2", "another's key");
    assert_eq!(refused(&mut world, POLICE, register("home/police-hooghly")), "A1");
    accepted(&mut world, "home/admin", register("home/police-hooghly"));
}

#[test]
fn o1_a_sealed_check_is_recorded_later() {
    let mut world = quarry();
    let mark = device(&mut world, "home", "checkpost", "home/police-hooghly");
    send(&mut world, "C-1", "WB00A0001");
    world.advance(HOUR_MS);
    let seen_at = world.time_ms;
    world.advance(20 * HOUR_MS);
    let bare = MineralCall::CheckChallan(check_of("C-1", "WB00A0001", HOOGHLY, seen_at));
    assert_eq!(refused(&mut world, POLICE, bare), "M14", "an officer's bare word is for the present");
    let call = sealed("checkpost", "C-1", (1, mark), seen_at);
    assert_eq!(refused(&mut world, "minerals/check-hooghly", call.clone()), "O1", "a device of another office");
    let outcome = accepted(&mut world, POLICE, call.clone());
    assert_eq!(events(&outcome), ["mineral.challan_checked"], "it was in time when it was seen");
    assert_eq!(refused(&mut world, POLICE, call), "O1", "once");
    let MineralCall::CheckChallan(mut altered) = sealed("checkpost", "C-1", (2, mark), seen_at + 1) else { panic!() };
    altered.gross_kg = Some(Kilograms(1));
    assert_eq!(refused(&mut world, POLICE, MineralCall::CheckChallan(altered)), "O1", "not what was sealed");
}

#[test]
fn o1_counter_mark_and_window_bound_the_time() {
    let mut world = quarry();
    let mark = device(&mut world, "home", "checkpost", "home/police-hooghly");
    let registered_at = world.time_ms;
    world.advance(HOUR_MS);
    send(&mut world, "C-1", "WB00A0001");
    world.advance(HOUR_MS);
    let now = world.time_ms;
    let check = |at, time_ms| sealed("checkpost", "C-1", at, time_ms);
    assert_eq!(refused(&mut world, POLICE, check((0, mark), now)), "O1", "counters begin at one");
    assert_eq!(refused(&mut world, POLICE, check((1, mark), now + 1)), "M14", "in the future");
    assert_eq!(refused(&mut world, POLICE, check((1, mark + 1), now)), "O1", "no record of this device");
    assert_eq!(refused(&mut world, POLICE, check((1, mark), registered_at - 1)), "O1", "before it was registered");
    let second_mark = world.record;
    accepted(&mut world, POLICE, check((5, mark), now - 10 * MINUTE_MS));
    assert_eq!(refused(&mut world, POLICE, check((5, mark), now)), "O1", "the counter stands still");
    assert_eq!(refused(&mut world, POLICE, check((4, mark), now)), "O1", "and never goes back");
    assert_eq!(refused(&mut world, POLICE, check((6, mark), now - 11 * MINUTE_MS)), "O1", "nor does the time");
    assert_eq!(
        refused(&mut world, POLICE, check((6, second_mark), now - MINUTE_MS)),
        "O1",
        "it knew of a later record"
    );
    accepted(&mut world, POLICE, check((7, second_mark), now));
    assert_eq!(refused(&mut world, POLICE, check((8, mark), now)), "O1", "what it knew it does not forget");
    world.advance(2 * DAY_MS + 1);
    assert_eq!(refused(&mut world, POLICE, check((8, second_mark), now)), "O1", "too late");
    let device: Device = world.get(&device_key(&key_of("checkpost").public())).unwrap();
    assert_eq!((device.counter, device.observed_at_ms, device.mark), (7, now, second_mark));
}

#[test]
fn a5_a_revoked_device_is_heard_no_more_and_a_new_key_takes_its_place() {
    let mut world = quarry();
    let mark = device(&mut world, "home", "checkpost", "home/police-hooghly");
    send(&mut world, "C-1", "WB00A0001");
    let call = sealed("checkpost", "C-1", (1, mark), world.time_ms);
    let key = key_of("checkpost").public();
    admin(&mut world, "home/admin", AuthorityCall::RevokeKey { key });
    assert_eq!(refused(&mut world, POLICE, call), "A5");
    let register = MineralCall::RegisterDevice(RegisterDevice { device: key, office: token("home/police-hooghly") });
    assert_eq!(refused(&mut world, "home/admin", register), "A5");
    let mark = device(&mut world, "home", "checkpost second key", "home/police-hooghly");
    let call = sealed("checkpost second key", "C-1", (1, mark), world.time_ms);
    accepted(&mut world, POLICE, call);
}

#[test]
fn o2_a_range_is_bounded_and_reserves_at_once() {
    let mut world = quarry();
    device(&mut world, "minerals", "gate", "minerals/lease-L-BANKURA-01");
    device(&mut world, "home", "checkpost", "home/police-hooghly");
    type Change = fn(&mut AllocateRange);
    let call = |change: Change| {
        let mut call = allocation();
        change(&mut call);
        MineralCall::AllocateRange(call)
    };
    let wrong: [(Change, &str); 8] = [
        (|call| call.count = 0, "O2"),
        (|call| call.count = 201, "O2"),
        (|call| call.until_ms = call.from_ms, "O2"),
        (|call| call.until_ms = START_MS + 3 * DAY_MS + 1, "O2"),
        (|call| call.from_ms = START_MS - 1, "O2"),
        (|call| call.device = key_of("checkpost").public(), "O1"),
        (|call| call.quantity = Quantity::Kilograms(1_600_001), "M1"),
        (|call| call.mineral = token("STONE"), "M9"),
    ];
    for (change, expected) in wrong {
        assert_eq!(refused(&mut world, AGENT, call(change)), expected);
    }
    assert_eq!(refused(&mut world, "minerals/agent-L2", call(|_| ())), "A2");
    accepted(&mut world, AGENT, call(|_| ()));
    assert_eq!(refused(&mut world, AGENT, call(|_| ())), "D1");
    assert_eq!(permit_record(&world, PERMIT).reserved_kg, Kilograms(40_000));
    for number in [format!("{RANGE}-0001"), format!("{RANGE}-0009")] {
        let online = load(&world, &number, "WB00A0001");
        assert_eq!(refused(&mut world, AGENT, issue(online)), "D1", "{number} is the range's");
    }
}

#[test]
fn o2_an_offline_challan_is_pending_and_then_on_the_road() {
    let (mut world, mark) = gate_without_network();
    let challan = offline(&world, 1, "WB00A0001");
    let number = format!("{RANGE}-0001");
    world.advance(HOUR_MS);
    let outcome = shown(&mut world, &number, "WB00A0001");
    assert_eq!(events(&outcome), ["mineral.challan_checked", "mineral.pending_challan_shown"]);
    assert!(checks_of(&world, &number).alerts.is_empty(), "pending is no alert");
    assert_eq!(
        events(&shown(&mut world, &format!("{RANGE}-0004"), "WB00A0002"))[1..],
        ["mineral.unknown_challan_shown"]
    );

    let outcome = accepted(&mut world, AGENT, sync(&challan, 1, mark));
    assert_eq!(events(&outcome), ["mineral.challan_synced"]);
    assert_eq!(world.status(&uri(&number)).status, Status::Valid);
    let entered = challan_of(&world, &number);
    assert_eq!((entered.stage, entered.begun_ms()), (Stage::InTransit, START_MS));
    assert_eq!(entered.gate.unwrap().at_ms, START_MS);
    let permit = permit_record(&world, PERMIT);
    assert_eq!((permit.reserved_kg, permit.drawn_kg), (Kilograms(22_400), Kilograms(17_600)));
    assert_eq!(refused(&mut world, AGENT, sync(&challan, 2, mark)), "D1", "a number twice");
    let second = load(&world, "C-2", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(second)), "M3", "the truck is on the road");
    accepted(&mut world, "works/yard", deliver(&number));
}

#[test]
fn o2_a_used_up_range_is_refused_and_the_rest_goes_back_after_its_time() {
    let (mut world, mark) = gate_without_network();
    for (serial, plate) in [(1, "WB00A0001"), (2, "WB00A0002")] {
        let challan = offline(&world, serial, plate);
        accepted(&mut world, AGENT, sync(&challan, serial.into(), mark));
    }
    let third = offline(&world, 3, "WB00A0004");
    assert_eq!(refused(&mut world, AGENT, sync(&third, 3, mark)), "O2", "4.8 t are left");
    let fourth = offline(&world, 4, "WB00A0004");
    assert_eq!(refused(&mut world, AGENT, sync(&fourth, 3, mark)), "O2", "three numbers were allocated");
    let close = || MineralCall::CloseRange(CloseRange { range: token(RANGE) });
    world.advance(3 * DAY_MS - 1);
    assert_eq!(refused(&mut world, AGENT, close()), "O2", "challans may still come in");
    world.advance(1);
    assert_eq!(refused(&mut world, "minerals/agent-L2", close()), "A2");
    accepted(&mut world, AGENT, close());
    assert_eq!(refused(&mut world, AGENT, close()), "D2");
    let permit = permit_record(&world, PERMIT);
    assert_eq!((permit.reserved_kg, permit.drawn_kg), (Kilograms(0), Kilograms(35_200)));
}

#[test]
fn o2_window_device_source_and_time_of_sync() {
    let (mut world, mark) = gate_without_network();
    let good = offline(&world, 1, "WB00A0001");
    let mut outside = good.clone();
    outside.observed_at_ms = START_MS + DAY_MS;
    world.at(START_MS + DAY_MS);
    assert_eq!(refused(&mut world, AGENT, sync(&outside, 1, mark)), "O2", "issued after the window");
    let other = Seal::new(&key_of("another"), &World::chain(), Purpose::Challan, (1, mark), &good);
    let forged = SyncChallan { offline: good.clone(), seal: other };
    assert_eq!(refused(&mut world, AGENT, MineralCall::SyncChallan(Box::new(forged))), "O2", "another device");
    let mut altered = SyncChallan { offline: good.clone(), seal: seal(&good, 1, mark) };
    altered.offline.weighed.gross_kg = Kilograms(20_000);
    assert_eq!(refused(&mut world, AGENT, MineralCall::SyncChallan(Box::new(altered))), "O1");
    assert_eq!(refused(&mut world, "minerals/agent-L2", sync(&good, 1, mark)), "A2");
    let mut heavy = good.clone();
    heavy.weighed.gross_kg = Kilograms(30_000);
    assert_eq!(refused(&mut world, AGENT, sync(&heavy, 1, mark)), "M1", "every rule holds off the network too");
    world.at(START_MS + 3 * DAY_MS);
    assert_eq!(refused(&mut world, AGENT, sync(&good, 1, mark)), "O2", "due before");
    let outcome = shown(&mut world, &format!("{RANGE}-0001"), "WB00A0001");
    assert_eq!(events(&outcome)[1..], ["mineral.unknown_challan_shown"], "no longer pending");
}

#[test]
fn a_late_sync_enters_an_expired_challan_that_is_delivered_late() {
    let (mut world, mark) = gate_without_network();
    let challan = offline(&world, 1, "WB00A0001");
    world.advance(20 * HOUR_MS);
    accepted(&mut world, AGENT, sync(&challan, 1, mark));
    assert_eq!(world.status(&uri(&format!("{RANGE}-0001"))).status, Status::Expired);
    let next = load(&world, "C-2", "WB00A0001");
    accepted(&mut world, AGENT, issue(next));
    accepted(&mut world, "works/yard", deliver(&format!("{RANGE}-0001")));
}

#[test]
fn m3_of_two_overlapping_challans_the_first_on_record_stands_and_the_second_is_void() {
    let (mut world, mark) = gate_without_network();
    let number = format!("{RANGE}-0001");
    let challan = offline(&world, 1, "WB00A0001");
    world.advance(MINUTE_MS);
    send(&mut world, "C-1", "WB00A0001");
    world.advance(MINUTE_MS);
    let outcome = shown(&mut world, &number, "WB00A0001");
    assert_eq!(
        events(&outcome)[1..],
        ["mineral.pending_challan_shown", "mineral.overlapping_challan_shown"],
        "the checkpost sees it before the issuer brings it"
    );
    assert_eq!(refused(&mut world, AGENT, sync(&challan, 1, mark)), "M3");
    assert_eq!(refused(&mut world, AGENT, report(&challan, 1, mark)), "A1", "enforcement reports");
    let outcome = accepted(&mut world, POLICE, report(&challan, 1, mark));
    assert_eq!(events(&outcome), ["mineral.challan_void"]);
    let void: VoidChallan = world.get(&void_key(&token(&number))).unwrap();
    assert_eq!((void.rule.as_str(), void.drawn_kg), ("M3", Kilograms(17_600)), "what left has left");
    assert_eq!(permit_record(&world, PERMIT).drawn_kg, Kilograms(35_200));
    assert!(checks_of(&world, &number).alerts.contains(&Finding::Void));
    let vehicle: Checks = world.get(&bare_checks_key(&vehicle("WB00A0001"))).unwrap();
    assert!(vehicle.alerts.contains(&Finding::Overlap));
    assert_eq!(refused(&mut world, POLICE, report(&challan, 1, mark)), "D1");
    world.advance(10 * HOUR_MS);
    assert_eq!(refused(&mut world, AGENT, sync(&challan, 1, mark)), "D1", "it never becomes valid");
    assert_eq!(events(&shown(&mut world, &number, "WB00A0001"))[1..], ["mineral.void_challan_shown"]);
    assert_eq!(code(world.call("works/yard", Call::Mineral(deliver(&number)))), "D2");
}

#[test]
fn d2_what_breaks_no_rule_is_synced_and_not_reported() {
    let (mut world, mark) = gate_without_network();
    let challan = offline(&world, 1, "WB00A0001");
    assert_eq!(refused(&mut world, POLICE, report(&challan, 1, mark)), "D2");
    let mut elsewhere = check_of("C-1", "WB00A0001", BANKURA, world.time_ms);
    elsewhere.challan = Some(challan.challan.number.clone());
    assert_eq!(refused(&mut world, POLICE, MineralCall::CheckChallan(elsewhere)), "A2");
}
