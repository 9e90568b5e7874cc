//! Blocks, leases, payments, permits, vehicles: M1, M2, M9, M15, and who may grant.

use dalil_contracts::calendar::{DayRange, MonthDay};
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::block::{IssueLoi, RecordAuction, ReopenBlock};
use dalil_contracts::mineral::keys::lease_year_key;
use dalil_contracts::mineral::lease::{ChangeLease, LeaseStanding};
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::source::Source;
use dalil_contracts::mineral::yard::RegisterStockyard;
use dalil_contracts::units::{DAY_MS, Kilograms, MINUTE_MS, Paise};

use crate::quarry::{
    AGENT, LEASE, OFFICER, PERMIT, accepted, issue, load, open_lease, payment, permit, permit_of, permit_record,
    quarry, refused, truck,
};
use crate::support::{START_MS, World, digest, token};

fn monsoon() -> DayRange {
    DayRange { from: MonthDay { month: 6, day: 15 }, to: MonthDay { month: 10, day: 15 } }
}

#[test]
fn a1_each_grant_is_by_its_own_department() {
    let mut world = quarry();
    assert_eq!(refused(&mut world, OFFICER, payment("GRN-2", 1)), "A1", "only Finance attests payments");
    assert_eq!(refused(&mut world, OFFICER, MineralCall::RegisterVehicle(truck("WB00A0001"))), "A1");
    accepted(&mut world, "finance/treasury", payment("GRN-2", 1));
    assert_eq!(refused(&mut world, "finance/treasury", permit("P-2", 1, "GRN-2")), "A1");
    let challan = load(&world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, OFFICER, issue(challan)), "A1", "only the lessee's agent issues challans");
}

#[test]
fn a2_an_agent_is_bound_to_one_lease() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, "minerals/agent-L2", issue(challan)), "A2");
}

#[test]
fn d1_ids_are_used_once_and_are_plain() {
    let mut world = quarry();
    assert_eq!(refused(&mut world, "finance/treasury", payment("GRN-1", 1)), "D1");
    assert_eq!(refused(&mut world, "finance/treasury", payment("GRN/1", 1)), "D1");
    assert_eq!(refused(&mut world, OFFICER, permit(PERMIT, 1, "GRN-1")), "D1");
    let yard = RegisterStockyard { yard: token(LEASE), district: 305, development_block: None };
    assert_eq!(refused(&mut world, OFFICER, MineralCall::RegisterStockyard(yard)), "D1", "a yard is no lease");
}

#[test]
fn d2_a_block_goes_step_by_step_to_a_lease() {
    let mut world = quarry();
    let lease = open_lease(&mut world, "L-2", None);
    let loi = IssueLoi { block: lease.block.clone(), letter: digest("again") };
    assert_eq!(refused(&mut world, OFFICER, MineralCall::IssueLoi(loi)), "D2");
    accepted(&mut world, OFFICER, MineralCall::GrantLease(Box::new(lease.clone())));
    let second = dalil_contracts::mineral::lease::GrantLease { lease: token("L-3"), ..lease };
    assert_eq!(refused(&mut world, OFFICER, MineralCall::GrantLease(Box::new(second))), "D2", "one lease a block");
}

#[test]
fn d2_a_block_is_auctioned_anew_when_its_lease_is_over() {
    let mut world = quarry();
    let block = "B-BANKURA-BENDA";
    let reopen = || MineralCall::ReopenBlock(ReopenBlock { block: token(block), order: digest("order") });
    let auction = |bidder: &str| {
        let (block, result, bidder) = (token(block), digest("second result"), digest(bidder));
        MineralCall::RecordAuction(RecordAuction { block, result, bidder })
    };
    assert_eq!(refused(&mut world, OFFICER, reopen()), "D2", "its lease is in force");
    assert_eq!(refused(&mut world, OFFICER, auction("another")), "D2");
    let end = ChangeLease { lease: token(LEASE), standing: LeaseStanding::Determined, order: digest("order") };
    accepted(&mut world, OFFICER, MineralCall::ChangeLease(end));
    assert_eq!(refused(&mut world, AGENT, reopen()), "A1");
    accepted(&mut world, OFFICER, reopen());
    assert_eq!(refused(&mut world, OFFICER, reopen()), "D2", "it is open");
    accepted(&mut world, OFFICER, auction("one who does not pay"));
    assert_eq!(refused(&mut world, OFFICER, auction("another")), "D2", "there is a result");
    accepted(&mut world, OFFICER, reopen());
    accepted(&mut world, OFFICER, auction("another"));
}

