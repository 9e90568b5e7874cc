//! Random calls at random times keep the books: this oracle sums from its own notes, not from the contract's totals.

use std::collections::BTreeMap;

use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::{Challan, Stage};
use dalil_contracts::mineral::gate::LapseChallan;
use dalil_contracts::mineral::issue::{ChallanKind, Receiver};
use dalil_contracts::mineral::permit::Permit;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::seize::{ReleaseChallan, SeizeChallan};
use dalil_contracts::mineral::source::Source;
use dalil_contracts::units::MINUTE_MS;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical};
use proptest::prelude::*;

use crate::quarry::{
    AGENT, LEASE, OFFICER, PERMIT, YARD, YARD_AGENT, act, cancel, deliver, gate, issue, load, payment, permit, quarry,
    stock_of,
};
use crate::support::{World, digest, token};

const PLATES: [&str; 3] = ["WB00A0001", "WB00A0002", "WB00B0003"];
const PERMITS: [&str; 3] = [PERMIT, "P-2", "P-3"];

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
    Seize { number: u8 },
    Release { number: u8 },
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
        1 => number().prop_map(|number| Step::Seize { number }),
        1 => number().prop_map(|number| Step::Release { number }),
    ];
    proptest::collection::vec(step, 1..120)
}

fn number_of(number: u8) -> String {
    format!("C-{number}")
}

fn take(world: &mut World, step: &Step) -> Option<()> {
    let call = |world: &mut World, posting: &str, call: MineralCall| act(world, posting, call).ok().map(drop);
    match step {
        Step::Wait { minutes } => {
            world.advance(minutes * MINUTE_MS);
            Some(())
        }
        Step::Pay { grn, cubic_metres } => {
            call(world, "finance/treasury", payment(&format!("GRN-R{grn}"), (*cubic_metres).into()))
        }
        Step::Permit { permit: id, grn, cubic_metres } => {
            call(world, OFFICER, permit(PERMITS[*id], (*cubic_metres).into(), &format!("GRN-R{grn}")))
        }
        Step::Issue { number, plate, permit, kilograms, to_yard } => {
            let mut challan = load(world, &number_of(*number), PLATES[*plate]);
            challan.source = Source::Permit(token(PERMITS[*permit]));
            challan.quantity = Quantity::Kilograms(*kilograms);
            if *to_yard {
                challan.destination.district = 305;
                challan.destination.receiver = Receiver::Yard(token(YARD));
            }
            call(world, AGENT, issue(challan))
        }
        Step::IssueFromYard { number, plate, kilograms } => {
            let mut challan = load(world, &number_of(*number), PLATES[*plate]);
            (challan.kind, challan.source) = (ChallanKind::Stockyard, Source::Stockyard(token(YARD)));
            challan.quantity = Quantity::Kilograms(*kilograms);
            call(world, YARD_AGENT, issue(challan))
        }
        Step::Gate { number, kilograms } => {
            // Half of the weighings are the reservation itself, so that loads do leave.
            let reserved = challans(world).get(&number_of(*number)).map_or(0, |challan| challan.reserved_kg.0);
            let net = if kilograms % 2 == 0 { reserved } else { *kilograms };
            let number = number_of(*number);
            call(world, AGENT, gate(&number, net)).or_else(|| call(world, YARD_AGENT, gate(&number, net)))
        }
        Step::Cancel { number } => {
            let number = number_of(*number);
            call(world, AGENT, cancel(&number)).or_else(|| call(world, YARD_AGENT, cancel(&number)))
        }
        Step::Lapse { number } => {
            let lapse = || MineralCall::LapseChallan(LapseChallan { challan: token(&number_of(*number)) });
            call(world, AGENT, lapse()).or_else(|| call(world, YARD_AGENT, lapse()))
        }
        Step::Deliver { number } => {
            let number = number_of(*number);
            call(world, "works/yard", deliver(&number)).or_else(|| call(world, YARD_AGENT, deliver(&number)))
        }
        Step::Seize { number } => {
            let (challan, cause) = (token(&number_of(*number)), dalil_contracts::mineral::challan::Finding::Overload);
            let seize = SeizeChallan { challan, district: 312, cause, memo: digest("memo") };
            call(world, "home/police-hooghly", MineralCall::SeizeChallan(seize))
        }
        Step::Release { number } => {
            let challan = token(&number_of(*number));
            let release = ReleaseChallan { challan, district: 312, order: digest("order") };
            call(world, "home/police-hooghly", MineralCall::ReleaseChallan(release))
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

/// Reserved and left under the challans of one source, in kilograms, summed anew.
fn sums<'a>(challans: impl Iterator<Item = &'a Challan>) -> (u64, u64) {
    challans.fold((0, 0), |(reserved, left), challan| match &challan.gate {
        Some(gate) => (reserved, left + gate.net_kg.0),
        None if challan.stage.is_ended() => (reserved, left),
        None => (reserved + challan.reserved_kg.0, left),
    })
}

fn check(world: &World) {
    let challans = challans(world);
    let permits: BTreeMap<String, Permit> = scan(world, "mineral/permit/");
    let mut permitted = 0;
    for (id, permit) in &permits {
        let source = Source::Permit(token(id));
        let (reserved, left) = sums(challans.values().filter(|challan| challan.issued.source == source));
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

    for plate in PLATES {
        let vehicle = crate::quarry::vehicle(plate);
        let live = challans.values().filter(|challan| {
            let ended = challan.stage.is_ended() || world.time_ms >= challan.valid_until_ms;
            challan.issued.vehicle == vehicle && !ended
        });
        assert!(live.count() <= 1, "M3: {plate}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_the_books(steps in steps()) {
        let mut world = quarry();
        // So small that loads compete for it.
        let key = dalil_contracts::mineral::keys::permit_key(&token(PERMIT));
        let mut small: Permit = world.get(&key).unwrap();
        let taken = small.total_kg.0 - 60_000;
        small.total_kg.0 = 60_000;
        world.put(key, &small);
        let year = world.state.keys().find(|key| key.starts_with(b"mineral/lease_year/L-BANKURA")).unwrap().clone();
        let before: u64 = world.get(&year).unwrap();
        world.put(year, &(before - taken));
        for step in &steps {
            let before = world.state.clone();
            if take(&mut world, step).is_none() {
                prop_assert_eq!(&world.state, &before, "a refused call changes nothing: {:?}", step);
            }
            check(&world);
        }
    }
}
