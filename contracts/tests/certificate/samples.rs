//! The sample records INC-T-01 to ROR-T-10 and the certificates' part of the showpiece, as files give them.

use dalil_ledger::document::{Moment, Status};
use serde_json::Value;

use crate::fixture::{STRUCK_FROM_MS, as_of};
use crate::support::World;

const LAND: &str = include_str!("../../../testnet/sample/land-setup.json");
const SAMPLES: &str = include_str!("../../../testnet/sample/certificate-samples.json");
const SHOWPIECE: &str = include_str!("../../../testnet/sample/certificate-showpiece.json");

#[test]
fn certificate_samples_give_the_outcome_written_beside_them() {
    let mut world = World::west_bengal();
    world.play(LAND, |_, _| {});
    world.play(SAMPLES, |_, _| {});
    let file: Value = serde_json::from_str(SAMPLES).unwrap();
    let answers = file["answers"].as_array().unwrap();
    for answer in answers {
        let (record, uri) = (answer["record"].as_str().unwrap(), answer["uri"].as_str().unwrap());
        if answer["status"] == "not_on_record" {
            assert!(!world.is_on_record(uri), "{record}");
            continue;
        }
        let moment = answer["as_of_ms"].as_u64().map_or(Moment::now(world.time_ms), as_of);
        let verdict = world.status_at(uri, moment);
        let expected = (answer["status"].clone(), answer["reason"].as_str());
        assert_eq!(
            (serde_json::to_value(verdict.status).unwrap(), Some(verdict.reason.as_str())),
            expected,
            "{record}"
        );
        if !answer["provenance"].is_null() {
            assert_eq!(serde_json::to_value(world.document(uri).provenance).unwrap(), answer["provenance"], "{record}");
        }
    }
    let names =
        ["INC-T-01", "SC-T-02", "ST-T-03", "OBC-T-04", "BIR-T-05", "DOM-T-06", "CTO-T-07", "CTE-T-08", "MDK-T-09"];
    for name in names.into_iter().chain(["ROR-T-10"]) {
        assert!(answers.iter().any(|answer| answer["record"].as_str().unwrap().starts_with(name)), "{name}");
    }
}

#[test]
fn showpiece_of_a_fraud_and_a_class_strike() {
    const FRAUD: &str = "in.gov.wb.district-ST-c41d7be0a96f3582";
    const STRUCK: &str = "in.gov.wb.district-OBC-08e5f2a7719cd46b";
    let mut world = World::west_bengal();
    world.play(SHOWPIECE, |_, _| {});
    assert_eq!(world.status(FRAUD).status, Status::Revoked);
    assert_eq!(world.status(STRUCK).reason, "class_struck");
    assert_eq!(world.status_at(STRUCK, as_of(STRUCK_FROM_MS - 1)).status, Status::Valid);
}