#[test]
fn m1_permits_stay_within_the_annual_cap() {
    let mut world = quarry();
    // The lease's cap is 1,00,000 t; 1,600 t are permitted.
    accepted(&mut world, "finance/treasury", payment("GRN-2", 100_000));
    let rest = permit_of("P-2", 61_501, "GRN-2");
    assert_eq!(refused(&mut world, OFFICER, MineralCall::GrantPermit(rest)), "M1");
    accepted(&mut world, OFFICER, permit("P-2", 61_500, "GRN-2"));
    accepted(&mut world, "finance/treasury", payment("GRN-3", 1));
    assert_eq!(refused(&mut world, OFFICER, permit("P-3", 1, "GRN-3")), "M1", "the cap is reached");
    let april_ms = START_MS + 180 * DAY_MS;
    let mut next_year = permit_of("P-3", 1, "GRN-3");
    (next_year.from_ms, next_year.until_ms) = (april_ms, april_ms + DAY_MS);
    accepted(&mut world, OFFICER, MineralCall::GrantPermit(next_year));
}

#[test]
fn m1_a_permit_counts_in_the_year_in_which_it_can_be_dug() {
    let mut world = quarry();
    let permitted =
        |world: &World, year| -> u64 { world.get(&lease_year_key(&token(LEASE), year)).unwrap_or_default() };
    accepted(&mut world, "finance/treasury", payment("GRN-2", 1));
    let mut early = permit_of("P-2", 1, "GRN-2");
    early.from_ms = START_MS - 300 * DAY_MS;
    accepted(&mut world, OFFICER, MineralCall::GrantPermit(early));
    assert_eq!((permitted(&world, 2025), permitted(&world, 2026)), (0, 1_601_600), "a begin in the past evades no cap");
    // Half an hour after midnight of 1 April in India, from an hour before.
    world.at(1_806_517_800_000 + 30 * MINUTE_MS);
    accepted(&mut world, "finance/treasury", payment("GRN-3", 1));
    let mut new_year = permit_of("P-3", 1, "GRN-3");
    (new_year.from_ms, new_year.until_ms) = (world.time_ms - 60 * MINUTE_MS, world.time_ms + DAY_MS);
    accepted(&mut world, OFFICER, MineralCall::GrantPermit(new_year));
    assert_eq!((permitted(&world, 2026), permitted(&world, 2027)), (1_601_600, 1_600));
}

#[test]
fn m1_a_permit_is_drawn_on_within_its_window() {
    let mut world = quarry();
    world.advance(31 * DAY_MS);
    let late = load(&world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(late)), "M1");
}

#[test]
fn m2_a_grn_is_cleared_and_used_up_once() {
    let mut world = quarry();
    assert_eq!(refused(&mut world, OFFICER, permit("P-2", 1, "GRN-9")), "M2", "not cleared");
    assert_eq!(refused(&mut world, OFFICER, permit("P-2", 1, "GRN-1")), "M2", "used up");
    accepted(&mut world, "finance/treasury", payment("GRN-2", 10));
    assert_eq!(refused(&mut world, OFFICER, permit("P-2", 11, "GRN-2")), "M2", "too little");
    accepted(&mut world, OFFICER, permit("P-2", 10, "GRN-2"));
    assert_eq!(permit_record(&world, "P-2").total_kg, Kilograms(16_000));
}

#[test]
fn m2_each_head_is_paid_in_full() {
    let mut world = quarry();
    for (at, head) in ["royalty", "dmf", "cess"].into_iter().enumerate() {
        let MineralCall::AttestPayment(mut short) = payment(&format!("GRN-2{at}"), 10) else { unreachable!() };
        let amount = match head {
            "royalty" => &mut short.heads.royalty,
            "dmf" => &mut short.heads.dmf,
            _ => &mut short.heads.cess,
        };
        amount.0 -= 1;
        accepted(&mut world, "finance/treasury", MineralCall::AttestPayment(short));
        assert_eq!(refused(&mut world, OFFICER, permit("P-2", 10, &format!("GRN-2{at}"))), "M2", "{head}");
    }
    let MineralCall::AttestPayment(mut negative) = payment("GRN-3", 10) else { unreachable!() };
    negative.heads.cess = Paise(-1);
    assert_eq!(refused(&mut world, "finance/treasury", MineralCall::AttestPayment(negative)), "M2");
}

