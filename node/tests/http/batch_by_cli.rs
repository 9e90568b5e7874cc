//! `dalil verify --batch` at a node, honest or not: tables and lines, long ones, interrupted ones, lies.

use std::sync::Mutex;

use dalil_ledger::crypto::sha256;
use dalil_node::shell::http::config::{HttpConfig, RateLimits};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::site::{CHALLAN, PLATE, Site, uri, vehicle};

/// A table as an office has it: a mark before the first byte, quotation marks, a column of its own.
const TABLE: &str =
    "\u{feff}uri,digest,index,plot,challan,plate,number,department,type,as_of,\"file, of the office\"\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_answered_line_by_line() {
    let desk = Desk::open().await;
    let digest = sha256(b"certificate 1").to_string();
    let rows = [
        format!("{},,,,,,,,,,\"=cmd|' /C calc'!A0\"", uri(1)),
        format!(",{},,,,,,,,,\"two \"\"words\"\"\"", digest.to_uppercase()),
        format!(" {} ,{digest},,,,,,,,,both", uri(2)),
        "\r\n,,1,,,,,,,,record".to_owned(),
        ",,2,,,,,,,,\"batch\r\nof two lines\"".to_owned(),
        ",,,9300-1/7,,,,,,,@plot".to_owned(),
        format!(",,,,{CHALLAN},{PLATE},,,,,truck"),
        format!(",,,,{CHALLAN},WB00S0002,,,,,another truck"),
        ",,,,,,DOM-1,district,DOM,,বাংলা \u{202e}".to_owned(),
        format!("{},,,,,,,,,2026-11-01,earlier", uri(1)),
        format!("{},,,,,,,,,,nobody's", uri(77)),
        ",,x,,,,,,,,bad number".to_owned(),
        "a b,,,,,,,,,,bad name".to_owned(),
        ",,,,,,,,,,nothing".to_owned(),
        ",,,".to_owned(),
    ];
    desk.write("table.csv", &(TABLE.to_owned() + &rows.join("\r\n") + "\r\n"));
    let carry = ["--carry", "file, of the office", "--vehicle-key", "vehicle.key"];
    let said = desk.verify(&[&["--batch", "table.csv", "--report", "report.csv"], &carry[..]].concat()).await;
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    let expected_words = [
        "NOT ALL VALID",
        "questions    15,",
        "valid        6",
        "no_question  4",
        "bad line     15, column 3 (index): expected a whole number",
        "bad line     16, column 1 (uri): ",
        "bad line     18, 4 columns, and the header has 11",
    ];
    for words in expected_words {
        assert!(said.out.contains(words), "{words} in {}", said.out);
    }
    let mut report = csv::Reader::from_path(desk.path("report.csv")).unwrap();
    let header = report.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = report.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| rows[row][header.iter().position(|it| it == name).unwrap()].to_owned();
    let answers: Vec<_> =
        (0..rows.len()).map(|row| [cell(row, "line"), cell(row, "status"), cell(row, "exit_code")]).collect();
    let expected = [
        ("2", "valid", "0"),
        ("3", "valid", "0"),
        // The digest is that of another document.
        ("4", "could_not_check", "4"),
        // After an empty line.
        ("6", "valid", "0"),
        ("7", "recorded", "5"),
        ("9", "valid", "0"),
        ("10", "valid", "0"),
        ("11", "not_on_record", "3"),
        ("12", "valid", "0"),
        ("13", "not_yet_valid", "1"),
        ("14", "not_on_record", "3"),
        ("15", "no_question", "2"),
        ("16", "no_question", "2"),
        ("17", "no_question", "2"),
        ("18", "no_question", "2"),
    ];
    assert_eq!(answers, expected.map(|(line, status, code)| [line, status, code].map(str::to_owned)));
    let own = "file, of the office";
    assert_eq!(cell(0, own), "'=cmd|' /C calc'!A0");
    assert_eq!(cell(1, own), "two \"words\"");
    assert_eq!((cell(2, "reason"), cell(7, "reason")), ("other_document".to_owned(), "other_vehicle".to_owned()));
    assert_eq!(cell(4, own), "batch⟨U+000A⟩of two lines");
    assert_eq!(cell(5, own), "'@plot");
    assert_eq!(cell(8, own), "বাংলা ⟨U+202E⟩");
    assert_eq!((cell(8, "asked"), cell(8, "uri")), ("certificate district/DOM/DOM-1".to_owned(), uri(1)));
    assert_eq!(
        (cell(0, "height"), cell(0, "log_size"), cell(0, "department")),
        ("2".into(), "8".into(), "district".into())
    );
    assert!(cell(0, "freshness").ends_with("+05:30") && cell(9, "as_of").starts_with("2026-11-01T00:00:00"));
    assert_eq!((cell(14, own), cell(13, "detail").is_empty()), (String::new(), false));
    assert!(!desk.path("report.csv.progress").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_are_questions_in_the_form_of_the_service() {
    let desk = Desk::open().await;
    let receipt = desk.site.ask(&format!("uri={}", uri(1))).await["receipts"]["status"].to_string();
    let lines = [
        json!({ "uri": uri(1), "case": { "no": 7 } }).to_string(),
        String::new(),
        json!({ "receipt": receipt, "uri": uri(1) }).to_string(),
        json!({ "receipt": receipt, "uri": uri(2) }).to_string(),
        json!({ "index": 2, "case": "=1+1" }).to_string(),
        json!({ "person": "somebody" }).to_string(),
        format!("{{\"uri\":{0:?},\"uri\":{0:?}}}", uri(1)),
        "{\"uri\":".to_owned(),
        "[]".to_owned(),
        json!({ "challan": CHALLAN, "vehicle": vehicle() }).to_string(),
    ];
    desk.write("questions.jsonl", &lines.join("\n"));
    let arguments = ["--batch", "questions.jsonl", "--report", "report.jsonl", "--carry", "case", "--json"];
    let said = desk.verify(&arguments).await;
    let sum = said.json();
    assert_eq!((said.code, &sum["exit_code"], &sum["questions"]), (4, &json!(4), &json!(9)), "{sum}");
    let statuses = json!({ "valid": 3, "recorded": 1, "could_not_check": 1, "no_question": 4 });
    assert_eq!((&sum["statuses"], &sum["stopped"]), (&statuses, &Value::Null), "{sum}");
    let report = desk.lines("report.jsonl");
    let answers: Vec<_> =
        report.iter().map(|it| (it["line"].as_u64().unwrap(), it["reason"].as_str().unwrap())).collect();
    let expected = [
        (1, "in_force"),
        (3, "in_force"),
        (4, "other_document"),
        (5, "present_status_not_proven"),
        (6, "no_question"),
        (7, "no_question"),
        (8, "no_question"),
        (9, "no_question"),
        (10, "in_force"),
    ];
    assert_eq!(answers, expected);
    // For programs the office's own words stand as they were.
    assert_eq!((&report[0]["carried"]["case"], &report[3]["carried"]["case"]), (&json!("{\"no\":7}"), &json!("=1+1")));
    assert!(report[4]["detail"].as_str().unwrap().contains("person"), "{}", report[4]);
    assert!(report[5]["detail"].as_str().unwrap().contains("stands twice"), "{}", report[5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_worst_that_came_of_any_line() {
    let desk = Desk::open().await;
    let (good, absent) = (json!({ "uri": uri(1) }), json!({ "uri": uri(77) }));
    let (early, recorded) = (json!({ "uri": uri(1), "as_of": "2026-11-01" }), json!({ "index": 2 }));
    for (lines, code) in [
        (vec![&good, &good], 0),
        (vec![&good, &recorded], 5),
        (vec![&recorded, &early, &good], 1),
        (vec![&absent, &early, &recorded], 3),
        (vec![&absent, &json!({ "x": 1 })], 2),
        (vec![&json!({ "x": 1 }), &good, &json!({ "index": 0 })], 4),
    ] {
        let text: Vec<_> = lines.iter().map(ToString::to_string).collect();
        desk.write("some.jsonl", &text.join("\n"));
        let said = desk.verify(&["--batch", "some.jsonl"]).await;
        assert_eq!(said.code, code, "{text:?} {}", said.out);
        assert_eq!(said.out.starts_with("ALL VALID\n"), code == 0, "{}", said.out);
    }
}

/// 2,500 questions of certificate 1, so that they take three requests.
fn long_table(desk: &Desk) {
    let rows: Vec<_> = (0..2_500).map(|row| format!("{},{row}", uri(1))).collect();
    desk.write("long.csv", &format!("uri,row\n{}\n", rows.join("\n")));
}

const LONG: [&str; 6] = ["--batch", "long.csv", "--report", "long.jsonl", "--carry", "row"];

/// Whether the report has each row once, in order.
fn is_whole(lines: &[Value]) -> bool {
    let row = |line: &Value| line["carried"]["row"].as_str().unwrap().parse::<usize>().unwrap();
    lines.len() == 2_500 && lines.iter().enumerate().all(|(at, line)| row(line) == at && line["line"] == at + 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_asked_in_parts_and_reported_in_order() {
    let mut desk = Desk::open().await;
    let asked = desk.lied_to(|_, _| {}).await;
    long_table(&desk);
    let said = desk.verify(&[&LONG[..], &["--requests", "3"]].concat()).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(is_whole(&desk.lines("long.jsonl")));
    let asked = asked.lock().unwrap().clone();
    let mut sizes: Vec<_> = asked
        .iter()
        .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["questions"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [500, 1_000, 1_000]);
    // It is whole: another run would overwrite it.
    let again = desk.verify(&LONG).await;
    assert_eq!((again.code, again.err.contains("is there already")), (2, true), "{}", again.err);
    let part = desk.verify(&["--batch", "long.csv", "--carry", "row", "--from-line", "2492", "--json"]).await;
    assert_eq!(part.json()["questions"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_goes_on_where_it_was() {
    let mut desk = Desk::open().await;
    long_table(&desk);
    let count = Mutex::new(0);
    desk.lied_to(move |_, said| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count > 1 {
            *said = json!({ "refused": 503, "status": 503, "code": "stopping", "detail": "the node is stopping" });
        }
    })
    .await;
    let stopped = desk.verify(&[&LONG[..], &["--requests", "1"]].concat()).await;
    assert_eq!(stopped.code, 4);
    let expected =
        ["STOPPED BEFORE THE END", "after line 1001: the node says: the node is stopping (stopping)", "goes on there"];
    assert!(expected.iter().all(|words| stopped.out.contains(words)), "{}", stopped.out);
    assert_eq!(desk.lines("long.jsonl").len(), 1_000);
    // What was on its way to the disk when the power went.
    desk.write("long.jsonl", &(desk.read("long.jsonl") + "{\"line\":1002,\"sta"));

    // Other questions are another report.
    let other = desk.verify(&[&LONG[..], &["--as-of", "2026-11-05"]].concat()).await;
    assert_eq!((other.code, other.err.contains("name another report")), (2, true), "{}", other.err);

    let asked = desk.lied_to(|_, _| {}).await;
    let done = desk.verify(&LONG).await;
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert!(
        done.out.contains("questions    2500,") && done.out.contains("before       1000 by an earlier run"),
        "{}",
        done.out
    );
    assert!(is_whole(&desk.lines("long.jsonl")));
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_too_often_is_asked_later() {
    let limits = RateLimits { requests_per_second: 1, burst: 1 };
    let site = Site::with_config(HttpConfig { limits, ..HttpConfig::default() }).await;
    let desk = Desk::at(site);
    long_table(&desk);
    let said = desk.verify(&LONG).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(is_whole(&desk.lines("long.jsonl")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_many_is_no_better_than_one_about_one() {
    let mut desk = Desk::open().await;
    let text = [json!({ "uri": uri(1) }), json!({ "uri": uri(2) }), json!({ "uri": uri(77) })].map(|it| it.to_string());
    desk.write("three.jsonl", &text.join("\n"));
    let lies: [fn(&str, &mut Value); 4] = [
        // The answers change places.
        |_, said| said["answers"].as_array_mut().unwrap().rotate_left(1),
        |_, said| drop(said["answers"].as_array_mut().unwrap().pop()),
        |_, said| said["answers"].as_array_mut().unwrap().iter_mut().for_each(|it| it["receipts"] = json!({})),
        |_, said| *said = json!([1]),
    ];
    for (place, lie) in lies.into_iter().enumerate() {
        desk.lied_to(lie).await;
        let said = desk.verify(&["--batch", "three.jsonl", "--json"]).await;
        assert_eq!(
            (said.code, &said.json()["statuses"]),
            (4, &json!({ "could_not_check": 3 })),
            "{place} {}",
            said.out
        );
    }
    // Words about the status change nothing: the receipts say what it is.
    desk.lied_to(|_, said| {
        said["answers"].as_array_mut().unwrap().iter_mut().for_each(|it| it["answer"]["status"] = json!("valid"));
    })
    .await;
    let said = desk.verify(&["--batch", "three.jsonl", "--json"]).await;
    assert_eq!((said.code, &said.json()["statuses"]), (3, &json!({ "valid": 2, "not_on_record": 1 })));
}
