//! Codes made and verified, two trucks with one challan, a tampered bundle, and the checks on record.

use dalil_contracts::mineral::check::Finding;
use serde_json::{Value, json};

use crate::{CHALLAN, OTHER_PLATE, PLATE, POLICE, Road};

#[test]
fn two_trucks_with_one_challan_and_the_checks_on_record() {
    let road = Road::open();
    codes_are_made_and_verified(&road);
    the_node_draws_a_and_c(&road);

    assert_eq!(road.check("slip.png", PLATE, &[]).code, 4, "without a bundle nothing is judged");
    let bundle = road.bundle();
    assert_eq!((&bundle["challans"], &bundle["issuers"]), (&json!(1), &json!(1)), "{bundle}");

    a_bundle_that_was_tampered_with_judges_nothing(&road);
    // From here on no command is told of any node.
    let first = road.check("slip.png", PLATE, &["--gross-kg", "27150"]).json();
    assert!(["valid", "valid_offline"].contains(&first["verdict"].as_str().unwrap()), "{first}");
    assert_eq!((&first["reason"], &first["counter"]), (&json!("in_force"), &json!(1)));
    let copied = road.check("slip.png", OTHER_PLATE, &[]);
    let said = copied.json();
    assert_eq!((copied.code, &said["verdict"], &said["reason"]), (1, &json!("invalid"), &json!("other_vehicle")));
    assert_eq!(said["earlier"]["same_vehicle"], json!(false), "the answer tells of the first truck");
    let second = road.check("slip.png", PLATE, &[]);
    let said = second.json();
    assert_eq!((second.code, &said["reason"]), (1, &json!("shown_before")), "{said}");
    let again = road.check("slip.png", PLATE, &["--same-stop"]);
    assert!([0, 5].contains(&again.code), "{}", again.out);
    let heavy = road.check("slip.png", PLATE, &["--same-stop", "--gross-kg", "40000"]).json();
    assert_eq!(heavy["reason"], json!("overload"));
    bad_codes_are_refused(&road);

    let text = road.run(&["checkpost", "check", "slip.png", "--home", "post", "--plate", OTHER_PLATE]);
    assert!(text.out.starts_with("INVALID (issued for another plate)"), "{}", text.out);
    assert!(text.out.contains("SHOWN BEFORE"), "{}", text.out);

    // Under the posting of another office all are refused, and none is lost.
    let url = road.nodes.url(1);
    let sync_as = |posting| {
        ["--json", "checkpost", "sync", "--home", "post", "--testnet", "net", "--posting", posting, "--url", &url]
    };
    let others = road.run(&sync_as("minerals/check-hooghly"));
    let said = others.json();
    assert_eq!((others.code, said["refused"].as_array().unwrap().len()), (1, 8), "{said}");
    assert_eq!((&said["refused"][0]["code"], &said["recorded"]), (&json!("O1"), &json!(0)), "{said}");
    // Synced, twice: the second time nothing is left to bring.
    let sync = sync_as(POLICE);
    let synced = road.done(&sync).json();
    assert_eq!((&synced["recorded"], &synced["waiting"]), (&json!(8), &json!(0)), "{synced}");
    assert_eq!(road.done(&sync).json()["recorded"], json!(0));
    let checks = road.checks_on_record(8);
    let alerts: Vec<_> = checks.alerts.iter().copied().collect();
    assert_eq!(alerts, [Finding::OtherVehicle, Finding::Overload]);

    // After the delivery the same paper is used up.
    road.act(
        "works/yard",
        &json!({ "mineral": { "deliver_challan": { "challan": CHALLAN, "received_kg": 17580, "code": null } } }),
    );
    road.bundle();
    let spent = road.check("slip.png", PLATE, &["--same-stop"]).json();
    assert_eq!((&spent["verdict"], &spent["reason"]), (&json!("invalid"), &json!("consumed")), "{spent}");
    assert_eq!(spent["counter"], json!(9), "the device's counter goes on");
    assert_eq!(spent["alerts"], json!(["other_vehicle", "overload"]));
    let verified = road.verify("slip.png");
    assert_eq!((verified.code, &verified.json()["status"]), (1, &json!("consumed")), "{}", verified.out);
}

