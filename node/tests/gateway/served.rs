//! The real program: good calls, bad ones, and a node that is killed at every moment.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use dalil_contracts::certificate::{CertificateCall, Origin};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Question, Terms, verify_inclusion, verify_status};
use serde_json::{Value, json};

use crate::network::now_ms;
use crate::office::{CLIENT, Office, SLOW_CLIENT, answer, api_key};
use crate::support::{domicile, token};

/// Rounds in which the node is killed.
const KILLS: u64 = 8;

fn uri(number: u64) -> String {
    format!("in.gov.wb.district-DOM-{number:016x}")
}

/// The subject under which a certificate's history is kept.
fn holder(number: u64) -> String {
    format!("holder/{number:032x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_departments_system_records_with_plain_json() {
    let office = Office::open().await;
    receipts_prove_what_was_recorded(&office).await;
    a_batch_is_handed_in_as_documents(&office).await;
    refusals_say_what_to_mend(&office).await;
    nobody_else_gets_in(&office).await;
    hostile_clients_keep_nobody_waiting(&office).await;
    no_secret_is_in_the_log(&office);
}

async fn receipts_prove_what_was_recorded(office: &Office) {
    let call = domicile(1, now_ms());
    let (status, said) = office.send("first", &call).await;
    assert_eq!((status, &said["outcome"], &said["repeated"]), (200, &json!("recorded"), &json!(false)), "{said}");
    let (pin, index) = (office.network.pin(), said["index"].as_u64().unwrap());
    let inclusion = said["inclusion"].as_str().unwrap();
    assert_eq!(verify_inclusion(inclusion.as_bytes(), pin.policy(), now_ms()).unwrap().index, index);
    let document = &said["documents"][0];
    assert_eq!((&document["uri"], &document["answer"]["result"]), (&json!(uri(1)), &json!("checked")), "{said}");
    let receipt = serde_json::to_vec(&document["receipts"]["status"]).unwrap();
    let proven = verify_status(&receipt, &pin, &Question::Uri(token(&uri(1))), Terms::now(now_ms())).unwrap();
    assert_eq!(proven.status, Status::Valid);
    // The same request, written otherwise: the same record.
    for body in [serde_json::to_string(&call).unwrap(), serde_json::to_string_pretty(&call).unwrap()] {
        let (status, again) = answer(office.request("first", body)).await.unwrap();
        assert_eq!((status, &again["repeated"]), (200, &json!(true)), "{again}");
        for field in ["id", "index", "height", "timestamp_ms"] {
            assert!(!said[field].is_null() && again[field] == said[field], "{field}: {again}");
        }
    }
    let (_, shown) = office.network.json(1, &format!("/v1/records/{}", said["id"].as_str().unwrap())).await.unwrap();
    assert_eq!(shown["signer"], json!(office.network.officer("district-gateway").public()), "{shown}");
    assert_eq!(office.history(0, &holder(1)).await, [index]);
}

async fn a_batch_is_handed_in_as_documents(office: &Office) {
    let single = serde_json::to_value(domicile(0, now_ms())).unwrap();
    let document = |number: u64| {
        let mut certificate = single["call"]["certificate"]["issue"]["certificate"].clone();
        certificate["uri"] = json!(uri(number));
        certificate["number"] = json!(format!("DOM-{number}"));
        certificate["digest"] = json!(sha256(&number.to_le_bytes()));
        certificate
    };
    let issue = &single["call"]["certificate"]["issue"];
    let batch = json!({ "kind": issue["kind"], "place": issue["place"], "origin": issue["origin"] });
    let body = json!({
        "posting": single["posting"],
        "call": { "certificate": { "issue_batch": batch } },
        "documents": (500..503).map(document).collect::<Vec<_>>(),
    });
    let (status, said) = answer(office.request("batch", body.to_string())).await.unwrap();
    assert_eq!((status, &said["documents"]), (200, &json!([])), "{said}");
    let (_, shown) = office.network.json(0, &format!("/v1/verify?uri={}", uri(501))).await.unwrap();
    assert_eq!((&shown["answer"]["status"], &shown["answer"]["record"]), (&json!("valid"), &said["index"]), "{shown}");
}

/// A problem document with this status and code; what it says.
fn problem((status, said): (u16, Value), expected: u16, code: &str) -> String {
    assert_eq!((status, said["code"].as_str()), (expected, Some(code)), "{said}");
    assert_eq!(said["status"], expected);
    said["detail"].as_str().unwrap().to_owned()
}

async fn refusals_say_what_to_mend(office: &Office) {
    let now = now_ms();
    // Another request under a key that was used.
    let detail = problem(office.send("first", &domicile(2, now)).await, 422, "idempotency_key_reused");
    assert!(detail.contains("key of its own"), "{detail}");
    // Rules, with their codes and sentences.
    let with_posting = |posting: &str| Invocation { posting: token(posting), ..domicile(3, now) };
    let detail = problem(office.send("nobody", &with_posting("district/nobody")).await, 422, "A1");
    assert!(detail.contains("there is no posting district/nobody"), "{detail}");
    let detail = problem(office.send("collector", &with_posting("district/collector")).await, 422, "A7");
    let gateway = office.network.officer("district-gateway").public().to_string();
    assert!(detail.contains(&gateway) && detail.contains("administrator"), "{detail}");
    problem(office.send("again", &domicile(1, now)).await, 422, "C1");
    let Call::Certificate(CertificateCall::Issue { kind, mut place, certificate, .. }) = domicile(4, now).call else {
        panic!()
    };
    place.district = 9_999;
    let call = CertificateCall::Issue { kind, place, origin: Origin::Decided, certificate };
    let elsewhere = Invocation { call: Call::Certificate(call), ..domicile(4, now) };
    let (status, said) = office.send("elsewhere", &elsewhere).await;
    assert_eq!(status, 422, "{said}");
    assert!(!said["detail"].as_str().unwrap().is_empty());
    // A request that was refused is not recorded, and its key still names it.
    problem(office.send("nobody", &with_posting("district/nobody")).await, 422, "A1");
    problem(office.send("nobody", &domicile(5, now)).await, 422, "idempotency_key_reused");
    // JSON: the field that does not fit.
    let good = serde_json::to_value(domicile(6, now)).unwrap();
    let mut body = good.clone();
    body["call"]["certificate"]["issue"]["certificate"]["digest"] = json!("abc");
    let malformed = |body: String, key: &'static str| async move {
        problem(answer(office.request(key, body)).await.unwrap(), 400, "T_MALFORMED")
    };
    let detail = malformed(body.to_string(), "json-1").await;
    assert!(detail.starts_with("call.certificate.issue.certificate.digest: "), "{detail}");
    let detail = malformed("{\"posting\": \"\u{202e}x\"}".to_owned(), "json-2").await;
    assert!(detail.is_ascii(), "{detail}");
    malformed("{".to_owned(), "json-3").await;
    malformed(String::new(), "json-4").await;
    // The key that names a request.
    let without = office.network.client.post(office.url("/gateway/v1/records")).bearer_auth(api_key(CLIENT));
    problem(answer(without.body(good.to_string())).await.unwrap(), 400, "idempotency_key");
    for key in ["two words", "", &"k".repeat(129)] {
        problem(answer(office.request(key, good.to_string())).await.unwrap(), 400, "idempotency_key");
    }
    let twice = office.request("one", good.to_string()).header("Idempotency-Key", "two");
    problem(answer(twice).await.unwrap(), 400, "idempotency_key");
    assert!(office.history(0, &holder(6)).await.is_empty());
}

