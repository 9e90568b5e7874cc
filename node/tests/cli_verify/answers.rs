//! Every exit code, offline.

use dalil_ledger::crypto::sha256;
use dalil_ledger::receipt::Question;
use serde_json::{Value, json};

use crate::cli::dalil;
use crate::common::{DAY_MS, T0_MS, uri};
use crate::fixture::{Fixture, HOUR_MS, digest_of, now_ms};

#[test]
fn valid_is_0_and_every_fact_is_in_the_json() {
    let fixture = Fixture::new();
    let (code, json) = fixture.offline("good.dalil-status", &["--document", "good.pdf"]);
    assert_eq!((code, &json["status"], &json["reason"]), (0, &json!("valid"), &json!("in_force")));
    assert_eq!(json["asked"], json!({ "uri": uri("good"), "digest": digest_of("good") }));
    assert_eq!((&json["quorum"], &json["quorum_needed"], &json["validators"]), (&json!(3), &json!(3), &json!(4)));
    assert_eq!((&json["chain"], &json["record"]), (&json!(fixture.chain.id), &json!(1)));
    assert_eq!(json["height"], fixture.chain.headers.len() as u64 - 1);
    assert_eq!((&json["freshness_ms"], &json["age_max_ms"]), (&json!(fixture.now_ms / 1000 * 1000), &json!(DAY_MS)));
    assert_eq!((&json["document"]["kind"], &json["document"]["issuer"]["department"]), (&json!("ROR"), &json!("land")));
    assert_eq!((&json["file_is_bound"], &json["node"]), (&json!(true), &Value::Null));
    assert!(json["as_of"].as_str().unwrap().ends_with("+05:30"));
    assert!(!json["proven"].as_array().unwrap().is_empty() && !json["not_proven"].as_array().unwrap().is_empty());
}

