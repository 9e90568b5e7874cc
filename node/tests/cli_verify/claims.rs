//! From the office's plain claims to what a stranger reads: `claims make`, `disclose`, `verify`.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::authority::EstablishmentPlan;
use dalil_contracts::certificate::types::{TypeVersion, TypeVersions};
use dalil_ledger::codec;
use dalil_ledger::document::{DocumentEntry, Standing};
use dalil_ledger::receipt::Question;
use serde_json::{Value, json};

use crate::cli::{Said, dalil, serve};
use crate::common::{DAY_MS, document, event, uri};
use crate::fixture::{Fixture, HOUR_MS};

const PLAIN: &str = r#"{"name": "Fatima Khatun", "annual_income_rupees": "54000", "district": "বাঁকুড়া"}"#;

fn make(fixture: &Fixture, id: &str, plain: &str) -> Said {
    fixture.write("plain.json", plain.as_bytes());
    let (uri, out) = (uri(id).to_string(), format!("{id}.dalil-claims"));
    dalil(fixture.path(), &["claims", "make", "--uri", &uri, "--claims", "plain.json", "--out", &out, "--json"])
}

/// Makes the holder's file of `id`, records the document with its root, and keeps a status receipt.
fn record(fixture: &mut Fixture, id: &str, plain: &str, change: impl FnOnce(&mut DocumentEntry)) {
    let made = make(fixture, id, plain);
    assert_eq!(made.code, 0, "{}", made.err);
    let now_ms = fixture.now_ms;
    let root = made.json()["claims_root"].as_str().unwrap().parse().unwrap();
    let mut entry =
        DocumentEntry { claims_root: Some(root), valid_from_ms: now_ms - DAY_MS, valid_until_ms: None, ..document(id) };
    change(&mut entry);
    fixture.chain.issue(now_ms - HOUR_MS, entry);
    fixture.write(&format!("{id}.dalil-status"), &fixture.by_uri(id));
}

fn disclose(fixture: &Fixture, id: &str, more: &[&str]) -> Said {
    dalil(fixture.path(), &[&["disclose", &format!("{id}.dalil-claims"), "--out", "shown.json"], more].concat())
}

/// With a status receipt: two of the three claims.
fn shown_with_receipt(fixture: &Fixture, id: &str) -> Value {
    let receipt = format!("{id}.dalil-status");
    let more = ["--claim", "name", "--claim", "district", "--receipt", &receipt];
    let said = disclose(fixture, id, &more);
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_slice(&fixture.read("shown.json")).unwrap()
}

#[test]
fn a_stranger_reads_the_chosen_claims_and_the_status_offline() {
    let mut fixture = Fixture::new();
    record(&mut fixture, "income", PLAIN, |_| {});
    shown_with_receipt(&fixture, "income");
    let (code, json) = fixture.offline("shown.json", &[]);
    assert_eq!((code, &json["status"]), (0, &json!("valid")), "{json}");
    let claim = |name: &str, value: &str| json!({ "name": name, "value": value, "looks_alike": null });
    assert_eq!(json["claims"], json!([claim("district", "বাঁকুড়া"), claim("name", "Fatima Khatun")]));
    assert!(!String::from_utf8(fixture.read("shown.json")).unwrap().contains("54000"));

    let text = fixture.verify("shown.json", &["--offline"]).out;
    for words in [
        "VALID\nin.gov.wb.land-ROR-income\n",
        "claim        name: \"Fatima Khatun\"",
        "recorded the document with the claims shown here",
        "not proven   that whoever shows the claims is the document's holder",
    ] {
        assert!(text.contains(words), "{words} not in {text}");
    }
    assert!(!text.contains("annual_income"), "{text}");
}

