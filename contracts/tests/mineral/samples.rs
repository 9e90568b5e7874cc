//! The sample records C-T-0001 to C-T-0010 and the minerals' part of the showpiece, from the files in `testnet/sample`.

use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::check::Finding;
use dalil_contracts::units::{HOUR_MS, Kilograms, MINUTE_MS};
use dalil_ledger::document::{Moment, Status};

use crate::quarry::{CHALLANS, SETUP, SHOWPIECE, challan_of, checks_of, permit_record, uri};
use crate::support::World;

#[test]
fn the_sample_challans_have_the_outcomes_written_beside_them() {
    let mut world = World::west_bengal();
    world.play(SETUP, |_, _| {});
    let start_ms = world.time_ms;
    let mut names = Vec::new();
    world.play(CHALLANS, |_, name| names.push(name.to_owned()));
    for number in 1..=10 {
        let record = format!("C-T-{number:04}");
        assert!(names.iter().any(|name| name.starts_with(&record)), "{record} is in the file");
    }

    let first = challan_of(&world, "C-T-0001");
    assert_eq!(first.reserved_kg, Kilograms(17_600), "11.00 m³ of sand");
    assert_eq!(first.gate.unwrap().gross_kg, Kilograms(27_100));
    assert_eq!(permit_record(&world, "P-T-0005").free_kg(), Kilograms(4_800), "3 m³ are still free");

    let extended = challan_of(&world, "C-T-0007");
    assert_eq!(extended.valid_until_ms, start_ms + 14 * HOUR_MS, "eight hours and six more");
    let at = |ms| world.status_at(&uri("C-T-0007"), Moment::now(ms)).status;
    assert_eq!((at(start_ms + 13 * HOUR_MS), at(start_ms + 14 * HOUR_MS)), (Status::Valid, Status::Expired));
    // Before the breakdown was recorded, the ledger said that it ends after eight hours.
    let extension = world.document(&uri("C-T-0007")).extensions[0].clone();
    assert_eq!((extension.reason.as_str(), extension.valid_until_ms), ("breakdown", start_ms + 14 * HOUR_MS));
    let known_before = Moment { as_of_ms: start_ms + 13 * HOUR_MS, known_at_ms: extension.recorded_at_ms - 1 };
    assert_eq!(world.status_at(&uri("C-T-0007"), known_before).status, Status::Expired);

    assert!(checks_of(&world, "C-T-0008").alerts.contains(&Finding::Clone));
    let seized = challan_of(&world, "C-T-0009");
    assert_eq!((seized.stage, world.status(&uri("C-T-0009")).status), (Stage::Seized, Status::Seized));
    let alerts = checks_of(&world, "C-T-0009").alerts;
    assert!(alerts.contains(&Finding::Expired) && !alerts.contains(&Finding::Clone));
}

#[test]
fn the_showpiece_from_royalty_to_works_bill() {
    let mut world = World::west_bengal();
    world.play(SETUP, |_, _| {});
    world.play(SHOWPIECE, |_, _| {});
    let number = "9F27C4D1A6E0B358";
    let shown = world.status(&uri(number));
    assert_eq!((shown.status, shown.reason.as_str()), (Status::Consumed, "delivered"), "shown again");
    assert_eq!(challan_of(&world, number).stage, Stage::Redeemed);
    let entry = world.document(&uri(number));
    assert_eq!((entry.kind.as_str(), entry.status_age_max_ms), ("CHALLAN", 15 * MINUTE_MS));
    let permit = permit_record(&world, "P-2026-0001");
    assert_eq!((permit.reserved_kg, permit.drawn_kg), (Kilograms(0), Kilograms(2 * 17_600)));
}

#[test]
fn every_call_has_a_published_schema() {
    let schema = serde_json::to_string(&schemars::schema_for!(dalil_contracts::mineral::MineralCall)).unwrap();
    for call in ["grant_permit", "attest_payment", "issue_challan", "gate_out", "check_challan", "deliver_challan"] {
        assert!(schema.contains(&format!("\"{call}\"")), "{call}");
    }
}
