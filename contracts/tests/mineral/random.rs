//! Random calls by random officers at random times keep the books: this oracle sums from its own notes, not from the
//! contract's totals. The accepted calls, played again, give the same root.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::Call;
use dalil_contracts::authority::{AuthorityCall, Holder};
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::{Challan, Stage};
use dalil_contracts::mineral::check::Finding;
use dalil_contracts::mineral::delivery::RedeemChallan;
use dalil_contracts::mineral::device::{Device, Purpose, RegisterDevice, Seal};
use dalil_contracts::mineral::extend::{ExtendChallan, ExtensionReason};
use dalil_contracts::mineral::gate::{LapseChallan, Weighing};
use dalil_contracts::mineral::geo::Point;
use dalil_contracts::mineral::issue::{ChallanKind, Receiver};
use dalil_contracts::mineral::keys::device_key;
use dalil_contracts::mineral::offline::{OfflineChallan, ReportChallan, SyncChallan, VoidChallan};
use dalil_contracts::mineral::payment::Payment;
use dalil_contracts::mineral::permit::Permit;
use dalil_contracts::mineral::quantity::{Heads, Quantity};
use dalil_contracts::mineral::range::{AllocateRange, CloseRange, Range};
use dalil_contracts::mineral::seize::{ReleaseChallan, SeizeChallan};
use dalil_contracts::mineral::source::Source;
use dalil_contracts::mineral::tranship::TranshipChallan;
use dalil_contracts::units::{HOUR_MS, Kilograms, MINUTE_MS};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical};
use proptest::prelude::*;

use crate::quarry::{
    AGENT, HOOGHLY, LEASE, OFFICER, PERMIT, YARD, YARD_AGENT, act, cancel, check_of, deliver, gate, issue, load,
    payment, permit, quarry, stock_of,
};
use crate::support::{World, digest, key_of, token};

const PLATES: [&str; 3] = ["WB00A0001", "WB00A0002", "WB00B0003"];
const PERMITS: [&str; 3] = [PERMIT, "P-2", "P-3"];
const POLICE: &str = "home/police-hooghly";
const DMO: &str = "minerals/dmo-hooghly";
const GATE: &str = "gate";

