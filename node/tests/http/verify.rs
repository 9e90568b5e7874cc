//! The verification service, as its REST face shows it.

use dalil_contracts::certificate::record::number_key;
use dalil_contracts::land::registers::RegisterQuestion;
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Question, Terms, Trust, verify_inclusion_with, verify_register, verify_status};
use dalil_node::verification::batch_of;
use serde_json::{Value, json};

use crate::site::{CHALLAN, Site, now_ms, uri, vehicle};
use crate::support::token;

/// The receipt within an answer, checked as a stranger would.
fn proven(site: &Site, said: &Value, question: &Question) -> Status {
    let receipt = serde_json::to_vec(&said["receipts"]["status"]).unwrap();
    verify_status(&receipt, &site.pin(), question, Terms::now(now_ms())).unwrap().status
}

#[tokio::test]
async fn every_way_of_asking_leads_to_an_answer_with_its_proof() {
    let site = Site::open().await;
    let digest = sha256(b"certificate 1");
    let slot = number_key(&token("district"), &token("DOM"), &token("DOM-1"));
    for (query, question) in [
        (format!("uri={}", uri(1)), Question::Uri(token(&uri(1)))),
        (format!("digest={digest}"), Question::Digest(digest)),
        ("department=district&type=DOM&number=DOM-1".to_owned(), Question::Slot(String::from_utf8(slot).unwrap())),
        ("index=1".to_owned(), Question::Uri(token(&uri(1)))),
        (
            format!("challan={CHALLAN}&vehicle={}", vehicle()),
            Question::Uri(token(&format!("in.gov.wb.minerals-CHALLAN-{CHALLAN}"))),
        ),
    ] {
        let said = site.ask(&query).await;
        let answer = &said["answer"];
        assert_eq!((&answer["result"], &answer["status"]), (&json!("checked"), &json!("valid")), "{query}: {said}");
        assert_eq!(answer["reason"], "in_force");
        assert!(answer["entry"]["issuer"]["office"].is_string() && answer["dates"]["issued"].is_string(), "{said}");
        let checkpoint = &said["checkpoint"];
        assert_eq!((&checkpoint["quorum"], &checkpoint["validators"]), (&json!(3), &json!(4)), "{said}");
        assert!(checkpoint["freshness"].as_str().unwrap().ends_with(" IST"));
        assert!(!said["proven"].as_array().unwrap().is_empty() && !said["not_proven"].as_array().unwrap().is_empty());
        assert_eq!(proven(&site, &said, &question), Status::Valid, "{query}");
    }
}

#[tokio::test]
async fn the_record_of_a_document_is_proven_too() {
    let site = Site::open().await;
    for (query, index) in
        [(format!("uri={}", uri(1)), 1), ("uri=in.gov.wb.education-MDK-0000000000000003".to_owned(), 2)]
    {
        let said = site.ask(&query).await;
        let text = said["receipts"]["inclusion"].as_str().unwrap();
        let found = verify_inclusion_with(text.as_bytes(), Trust::Pin(&site.pin()), now_ms(), batch_of).unwrap();
        assert_eq!((found.index, found.document.is_some()), (index, index == 2), "{query}");
    }
    // A batch is a record of many documents: nothing is said about them together.
    let said = site.ask("index=2").await;
    assert_eq!(said["answer"]["status"], "recorded", "{said}");
    assert_eq!(said["answer"]["call"], "certificate.issue_batch");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let site = Site::open().await;
    let said = site.ask(&format!("uri={}", uri(99))).await;
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["entry"]),
        (&json!("not_on_record"), &Value::Null),
        "{said}"
    );
    assert_eq!(proven(&site, &said, &Question::Uri(token(&uri(99)))), Status::NotOnRecord);
    let said = site.ask("department=district&type=DOM&number=DOM-99").await;
    assert_eq!(said["answer"]["status"], "not_on_record", "{said}");
    let said = site.ask("index=99999").await;
    assert_eq!((&said["answer"]["result"], &said["answer"]["reason"]), (&json!("not_in_log"), &json!("beyond_log")));
    // A header is no record; that is neither "recorded" nor "not on record".
    let said = site.ask("index=0").await;
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["reason"]),
        (&json!("could_not_check"), &json!("not_a_record"))
    );
    // Another truck under the same challan.
    let said = site.ask(&format!("challan={CHALLAN}&vehicle={}", sha256(b"another vehicle"))).await;
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["reason"]),
        (&json!("not_on_record"), &json!("other_vehicle"))
    );
    assert!(
        said["answer"]["entry"].is_null() && said["proven"][0].as_str().unwrap().contains("another vehicle"),
        "{said}"
    );
    let said = site.ask(&format!("challan={CHALLAN}")).await;
    assert!(said["not_proven"][0].as_str().unwrap().contains("vehicle in front of you"), "{said}");
}

