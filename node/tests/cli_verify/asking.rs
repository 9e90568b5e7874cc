//! Asking a node that may say anything: only what its receipt proves is told.

use dalil_ledger::receipt::Question;
use serde_json::json;

use crate::cli::{Said, serve};
use crate::common::uri;
use crate::fixture::{Fixture, digest_of};

/// `verify --json` of `what` at a node that answers every request with `status` and `body`.
fn ask(fixture: &Fixture, what: &str, status: u16, body: Vec<u8>) -> Said {
    let url = serve(move |_| (status, body.clone()));
    fixture.verify(what, &["--url", &url, "--json"])
}

#[test]
fn a_file_a_digest_and_a_uri() {
    let fixture = Fixture::new();
    let by_digest = fixture.read("good.dalil-status");
    let by_uri = fixture.by_uri("good");
    let digest = digest_of("good").to_string();
    for (what, receipt) in [("good.pdf", &by_digest), (digest.as_str(), &by_digest), (uri("good").as_str(), &by_uri)] {
        let said = ask(&fixture, what, 200, receipt.clone());
        assert_eq!((said.code, &said.json()["status"]), (0, &json!("valid")), "{what} {}", said.out);
        assert!(said.json()["node"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    }
}

#[test]
fn only_the_digest_of_a_file_leaves_the_machine() {
    let fixture = Fixture::new();
    let (sender, requests) = std::sync::mpsc::channel();
    let receipt = fixture.read("good.dalil-status");
    let url = serve(move |request| {
        sender.send(request.to_owned()).unwrap();
        (200, receipt.clone())
    });
    assert_eq!(fixture.verify("good.pdf", &["--url", &url]).code, 0);
    let expected = format!("GET /v1/receipts/status?digest={} HTTP/1.1", digest_of("good"));
    assert_eq!(requests.try_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_node_that_answers_another_question_is_not_believed() {
    let fixture = Fixture::new();
    let other = fixture.read("good.dalil-status");
    for what in ["old.pdf", digest_of("old").to_string().as_str(), uri("old").as_str()] {
        let said = ask(&fixture, what, 200, other.clone());
        assert_eq!((said.code, &said.json()["reason"]), (4, &json!("other_document")), "{}", said.out);
    }
    // The truth about a URI that nobody asked about, in place of one about the file.
    let absent = fixture.status(&Question::Uri(uri("never")), fixture.now_ms);
    assert_eq!(ask(&fixture, "good.pdf", 200, absent).code, 4);
}

#[test]
fn no_answer_is_4_and_never_not_on_record() {
    let fixture = Fixture::new();
    let problem = json!({ "status": 503, "code": "no_checkpoint", "detail": "no quorum yet" }).to_string();
    let stale = fixture.status(&Question::Digest(digest_of("good")), fixture.now_ms - 48 * 3_600_000);
    for (status, body, reason) in [
        (503, problem.into_bytes(), "no_checkpoint"),
        (404, b"nothing here".to_vec(), "http"),
        (200, b"<html>".to_vec(), "malformed"),
        (200, Vec::new(), "malformed"),
        (200, stale, "stale"),
    ] {
        let said = ask(&fixture, "good.pdf", status, body);
        assert_eq!((said.code, &said.json()["reason"]), (4, &json!(reason)), "{}", said.out);
    }
    let said = fixture.verify("good.pdf", &["--url", "http://127.0.0.1:1", "--json"]);
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("unreachable")));
    let said = fixture.verify("good.pdf", &["--url", "no address", "--json"]);
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("unreachable")));
}

#[test]
fn saved_receipts_verify_offline() {
    let fixture = Fixture::new();
    let (status, inclusion) = (fixture.read("good.dalil-status"), fixture.read("good.tlog-proof"));
    let url = serve(move |request| {
        let wants_inclusion = request.starts_with("GET /v1/receipts/inclusion?uri=");
        (200, if wants_inclusion { inclusion.clone() } else { status.clone() })
    });
    let said = fixture.verify("good.pdf", &["--url", &url, "--save", "kept", "--json"]);
    assert_eq!((said.code, said.json()["saved"].as_array().unwrap().len()), (0, 2), "{} {}", said.out, said.err);
    let stem = format!("kept/{}", uri("good"));
    assert_eq!(fixture.offline(&format!("{stem}.dalil-status"), &["--document", "good.pdf"]).0, 0);
    assert_eq!(fixture.offline(&format!("{stem}.tlog-proof"), &[]).0, 5);
}