async fn nobody_else_gets_in(office: &Office) {
    let body = serde_json::to_string(&domicile(7, now_ms())).unwrap();
    let post = || office.network.client.post(office.url("/gateway/v1/records")).header("Idempotency-Key", "k");
    let digest = sha256(api_key(CLIENT).as_bytes());
    let key = api_key(CLIENT);
    let mut said = Vec::new();
    for authorization in [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some(format!("Bearer {digest}")),
        Some(format!("Bearer {}", key.to_uppercase())),
        Some(format!("Basic {key}")),
        Some(key.clone()),
        Some(format!("Bearer {}", "a".repeat(4_000))),
    ] {
        let request = match authorization {
            None => post(),
            Some(value) => post().header("Authorization", value),
        };
        said.push(problem(answer(request.body(body.clone())).await.unwrap(), 401, "api_key"));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "the answer tells one wrong key from another: {said:?}");
    // A posting that this client may not ask for: the same words whether it exists or not.
    let mut said = Vec::new();
    for posting in ["land/intake", "land/nobody"] {
        let call = Invocation { posting: token(posting), ..domicile(7, now_ms()) };
        said.push(problem(office.send("land", &call).await, 403, "posting"));
    }
    assert_eq!(said[0], said[1]);
    // Each listener serves its own.
    let public = office.network.client.post(office.network.url(0, "/gateway/v1/records")).bearer_auth(&key);
    problem(answer(public.header("Idempotency-Key", "k").body(body.clone())).await.unwrap(), 404, "not_found");
    let (status, _) = answer(office.network.client.get(office.url("/v1/status")).bearer_auth(&key)).await.unwrap();
    assert_eq!(status, 404);
    // The rate is each client's own.
    let slow = || post().bearer_auth(api_key(SLOW_CLIENT)).body("{");
    let mut refused = None;
    for _ in 0..20 {
        let response = slow().send().await.unwrap();
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("twenty requests in less than twenty seconds");
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, _) = office.send("not the slow one", &domicile(8, now_ms())).await;
    assert_eq!(status, 400, "spaces in the key, not the rate");
    assert!(office.history(0, &holder(7)).await.is_empty());
}