#[tokio::test]
async fn a_plot_is_shown_as_the_register_has_it() {
    let site = Site::open().await;
    let said = site.ask("plot=9300-1/7").await;
    let answer = &said["answer"];
    assert_eq!((&answer["result"], &answer["status"]), (&json!("plot"), &json!("valid")), "{said}");
    let receipt = serde_json::to_vec(&said["receipts"]["register"]).unwrap();
    let question = RegisterQuestion::Encumbrances("9300-1/7".parse().unwrap());
    let (now, pin) = (now_ms(), site.pin());
    let register = verify_register(&receipt, &pin, now, None, |state| question.answer(state, now)).unwrap();
    assert_eq!(serde_json::to_value(register.answer.unwrap()).unwrap(), answer["encumbrances"]);
    let said = site.ask("plot=9300-1/8").await;
    assert_eq!(said["answer"]["status"], "not_on_record", "{said}");
}

#[tokio::test]
async fn as_of_asks_for_another_day() {
    let site = Site::open().await;
    let said = site.ask(&format!("uri={}&as_of=2026-11-01", uri(1))).await;
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["reason"]),
        (&json!("not_yet_valid"), &json!("before_validity"))
    );
    assert_eq!(said["answer"]["dates"]["as_of"], "1 November 2026, 00:00:00 IST");
    let said = site.ask(&format!("uri={}&known_at_ms=1793601000001", uri(2))).await;
    assert_eq!(said["answer"]["reason"], "not_recorded_by_then", "{said}");
    let said = site.ask(&format!("uri={}&as_of_ms={}", uri(1), now_ms() + 86_400_000)).await;
    assert_eq!(
        (&said["answer"]["result"], &said["answer"]["reason"]),
        (&json!("could_not_check"), &json!("future_moment"))
    );
}

#[tokio::test]
async fn words_that_are_no_question_are_refused() {
    let site = Site::open().await;
    for query in [
        "",
        "uri=a%20b",
        "uri=x&digest=00",
        "uri=x&index=1",
        "number=DOM-1",
        "vehicle=00",
        "index=-1",
        "index=1&as_of=2026-01-01",
        "plot=9300",
        "uri=x&as_of=yesterday",
        "uri=x&as_of=2026-01-01&as_of_ms=1",
        "person=somebody",
    ] {
        let (status, said) = site.get(&format!("/v1/verify?{query}")).await;
        assert_eq!((status, &said["status"]), (400, &json!(400)), "{query}: {said}");
    }
}

#[tokio::test]
async fn a_receipt_that_was_handed_in_is_checked_and_answered_anew() {
    let mut site = Site::open().await;
    let receipt = site.ask(&format!("uri={}", uri(1))).await["receipts"].clone();
    let inclusion = receipt["inclusion"].as_str().unwrap().to_owned();
    let status = serde_json::to_string(&receipt["status"]).unwrap();
    site.issue(7);
    site.publish(now_ms());
    for text in [&status, &inclusion] {
        let (code, said) = site.post("/v1/verify/receipt", text.clone()).await;
        assert_eq!((code, &said["uploaded"]["receipt"]), (200, &json!("good")), "{said}");
        assert_eq!((&said["answer"]["status"], &said["checkpoint"]["height"]), (&json!("valid"), &json!(3)), "{said}");
        assert!(said["asked"]["receipt"].is_null());
        // Somebody turned a digit: the answer is about today, and the receipt proves nothing.
        let place = text.find("checkpoint").or_else(|| text.find("\n\n")).unwrap() + 60;
        let mut spoilt = text.clone().into_bytes();
        spoilt[place] ^= 1;
        let (code, said) = site.post("/v1/verify/receipt", spoilt).await;
        assert_eq!((code, &said["uploaded"]["receipt"]), (200, &json!("could_not_check")), "{said}");
    }
    for nothing in ["", "{}", "[1]", "c2sp.org/tlog-proof@v1\n", "in.gov.wb.x"] {
        let (code, said) = site.post("/v1/verify/receipt", nothing).await;
        assert_eq!((code, &said["answer"]["status"]), (200, &json!("could_not_check")), "{nothing}: {said}");
    }
    let (code, _) = site.post("/v1/verify/receipt", vec![0xff, 0xfe]).await;
    assert_eq!(code, 400);
    // A file is another thing: its digest is asked about.
    let (code, said) = site.post("/v1/verify", "certificate 1").await;
    assert_eq!((code, &said["answer"]["status"]), (200, &json!("valid")), "{said}");
    assert_eq!(site.post("/v1/verify", "").await.0, 400);
}

