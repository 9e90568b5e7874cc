//! A world with blocks, leases, a stockyard and vehicles, and calls with sensible values.

use dalil_contracts::calendar::DayRange;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::block::{IssueLoi, RecordAuction, RegisterBlock};
use dalil_contracts::mineral::challan::Challan;
use dalil_contracts::mineral::check::{CheckChallan, CheckPlace, Checks};
use dalil_contracts::mineral::delivery::DeliverChallan;
use dalil_contracts::mineral::gate::{CancelChallan, GateOut};
use dalil_contracts::mineral::geo::Point;
use dalil_contracts::mineral::issue::{ChallanKind, Destination, IssueChallan, Receiver};
use dalil_contracts::mineral::keys::{challan_key, checks_key, permit_key, stock_key};
use dalil_contracts::mineral::lease::GrantLease;
use dalil_contracts::mineral::payment::AttestPayment;
use dalil_contracts::mineral::permit::{GrantPermit, Permit};
use dalil_contracts::mineral::quantity::{Heads, Quantity};
use dalil_contracts::mineral::source::Source;
use dalil_contracts::mineral::vehicle::{RegisterVehicle, VehicleClass};
use dalil_contracts::mineral::yard::Stock;
use dalil_contracts::units::{DAY_MS, Kilograms, MINUTE_MS, Paise};
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;

use crate::support::{START_MS, World, code, digest, token};

pub(crate) const SETUP: &str = include_str!("../../../testnet/sample/mineral-setup.json");
pub(crate) const SHOWPIECE: &str = include_str!("../../../testnet/sample/mineral-showpiece.json");
pub(crate) const CHALLANS: &str = include_str!("../../../testnet/sample/mineral-challans.json");

pub(crate) const OFFICER: &str = "minerals/officer";
pub(crate) const AGENT: &str = "minerals/agent-L1";
pub(crate) const YARD_AGENT: &str = "minerals/agent-Y1";
pub(crate) const LEASE: &str = "L-BANKURA-01";
pub(crate) const YARD: &str = "Y-BANKURA-01";
pub(crate) const PERMIT: &str = "P-1";
/// A code as a consignee would make it: 80 random bits in base 32.
pub(crate) const ONE_TIME_CODE: &str = "KOLKATA7SAND2345ONCE";

pub(crate) const BANKURA: (&str, u32, Point) =
    ("CP-BANKURA-01", 305, Point { lat_udeg: 23_070_000, lon_udeg: 87_320_000 });
pub(crate) const HOOGHLY: (&str, u32, Point) =
    ("CP-HOOGHLY-01", 312, Point { lat_udeg: 22_900_000, lon_udeg: 88_020_000 });

/// Id of the vehicle with a plate of the sample.
pub(crate) fn vehicle(plate: &str) -> Hash {
    digest(&format!("vehicle {plate}"))
}

/// A minerals call.
pub(crate) fn act(world: &mut World, posting: &str, call: MineralCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Mineral(call))
}

/// Applies a minerals call that must be refused; the state stays as it was.
pub(crate) fn refused(world: &mut World, posting: &str, call: MineralCall) -> &'static str {
    let before = world.state.clone();
    let code = code(act(world, posting, call));
    assert_eq!(world.state, before, "a refused call leaves nothing behind");
    code
}

/// Applies a minerals call that must be accepted.
pub(crate) fn accepted(world: &mut World, posting: &str, call: MineralCall) -> Outcome {
    act(world, posting, call).unwrap_or_else(|refusal| panic!("refused: {refusal}"))
}

/// The names of an outcome's events.
pub(crate) fn events(outcome: &Outcome) -> Vec<&'static str> {
    outcome.events.iter().map(|event| event.name).collect()
}

/// Blocks, leases, stockyard and vehicles of the sample, one payment of 1,000 m³ of sand and the permit [`PERMIT`] on it.
pub(crate) fn quarry() -> World {
    let mut world = World::west_bengal();
    world.play(SETUP, |_, _| {});
    accepted(&mut world, "finance/treasury", payment("GRN-1", 1_000));
    accepted(&mut world, OFFICER, permit(PERMIT, 1_000, "GRN-1"));
    world
}

/// A payment of all that is due on `cubic_metres` of sand.
pub(crate) fn payment(grn: &str, cubic_metres: i64) -> MineralCall {
    MineralCall::AttestPayment(AttestPayment {
        grn: token(grn),
        lease: token(LEASE),
        heads: Heads {
            royalty: Paise(5_300 * cubic_metres),
            dmf: Paise(1_590 * cubic_metres),
            cess: Paise(530 * cubic_metres),
        },
        receipt: digest(grn),
    })
}

/// A permit for sand.
pub(crate) fn permit_of(id: &str, cubic_metres: u64, grn: &str) -> GrantPermit {
    GrantPermit {
        permit: token(id),
        lease: token(LEASE),
        mineral: token("SAND"),
        quantity: Quantity::Litres(cubic_metres * 1_000),
        from_ms: START_MS,
        until_ms: START_MS + 30 * DAY_MS,
        grn: token(grn),
    }
}

pub(crate) fn permit(id: &str, cubic_metres: u64, grn: &str) -> MineralCall {
    MineralCall::GrantPermit(permit_of(id, cubic_metres, grn))
}

