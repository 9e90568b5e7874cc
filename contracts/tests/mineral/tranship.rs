//! Transhipment: another vehicle takes a load over on the road.

use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::tranship::TranshipChallan;
use dalil_contracts::mineral::vehicle::live_challan;
use dalil_contracts::units::{HOUR_MS, Kilograms};
use dalil_ledger::document::Status;
use dalil_ledger::state::Overlay;

use crate::quarry::{
    AGENT, PERMIT, accepted, challan_of, deliver, gate, issue, load, permit_record, quarry, refused, send, truck, uri,
    vehicle,
};
use crate::support::{World, digest, token};

const DMO: &str = "minerals/dmo-hooghly";

fn tranship(number: &str, plate: &str) -> TranshipChallan {
    TranshipChallan {
        challan: token("C-1"),
        number: token(number),
        vehicle: vehicle(plate),
        transporter: digest("another transporter"),
        district: 312,
        report: digest("report"),
        paper: token(&format!("SP-{number}")),
        digest: digest(&format!("file {number}")),
        claims_root: None,
    }
}

fn call(tranship: TranshipChallan) -> MineralCall {
    MineralCall::TranshipChallan(Box::new(tranship))
}

fn live(world: &World, plate: &str) -> Option<String> {
    let live = live_challan(&Overlay::new(&world.state), &vehicle(plate), world.time_ms).unwrap();
    live.map(|challan| challan.number().as_str().to_owned())
}

#[test]
fn the_load_goes_on_under_a_challan_of_its_own() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    world.advance(HOUR_MS);
    accepted(&mut world, DMO, call(tranship("C-2", "WB00A0002")));
    let old = world.status(&uri("C-1"));
    assert_eq!((old.status, old.reason.as_str()), (Status::Superseded, "transhipped"), "the old paper says so");
    assert_eq!(world.status(&uri("C-2")).status, Status::Valid);
    let (old, new) = (challan_of(&world, "C-1"), challan_of(&world, "C-2"));
    assert_eq!((old.stage, new.stage), (Stage::Transhipped, Stage::InTransit));
    assert_eq!((new.gate, new.valid_until_ms, new.took_over), (old.gate, old.valid_until_ms, Some(token("C-1"))));
    assert_eq!((live(&world, "WB00A0001"), live(&world, "WB00A0002")), (None, Some("C-2".to_owned())));
    assert_eq!(permit_record(&world, PERMIT).drawn_kg, Kilograms(17_600), "drawn once");
    assert_eq!(refused(&mut world, "works/yard", deliver("C-1")), "D2");
    accepted(&mut world, "works/yard", deliver("C-2"));
}

#[test]
fn m3_m4_m5_m8_m12_the_new_vehicle_is_judged_like_any() {
    let mut world = quarry();
    send(&mut world, "C-1", "WB00A0001");
    send(&mut world, "C-9", "WB00A0004");
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00A0004"))), "M3");
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00B0003"))), "M5", "a two-wheeler");
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00X9999"))), "M5", "not registered");
    let mut light = truck("WB00A0002");
    (light.axles, light.gvw_kg) = (2, None);
    accepted(&mut world, "transport/rto", MineralCall::RegisterVehicle(light));
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00A0002"))), "M4", "27.1 t on 19 t");
    let mut dark = truck("WB00A0002");
    dark.vltd_until_ms = None;
    accepted(&mut world, "transport/rto", MineralCall::RegisterVehicle(dark));
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00A0002"))), "M8");
    let mut used = tranship("C-2", "WB00A0005");
    used.paper = token("SP-C-1");
    assert_eq!(refused(&mut world, DMO, call(used)), "M12");
    assert_eq!(refused(&mut world, DMO, call(tranship("C-9", "WB00A0005"))), "D1");
    accepted(&mut world, DMO, call(tranship("C-2", "WB00A0005")));
}

#[test]
fn d2_only_a_live_load_on_the_road_is_transhipped() {
    let mut world = quarry();
    let challan = load(&world, "C-1", "WB00A0001");
    accepted(&mut world, AGENT, issue(challan));
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00A0002"))), "D2", "it has not left");
    accepted(&mut world, AGENT, gate("C-1", 17_600));
    assert_eq!(refused(&mut world, AGENT, call(tranship("C-2", "WB00A0002"))), "A1");
    assert_eq!(refused(&mut world, "minerals/dmo-bankura", call(tranship("C-2", "WB00A0002"))), "A2");
    world.advance(8 * HOUR_MS);
    assert_eq!(refused(&mut world, DMO, call(tranship("C-2", "WB00A0002"))), "M6", "it has expired");
}
