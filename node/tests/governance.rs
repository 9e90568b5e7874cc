//! What departments decide together on a running network, by the command line alone and with no release: a certificate
//! type, a department, and a parameter.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::time::{SystemTime, UNIX_EPOCH};

use cli::nodes::Nodes;
use serde_json::{Value, json};

/// How long the votes may take, in milliseconds; what they decide holds from then on.
const VOTES_TAKE_MS: u64 = 45_000;
const ESTABLISHMENT: &str = include_str!("../../testnet/sample/establishment.json");

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn write(nodes: &Nodes, name: &str, value: &Value) {
    std::fs::write(nodes.path().join(name), value.to_string()).unwrap();
}

/// A new type, made from the one of domicile certificates.
fn new_type() -> Value {
    let establishment: Value = serde_json::from_str(ESTABLISHMENT).unwrap();
    let types = establishment["certificate_types"].as_array().unwrap();
    let mut kind = types.iter().find(|kind| kind["code"] == "DOM").unwrap().clone();
    kind["code"] = json!("EWS");
    kind
}

fn certificate(uri: &str, valid_from_ms: u64) -> Value {
    json!({ "certificate": { "issue": {
        "kind": "EWS",
        "place": { "district": 305, "block": null, "lease": null },
        "origin": "decided",
        "certificate": {
            "uri": uri,
            "number": "EWS-1",
            "digest": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
            "subject": "holder/7f3a",
            "valid_from_ms": valid_from_ms,
            "valid_until_ms": null,
            "claims_root": null,
            "classes": [],
        },
    } } })
}

#[test]
fn a_certificate_type_a_department_and_a_parameter_are_added_by_vote_and_used() {
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    let url = nodes.url(2);

    // The new department's administrator makes a key, and shows its public half.
    assert_eq!(nodes.run(&["key", "new", "--out", "tourism.seed"]).code, 0);
    let key = nodes.run(&["key", "show", "tourism.seed", "--json"]).json()["public"].clone();
    assert!(key.is_string(), "{key}");
    write(&nodes, "type.json", &new_type());
    write(
        &nodes,
        "department.json",
        &json!({
            "department": "tourism",
            "roles": ["department_admin", "welfare_officer"],
            "administrator": { "key": key, "posting": "tourism/admin", "office": "tourism/head" },
        }),
    );

    // One department proposes, and two more carry it.
    let effective_ms = now_ms() + VOTES_TAKE_MS;
    let effective = effective_ms.to_string();
    for (ballot, matter) in [
        ("type-ews", ["--certificate-type", "type.json"]),
        ("tourism", ["--department", "department.json"]),
        ("royalty", ["--parameter", "mineral/royalty/SAND=6000"]),
    ] {
        let propose = ["ballot", "propose", "--ballot", ballot, "--effective", &effective];
        nodes.recorded(1, &[&propose[..], &matter].concat(), "land/voter");
        for voter in ["minerals/voter", "finance/voter"] {
            let open = nodes.run(&["ballot", "list", "--open", "--json", "--url", &nodes.url(1)]).json();
            assert!(open.as_array().unwrap().iter().any(|shown| shown["id"] == ballot), "{open}");
            nodes.recorded(1, &["ballot", "vote", "--ballot", ballot], voter);
        }
    }
    assert!(now_ms() < effective_ms, "the machine is too slow for this test");
    let again = nodes.hand_in(1, &["ballot", "vote", "--ballot", "royalty"], "minerals/voter");
    assert_eq!((again.code, &again.json()["code"]), (1, &json!("A8")), "{}", again.out);

    // Nothing holds before its time.
    let uri = "in.gov.wb.district-EWS-7f3a9c2e51d0b846";
    write(&nodes, "issue.json", &certificate(uri, now_ms()));
    let issue = ["record", "submit", "issue.json"];
    let early = nodes.hand_in(2, &issue, "district/sdo-bankura");
    assert_eq!((early.code, &early.json()["code"]), (1, &json!("C2")), "{}", early.out);
    write(
        &nodes,
        "office.json",
        &json!({ "authority": { "open_office": {
        "office": "tourism/counter", "jurisdiction": "state" } } }),
    );
    let open = ["record", "submit", "office.json", "--key", "tourism.seed", "--posting", "tourism/admin", "--json"];
    let open = [&open[..], &["--url", &url, "--wait", "60s"]].concat();
    let early = nodes.run(&open);
    assert_eq!((early.code, &early.json()["code"]), (1, &json!("A1")), "{}", early.out);

    // From then on it does, on every node.
    std::thread::sleep(std::time::Duration::from_millis(effective_ms.saturating_sub(now_ms()) + 1_000));
    nodes.recorded(2, &issue, "district/sdo-bankura");
    let opened = nodes.run(&open);
    assert_eq!((opened.code, &opened.json()["outcome"]), (0, &json!("recorded")), "{}", opened.out);
    let verify = ["verify", uri, "--json", "--policy", "net/pin.json", "--url", &url];
    let said = nodes.until("cosigned", &verify, |said| said.code != 3).json();
    assert_eq!((&said["status"], &said["document"]["kind"]), (&json!("valid"), &json!("EWS")), "{said}");
    assert_eq!(said["history"][0]["record"], said["record"]);
    // The ledger did not know it before it was issued.
    let before = ["--known-at", &effective, "--as-of", &effective];
    let said = nodes.run(&[&verify[..], &before].concat());
    assert_eq!((said.code, &said.json()["reason"]), (3, &json!("not_recorded_by_then")), "{}", said.out);

    let royalty = ["parameter", "show", "mineral/royalty/SAND", "--json", "--url", &url];
    let said = nodes.run(&royalty).json();
    assert_eq!((&said["in_force"], said["values"].as_array().unwrap().len()), (&json!(6000), 2), "{said}");
    let all = nodes.run(&["parameter", "list", "--json", "--url", &url]).json();
    assert!(all.as_array().unwrap().iter().any(|shown| shown["name"] == "land/mutation_fee_paise"), "{all}");
    let open = nodes.run(&["ballot", "list", "--open", "--json", "--url", &url]).json();
    assert_eq!(open, json!([]));
    let shown = nodes.run(&["ballot", "show", "tourism", "--json", "--url", &url]).json();
    assert_eq!(shown["votes"].as_array().unwrap().len(), 3);
}