#[test]
fn people_read_what_is_proven_and_what_is_not() {
    let fixture = Fixture::new();
    let text = fixture.verify("good.dalil-status", &["--offline"]).out;
    assert!(text.starts_with("VALID\nin.gov.wb.land-ROR-good\n"), "{text}");
    let expected = [
        "department land, office bllro-bolpur",
        "ROR about khatian/2795-51/101",
        " IST",
        "3 of 4 validators",
        "at most 1 d counts",
        "not proven   that a file or paper in your hands is this document",
    ];
    for words in expected {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn recorded_but_not_valid_now_is_1() {
    let fixture = Fixture::new();
    for (id, status, reason, word) in [
        ("revoked", "revoked", "fraud", "REVOKED"),
        ("expired", "expired", "validity_over", "EXPIRED"),
        ("old", "superseded", "source_changed", "SUPERSEDED"),
    ] {
        let name = format!("{id}.dalil-status");
        let (code, json) = fixture.offline(&name, &[]);
        assert_eq!((code, json["status"].as_str(), json["reason"].as_str()), (1, Some(status), Some(reason)));
        assert!(fixture.verify(&name, &["--offline"]).out.starts_with(&format!("{word}\n")));
    }
}

#[test]
fn an_earlier_moment_is_answered_by_what_was_in_force_then() {
    let fixture = Fixture::new();
    let before = (fixture.now_ms - 2 * HOUR_MS).to_string();
    let (code, json) = fixture.offline("revoked.dalil-status", &["--as-of", &before]);
    assert_eq!((code, &json["status"], json["as_of_ms"].to_string()), (0, &json!("valid"), before.clone()));
    let text = fixture.verify("revoked.dalil-status", &["--offline", "--as-of", &before]).out;
    assert!(text.starts_with("VALID AS OF "), "{text}");
    let (code, json) = fixture.offline("good.dalil-status", &["--as-of", "2020-01-31"]);
    assert_eq!((code, &json["status"]), (1, &json!("not_yet_valid")));
    let (code, json) = fixture.offline("good.dalil-status", &["--as-of", "9999-01-01T00:00:00+05:30"]);
    assert_eq!((code, &json["reason"]), (4, &json!("future_moment")));
}

#[test]
fn not_on_record_is_3_and_never_forged() {
    let fixture = Fixture::new();
    fixture.write("unknown.pdf", b"nobody recorded this");
    let digest = sha256(b"nobody recorded this");
    fixture.write("absent.dalil-status", &fixture.status(&Question::Digest(digest), fixture.now_ms));
    for more in [&[][..], &["--document", "unknown.pdf"]] {
        let (code, json) = fixture.offline("absent.dalil-status", more);
        assert_eq!((code, &json["status"], &json["document"]), (3, &json!("not_on_record"), &Value::Null));
        assert_eq!(json["asked"]["digest"], json!(digest));
    }
    let text = fixture.verify("absent.dalil-status", &["--offline"]).out;
    assert!(text.starts_with("NOT ON RECORD\n") && text.contains("not proven   that the document is forged"), "{text}");

    // The absence of one document says nothing about another.
    let (code, json) = fixture.offline("absent.dalil-status", &["--document", "good.pdf"]);
    assert_eq!((code, &json["reason"]), (4, &json!("other_document")));
    fixture.write("absent-uri.dalil-status", &fixture.by_uri("never"));
    assert_eq!(fixture.offline("absent-uri.dalil-status", &["--uri", uri("never").as_str()]).0, 3);
    assert_eq!(fixture.offline("absent-uri.dalil-status", &["--document", "unknown.pdf"]).0, 4);
}

#[test]
fn an_inclusion_receipt_alone_is_5_by_pin_and_by_policy() {
    let fixture = Fixture::new();
    for policy in ["pin.json", "policy.txt"] {
        let said = dalil(fixture.path(), &["verify", "good.tlog-proof", "--policy", policy, "--offline", "--json"]);
        let json = said.json();
        assert_eq!((said.code, &json["status"], &json["exit_code"]), (5, &json!("recorded"), &json!(5)));
        assert_eq!((&json["reason"], &json["record"]), (&json!("present_status_not_proven"), &json!(1)));
    }
    let text = fixture.verify("good.tlog-proof", &["--offline"]).out;
    assert!(text.starts_with("RECORDED, PRESENT STATUS NOT PROVEN\n"), "{text}");
    assert!(text.contains("not proven   that what it records is still in force"), "{text}");
    // This record's call names no file at all.
    assert_eq!(fixture.offline("good.tlog-proof", &["--document", "good.pdf"]).1["reason"], "other_document");
}

#[test]
fn a_bare_policy_serves_no_status() {
    let fixture = Fixture::new();
    let said = dalil(fixture.path(), &["verify", "good.dalil-status", "--policy", "policy.txt", "--offline", "--json"]);
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("policy_only")));
    assert!(said.json()["detail"].as_str().unwrap().contains("serves inclusion receipts only"));
}

#[test]
fn an_old_proof_is_4_unless_its_age_is_allowed() {
    let fixture = Fixture::new();
    let two_days_ago = fixture.now_ms - 2 * DAY_MS;
    fixture.write("stale.dalil-status", &fixture.status(&Question::Uri(uri("good")), two_days_ago));
    let (code, json) = fixture.offline("stale.dalil-status", &[]);
    assert_eq!((code, &json["status"], &json["reason"]), (4, &json!("could_not_check"), &json!("stale")));
    assert!(json["age_ms"].as_u64().unwrap() >= 2 * DAY_MS && json["age_max_ms"] == DAY_MS);
    assert_eq!(fixture.offline("stale.dalil-status", &["--max-age", "3d"]).0, 0);
    assert_eq!(fixture.offline("stale.dalil-status", &["--max-age", "20s"]).0, 4);
    let text = fixture.verify("stale.dalil-status", &["--offline"]).out;
    assert!(text.starts_with("COULD NOT CHECK\n") && text.contains("at most 1 d counts"), "{text}");
    assert!(!text.to_lowercase().contains("invalid"), "{text}");
}