#[test]
fn m2_a_payment_is_for_one_lease() {
    let mut world = quarry();
    let MineralCall::AttestPayment(mut other) = payment("GRN-2", 10) else { unreachable!() };
    other.lease = token("L-BIRBHUM-01");
    accepted(&mut world, "finance/treasury", MineralCall::AttestPayment(other));
    assert_eq!(refused(&mut world, OFFICER, permit("P-2", 10, "GRN-2")), "M2");
}

#[test]
fn p1_a_rate_must_be_in_force() {
    let mut world = quarry();
    accepted(&mut world, "finance/treasury", payment("GRN-2", 10));
    let mut by_mass = permit_of("P-2", 1, "GRN-2");
    by_mass.quantity = Quantity::Kilograms(1_600);
    assert_eq!(refused(&mut world, OFFICER, MineralCall::GrantPermit(by_mass)), "P1", "sand is paid by volume");
}

#[test]
fn m9_a_lease_is_active_and_for_its_mineral() {
    let mut world = quarry();
    let mut stone = load(&world, "C-1", "WB00A0001");
    stone.mineral = token("STONE");
    assert_eq!(refused(&mut world, AGENT, issue(stone)), "M9");
    let standing =
        |standing| MineralCall::ChangeLease(ChangeLease { lease: token(LEASE), standing, order: digest("order") });
    accepted(&mut world, OFFICER, standing(LeaseStanding::Suspended));
    let challan = load(&world, "C-1", "WB00A0001");
    assert_eq!(refused(&mut world, AGENT, issue(challan.clone())), "M9");
    accepted(&mut world, "finance/treasury", payment("GRN-2", 1));
    assert_eq!(refused(&mut world, OFFICER, permit("P-2", 1, "GRN-2")), "M9");
    accepted(&mut world, OFFICER, standing(LeaseStanding::Active));
    accepted(&mut world, AGENT, issue(challan));
    accepted(&mut world, OFFICER, standing(LeaseStanding::Determined));
    assert_eq!(
        refused(&mut world, AGENT, crate::quarry::gate("C-1", 17_600)),
        "M9",
        "nothing leaves a determined lease"
    );
    assert_eq!(refused(&mut world, OFFICER, standing(LeaseStanding::Active)), "D2", "determined is final");
}

#[test]
fn m9_a_river_bed_is_barred_in_the_monsoon() {
    let mut world = quarry();
    // The agent's office is bound to the lease of the sample, so that lease gets the bar.
    let key = dalil_contracts::mineral::keys::lease_key(&token(LEASE));
    let mut lease: dalil_contracts::mineral::lease::Lease = world.get(&key).unwrap();
    lease.granted.monsoon_bar = Some(monsoon());
    world.put(key, &lease);
    accepted(&mut world, "finance/treasury", payment("GRN-2", 100));
    let mut long = permit_of("P-2", 100, "GRN-2");
    long.until_ms = START_MS + 364 * DAY_MS;
    accepted(&mut world, OFFICER, MineralCall::GrantPermit(long));
    // 2 November is outside; 15 June to 15 October are inside.
    for (days, barred) in [(0, false), (224, false), (225, true), (347, true), (348, false)] {
        world.at(START_MS + days * DAY_MS);
        let mut challan = load(&world, &format!("C-{days}"), "WB00A0001");
        challan.source = Source::Permit(token("P-2"));
        if barred {
            assert_eq!(refused(&mut world, AGENT, issue(challan)), "M9", "day {days}");
        } else {
            accepted(&mut world, AGENT, issue(challan));
        }
    }
}

#[test]
fn m9_a_lease_is_for_minerals_of_its_block_and_days_that_exist() {
    let mut world = quarry();
    let bar = DayRange { from: MonthDay { month: 6, day: 31 }, ..monsoon() };
    let mut lease = open_lease(&mut world, "L-2", Some(bar));
    assert_eq!(refused(&mut world, OFFICER, MineralCall::GrantLease(Box::new(lease.clone()))), "M9");
    lease.monsoon_bar = None;
    lease.minerals = [token("CHINA_CLAY")].into_iter().collect();
    assert_eq!(refused(&mut world, OFFICER, MineralCall::GrantLease(Box::new(lease))), "M9");
}
