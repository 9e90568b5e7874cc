//! `dalil record` at a node that says what the test wants.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::path::Path;

use cli::{Said, dalil, serve};
use dalil_ledger::crypto::sha256;
use serde_json::{Value, json};

const CALL: &str =
    r#"{"land": {"register_mouza": {"id": "2795-51", "district": 305, "block": 2795, "thana": null, "jl": 51}}}"#;

/// A node of one chain that answers a submission with `status` and `answer`, and any other request with "not found".
fn node(status: u16, answer: Value) -> String {
    serve(move |request| {
        if request.starts_with("GET /v1/status ") {
            let body = json!({ "chain": sha256(b"test chain"), "head_time_ms": 1_000, "height": 7 });
            return (200, body.to_string().into_bytes());
        }
        if request.starts_with("POST /v1/records?wait_ms=") {
            return (status, answer.to_string().into_bytes());
        }
        (404, json!({ "status": 404, "code": "not_found", "detail": "not here" }).to_string().into_bytes())
    })
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("call.json"), CALL).unwrap();
    assert_eq!(dalil(folder.path(), &["key", "new", "--out", "officer.seed"]).code, 0);
    folder
}

fn submit(folder: &Path, url: &str, more: &[&str]) -> Said {
    let arguments = ["record", "submit", "--url", url, "--key", "officer.seed", "--json", "call.json"];
    dalil(folder, &[&arguments[..], more].concat())
}

#[test]
fn recorded_is_0_and_says_where() {
    let folder = folder();
    let id = sha256(b"id");
    let answer =
        json!({ "outcome": "recorded", "id": id, "index": 9, "height": 4, "timestamp_ms": 1_780_272_000_000u64 });
    let said = submit(folder.path(), &node(200, answer), &["--posting", "land/dllro"]);
    assert_eq!((said.code, &said.json()["outcome"], &said.json()["index"]), (0, &json!("recorded"), &json!(9)));
}

#[test]
fn pending_is_1_with_the_id_to_ask_for() {
    let folder = folder();
    let answer = json!({ "outcome": "pending", "id": sha256(b"id") });
    let said = submit(folder.path(), &node(202, answer), &["--posting", "land/dllro", "--wait", "1s"]);
    assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("pending")), "{}", said.err);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    assert!(said.json()["next"].as_str().unwrap().contains(&format!("record show {id}")));
}

#[test]
fn a_refusal_is_1_with_its_code_and_sentence() {
    let folder = folder();
    let answer = json!({ "status": 422, "code": "L3", "detail": "the share is more than is held" });
    let said = submit(folder.path(), &node(422, answer), &["--posting", "land/dllro"]);
    assert_eq!((said.code, &said.json()["outcome"], &said.json()["code"]), (1, &json!("refused"), &json!("L3")));
    assert_eq!(said.json()["detail"], "the share is more than is held");
}

#[test]
fn a_node_in_trouble_refuses_nothing() {
    let folder = folder();
    let answer = json!({ "status": 503, "code": "stopping", "detail": "the node is stopping" });
    let said = submit(folder.path(), &node(503, answer), &["--posting", "land/dllro", "--wait", "0s"]);
    assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("pending")));
}

#[test]
fn what_cannot_be_signed_is_named() {
    let folder = folder();
    let url = node(500, Value::Null);
    let error = |said: Said| {
        assert_eq!(said.code, 1, "{}", said.out);
        said.json()["error"].as_str().unwrap().to_owned()
    };
    assert!(error(submit(folder.path(), &url, &[])).contains("--posting"));
    let whole = format!(r#"{{"posting": "land/dllro", "call": {CALL}}}"#);
    std::fs::write(folder.path().join("call.json"), whole).unwrap();
    assert!(error(submit(folder.path(), &url, &["--posting", "land/other"])).contains("land/dllro"));
    assert_eq!(submit(folder.path(), &url, &["--print-only", "--out", "signed.json"]).code, 0);
    let signed: Value = serde_json::from_slice(&std::fs::read(folder.path().join("signed.json")).unwrap()).unwrap();
    assert!(signed["record"].as_str().unwrap().len() > 100);
    std::fs::write(folder.path().join("call.json"), r#"{"land": {"unknown": 1}}"#).unwrap();
    assert!(error(submit(folder.path(), &url, &["--posting", "land/dllro"])).contains("record schema"));
    assert_eq!(dalil(folder.path(), &["record", "submit", "call.json", "--posting", "land/dllro"]).code, 2);
    let said = dalil(folder.path(), &["record", "show", "../status", "--url", &url]);
    assert_eq!(said.code, 1);
}

#[test]
fn a_history_is_read_page_by_page() {
    let folder = folder();
    let record = |index: u64| {
        json!({ "kind": "record", "index": index, "invocation": {
        "posting": "land/dllro", "call": { "land": { "register_mouza": {} } } } })
    };
    let url = serve(move |request| {
        let page = match request {
            first if first.contains("from=0 ") => json!({ "records": [record(3), record(5)], "next": 6 }),
            last if last.contains("from=6 ") => json!({ "records": [record(8)], "next": null }),
            other => panic!("{other}"),
        };
        (200, page.to_string().into_bytes())
    });
    let history =
        |more: &[&str]| dalil(folder.path(), &[&["record", "history", "mouza/2795-51", "--url", &url], more].concat());
    assert!(history(&[]).out.contains("--from 6"));
    let rows = history(&["--all"]).out;
    assert_eq!(rows.lines().count(), 3);
    assert!(rows.contains("8  land.register_mouza"), "{rows}");
    assert_eq!(history(&["--all", "--json"]).json()["records"].as_array().unwrap().len(), 3);
}

#[test]
fn the_schema_is_printed() {
    let schema: Value = dalil(Path::new("."), &["record", "schema"]).json();
    assert!(schema["properties"]["posting"].is_object() && schema["properties"]["call"].is_object());
}