#[derive(Debug, Clone)]
enum Step {
    Wait { minutes: u64 },
    Pay { grn: u8, cubic_metres: u8 },
    Permit { permit: usize, grn: u8, cubic_metres: u8 },
    Issue { number: u8, plate: usize, permit: usize, kilograms: u64, to_yard: bool },
    IssueFromYard { number: u8, plate: usize, kilograms: u64 },
    Gate { number: u8, kilograms: u64 },
    Cancel { number: u8 },
    Lapse { number: u8 },
    Deliver { number: u8 },
    Redeem { number: u8, decided: bool },
    Seize { number: u8 },
    Release { number: u8 },
    Extend { number: u8 },
    Check { number: u8, plate: usize },
    Tranship { number: u8, next: u8, plate: usize },
    Allocate { range: u8, permit: usize, kilograms: u64 },
    Sync { range: u8, serial: u32, plate: usize, permit: usize, kilograms: u64, age_minutes: u64, reported: bool },
    Close { range: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || 0..12u8;
    let kilograms = || 0..24_000u64;
    let step = prop_oneof![
        3 => (0..400u64).prop_map(|minutes| Step::Wait { minutes }),
        1 => (0..3u8, 0..40u8).prop_map(|(grn, cubic_metres)| Step::Pay { grn, cubic_metres }),
        1 => (0..3usize, 0..3u8, 0..40u8)
            .prop_map(|(permit, grn, cubic_metres)| Step::Permit { permit, grn, cubic_metres }),
        6 => (number(), 0..3usize, 0..3usize, kilograms(), any::<bool>()).prop_map(
            |(number, plate, permit, kilograms, to_yard)| Step::Issue { number, plate, permit, kilograms, to_yard }
        ),
        3 => (number(), 0..3usize, kilograms())
            .prop_map(|(number, plate, kilograms)| Step::IssueFromYard { number, plate, kilograms }),
        8 => (number(), kilograms()).prop_map(|(number, kilograms)| Step::Gate { number, kilograms }),
        2 => number().prop_map(|number| Step::Cancel { number }),
        2 => number().prop_map(|number| Step::Lapse { number }),
        5 => number().prop_map(|number| Step::Deliver { number }),
        2 => (number(), any::<bool>()).prop_map(|(number, decided)| Step::Redeem { number, decided }),
        1 => number().prop_map(|number| Step::Seize { number }),
        1 => number().prop_map(|number| Step::Release { number }),
        1 => number().prop_map(|number| Step::Extend { number }),
        2 => (number(), 0..3usize).prop_map(|(number, plate)| Step::Check { number, plate }),
        2 => (number(), number(), 0..3usize).prop_map(|(number, next, plate)| Step::Tranship { number, next, plate }),
        2 => (0..3u8, 0..2usize, 1..40_000u64)
            .prop_map(|(range, permit, kilograms)| Step::Allocate { range, permit, kilograms }),
        5 => (0..3u8, 1..4u32, 0..3usize, 0..2usize, kilograms(), 0..300u64, any::<bool>()).prop_map(
            |(range, serial, plate, permit, kilograms, age_minutes, reported)| Step::Sync {
                range, serial, plate, permit, kilograms, age_minutes, reported
            }
        ),
        1 => (0..3u8).prop_map(|range| Step::Close { range }),
    ];
    proptest::collection::vec(step, 1..160)
}

fn number_of(number: u8) -> String {
    format!("C-{number}")
}

fn range_of(range: u8) -> String {
    format!("R{range}")
}

/// Tries each posting until one is let.
fn try_as(world: &mut World, postings: &[&str], call: &MineralCall) -> Option<()> {
    postings.iter().find_map(|posting| act(world, posting, call.clone()).ok()).map(drop)
}

fn take(world: &mut World, step: &Step) -> Option<()> {
    let agents = [AGENT, YARD_AGENT];
    match step {
        Step::Wait { minutes } => {
            world.advance(minutes * MINUTE_MS);
            Some(())
        }
        Step::Pay { grn, cubic_metres } => {
            try_as(world, &["finance/treasury"], &payment(&format!("GRN-R{grn}"), (*cubic_metres).into()))
        }
        Step::Permit { permit: id, grn, cubic_metres } => {
            let call = permit(PERMITS[*id], (*cubic_metres).into(), &format!("GRN-R{grn}"));
            try_as(world, &[OFFICER], &call)
        }
        Step::Issue { number, plate, permit, kilograms, to_yard } => {
            let mut challan = load(world, &number_of(*number), PLATES[*plate]);
            challan.source = Source::Permit(token(PERMITS[*permit]));
            challan.quantity = Quantity::Kilograms(*kilograms);
            if *to_yard {
                challan.destination.district = 305;
                challan.destination.receiver = Receiver::Yard(token(YARD));
            }
            try_as(world, &agents, &issue(challan))
        }
        Step::IssueFromYard { number, plate, kilograms } => {
            let mut challan = load(world, &number_of(*number), PLATES[*plate]);
            (challan.kind, challan.source) = (ChallanKind::Stockyard, Source::Stockyard(token(YARD)));
            challan.quantity = Quantity::Kilograms(*kilograms);
            try_as(world, &agents, &issue(challan))
        }
        Step::Gate { number, kilograms } => {
            // Half of the weighings are the reservation itself, so that loads do leave.
            let reserved = challans(world).get(&number_of(*number)).map_or(0, |challan| challan.reserved_kg.0);
            let net = if kilograms % 2 == 0 { reserved } else { *kilograms };
            try_as(world, &agents, &gate(&number_of(*number), net))
        }
        Step::Cancel { number } => try_as(world, &agents, &cancel(&number_of(*number))),
        Step::Lapse { number } => {
            let lapse = LapseChallan { challan: token(&number_of(*number)) };
            try_as(world, &agents, &MineralCall::LapseChallan(lapse))
        }
        Step::Deliver { number } => try_as(world, &["works/yard", YARD_AGENT], &deliver(&number_of(*number))),
        Step::Redeem { number, decided } => {
            let (challan, bill) = (token(&number_of(*number)), token("BILL-1"));
            let late_decision = decided.then(|| digest("decision"));
            let redeem = RedeemChallan { challan, bill, late_decision };
            try_as(world, &["works/officer"], &MineralCall::RedeemChallan(redeem))
        }
        Step::Seize { number } => {
            let challan = token(&number_of(*number));
            let seize = SeizeChallan { challan, district: 312, cause: Finding::Overload, memo: digest("memo") };
            try_as(world, &[POLICE], &MineralCall::SeizeChallan(seize))
        }
        Step::Release { number } => {
            let challan = token(&number_of(*number));
            let release = ReleaseChallan { challan, district: 312, order: digest("order") };
            try_as(world, &[POLICE], &MineralCall::ReleaseChallan(release))
        }
        Step::Extend { number } => {
            let (challan, reason) = (token(&number_of(*number)), ExtensionReason::Breakdown);
            let extend = ExtendChallan { challan, district: 312, reason, minutes: 300, report: digest("report") };
            try_as(world, &[DMO], &MineralCall::ExtendChallan(extend))
        }
        Step::Check { number, plate } => {
            let check = check_of(&number_of(*number), PLATES[*plate], HOOGHLY, world.time_ms);
            try_as(world, &[POLICE], &MineralCall::CheckChallan(check))
        }
        Step::Tranship { number, next, plate } => {
            let next = number_of(*next);
            let tranship = TranshipChallan {
                challan: token(&number_of(*number)),
                number: token(&next),
                vehicle: crate::quarry::vehicle(PLATES[*plate]),
                transporter: digest("another"),
                district: 312,
                report: digest("report"),
                paper: token(&format!("SP-{next}")),
                digest: digest(&format!("file {next}")),
                claims_root: None,
            };
            try_as(world, &[DMO], &MineralCall::TranshipChallan(Box::new(tranship)))
        }
        Step::Allocate { range, permit, kilograms } => {
            let (from_ms, until_ms) = (world.time_ms, world.time_ms + 12 * HOUR_MS);
            let source = Source::Permit(token(PERMITS[*permit]));
            let (range, device) = (token(&range_of(*range)), key_of(GATE).public());
            let quantity = Quantity::Kilograms(*kilograms);
            let mineral = token("SAND");
            let call = AllocateRange { range, source, mineral, device, count: 3, quantity, from_ms, until_ms };
            try_as(world, &[AGENT], &MineralCall::AllocateRange(call))
        }
        Step::Sync { range, serial, plate, permit, kilograms, age_minutes, reported } => {
            let observed_at_ms = world.time_ms - age_minutes * MINUTE_MS;
            let number = format!("{}-{serial:04}", range_of(*range));
            let mut challan = load(world, &number, PLATES[*plate]);
            challan.source = Source::Permit(token(PERMITS[*permit]));
            challan.quantity = Quantity::Kilograms(*kilograms);
            challan.valid_from_ms = observed_at_ms;
            challan.valid_until_ms = observed_at_ms + 480 * MINUTE_MS;
            let (gross_kg, tare_kg) = (Kilograms(9_500 + kilograms), Kilograms(9_500));
            let weighed = Weighing { slip: digest("slip"), gross_kg, tare_kg };
            let place = Point { lat_udeg: 23_070_000, lon_udeg: 87_320_000 };
            let offline = OfflineChallan { challan, weighed, observed_at_ms, place };
            let device: Device = world.get(&device_key(&key_of(GATE).public())).unwrap();
            let order = (device.counter + 1, device.mark);
            let seal = Seal::new(&key_of(GATE), &World::chain(), Purpose::Challan, order, &offline);
            let sync = MineralCall::SyncChallan(Box::new(SyncChallan { offline: offline.clone(), seal }));
            let done = try_as(world, &[AGENT], &sync);
            if done.is_some() || !reported {
                return done;
            }
            let report = ReportChallan { offline, seal, district: 312 };
            try_as(world, &[POLICE], &MineralCall::ReportChallan(Box::new(report)))
        }
        Step::Close { range } => {
            let range = token(&range_of(*range));
            try_as(world, &[AGENT], &MineralCall::CloseRange(CloseRange { range }))
        }
    }
}

/// All values under keys with a prefix, by the rest of the key.
fn scan<T: Canonical>(world: &World, prefix: &str) -> BTreeMap<String, T> {
    let with_prefix = world.state.range(prefix.as_bytes().to_vec()..);
    let with_prefix = with_prefix.take_while(|(key, _)| key.starts_with(prefix.as_bytes()));
    let decode = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let rest = String::from_utf8(key[prefix.len()..].to_vec()).unwrap();
        (rest, codec::decode(value, CANONICAL_BYTES_MAX).unwrap())
    };
    with_prefix.map(decode).collect()
}