async fn hostile_clients_keep_nobody_waiting(office: &Office) {
    // Too long, with a key and without: unread without one.
    let huge = || vec![b' '; 7 << 20];
    // The node answers before it has read all, so a client that still writes may find the connection closed.
    assert!(matches!(answer(office.request("huge", huge())).await, None | Some((413, _))));
    let stranger = reqwest::Client::new().post(office.url("/gateway/v1/records")).body(huge());
    assert!(matches!(answer(stranger).await, None | Some((401, _))));
    // Clients that send a little and no more, as many as may connect but one.
    let crowd: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", office.port)).unwrap();
            let key = api_key(CLIENT);
            let head = format!("POST /gateway/v1/records HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n");
            let rest = format!("idempotency-key: slow-{number}\r\ncontent-length: 1000\r\n\r\n{{");
            stream.write_all(if number % 2 == 0 { head } else { head + &rest }.as_bytes()).unwrap();
            stream
        })
        .collect();
    let (status, said) = office.send("amid-a-crowd", &domicile(9, now_ms())).await;
    assert_eq!(status, 200, "{said}");
    drop(crowd);
    // What is no HTTP.
    let mut stream = TcpStream::connect(("127.0.0.1", office.port)).unwrap();
    stream.write_all(&[0xa5; 4_096]).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let _closed = stream.read(&mut [0; 64]);
}