/// A block with auction and letter of intent, and the lease to be granted on it.
pub(crate) fn open_lease(world: &mut World, lease: &str, monsoon_bar: Option<DayRange>) -> GrantLease {
    let block = token(&format!("B-{lease}"));
    accepted(
        world,
        OFFICER,
        MineralCall::RegisterBlock(RegisterBlock {
            block,
            district: 305,
            development_block: Some(2795),
            river: None,
            mouzas: ["2795-51".parse().unwrap()].into_iter().collect(),
            plots: Set::default(),
            boundary: digest("boundary"),
            minerals: [token("SAND"), token("STONE")].into_iter().collect(),
        }),
    );
    let block = token(&format!("B-{lease}"));
    let auction = RecordAuction { block, result: digest("result"), bidder: digest("bidder") };
    let loi = IssueLoi { block: auction.block.clone(), letter: digest("letter") };
    let block = auction.block.clone();
    accepted(world, OFFICER, MineralCall::RecordAuction(auction));
    accepted(world, OFFICER, MineralCall::IssueLoi(loi));
    GrantLease {
        lease: token(lease),
        block,
        minerals: [token("SAND")].into_iter().collect(),
        annual_cap_kg: Kilograms(1_000_000),
        from_ms: START_MS - 1_000 * DAY_MS,
        until_ms: START_MS + 1_000 * DAY_MS,
        monsoon_bar,
        deed: digest("deed"),
        raiyati_plots: Vec::new(),
    }
}

/// A goods vehicle of three axles.
pub(crate) fn truck(plate: &str) -> RegisterVehicle {
    RegisterVehicle {
        vehicle: vehicle(plate),
        district: 305,
        class: VehicleClass::GoodsRigid,
        axles: 3,
        wheels: 10,
        gvw_kg: Some(Kilograms(28_500)),
        unladen_kg: Kilograms(9_500),
        fitness_until_ms: START_MS + 365 * DAY_MS,
        permit_until_ms: START_MS + 365 * DAY_MS,
        tax_until_ms: START_MS + 365 * DAY_MS,
        vltd_until_ms: Some(START_MS + 365 * DAY_MS),
    }
}

/// A challan for 11.00 m³ of sand from [`PERMIT`] to the works yard in Kolkata, 150 km, eight hours from now.
pub(crate) fn load(world: &World, number: &str, plate: &str) -> IssueChallan {
    IssueChallan {
        number: token(number),
        kind: ChallanKind::Intra,
        source: Source::Permit(token(PERMIT)),
        mineral: token("SAND"),
        quantity: Quantity::Litres(11_000),
        vehicle: vehicle(plate),
        transporter: digest("transporter"),
        consignee: digest("consignee"),
        destination: Destination {
            state: 19,
            district: 315,
            block: None,
            receiver: Receiver::Office(token("works/yard")),
        },
        route: token("BENDA-ARAMBAGH-KOLKATA"),
        distance_m: 150_000,
        valid_from_ms: world.time_ms,
        valid_until_ms: world.time_ms + 480 * MINUTE_MS,
        paper: token(&format!("SP-{number}")),
        parent: None,
        origin_pass: None,
        digest: digest(&format!("file {number}")),
        claims_root: None,
    }
}

pub(crate) fn issue(challan: IssueChallan) -> MineralCall {
    MineralCall::IssueChallan(Box::new(challan))
}

/// The weighing of `net_kg` on a truck of 9.5 t.
pub(crate) fn gate(number: &str, net_kg: u64) -> MineralCall {
    MineralCall::GateOut(GateOut {
        challan: token(number),
        slip: digest("slip"),
        gross_kg: Kilograms(9_500 + net_kg),
        tare_kg: Kilograms(9_500),
    })
}

pub(crate) fn cancel(number: &str) -> MineralCall {
    MineralCall::CancelChallan(CancelChallan { challan: token(number) })
}

pub(crate) fn deliver(number: &str) -> MineralCall {
    MineralCall::DeliverChallan(DeliverChallan { challan: token(number), received_kg: None, code: None })
}

pub(crate) fn check_of(number: &str, plate: &str, at: (&str, u32, Point), observed_at_ms: u64) -> CheckChallan {
    CheckChallan {
        challan: Some(token(number)),
        vehicle: vehicle(plate),
        place: CheckPlace { post: token(at.0), district: at.1, point: at.2 },
        observed_at_ms,
        gross_kg: None,
        seal: None,
    }
}

/// Issues the load of [`load`] and lets it out.
pub(crate) fn send(world: &mut World, number: &str, plate: &str) {
    let challan = load(world, number, plate);
    accepted(world, AGENT, issue(challan));
    accepted(world, AGENT, gate(number, 17_600));
}

/// URI of a challan's document.
pub(crate) fn uri(number: &str) -> String {
    format!("in.gov.wb.minerals-CHALLAN-{number}")
}

pub(crate) fn challan_of(world: &World, number: &str) -> Challan {
    world.get(&challan_key(&token(number))).unwrap()
}

/// The checks of a challan number.
pub(crate) fn checks_of(world: &World, number: &str) -> Checks {
    world.get(&checks_key(&token(number))).unwrap_or_default()
}

pub(crate) fn permit_record(world: &World, id: &str) -> Permit {
    world.get(&permit_key(&token(id))).unwrap()
}

pub(crate) fn stock_of(world: &World) -> Stock {
    world.get(&stock_key(&token(YARD), &token("SAND"))).unwrap_or_default()
}