fn challans(world: &World) -> BTreeMap<String, Challan> {
    scan(world, "mineral/challan/")
}

/// Reserved and left under the challans of one source, in kilograms, summed anew. What was transhipped left once.
fn sums<'a>(challans: impl Iterator<Item = &'a Challan>) -> (u64, u64) {
    challans.filter(|challan| challan.took_over.is_none()).fold((0, 0), |(reserved, left), challan| {
        match &challan.gate {
            Some(gate) => (reserved, left + gate.net_kg.0),
            None if challan.stage.is_ended() => (reserved, left),
            None => (reserved + challan.reserved_kg.0, left),
        }
    })
}

fn in_full(heads: &Heads) -> [i64; 3] {
    heads.named().map(|(_, amount)| amount.0)
}

fn check_quantities(world: &World, challans: &BTreeMap<String, Challan>) {
    let permits: BTreeMap<String, Permit> = scan(world, "mineral/permit/");
    let ranges: BTreeMap<String, Range> = scan(world, "mineral/range/");
    let voids: BTreeMap<String, VoidChallan> = scan(world, "mineral/void/");
    let mut permitted = 0;
    for (id, permit) in &permits {
        let source = Source::Permit(token(id));
        let (mut reserved, mut left) = sums(challans.values().filter(|challan| challan.issued.source == source));
        reserved += ranges.values().filter(|range| range.allocated.source == source).map(|r| r.free_kg.0).sum::<u64>();
        let of_range = |void: &&VoidChallan| {
            let range = void.offline.challan.number.as_str().rsplit_once('-').unwrap().0;
            ranges[range].allocated.source == source
        };
        left += voids.values().filter(of_range).map(|void| void.drawn_kg.0).sum::<u64>();
        assert_eq!((permit.reserved_kg.0, permit.drawn_kg.0), (reserved, left), "permit {id}");
        assert!(reserved + left <= permit.total_kg.0, "M1: permit {id}");
        permitted += permit.total_kg.0;
    }
    let years: BTreeMap<String, u64> = scan(world, &format!("mineral/lease_year/{LEASE}/"));
    assert_eq!(years.values().sum::<u64>(), permitted, "M1: the year's books");

    let yard = Source::Stockyard(token(YARD));
    let (reserved, out) = sums(challans.values().filter(|challan| challan.issued.source == yard));
    let arrived = challans.values().filter(|challan| {
        let here = matches!(challan.issued.destination.receiver, Receiver::Yard(_));
        here && matches!(challan.stage, Stage::Delivered | Stage::DeliveredLate)
    });
    let came: u64 = arrived.map(|challan| challan.gate.as_ref().unwrap().net_kg.0).sum();
    let stock = stock_of(world);
    assert_eq!((stock.balance_kg.0 + out, stock.reserved_kg.0), (came, reserved), "M10");
    assert!(reserved <= stock.balance_kg.0, "M10");
}