/// A, B and C made from the record, read from their pictures, and checked against the pin.
fn codes_are_made_and_verified(road: &Road) {
    for (kind, picture) in [("a", "link.png"), ("c", "receipt.png"), ("c", "receipt.svg")] {
        let made = road.make(kind, picture, &[]);
        assert_eq!(made.code, 0, "{kind} {}", made.err);
    }
    assert_eq!(road.slip("slip.png", PLATE).code, 0);
    assert_ne!(road.slip("wrong.png", OTHER_PLATE).code, 0, "the record is for another vehicle");
    assert_ne!(road.make("b", "keyless.png", &[]).code, 0);
    assert_ne!(road.make("a", "link.gif", &[]).code, 0);

    let link = road.verify("link.png");
    assert_eq!((link.code, &link.json()["status"]), (0, &json!("valid")), "{} {}", link.out, link.err);
    let slip = road.verify("slip.png");
    assert_eq!((slip.code, &slip.json()["code"]["plate"]), (0, &json!(PLATE)), "{} {}", slip.out, slip.err);
    assert_eq!(road.verify("receipt.png").code, 5);
    let shown = road.run(&["qr", "read", "slip.png", "--json"]).json();
    assert_eq!((&shown["kind"], &shown["says"]["number"]), (&json!("b"), &json!(CHALLAN)));

    // A link of another file, and a slip that the agent of another lease signed.
    let text = road.done(&[
        "qr",
        "make",
        CHALLAN,
        "--kind",
        "a",
        "--out",
        "-",
        "--policy",
        "net/pin.json",
        "--url",
        &road.nodes.url(1),
    ]);
    let (head, tail) = text.out.trim().split_once("#a1.").unwrap();
    let other = format!("{head}#a1.{}{}", "0".repeat(32), &tail[32..]);
    let said = road.verify(&other);
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("other_document")), "{}", said.out);
    let key = "net/officers/minerals-agent-L2.seed";
    assert_eq!(road.make("b", "forged.png", &["--key", key, "--plate", PLATE]).code, 0);
    let said = road.verify("forged.png");
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("slip_wrong")), "{}", said.out);
}

fn the_node_draws_a_and_c(road: &Road) {
    let uri = format!("in.gov.wb.minerals-CHALLAN-{CHALLAN}");
    for kind in ["a", "c"] {
        let (status, media, text) = road.get(&format!("/v1/qr/{kind}?uri={uri}&format=text"));
        assert_eq!((status, media.as_str()), (200, "text/plain; charset=utf-8"));
        let (status, media, png) = road.get(&format!("/v1/qr/{kind}?uri={uri}&format=png"));
        assert_eq!((status, media.as_str()), (200, "image/png"));
        assert_eq!(dalil_node::qr::texts_in(&png).unwrap(), [String::from_utf8(text).unwrap()]);
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri={uri}")).1, "image/svg+xml");
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri={uri}&format=gif")).0, 400);
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri=in.gov.wb.x-T-none")).0, 404);
        assert_eq!(road.get(&format!("/v1/qr/{kind}")).0, 400);
    }
}

/// Whoever hands a bundle over can leave nothing out of an answer, and put nothing into it.
fn a_bundle_that_was_tampered_with_judges_nothing(road: &Road) {
    let path = road.nodes.path().join("post/bundle.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let bundle: Value = serde_json::from_str(&whole).unwrap();
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut spoilt = bundle.clone();
        change(&mut spoilt);
        std::fs::write(&path, spoilt.to_string()).unwrap();
        let said = road.check("slip.png", PLATE, &[]);
        assert_eq!((said.code, &said.json()["verdict"]), (4, &json!("could_not_check")), "{}", said.out);
        assert!(said.json()["counter"].is_null(), "{}", said.out);
    };
    spoil(&|bundle| bundle["pages"][0]["question"]["challans"] = json!([]));
    spoil(&|bundle| bundle["pages"][0]["question"]["challans"] = json!([CHALLAN, "ANOTHER"]));
    spoil(&|bundle| bundle["pages"][0]["receipt"]["reads"][3]["value"] = Value::Null);
    spoil(&|bundle| bundle["pages"][0]["receipt"]["checkpoint"] = json!("no note"));
    spoil(&|bundle| bundle["pages"] = json!([]));
    // Asked for a day on which another office may have been open.
    spoil(&|bundle| {
        let asked = &mut bundle["pages"][0]["question"]["asked_at_ms"];
        *asked = json!(asked.as_u64().unwrap() - 86_400_000);
    });
    spoil(&|bundle| bundle["format"] = json!("dalil-checkpost-bundle/v2"));
    std::fs::write(&path, "{").unwrap();
    assert_eq!(road.check("slip.png", PLATE, &[]).code, 4);
    std::fs::write(&path, whole).unwrap();
}

fn bad_codes_are_refused(road: &Road) {
    assert_eq!(road.check("forged.png", PLATE, &[]).json()["reason"], json!("unknown_issuer"));
    for code in ["link.png", "receipt.png", "DALILB1:00", "HC1:6BF", "call.json"] {
        let said = road.check(code, PLATE, &[]);
        assert_eq!((said.code, &said.json()["verdict"]), (4, &json!("could_not_check")), "{code} {}", said.out);
        assert!(said.json()["not_recorded"].is_string(), "{code}");
    }
    assert_eq!(road.check("slip.png", "W\u{412}00S0001", &[]).code, 2, "a plate with a Cyrillic letter");
    let stale = road.check("slip.png", PLATE, &["--same-stop", "--max-age", "0ms"]).json();
    assert_eq!((&stale["verdict"], &stale["reason"]), (&json!("could_not_check"), &json!("stale_bundle")), "{stale}");
}
