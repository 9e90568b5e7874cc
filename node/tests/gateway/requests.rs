//! JSON into calls, and words for what is wrong with it.

use dalil_contracts::certificate::certificate_in;
use dalil_contracts::{Call, Invocation};
use dalil_node::gateway::request::Request;
use serde_json::{Value, json};

use crate::support::{domicile, results};

const NOW_MS: u64 = 1_793_601_000_000;

fn json_of(invocation: &Invocation) -> Value {
    serde_json::to_value(invocation).unwrap()
}

fn complaint(body: &str) -> String {
    let said = Request::from_json(body.as_bytes()).unwrap_err().to_string();
    assert!(said.is_ascii() && said.len() < 4_000, "{said}");
    said
}

#[test]
fn a_call_is_read_as_the_schema_says() {
    let invocation = domicile(1, NOW_MS);
    let request = Request::from_json(json_of(&invocation).to_string().as_bytes()).unwrap();
    assert_eq!((&request.invocation, &request.attachment), (&invocation, &None));
    // However it is written.
    let pretty = serde_json::to_string_pretty(&invocation).unwrap();
    assert_eq!(Request::from_json(pretty.as_bytes()).unwrap().digest(), request.digest());
    assert_ne!(
        Request::from_json(json_of(&domicile(2, NOW_MS)).to_string().as_bytes()).unwrap().digest(),
        request.digest()
    );
}

#[test]
fn a_batch_is_plain_documents_and_its_root_is_worked_out() {
    let (invocation, list) = results(7, 5, NOW_MS);
    let mut body = json_of(&invocation);
    let batch = body["call"]["certificate"]["issue_batch"].as_object_mut().unwrap();
    let (root, count) = (batch.remove("root").unwrap(), batch.remove("count").unwrap());
    let documents: Vec<Value> = list
        .leaves
        .iter()
        .map(|leaf| {
            let leaf: dalil_contracts::certificate::BatchLeaf = dalil_ledger::codec::decode(leaf, 1 << 20).unwrap();
            serde_json::to_value(leaf).unwrap()
        })
        .collect();
    body["documents"] = json!(documents);
    let request = Request::from_json(body.to_string().as_bytes()).unwrap();
    assert_eq!((&request.invocation, &request.attachment), (&invocation, &Some(list)));
    // Other documents are another request.
    body["documents"][4]["number"] = json!("MDK-other");
    assert_ne!(Request::from_json(body.to_string().as_bytes()).unwrap().digest(), request.digest());
    // The root is not the client's to give, and one without documents says so.
    body["call"]["certificate"]["issue_batch"]["root"] = root.clone();
    assert!(complaint(&body.to_string()).contains("unknown field `root`"));
    body["call"]["certificate"]["issue_batch"]["count"] = count;
    body.as_object_mut().unwrap().remove("documents");
    assert!(complaint(&body.to_string()).contains("documents"));
    let mut wrong = json_of(&invocation);
    wrong["documents"] = json!([]);
    assert!(complaint(&wrong.to_string()).contains("unknown field"));
    wrong["call"] = json_of(&domicile(1, NOW_MS))["call"].clone();
    assert!(complaint(&wrong.to_string()).starts_with("call.certificate"), "documents beside another call");
}

#[test]
fn copies_after_a_loss_are_a_list_of_old_and_new() {
    let single = json_of(&domicile(1, NOW_MS));
    let issue = &single["call"]["certificate"]["issue"];
    let copy = json!({ "old": "in.gov.wb.district-DOM-lost", "certificate": issue["certificate"] });
    let list = json!({ "kind": issue["kind"], "place": issue["place"] });
    let mut body = json!({
        "posting": single["posting"],
        "call": { "certificate": { "reissue_batch": list } },
        "documents": [copy],
    });
    let request = Request::from_json(body.to_string().as_bytes()).unwrap();
    let leaves = request.attachment.unwrap();
    assert_eq!(request.invocation.attachment_root(), Some(leaves.root()));
    assert!(certificate_in(&leaves.leaves[0]).is_some());
    body["documents"][0].as_object_mut().unwrap().remove("old");
    let said = complaint(&body.to_string());
    assert!(said.starts_with("documents[0]: missing field `old`"), "{said}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let good = json_of(&domicile(1, NOW_MS));
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        complaint(&body.to_string())
    };
    let said = with("/call/certificate/issue/certificate/valid_from_ms", json!("2026-01-01"));
    assert!(said.starts_with("call.certificate.issue.certificate.valid_from_ms: invalid type"), "{said}");
    let said = with("/call/certificate/issue/place", json!({ "district": -1, "block": null, "lease": null }));
    assert!(said.starts_with("call.certificate.issue.place.district: "), "{said}");
    let said = with("/posting", json!("two words"));
    assert!(said.starts_with("posting: ") && said.contains("without spaces"), "{said}");
    let said = with("/call", json!({ "certificates": {} }));
    assert!(said.contains("unknown variant") && said.contains("certificate"), "{said}");
    let mut missing = good.clone();
    missing["call"]["certificate"]["issue"].as_object_mut().unwrap().remove("kind");
    assert!(complaint(&missing.to_string()).contains("missing field `kind`"));
    let twice = good.to_string().replacen('{', "{\"posting\":\"district/other\",", 1);
    assert!(complaint(&twice).contains("duplicate field `posting`"));
    assert!(complaint(&format!("{good} {{}}")).contains("after the request"));
    for body in ["", "null", "[]", "{", "\u{feff}{}", "{}", "\"text\""] {
        complaint(body);
    }
    complaint(&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(Request::from_json(&[0xff, 0xfe]).is_err());
}

#[test]
fn text_that_runs_backwards_or_hides_is_shown_as_code_points() {
    let mut body = json_of(&domicile(1, NOW_MS));
    body["\u{202e}gnitsop"] = json!(1);
    let said = complaint(&body.to_string());
    assert!(said.contains("\\u{202e}") && !said.contains('\u{202e}'), "{said}");
    let mut body = json_of(&domicile(1, NOW_MS));
    body["posting"] = json!("district/sdo\u{2066}-bankura\u{200b}");
    assert!(complaint(&body.to_string()).starts_with("posting: "));
}

#[test]
fn a_call_names_the_documents_it_issues() {
    let invocation = domicile(1, NOW_MS);
    let Call::Certificate(_) = &invocation.call else { panic!() };
    assert_eq!(
        invocation.documents().iter().map(|uri| uri.as_str()).collect::<Vec<_>>(),
        ["in.gov.wb.district-DOM-0000000000000001"]
    );
    assert!(results(0, 2, NOW_MS).0.documents().is_empty());
}
