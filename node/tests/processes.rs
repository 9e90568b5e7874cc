//! The real program: validators as processes on loopback that are killed, restarted, and given broken folders.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "support/network.rs"]
mod network;
#[path = "support/mod.rs"]
mod support;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::authority::AuthorityCall;
use dalil_contracts::authority::evidence::ANYBODY;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::receipt::{Question, Terms, verify_inclusion, verify_status};
use dalil_ledger::statement::{SignedStatement, Statement};
use dalil_ledger::validators::VoteKind;
use dalil_node::shell::home::read_seed;
use serde_json::Value;

use network::{Network, now_ms};
use support::{domicile, token};

fn uri(number: u64) -> String {
    format!("in.gov.wb.district-DOM-{number:016x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_are_killed_and_come_back_and_nothing_acknowledged_is_lost() {
    let network = Network::generate();
    for node in 0..4 {
        network.start(node);
    }
    for node in 0..4 {
        network.ok(node, "/health/ready").await;
    }
    let mut acknowledged = Vec::new();
    for number in 0..4 {
        acknowledged.push(network.acknowledged(number as usize, number).await);
    }

    // One is killed while records come in.
    network.kill(3);
    for number in 10..14 {
        acknowledged.push(network.acknowledged(number as usize % 3, number).await);
    }
    // Garbage on a port for peers.
    for _ in 0..5 {
        let mut stream = TcpStream::connect(("127.0.0.1", network.p2p_port + 1)).unwrap();
        let _closed = stream.write_all(&[0xa5; 4_096]);
    }
    let height = network.height(0).await;
    network.start(3);
    network.wait_for_height(3, height).await;
    // Now its vote is needed.
    network.kill(0);
    acknowledged.push(network.acknowledged(3, 20).await);

    // Two down: no acknowledgement, and no fresh status.
    let pin = Pin::from_json(&std::fs::read(network.folder.path().join("pin.json")).unwrap()).unwrap();
    // Acknowledged is final; a receipt needs the cosignatures too, which follow.
    let index = acknowledged[8];
    network.ok(2, &format!("/v1/receipts/inclusion?index={index}")).await;
    network.kill(1);
    let (waiting, body) = network.submission(30);
    let (status, said) = network.post(2, "/v1/records?wait_ms=1500", body).await;
    assert_eq!((status, said["outcome"].as_str()), (202, Some("pending")));
    let receipt = network.ok(2, &format!("/v1/receipts/status?uri={}", uri(20))).await;
    let question = Question::Uri(token(&uri(20)));
    let age_max_ms = 1_000;
    let terms = Terms { age_max_ms: Some(age_max_ms), ..Terms::now(now_ms() + age_max_ms) };
    let stale = verify_status(&receipt, &pin, &question, terms);
    assert_eq!(stale.unwrap_err().code(), "stale");
    assert!(verify_status(&receipt, &pin, &question, Terms::now(now_ms())).is_ok(), "within a day's age");
    let inclusion = network.ok(2, &format!("/v1/receipts/inclusion?index={index}")).await;
    assert_eq!(verify_inclusion(&inclusion, pin.policy(), now_ms()).unwrap().index, index);

    // One returns: the waiting record becomes final.
    network.start(0);
    network.ok(2, &format!("/v1/records/{waiting}")).await;
    network.start(1);
    let height = network.height(2).await;
    for node in 0..4 {
        network.wait_for_height(node, height).await;
    }
    for index in acknowledged {
        let path = format!("/v1/records/{index}");
        let first = network.ok(0, &path).await;
        for node in 1..4 {
            assert_eq!(network.ok(node, &path).await, first, "index {index} on node {node}");
        }
    }
    bad_requests(&network).await;
    contradictions_are_shown(&network).await;
    land_registers_are_proven(&network).await;
    pages_are_served(&network).await;
}

/// Every node has the portal beside its REST interface, and asks itself.
async fn pages_are_served(network: &Network) {
    for node in 0..4 {
        let home = String::from_utf8(network.ok(node, "/").await).unwrap();
        assert!(home.contains("<form") && home.contains("/portal/portal.js"), "{home}");
        let answer = String::from_utf8(network.ok(node, &format!("/check?uri={}&lang=en", uri(0))).await).unwrap();
        assert!(answer.contains("data-status=\"valid\"") && answer.contains("3 of 4 validators"), "{answer}");
    }
    let (status, problem) = network.json(0, "/no-such-page").await.unwrap();
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")), "programs still get problem documents");
}

/// Anybody may put on record that a validator's key signed two things at one place; every node shows it.
async fn contradictions_are_shown(network: &Network) {
    let (_, none) = network.json(0, "/v1/evidence").await.unwrap();
    assert_eq!(none, serde_json::json!({ "evidence": [], "accusations": [], "next": null }));
    let key = read_seed(&network.home(3).join("keys/validator.seed")).unwrap().derive("consensus");
    let signed = |block| {
        let statement = Statement::vote(VoteKind::Prevote, 1, 0, block);
        SignedStatement { statement, signature: statement.sign(&key, &network.chain) }
    };
    let evidence = Evidence::new(key.public(), signed(None), signed(Some(Hash([1; 32]))));
    let call = Call::Authority(AuthorityCall::RecordEvidence { evidence });
    let invocation = Invocation { posting: token(ANYBODY), call };
    let body = support::body(network.chain, "a passer-by", invocation.encode(), 1, now_ms() + 60_000);
    let record = BASE64.encode(codec::encode(&body.sign(&support::key_of("a passer-by"))));
    let record = serde_json::json!({ "record": record }).to_string();
    let (status, said) = network.post(0, "/v1/records?wait_ms=30000", record).await;
    assert_eq!(status, 200, "{said}");
    let index = said["index"].as_u64().unwrap();

    network.wait_for_height(2, network.height(0).await).await;
    // Written down by this node a moment after the block.
    let path = format!("/v1/evidence?validator={}", key.public());
    let shown = network.json_when(2, &path, "shown", |shown| shown["evidence"][0].is_object()).await;
    let piece = &shown["evidence"][0];
    assert_eq!((piece["recorded"].as_u64(), piece["phase"].as_str()), (Some(index), Some("prevote")), "{shown}");
    assert_eq!(serde_json::from_value::<Evidence>(piece["evidence"].clone()).unwrap(), evidence);
    let department = piece["department"].as_str().unwrap();
    let (_, same) = network.json(2, &format!("/v1/evidence?validator={department}")).await.unwrap();
    assert_eq!(same, shown);
    let (_, nobody) = network.json(2, "/v1/evidence?validator=nobody").await.unwrap();
    assert_eq!(nobody["evidence"], serde_json::json!([]));
    let (_, status) = network.json(2, "/v1/status").await.unwrap();
    assert_eq!((&status["contradictions"], &status["contradictions_unrecorded"]), (&1.into(), &0.into()));
    // Proofs are made on a head that a quorum cosigned, which follows.
    network.ok(2, &format!("/v1/receipts/inclusion?index={index}")).await;
    let (_, proven) = network.json(2, &format!("/v1/state?key=auth/evidence/{}/1", key.public())).await.unwrap();
    assert!(proven["value"].is_string() && proven["proof"].is_object(), "{proven}");

    let asked =
        Command::new(env!("CARGO_BIN_EXE_dalil")).args(["node", "evidence", "--url", &network.url(2, "")]).output();
    let said = String::from_utf8(asked.unwrap().stdout).unwrap();
    assert!(said.contains(department) && said.contains(&format!("on record at log index {index}")), "{said}");
}

/// Records a call of an officer through the first node; returns its log index.
async fn record(network: &Network, posting: &str, officer: &str, call: Value) -> u64 {
    let call: Call = serde_json::from_value(call).unwrap();
    let invocation = Invocation { posting: token(posting), call };
    let key = network.officer(officer);
    let mut body = support::body(network.chain, officer, invocation.encode(), 1, now_ms() + 600_000);
    body.signer = key.public();
    let record = serde_json::json!({ "record": BASE64.encode(codec::encode(&body.sign(&key))) }).to_string();
    let (status, said) = network.post(0, "/v1/records?wait_ms=30000", record).await;
    assert_eq!(status, 200, "{said}");
    said["index"].as_u64().unwrap()
}

/// A deed, a mutation, a charge and a case that waits, and the registers that tell of them, checked by the program.
async fn land_registers_are_proven(network: &Network) {
    let digest = |text: &str| dalil_ledger::crypto::sha256(text.as_bytes()).to_string();
    let deed = |number: u32, kind: &str, taker: &str| {
        serde_json::json!({ "land": { "register_deed": {
            "deed": format!("0101-I-{number:05}-2026"), "kind": kind, "transferees": [digest(taker)],
            "conveyances": [{
                "transferor": { "khatian": "9300-1/11" }, "plots": [{ "plot": "9300-1/7", "share": "1/2" }],
                "to": [{ "transferee": 0, "part": "1/1" }],
            }],
        } } })
    };
    let registrar = ("registration/adsr-bankura", "registration-adsr-bankura");
    let ((dllro, its_officer), (system, its_key)) = (("land/dllro", "land-dllro"), ("land/system", "land-system"));
    let mouza = serde_json::json!({ "id": "9300-1", "district": 305, "block": 2795, "thana": null, "jl": 1 });
    record(network, dllro, its_officer, serde_json::json!({ "land": { "register_mouza": mouza } })).await;
    let import = serde_json::json!({
        "mouza": "9300-1", "source": digest("older register"), "as_on_ms": 0,
        "khatians": [{ "number": 11, "holder": digest("holder 11") }],
        "plots": [{
            "plot": "9300-1/7", "class": "danga", "area": 5000, "holdings": [{ "khatian": 11, "share": "1/1" }],
            "remainder": "0/1",
        }],
    });
    record(network, system, its_key, serde_json::json!({ "land": { "import": import } })).await;
    record(network, registrar.0, registrar.1, deed(1, "mortgage", "bank")).await;
    let charge = serde_json::json!({ "plot": "9300-1/7", "charge": {
        "rank": 1, "holder": digest("bank"), "instrument": "0101-I-00001-2026" } });
    record(network, registrar.0, registrar.1, serde_json::json!({ "land": { "charge": charge } })).await;
    record(network, registrar.0, registrar.1, deed(2, "sale", "buyer")).await;
    let mutate = serde_json::json!({
        "case": "M-9300-1", "deed": "0101-I-00002-2026", "saw": [{ "khatian": "9300-1/11", "version": 2 }],
        "khatians": [{ "transferee": 0, "khatian": { "open": { "number": 12 } } }],
    });
    let mutated = record(network, system, its_key, serde_json::json!({ "land": { "mutate_auto": mutate } })).await;
    record(network, registrar.0, registrar.1, deed(3, "gift", "child")).await;
    let ground = serde_json::json!({ "deed": { "deeds": ["0101-I-00003-2026"], "plots": ["9300-1/7"] } });
    let file = serde_json::json!({ "land": { "file": { "case": "M-9300-2", "ground": ground } } });
    let filed = record(network, "land/intake", "land-intake", file).await;
    // Proofs are made on a head that a quorum cosigned, which follows.
    network.ok(0, &format!("/v1/receipts/inclusion?index={filed}")).await;

    let land = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
        let pin = network.folder.path().join("pin.json");
        command.args(["land", "--json"]).args(arguments).arg("--policy").arg(pin);
        let done = command.output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        (done.status.code().unwrap(), said)
    };
    let url = network.url(0, "");
    let kept = network.folder.path().join("title.dalil-register");
    let (code, title) = land(&["title", "9300-1/7", "--url", &url, "--save", kept.to_str().unwrap()]);
    assert_eq!((code, &title["proven"]), (0, &true.into()), "{title}");
    let lines = title["register"]["lines"].as_array().unwrap();
    assert_eq!((lines.len(), lines[0]["record"].as_u64()), (1, Some(mutated)), "{title}");
    assert_eq!(lines[0]["ground"]["deed"]["deeds"][0], "0101-I-00002-2026");
    let (code, found) = land(&["encumbrances", "9300-1/7", "--url", &url]);
    let charges = found["register"]["charges"].as_array().unwrap();
    assert_eq!((code, charges.len(), charges[0]["satisfied"].is_null()), (0, 1, true), "{found}");
    let (code, waiting) = land(&["pendency", "land/blro-2795", "--url", &url]);
    assert_eq!((code, &waiting["register"]["cases"][0]["waiting"]["case"]), (0, &"M-9300-2".into()), "{waiting}");
    assert_eq!(waiting["register"]["seats"][0]["stages"][0], serde_json::json!({ "stage": "filed", "cases": 1 }));

    // What is not on record is proven too; a kept receipt needs no node, and no change survives.
    let (code, none) = land(&["title", "9300-1/8", "--url", &url]);
    assert_eq!((code, &none["refused"]["code"]), (3, &"D2".into()), "{none}");
    assert_eq!(land(&["title", "9300-1/7", "--receipt", kept.to_str().unwrap()]).0, 0);
    let (code, other) = land(&["title", "9300-1/8", "--receipt", kept.to_str().unwrap()]);
    assert_eq!((code, &other["could_not_check"]), (4, &"incomplete".into()), "{other}");
    let mut receipt: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    receipt["reads"].as_array_mut().unwrap().pop();
    std::fs::write(&kept, receipt.to_string()).unwrap();
    let (code, cut) = land(&["title", "9300-1/7", "--receipt", kept.to_str().unwrap()]);
    assert_eq!((code, &cut["could_not_check"]), (4, &"incomplete".into()), "{cut}");
    // Without a pin it is the node's word, and said so.
    let asked = Command::new(env!("CARGO_BIN_EXE_dalil")).args(["land", "title", "9300-1/7", "--url", &url]).output();
    let asked = asked.unwrap();
    assert_eq!(asked.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&asked.stdout).contains("not proven"));
    for path in ["/v1/land/title", "/v1/land/title?plot=9300", "/v1/land/pendency?office=a%20b"] {
        assert_eq!(network.json(0, path).await.unwrap().0, 400, "{path}");
    }
}