fn check_money(world: &World, challans: &BTreeMap<String, Challan>) {
    let permits: BTreeMap<String, Permit> = scan(world, "mineral/permit/");
    let payments: BTreeMap<String, Payment> = scan(world, "mineral/grn/");
    let used: Vec<_> = payments.values().filter_map(|payment| payment.used_by.as_ref()).collect();
    assert_eq!(used.len(), permits.len(), "M2: each permit used up one payment");
    for (id, permit) in &permits {
        let payment = &payments[permit.granted.grn.as_str()];
        assert_eq!(payment.used_by.as_ref().unwrap().as_str(), id, "M2");
        let shown = challans.values().filter(|challan| {
            let load = challan.took_over.is_none() && !matches!(challan.stage, Stage::Cancelled | Stage::Lapsed);
            load && challan.issued.source == Source::Permit(token(id))
        });
        let shown = shown.fold([0; 3], |sum: [i64; 3], challan| {
            let amounts = in_full(&challan.amounts);
            std::array::from_fn(|head| sum[head] + amounts[head])
        });
        let (paid, levied) = (in_full(&payment.attested.heads), in_full(&permit.levied));
        assert!((0..3).all(|head| shown[head] <= levied[head] && levied[head] <= paid[head]), "M2: permit {id}");
    }
}