#[test]
fn the_exit_code_is_the_documents() {
    let mut fixture = Fixture::new();
    let revoked = event(Standing::Revoked, fixture.now_ms - HOUR_MS / 2);
    record(&mut fixture, "taken-back", PLAIN, |entry| entry.events = vec![revoked]);
    shown_with_receipt(&fixture, "taken-back");
    let (code, json) = fixture.offline("shown.json", &[]);
    assert_eq!((code, &json["status"], json["claims"].as_array().unwrap().len()), (1, &json!("revoked"), 2));

    // Without a receipt a node is asked; offline there is nobody to ask.
    record(&mut fixture, "income", PLAIN, |_| {});
    assert_eq!(disclose(&fixture, "income", &["--claim", "name"]).code, 0);
    let said = fixture.verify("shown.json", &["--offline"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let receipt = fixture.by_uri("income");
    let url = serve(move |_| (200, receipt.clone()));
    let said = fixture.verify("shown.json", &["--url", &url, "--json"]);
    assert_eq!((said.code, &said.json()["claims"][0]["value"]), (0, &json!("Fatima Khatun")), "{}", said.out);
    let other = fixture.by_uri("taken-back");
    let url = serve(move |_| (200, other.clone()));
    let said = fixture.verify("shown.json", &["--url", &url, "--json"]);
    assert_eq!((said.code, &said.json()["reason"], &said.json()["claims"]), (4, &json!("other_document"), &json!([])));

    // Nothing is on record under the URI: the claims are not shown as anybody's.
    let absent = fixture.status(&Question::Uri(uri("nowhere")), fixture.now_ms);
    let mut shown: Value = serde_json::from_slice(&fixture.read("shown.json")).unwrap();
    shown["uri"] = json!(uri("nowhere"));
    shown["receipt"] = json!(String::from_utf8(absent).unwrap());
    fixture.write("shown.json", shown.to_string().as_bytes());
    let (code, json) = fixture.offline("shown.json", &[]);
    assert_eq!((code, &json["status"], &json["claims"]), (3, &json!("not_on_record"), &json!([])));
}

#[test]
fn hostile_presentations_could_not_be_checked_and_show_nothing() {
    let mut fixture = Fixture::new();
    record(&mut fixture, "income", PLAIN, |_| {});
    record(&mut fixture, "other", PLAIN, |_| {});
    record(&mut fixture, "silent", PLAIN, |entry| entry.claims_root = None);
    let good = shown_with_receipt(&fixture, "income");
    let refused = |change: &dyn Fn(&mut Value), reason: &str| {
        let mut shown = good.clone();
        change(&mut shown);
        fixture.write("shown.json", shown.to_string().as_bytes());
        let (code, json) = fixture.offline("shown.json", &[]);
        assert_eq!((code, &json["reason"], &json["claims"]), (4, &json!(reason), &json!([])), "{json}");
    };
    refused(&|shown| shown["claims"][1]["claim"]["value"] = json!("Fatima Begum"), "claims_wrong");
    refused(&|shown| shown["claims"][0]["path"][0] = json!("ab".repeat(32)), "claims_wrong");
    refused(
        &|shown| {
            let salt = shown["claims"][0]["claim"]["salt"].clone();
            shown["claims"][0]["claim"]["salt"] = shown["claims"][1]["claim"]["salt"].clone();
            shown["claims"][1]["claim"]["salt"] = salt;
        },
        "claims_wrong",
    );
    refused(&|shown| shown["claims"][1] = shown["claims"][0].clone(), "malformed");
    refused(&|shown| shown["claims"][1]["claim"]["value"] = json!("\u{202e}nutahK"), "malformed");
    refused(&|shown| shown["claims"][1]["claim"]["value"] = json!("\u{1b}[2J"), "malformed");
    let receipt_of = |id: &str| json!(String::from_utf8(fixture.by_uri(id)).unwrap());
    let (other, silent) = (receipt_of("other"), receipt_of("silent"));
    refused(&|shown| shown["receipt"] = other.clone(), "other_document");
    refused(
        &|shown| {
            shown["receipt"] = other.clone();
            shown["uri"] = json!(uri("other"));
        },
        "claims_wrong",
    );
    refused(
        &|shown| {
            shown["receipt"] = silent.clone();
            shown["uri"] = json!(uri("silent"));
        },
        "claims_wrong",
    );
    refused(&|shown| shown["receipt"] = json!("{}"), "malformed");
}

#[test]
fn letters_that_look_like_others_are_named() {
    let mut fixture = Fixture::new();
    record(&mut fixture, "income", r#"{"name": "Аlice", "district": "Bankura"}"#, |_| {});
    shown_with_receipt(&fixture, "income");
    let text = fixture.verify("shown.json", &["--offline"]).out;
    assert!(text.contains("name: \"Аlice\" (beware of letters that look like others: А U+0410)"), "{text}");
    assert!(text.contains("district: \"Bankura\"\n"), "{text}");
}

#[test]
fn what_an_office_gives_wrongly_makes_no_holders_file() {
    let fixture = Fixture::new();
    for (plain, words) in [
        (r#"{"name": "a", "name": "b"}"#, "claim name stands twice"),
        (r#"{"income": 54000}"#, "claim income: invalid type"),
        (r#"{"name": "a\u202eb"}"#, "U+202E"),
        (r#"{"two words": "a"}"#, "printable ASCII"),
        ("{}", "0 claims"),
        ("[]", "written as texts"),
    ] {
        let said = make(&fixture, "bad", plain);
        assert!(said.code == 1 && said.out.contains(words), "{plain}: {}", said.out);
        assert!(!fixture.path().join("bad.dalil-claims").exists());
    }
    assert_eq!(make(&fixture, "once", PLAIN).code, 0);
    let path = fixture.path().join("once.dalil-claims");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fixture.read("once.dalil-claims");
    assert_eq!(make(&fixture, "once", PLAIN).code, 1, "never replaced");
    assert_eq!(fixture.read("once.dalil-claims"), before);
    let said = disclose(&fixture, "once", &["--claim", "caste"]);
    assert!(said.code == 1 && said.err.contains("makes no claim caste"), "{}", said.err);
    let listed = dalil(fixture.path(), &["claims", "show", "once.dalil-claims", "--json"]).json();
    assert_eq!(listed["claims"]["annual_income_rupees"], "54000");

    // A receipt of another document would be refused by whoever is shown it, so it is refused here.
    let said = disclose(&fixture, "once", &["--claim", "name", "--receipt", "good.dalil-status"]);
    assert!(said.code == 1 && said.err.contains("not about"), "{}", said.err);
}

#[test]
fn names_keep_within_the_types_schema() {
    const ESTABLISHMENT: &str = include_str!("../../../testnet/sample/establishment.json");
    let plan: EstablishmentPlan = serde_json::from_str(ESTABLISHMENT).unwrap();
    let kind = plan.certificate_types.into_iter().find(|kind| kind.code.as_str() == "INC").unwrap();
    let value = BASE64.encode(codec::encode(&TypeVersions { versions: vec![TypeVersion { from_ms: 0, kind }] }));
    let url = serve(move |request| {
        assert!(request.starts_with("GET /v1/state?key=cert%2Ftype%2FINC "), "{request}");
        (200, json!({ "value": value }).to_string().into_bytes())
    });
    let fixture = Fixture::new();
    let make = |plain: &str, out: &str| {
        fixture.write("plain.json", plain.as_bytes());
        let uri = uri("income").to_string();
        let common = ["claims", "make", "--uri", &uri, "--claims", "plain.json", "--kind", "INC", "--url", &url];
        dalil(fixture.path(), &[&common, &["--out", out][..]].concat())
    };
    assert_eq!(make(PLAIN, "a.dalil-claims").code, 0);
    let said = make(r#"{"caste": "x"}"#, "b.dalil-claims");
    assert!(
        said.code == 1 && said.err.contains("makes no claim caste; it may make annual_income_rupees"),
        "{}",
        said.err
    );
}