async fn bad_requests(network: &Network) {
    let problem = |(status, said): (u16, Value), expected: u16| {
        assert_eq!(status, expected, "{said}");
        assert_eq!(said["status"], expected, "a problem document: {said}");
        assert!(said["code"].is_string() && said["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{said}");
    };
    for (path, expected) in [
        ("/nowhere", 404),
        ("/v1/records/nothing", 400),
        ("/v1/records/99999999", 404),
        ("/v1/blocks/minus", 400),
        ("/v1/blocks/99999999", 404),
        ("/tile/0/zz", 400),
        ("/tile/63/x999/999", 400),
        ("/tile/0/x123/456", 404),
        ("/v1/verify", 400),
        ("/v1/verify?uri=a%20b", 400),
        ("/v1/receipts/inclusion?uri=in.gov.wb.district-DOM-none", 404),
        ("/v1/receipts/inclusion?index=99999999", 404),
        // Genesis: a header, of which no receipt speaks.
        ("/v1/receipts/inclusion?index=0", 404),
        ("/v1/history?subject=", 400),
        ("/v1/state?other=1", 400),
        ("/v1/evidence?after=zz", 400),
    ] {
        println!("{path}");
        problem(network.json(0, path).await.unwrap(), expected);
    }
    problem(network.post(0, "/v1/records", "{").await, 400);
    problem(network.post(0, "/v1/records", r#"{"record":"AAAA"}"#).await, 400);
    problem(network.post(0, "/v1/records", r#"{"record":"?"}"#).await, 400);
    problem(network.post(0, "/v1/records?wait_ms=soon", "{}").await, 400);
    // The node answers before it has read all, so a client that still writes may find the connection closed; on a
    // connection of its own, which nobody takes up again.
    let huge = reqwest::Client::new().post(network.url(0, "/v1/records")).body(vec![b' '; 7 << 20]).send().await;
    assert!(huge.is_err() || huge.is_ok_and(|huge| huge.status() == 413));
    problem(network.post(0, "/policy", "").await, 405);
    // An unknown document is answered, with a proof.
    let (status, said) = network.json(0, "/v1/verify?uri=in.gov.wb.district-DOM-unknown00000").await.unwrap();
    assert_eq!((status, said["answer"]["result"].as_str()), (200, Some("checked")), "{said}");
    // Refusals of records come with their codes.
    let (mut record, now) = (domicile(900, now_ms()), now_ms());
    record.posting = token("district/nobody");
    let key = network.officer(support::SDO.1);
    let mut body = support::body(network.chain, support::SDO.1, record.encode(), 900, now + 60_000);
    body.signer = key.public();
    let record = serde_json::json!({ "record": BASE64.encode(codec::encode(&body.sign(&key))) }).to_string();
    let (status, said) = network.post(0, "/v1/records", record).await;
    assert_eq!((status, said["code"].as_str()), (422, Some("A1")), "{said}");
}

/// The newest file of a kind in a database.
fn database_file(home: &Path, matches: impl Fn(&str) -> bool) -> PathBuf {
    let files = std::fs::read_dir(home.join("data")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| matches(&path.file_name().unwrap().to_string_lossy())).collect();
    files.sort();
    files.pop().unwrap()
}

/// Runs a node alone until it serves, and ends it.
async fn run_once(network: &Network, node: usize) {
    network.start(node);
    network.ok(node, "/health/live").await;
    network.kill(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_refuses_what_it_cannot_start_from_and_says_what_to_do() {
    let network = Network::generate();
    // Ports in use.
    for port in [network.p2p_port, network.http_port] {
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let said = network.refusal(0);
        assert!(said.contains(&port.to_string()) && said.contains("port in use"), "{said}");
        drop(taken);
    }
    run_once(&network, 0).await;

    // The data of another chain.
    let other = Network::generate();
    std::fs::create_dir_all(other.home(0)).unwrap();
    std::fs::rename(network.home(0).join("data"), other.home(0).join("data")).unwrap();
    let said = other.refusal(0);
    assert!(said.contains("belongs to chain") && said.contains("own folder"), "{said}");

    // Broken files.
    for (what, cut) in [("CURRENT", 0), ("MANIFEST", 10)] {
        run_once(&network, 1).await;
        let file = database_file(&network.home(1), |name| name.starts_with(what));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..cut]).unwrap();
        let said = network.refusal(1);
        assert!(said.contains("move the folder away") && said.contains("sign record"), "{what}: {said}");
        std::fs::remove_dir_all(network.home(1).join("data")).unwrap();
    }
    run_once(&network, 1).await;
    std::fs::remove_file(database_file(&network.home(1), |name| name == "CURRENT")).unwrap();
    let said = network.refusal(1);
    assert!(said.contains("move the folder away"), "a database without CURRENT is not an empty folder: {said}");

    // No sign record, a damaged one, another node's.
    let record = network.home(2).join("sign-record");
    let bytes = std::fs::read(&record).unwrap();
    std::fs::remove_file(&record).unwrap();
    let said = network.refusal(2);
    assert!(said.contains("no sign record") && said.contains("never created at start"), "{said}");
    std::fs::write(&record, &bytes[..bytes.len() - 1]).unwrap();
    assert!(network.refusal(2).contains("damaged"));
    std::fs::write(&record, std::fs::read(network.home(3).join("sign-record")).unwrap()).unwrap();
    assert!(network.refusal(2).contains("put the right file in place"));
    std::fs::write(&record, &bytes).unwrap();
    run_once(&network, 2).await;
}