#[tokio::test]
async fn a_stale_or_unpublished_head_is_never_an_answer() {
    let site = Site::open().await;
    site.publish(now_ms() - 3 * 86_400_000);
    let said = site.ask(&format!("uri={}", uri(1))).await;
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["reason"]),
        (&json!("could_not_check"), &json!("stale")),
        "{said}"
    );
    // Cosignatures from the future count for nothing.
    site.publish(now_ms() + 86_400_000);
    let said = site.ask(&format!("uri={}", uri(1))).await;
    assert_eq!(said["answer"]["status"], "could_not_check", "{said}");
    assert!(said["checkpoint"]["quorum"].is_null());
    site.publish(now_ms());
    assert_eq!(site.ask(&format!("uri={}", uri(1))).await["answer"]["status"], "valid");
}

#[tokio::test]
async fn a_batch_is_answered_on_one_head() {
    let site = Site::open().await;
    let mut questions: Vec<Value> = (0..996).map(|number| json!({ "uri": uri(number) })).collect();
    questions.push(json!({ "plot": "9300-1/7" }));
    questions.push(json!({ "challan": CHALLAN, "vehicle": vehicle() }));
    questions.push(json!({ "department": "district", "type": "DOM", "number": "DOM-2" }));
    questions.push(json!({ "index": 2 }));
    let (status, said) = site.post("/v1/verify/batch", json!({ "questions": questions }).to_string()).await;
    assert_eq!(status, 200);
    let answers = said["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer["checkpoint"], said["checkpoint"]);
        let expected = match number {
            1 | 2 | 996..=998 => "valid",
            999 => "recorded",
            _ => "not_on_record",
        };
        assert_eq!(answer["answer"]["status"], expected, "{number}: {answer}");
    }
    assert_eq!(proven(&site, &answers[1], &Question::Uri(token(&uri(1)))), Status::Valid);
    assert_eq!(answers[3]["asked"]["uri"], uri(3));
    let without = json!({ "questions": [{ "uri": uri(1) }], "receipts": "none" });
    let (_, said) = site.post("/v1/verify/batch", without.to_string()).await;
    assert_eq!(said["answers"][0]["receipts"], json!({}));
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_with_words() {
    let site = Site::open().await;
    for count in [1_001, 10_000] {
        let questions = vec![json!({ "index": 1 }); count];
        let (status, said) = site.post("/v1/verify/batch", json!({ "questions": questions }).to_string()).await;
        assert_eq!((status, &said["code"]), (413, &json!("too_many_questions")), "{said}");
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains(&count.to_string()) && detail.contains("1000"), "{detail}");
    }
    let third = json!({ "questions": [{ "index": 1 }, { "index": 1 }, { "index": 1, "uri": "x" }] });
    let (status, said) = site.post("/v1/verify/batch", third.to_string()).await;
    assert_eq!(status, 400);
    assert!(said["detail"].as_str().unwrap().starts_with("question 2"), "{said}");
    for body in ["", "{}", "[]", "{\"questions\":[]}", "{\"questions\":[{\"person\":\"x\"}]}", "{\"questions\":[]} x"] {
        assert_eq!(site.post("/v1/verify/batch", body).await.0, 400, "{body}");
    }
}
