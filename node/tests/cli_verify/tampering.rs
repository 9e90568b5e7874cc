//! A changed byte anywhere is "could not check", with the reason, and never any other answer.

use serde_json::{Value, json};

use crate::fixture::Fixture;

/// The text with one character of the line exchanged for another of the same kind.
fn spoil(text: &str, line: impl Fn(&str) -> bool) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let spoilt = lines.iter_mut().find(|text| line(text)).expect("the line is there");
    // Not the last characters: of base64 they may carry bits that are no part of the bytes.
    let place = spoilt.len() - 12;
    let other = if &spoilt[place..=place] == "A" { "B" } else { "A" };
    spoilt.replace_range(place..=place, other);
    lines.join("\n")
}

fn refused(fixture: &Fixture, name: &str, text: &str, reasons: &[&str]) {
    fixture.write(name, text.as_bytes());
    let (code, json) = fixture.offline(name, &[]);
    assert_eq!((code, &json["status"]), (4, &json!("could_not_check")), "{json}");
    let reason = json["reason"].as_str().unwrap();
    assert!(reasons.contains(&reason) && !json["detail"].as_str().unwrap().is_empty(), "{json}");
    let text = fixture.verify(name, &["--offline"]).out;
    assert!(text.starts_with("COULD NOT CHECK\n") && text.contains(&format!("({reason})")), "{text}");
    assert!(text.contains("nor that it is forged"), "{text}");
    // Nobody paints another answer onto the screen.
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
}

#[test]
fn an_inclusion_receipt() {
    let fixture = Fixture::new();
    let text = String::from_utf8(fixture.read("good.tlog-proof")).unwrap();
    let check = |text: String, reasons: &[&str]| refused(&fixture, "spoilt.tlog-proof", &text, reasons);
    // The entry: as the record's signature covers it, its place in the log goes first.
    check(spoil(&text, |line| line.starts_with("extra ")), &["proof_wrong"]);
    check(text.replace("\nindex 1\n", "\nindex 2\n"), &["proof_wrong"]);
    let sibling = text.split('\n').nth(3).unwrap().to_owned();
    check(spoil(&text, |line| line == sibling), &["proof_wrong"]);
    let (_, note) = text.split_once("\n\n").unwrap();
    let root = note.split('\n').nth(2).unwrap().to_owned();
    check(spoil(&text, |line| line == root), &["checkpoint_wrong"]);
    let size = note.split('\n').nth(1).unwrap().to_owned();
    check(
        text.replace(&format!("\n{size}\n"), &format!("\n{}\n", size.parse::<u64>().unwrap() + 1)),
        &["checkpoint_wrong"],
    );
    check(text.replace("\nledger.example/test\n", "\nledger.example/rest\n"), &["checkpoint_wrong"]);
    check(spoil(&text, |line| line.starts_with("— ledger.example/test ")), &["checkpoint_wrong"]);
    check(spoil(&text, |line| line.starts_with("— ledger.example/test/land ")), &["checkpoint_wrong"]);
    check(text.replace("tlog-proof@v1", "tlog-proof@v2"), &["malformed"]);
    check(text[..text.len() / 2].to_owned(), &["malformed", "checkpoint_wrong"]);
    check(String::new(), &["malformed"]);
}

#[test]
fn a_status_receipt() {
    let fixture = Fixture::new();
    let receipt: Value = serde_json::from_slice(&fixture.read("old.dalil-status")).unwrap();
    let check = |pointer: &str, reasons: &[&str]| {
        let mut spoilt = receipt.clone();
        let field = spoilt.pointer_mut(pointer).expect(pointer);
        let text = field.as_str().expect(pointer);
        let other = if text.starts_with('a') { "b" } else { "a" };
        *field = json!(format!("{other}{}", &text[1..]));
        refused(&fixture, "spoilt.dalil-status", &spoilt.to_string(), reasons);
    };
    check("/format", &["malformed"]);
    check("/header", &["malformed"]);
    check("/path/0", &["proof_wrong"]);
    check("/checkpoint", &["checkpoint_wrong"]);
    check("/reads/0/key", &["incomplete"]);
    check("/reads/1/key", &["incomplete"]);
    check("/reads/1/value", &["proof_wrong"]);
    check("/reads/2/value", &["proof_wrong"]);

    // Without the read that shows the document to be superseded.
    let mut silent = receipt.clone();
    silent["reads"].as_array_mut().unwrap().pop();
    refused(&fixture, "spoilt.dalil-status", &silent.to_string(), &["incomplete"]);
    // With the value left out that revokes it.
    let mut absent = receipt.clone();
    absent["reads"][2]["value"] = Value::Null;
    refused(&fixture, "spoilt.dalil-status", &absent.to_string(), &["proof_wrong"]);
    let painted = receipt.to_string().replacen('{', "{\"\\u001b[2J\\u001b[HVALID\": 0,", 1);
    refused(&fixture, "spoilt.dalil-status", &painted, &["malformed"]);
    let doubled = receipt.to_string().replacen("\"format\"", "\"format\":\"dalil-status/v1\",\"format\"", 1);
    refused(&fixture, "spoilt.dalil-status", &doubled, &["malformed"]);
}

#[test]
fn bytes_all_over_both_receipts() {
    let fixture = Fixture::new();
    for name in ["good.tlog-proof", "revoked.dalil-status"] {
        let whole = fixture.read(name);
        let spoilt_name = format!("spoilt-{name}");
        // A prime step, so that every line of a regular file is met.
        for place in (0..whole.len()).step_by(whole.len() / 61) {
            let mut spoilt = whole.clone();
            spoilt[place] ^= 1;
            fixture.write(&spoilt_name, &spoilt);
            let (code, json) = fixture.offline(&spoilt_name, &[]);
            assert_eq!(code, 4, "byte {place} of {name}: {json}");
        }
    }
}