fn check(world: &World) {
    let challans = challans(world);
    check_quantities(world, &challans);
    check_money(world, &challans);
    for plate in PLATES {
        let vehicle = crate::quarry::vehicle(plate);
        let live = challans.values().filter(|challan| {
            let ended = challan.stage.is_ended() || world.time_ms >= challan.valid_until_ms;
            challan.issued.vehicle == vehicle && !ended
        });
        assert!(live.count() <= 1, "M3: {plate}");
    }
    let papers: BTreeSet<_> = challans.values().map(|challan| &challan.issued.paper).collect();
    assert_eq!(papers.len(), challans.len(), "M12");
    assert!(challans.values().all(|challan| challan.bill.is_some() == (challan.stage == Stage::Redeemed)), "M13");
    assert!(challans.values().all(|challan| challan.seizure.is_some() == (challan.stage == Stage::Seized)));
}

/// A quarry with a gate's device and a permit so small that loads compete for it.
fn scene() -> World {
    let mut world = quarry();
    let device = key_of(GATE).public();
    world
        .call("minerals/admin", Call::Authority(AuthorityCall::RegisterKey { key: device, holder: Holder::Device }))
        .unwrap();
    let register = RegisterDevice { device, office: token("minerals/lease-L-BANKURA-01") };
    act(&mut world, "minerals/admin", MineralCall::RegisterDevice(register)).unwrap();
    let key = dalil_contracts::mineral::keys::permit_key(&token(PERMIT));
    let mut small: Permit = world.get(&key).unwrap();
    let taken = small.total_kg.0 - 60_000;
    small.total_kg.0 = 60_000;
    world.put(key, &small);
    let year = world.state.keys().find(|key| key.starts_with(b"mineral/lease_year/L-BANKURA")).unwrap().clone();
    let before: u64 = world.get(&year).unwrap();
    world.put(year, &(before - taken));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_the_books(steps in steps()) {
        let mut world = scene();
        let start = world.start_recording();
        let mut counter = 0;
        for step in &steps {
            let before = world.state.clone();
            if take(&mut world, step).is_none() {
                prop_assert_eq!(&world.state, &before, "a refused call changes nothing: {:?}", step);
            }
            check(&world);
            let device: Device = world.get(&device_key(&key_of(GATE).public())).unwrap();
            prop_assert!(device.counter >= counter, "O1: a counter never goes back");
            counter = device.counter;
        }
        start.assert_replays_to(&world);
    }
}
