//! Files of questions, without a node: receipts by the folder, and files that are none.

use serde_json::{Value, json};

use crate::cli::{Said, dalil};
use crate::common::uri;
use crate::fixture::{Fixture, digest_of};

fn batch(fixture: &Fixture, name: &str, text: &str, more: &[&str]) -> Said {
    fixture.write(name, text.as_bytes());
    dalil(fixture.path(), &[&["verify", "--batch", name, "--policy", "pin.json"], more].concat())
}

#[test]
fn receipts_of_a_list_are_checked_without_a_node() {
    let fixture = Fixture::new();
    let spoilt = String::from_utf8(fixture.read("good.dalil-status")).unwrap().replacen("\"key\"", "\"yek\"", 1);
    fixture.write("spoilt.dalil-status", spoilt.as_bytes());
    fixture.write("bytes.dalil-status", b"\xff\xfe");
    let rows = [
        "good.dalil-status,,,",
        "good.dalil-status,good.pdf,,",
        "good.dalil-status,old.pdf,,",
        &format!("good.dalil-status,,{},", uri("good")),
        "revoked.dalil-status,,,",
        "revoked.dalil-status,,,2020-01-31",
        "good.tlog-proof,,,",
        "spoilt.dalil-status,,,",
        "bytes.dalil-status,,,",
        "absent.dalil-status,,,",
        ",good.pdf,,",
    ];
    let text = format!("receipt_file,document_file,uri,as_of\n{}\n", rows.join("\n"));
    let said = batch(&fixture, "list.csv", &text, &["--offline", "--report", "report.jsonl", "--json"]);
    assert_eq!((said.code, &said.json()["questions"]), (4, &json!(11)), "{} {}", said.out, said.err);
    let report = String::from_utf8(fixture.read("report.jsonl")).unwrap();
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answers: Vec<_> =
        lines.iter().map(|it| (it["exit_code"].as_u64().unwrap(), it["reason"].as_str().unwrap())).collect();
    let expected = [
        (0, "in_force"),
        (0, "in_force"),
        (4, "other_document"),
        (0, "in_force"),
        (1, "fraud"),
        (1, "before_validity"),
        (5, "present_status_not_proven"),
        (4, "malformed"),
        (4, "malformed"),
        (2, "no_question"),
        (2, "no_question"),
    ];
    assert_eq!(answers, expected, "{report}");
    assert_eq!(
        (&lines[1]["digest"], &lines[1]["asked"]),
        (&json!(digest_of("good")), &json!(format!("SHA-256 {}", digest_of("good"))))
    );
    let details = ["absent.dalil-status", "offline there is nobody to ask"];
    for (line, words) in lines[9..].iter().zip(details) {
        assert!(line["detail"].as_str().unwrap().contains(words), "{line}");
    }
}

#[test]
fn files_that_ask_nothing_are_2_and_say_why() {
    let fixture = Fixture::new();
    for (text, more, words) in [
        ("", &[][..], "holds no question"),
        ("\u{feff}\r\n \n", &[], "holds no question"),
        ("uri,uri\nx,y\n", &[], "two columns \"uri\""),
        // A misspelt field would drop what it asks for.
        (
            "challan,vehcile\nC-1,x\n",
            &[],
            "column 2 (vehcile) is no field of a question; to have it in the report, add --carry",
        ),
        ("uri\nx\n", &["--carry", "name"], "no column \"name\" to carry"),
        ("uri\nx\n", &["--carry", "uri"], "is a field of the question"),
        ("uri,\u{202e}\nx,y\n", &[], "column 2 (⟨U+202E⟩)"),
        ("uri\nx\n", &["--report", "report.xlsx"], "ends in .csv or .jsonl"),
        ("uri\nx\n", &["--save", "kept"], "--save"),
        ("uri\nx\n", &["--requests", "99"], "--requests"),
    ] {
        let said = batch(&fixture, "none.csv", text, more);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{text:?} {}", said.err);
        assert!(said.err.contains(words), "{words:?} in {}", said.err);
    }
    let said = dalil(fixture.path(), &["verify", "--batch", ".", "--policy", "pin.json"]);
    assert_eq!(said.code, 2);
    // A header alone asks for nothing.
    let said = batch(&fixture, "none.csv", "uri\n", &[]);
    assert_eq!((said.code, said.out.contains("questions    0,")), (2, true), "{}", said.out);
}

#[test]
fn what_is_too_long_is_refused_before_it_fills_the_memory() {
    let fixture = Fixture::new();
    // A quotation mark that is never closed.
    let open = format!("receipt_file\ngood.dalil-status\n\"{}", "good.dalil-status\n".repeat(20_000));
    let said = batch(&fixture, "open.csv", &open, &["--offline", "--json"]);
    let sum = said.json();
    assert_eq!((said.code, &sum["questions"], &sum["statuses"]), (4, &json!(1), &json!({ "valid": 1 })), "{sum}");
    assert!(
        sum["stopped"].as_str().unwrap().contains("begins on line 3: ")
            && sum["stopped"].as_str().unwrap().contains("quotation mark")
    );
    // Also where little follows.
    let open = "receipt_file\ngood.dalil-status\n\"good.dalil-status\ngood.dalil-status\n";
    let sum = batch(&fixture, "open.csv", open, &["--offline", "--json"]).json();
    assert_eq!(sum["questions"], json!(1), "{sum}");
    assert!(sum["stopped"].as_str().unwrap().contains("line 3: a quotation mark is never closed"), "{sum}");
    let long = format!("{{\"uri\":\"{}\"}}\n{{\"receipt_file\":\"good.dalil-status\"}}\n", "x".repeat(9 << 20));
    let said = batch(&fixture, "long.jsonl", &long, &["--offline", "--json"]);
    let sum = said.json();
    assert_eq!((said.code, &sum["statuses"]), (2, &json!({ "no_question": 1, "valid": 1 })), "{sum}");
    assert!(sum["bad_lines"][0]["why"].as_str().unwrap().contains("more than"), "{sum}");
}

#[test]
fn a_row_that_names_a_device_waits_for_nobody() {
    let fixture = Fixture::new();
    let rows = "receipt_file,document_file\n/dev/zero,\ngood.dalil-status,/dev/zero\n/dev/tty,\ngood.dalil-status,\n";
    let said = batch(&fixture, "devices.csv", rows, &["--offline", "--json"]);
    let sum = said.json();
    assert_eq!((said.code, &sum["statuses"]), (2, &json!({ "no_question": 3, "valid": 1 })), "{sum}");
    assert!(sum["bad_lines"][0]["why"].as_str().unwrap().contains("is no file"), "{sum}");
}

#[test]
fn nobody_answers_and_nobody_to_believe_are_4() {
    let fixture = Fixture::new();
    let said = batch(&fixture, "one.csv", "uri\nin.gov.wb.x\n", &["--url", "http://127.0.0.1:1", "--json"]);
    assert_eq!((said.code, &said.json()["questions"]), (4, &json!(0)), "{}", said.out);
    assert!(said.json()["stopped"].as_str().unwrap().contains("unreachable"));
    let arguments = ["verify", "--batch", "one.csv", "--policy", "policy.txt", "--url", "http://127.0.0.1:1", "--json"];
    let said = dalil(fixture.path(), &arguments);
    assert_eq!((said.code, &said.json()["statuses"]), (4, &json!({ "could_not_check": 1 })), "{}", said.out);
}