#[test]
fn an_expired_or_foreign_pin_is_4() {
    let fixture = Fixture::new();
    let check = |name: &str, pin: &[u8], expected: &str| {
        fixture.write("other.json", pin);
        let said = dalil(fixture.path(), &["verify", name, "--policy", "other.json", "--offline", "--json"]);
        assert_eq!((said.code, &said.json()["reason"]), (4, &json!(expected)), "{}", said.out);
    };
    let expired = fixture.pin(fixture.now_ms - 1).to_json();
    check("good.dalil-status", expired.as_bytes(), "pin_expired");
    check("good.tlog-proof", expired.as_bytes(), "pin_expired");
    let good = fixture.pin(u64::MAX).to_json();
    let other_chain = good.replace(&fixture.chain.id.to_string(), &sha256(b"another chain").to_string());
    check("good.dalil-status", other_chain.as_bytes(), "other_chain");
    check("good.tlog-proof", other_chain.as_bytes(), "other_chain");
    let other_origin = good.replace("ledger.example/test", "ledger.example/rest");
    check("good.dalil-status", other_origin.as_bytes(), "policy_wrong");
    check("good.dalil-status", b"{}", "policy_wrong");
    check("good.dalil-status", b"log nothing", "policy_wrong");
}

#[test]
fn a_receipt_about_another_document_is_4() {
    let fixture = Fixture::new();
    for more in [["--document", "old.pdf"], ["--uri", uri("old").as_str()]] {
        let (code, json) = fixture.offline("good.dalil-status", &more);
        assert_eq!((code, &json["reason"]), (4, &json!("other_document")));
    }
    fixture.write("by-uri.dalil-status", &fixture.by_uri("good"));
    assert_eq!(fixture.offline("by-uri.dalil-status", &["--document", "old.pdf"]).0, 4);
    assert_eq!(fixture.offline("by-uri.dalil-status", &["--document", "good.pdf"]).0, 0);
}

#[test]
fn wrong_commands_are_2() {
    let fixture = Fixture::new();
    for arguments in [
        &["verify"][..],
        &["verify", "good.dalil-status"],
        &["verify", "good.dalil-status", "--policy", "absent.json"],
        &["verify", "absent.pdf", "--policy", "pin.json"],
        &["verify", "in.gov.wb.land-ROR-good", "--policy", "pin.json", "--offline"],
        &["verify", "good.dalil-status", "--policy", "pin.json", "--max-age", "soon"],
        &["verify", "good.dalil-status", "--policy", "pin.json", "--as-of", "yesterday"],
        &["verify", "good.dalil-status", "--policy", "pin.json", "--save", "kept"],
        &["verify", "good.dalil-status", "--policy", "pin.json", "--document", "good.tlog-proof"],
        &["verify", "good.tlog-proof", "--policy", "pin.json", "--max-age", "1d"],
        &["verify", "good.pdf", "--policy", "pin.json", "--offline", "--url", "http://127.0.0.1:1"],
    ] {
        let said = dalil(fixture.path(), arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?} {}", said.err);
        assert!(!said.err.is_empty());
    }
    let said = dalil(fixture.path(), &["verify", "absent.pdf", "--policy", "pin.json", "--json"]);
    assert_eq!((said.code, &said.json()["exit_code"]), (2, &json!(2)));
}

#[test]
fn the_checked_in_receipts_are_old_and_say_so() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger/examples/data"));
    // On a clock before their time their cosignatures lie ahead; after it the proof, and then the pin, is too old.
    let verify = |what: &str, policy: &str| dalil(folder, &["verify", what, "--policy", policy, "--offline", "--json"]);
    let said = verify("document.dalil-status", "pin.json");
    assert_eq!((said.code, &said.json()["status"]), (4, &json!("could_not_check")));
    let in_its_time = now_ms() > T0_MS + HOUR_MS;
    assert_eq!(verify("record.tlog-proof", "policy.txt").code, if in_its_time { 5 } else { 4 });
}