fn no_secret_is_in_the_log(office: &Office) {
    let log = office.network.log(0);
    assert!(log.contains("gateway: recorded") && log.contains("gateway: refused"), "{log}");
    let seed = hex(office.network.officer("district-gateway").seed());
    for secret in [&api_key(CLIENT), &api_key(SLOW_CLIENT), "Bearer", "authorization", &seed, "DOM-1", "wrong"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_every_request_becomes_one_record() {
    let office = Office::open().await;
    let network = &office.network;
    // Taken, not final, then killed: two of four nodes are down.
    network.kill(2);
    network.kill(3);
    let call = domicile(1, now_ms());
    let request = network.client.post(office.url("/gateway/v1/records?wait_ms=1500"));
    let request = request.bearer_auth(api_key(CLIENT)).header("Idempotency-Key", "outage");
    let (status, pending) = answer(request.body(serde_json::to_string(&call).unwrap())).await.unwrap();
    assert_eq!((status, &pending["outcome"]), (202, &json!("pending")), "{pending}");
    network.kill(0);
    for node in [0, 2, 3] {
        network.start(node);
    }
    let said = office.recorded("outage", &call).await;
    assert_eq!((&said["id"], &said["repeated"]), (&pending["id"], &json!(true)), "{said}");
    assert_eq!(office.history(0, &holder(1)).await.len(), 1);
    // At any moment: before the book is written, between book and mempool, before the answer.
    let mut calls = Vec::new();
    for round in 0..KILLS {
        let (number, key) = (100 + round, format!("round-{round}"));
        let call = domicile(number, now_ms());
        let sent = answer(office.request(&key, serde_json::to_string(&call).unwrap()));
        let (said, ()) = tokio::join!(sent, async {
            tokio::time::sleep(Duration::from_millis(round * round * 2)).await;
            network.kill(0);
        });
        network.start(0);
        calls.push((number, key, call, said));
    }
    for (number, key, call, said) in calls {
        let again = office.recorded(&key, &call).await;
        if let Some((200, said)) = said {
            assert_eq!(again["id"], said["id"], "{key}");
        }
        assert_eq!(office.history(0, &holder(number)).await, [again["index"].as_u64().unwrap()], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_lapsed_is_signed_anew_once() {
    let office = Office::closed(5);
    let network = &office.network;
    network.up().await;
    network.kill(2);
    network.kill(3);
    let call = domicile(1, now_ms());
    let request = network.client.post(office.url("/gateway/v1/records?wait_ms=500"));
    let request = request.bearer_auth(api_key(CLIENT)).header("Idempotency-Key", "lapse");
    let (status, pending) = answer(request.body(serde_json::to_string(&call).unwrap())).await.unwrap();
    assert_eq!(status, 202, "{pending}");
    // It lapses while there is no quorum, and is in no memory any more.
    network.kill(0);
    network.kill(1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    for node in 0..4 {
        network.start(node);
    }
    for node in 0..2 {
        network.ok(node, "/health/ready").await;
    }
    // The chain stands where it stood: a block in between might hold it, so nothing is signed yet.
    let (status, said) = office.send("lapse", &call).await;
    assert_eq!((status, &said["code"]), (503, &json!("undecided")), "{said}");
    // Somebody's record carries the chain beyond the expiry.
    network.acknowledged(1, 50).await;
    let said = office.recorded("lapse", &call).await;
    assert_ne!(said["id"], pending["id"]);
    assert_eq!(office.history(0, &holder(1)).await, [said["index"].as_u64().unwrap()]);
    let again = office.recorded("lapse", &call).await;
    assert_eq!((&again["id"], &again["repeated"]), (&said["id"], &json!(true)));
}

#[test]
fn a_gateway_that_is_not_safe_is_not_started() {
    let office = Office::closed(600);
    let config = office.network.home(0).join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let refused = |from: &str, to: &str, words: &str| {
        assert!(text.contains(from), "{text}");
        std::fs::write(&config, text.replacen(from, to, 1)).unwrap();
        let said = office.network.refusal(0);
        assert!(said.contains(words), "{said}");
        std::fs::write(&config, &text).unwrap();
    };
    let listen = format!("127.0.0.1:{}", office.port);
    refused(&listen, "0.0.0.0:8090", "allow_remote");
    refused(&listen, &format!("127.0.0.1:{}", office.network.http_port), "port of its own");
    refused("district/*", "dis*trict", "only at the end");
    let seed = office.network.folder.path().join("officers/district-gateway.seed");
    let mode = |mode| std::fs::set_permissions(&seed, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(0o640);
    let said = office.network.refusal(0);
    assert!(said.contains("chmod 600") && said.contains("mode 640"), "{said}");
    mode(0o600);
    std::fs::rename(&seed, seed.with_extension("away")).unwrap();
    let said = office.network.refusal(0);
    assert!(said.contains("the gateway's key"), "{said}");
}
