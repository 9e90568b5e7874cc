//! Valid inputs of the node's targets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_consensus::{Message as Vote, Status};
use dalil_contracts::mineral::check::{CheckChallan, CheckPlace};
use dalil_contracts::mineral::device::Seal;
use dalil_contracts::mineral::geo::Point;
use dalil_ledger::block::Block;
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, Signature};
use dalil_node::core::Message;
use dalil_node::core::executor::Candidate;
use dalil_node::core::message::{CompactBlock, DecidedBlock, LooseRecord};
use dalil_node::shell::home::Config;
use dalil_node::shell::workers::Workers;

use super::chain::{build, commit, cosignature, fresh_database, open};
use super::client_files::{question, receipt};
use super::fixture::{BANKURA, START_MS, domicile, domicile_record, genesis, key_of, results, signed, token};
use crate::seeds::{Basket, Seed};

pub(crate) fn seeds() -> Vec<Seed> {
    [wire(), core(), http(), files(), book(), client_files()].concat()
}

fn wire() -> Vec<Seed> {
    let view = open(&fresh_database()).view().unwrap();
    let workers = Workers::new(genesis().parameters);
    let time_ms = START_MS + 1_000;
    let record = domicile_record(3, time_ms);
    let (batch, leaves) = results(0, 2, time_ms);
    let batch = signed("education-board", &batch, 0, time_ms);
    let executed =
        build(&view, &workers, 1, time_ms, vec![(record.clone(), None), (batch.clone(), Some(leaves.clone()))]);
    let block = Block::clone(&executed.block);
    let leaf = Candidate::new(record.clone(), None).leaf;
    let loose = LooseRecord { record, attachment: None };
    let with_leaves = LooseRecord { record: batch, attachment: Some(leaves) };
    let compact = CompactBlock { header: block.header.clone(), leaves: vec![leaf] };
    let decided = DecidedBlock { block: block.clone(), certificate: commit(&executed, 0) };
    let cosignature = cosignature(&view, 0, START_MS / 1_000);
    let mut basket = Basket::new("node-wire");
    let status = Vote::Status(Status { height: 1, round: 0, head_size: 1 });
    for (name, message) in [
        ("consensus", Message::Consensus(status)),
        ("cosignature", Message::Cosignature(cosignature)),
        ("advertise", Message::Advertise(vec![leaf, Hash([1; 32])])),
        ("fetch-records", Message::FetchRecords(vec![leaf])),
        ("fetch-block", Message::FetchBlock(leaf)),
        ("fetch-decided", Message::FetchDecided(1)),
        ("fetch-cosignatures", Message::FetchCosignatures(1)),
        ("records", Message::Records(vec![loose.clone(), with_leaves.clone()])),
        ("compact", Message::Compact(compact.clone())),
        ("block", Message::Block(block)),
        ("decided", Message::Decided(vec![decided.clone()])),
    ] {
        basket.put_chosen(0, name, message.encode());
    }
    basket.put_chosen(1, "loose-record", codec::encode(&with_leaves));
    basket.put_chosen(2, "compact-block", codec::encode(&compact));
    basket.put_chosen(3, "decided-block", codec::encode(&decided));
    basket.put_chosen(4, "head-cosignature", codec::encode(&cosignature));
    basket.seeds
}

/// See `core.rs` for what each byte means.
fn core() -> Vec<Seed> {
    const FIRST: &[u8] = &[0];
    const WRITE: &[u8] = &[7];
    // All that waits, housekeeping included.
    const WORK: &[u8] = &[8, 8, 8];
    const CRASH: &[u8] = &[11];
    let propose = |round: u8, body: u8| vec![2, round, 2, 3, 4, 0, body];
    let everybody = |kind: u8, round: u8, block: u8| vec![1, kind, round, block];
    let proposed = [FIRST, WRITE, &propose(0, 0), WORK, WRITE].concat();
    let locked = [&proposed[..], &everybody(0, 0, 1), WRITE].concat();
    let committed = [&locked[..], &everybody(1, 0, 1), WRITE, WORK, WRITE].concat();
    let submitted = [FIRST, WRITE, &[5, 3, 0], WORK, WRITE].concat();
    let cosign = |place: u8| vec![13, place, 0, 7];
    let mut basket = Basket::new("node-core");
    basket.put("committed", committed.clone());
    basket.put("published", [&committed[..], &cosign(0), &cosign(1), &cosign(2), WRITE].concat());
    basket.put("crash-after-a-lock", [&locked[..], CRASH, WRITE, &everybody(1, 0, 1), WRITE].concat());
    basket.put("crash-after-a-commit", [&committed[..], CRASH, &propose(0, 0), WORK, WRITE].concat());
    basket.put(
        "own-proposal",
        [&[1][..], WRITE, &[5, 3, 0], WORK, WRITE, WORK, WRITE, &everybody(0, 0, 0), WRITE].concat(),
    );
    basket.put("compact", [FIRST, WRITE, &propose(0, 1), &[4, 0, 0, 7, 2], WORK, WORK, WRITE].concat());
    basket.put("synced", [FIRST, WRITE, &[12, 0, 3, 7, 0, 0], WORK, WRITE].concat());
    basket.put("submitted", [&submitted[..], &propose(0, 0), WORK, WRITE].concat());
    // The oldest timer, the work that it leads to, and what is written for it, again and again.
    let fire_all = [9, 0, 8, 7].repeat(40);
    basket.put("timeouts", [&submitted[..], &fire_all].concat());
    basket.seeds
}

fn http() -> Vec<Seed> {
    let record = domicile_record(5, START_MS + 1_000);
    let submission = serde_json::json!({ "record": BASE64.encode(codec::encode(&record)) });
    let uri = "in.gov.wb.district-DOM-0000000000000003";
    let mut basket = Basket::new("node-http");
    basket.put("submit", format!("POST /v1/records?wait_ms=1\n\n{submission}"));
    for (name, target) in [
        ("record", "/v1/records/1"),
        ("record-by-id", &format!("/v1/records/{}", domicile_record(3, START_MS + 1_000).id())),
        ("history", "/v1/history?subject=holder/00000000000000000000000000000003&limit=5"),
        ("block", "/v1/blocks/1"),
        ("head", "/v1/blocks/head"),
        ("verify", &format!("/v1/verify?uri={uri}")),
        ("verify-then", &format!("/v1/verify?uri={uri}&as_of_ms=1793601002000")),
        ("status-receipt", &format!("/v1/receipts/status?uri={uri}")),
        ("inclusion-receipt", "/v1/receipts/inclusion?index=1"),
        ("inclusion-in-batch", "/v1/receipts/inclusion?uri=in.gov.wb.education-MDK-0000000000000001"),
        ("state", "/v1/state?key=validators"),
        ("schema", "/v1/schema"),
        ("checkpoint", "/checkpoint"),
        ("tile", "/tile/0/000.p/5"),
        ("entries", "/tile/entries/000.p/5"),
        ("policy", "/policy"),
        ("pin", "/pin"),
        ("live", "/health/live"),
        ("page", "/?lang=bn"),
        ("page-about", "/about"),
        ("page-script", "/portal/portal.js"),
        ("page-verifier", "/verifier.html"),
        ("page-check", &format!("/check?q={uri}&lang=hi")),
        ("page-explorer", "/explorer?lang=bn"),
        ("page-blocks", "/explorer/blocks?below=2"),
        ("page-block", "/explorer/blocks/1?from=1"),
        ("page-entry", "/explorer/records/1"),
        ("page-subject", "/explorer/subject?id=holder/00000000000000000000000000000003&from=1"),
        ("page-search", "/explorer/search?q=1"),
        ("page-descent", "/plot?lang=hi"),
        ("page-choices", "/check?q=5&lang=hi"),
        ("page-certificate", "/check?department=district&type=DOM&number=DOM-3&lang=en"),
        ("page-plot", "/check?plot=9300-1/7&lang=bn"),
        ("page-record", "/check?index=2&lang=en"),
        ("page-evidence", &format!("/evidence?uri={uri}&lang=bn")),
        ("page-check-then", &format!("/check?uri={uri}&as_of=2026-11-02&lang=en")),
    ] {
        basket.put(name, format!("GET {target}"));
    }
    basket.put("verify-file", "POST /v1/verify\n\ncertificate 3");
    basket.seeds
}

fn files() -> Vec<Seed> {
    let config = Config {
        p2p_listen: "127.0.0.1:7000".parse().unwrap(),
        http_listen: "[::1]:8080".parse().unwrap(),
        peers: vec!["/ip4/127.0.0.1/tcp/7001".to_owned()],
        observers: vec![genesis().validators.iter().next().unwrap().network],
        sync: dalil_node::core::snapshot::SyncSettings::default(),
        gateway: None,
        digilocker: None,
        http: dalil_node::shell::http::config::HttpConfig::default(),
        webhooks: Vec::new(),
        witnesses: Vec::new(),
    };
    let mut basket = Basket::new("node-files");
    basket.put_chosen(0, "config", config.to_toml().unwrap());
    basket.put_chosen(1, "seed", format!("{}\n", "0f".repeat(32)));
    for (name, text) in [
        ("date", "2026-03-31"),
        ("time", "2026-03-31T17:00:00+05:30"),
        ("time-with-fraction", "2024-02-29t23:59:59.5Z"),
        ("utc-ms", "1793601000000"),
    ] {
        basket.put_chosen(2, name, text);
    }
    for (name, text) in [("ms", "500ms"), ("minutes", "10m"), ("days", "1d")] {
        basket.put_chosen(3, name, text);
    }
    basket.put_chosen(4, "call", r#"{"authority": {"end_posting": {"posting": "land/x", "until_ms": 1796193000000}}}"#);
    basket.put_chosen(5, "leaves", r#"["b25l", "dHdv"]"#);
    basket.put_chosen(6, "verify", "verify\nin.gov.wb.land-ROR-n1\n--policy\npin.json");
    basket.put_chosen(6, "node-status", "node\nstatus\n--json");
    basket.put_chosen(7, "shown", START_MS.to_be_bytes());
    basket.put_chosen(8, "gateway-call", serde_json::to_string(&domicile(1, START_MS)).unwrap());
    basket.put_chosen(8, "gateway-batch", BATCH);
    basket.put_chosen(9, "pull-uri", pull("PullURIRequest", "<DocType>DOM</DocType><UDF1>DOM/1</UDF1>"));
    basket.put_chosen(10, "pull-doc", pull("PullDocRequest", "<URI>in.gov.wb.district-DOM-1</URI>"));
    basket.seeds
}

/// See `book.rs` for what each byte means.
fn book() -> Vec<Seed> {
    const REOPEN: &[u8] = &[4];
    let enter = |key: u8, request: u8, expires_in_h: u8| vec![0, key, request, 7, 20, expires_in_h];
    let hours = |hours: u8| vec![3, hours];
    let two = [enter(0, 1, 1), enter(1, 2, 1)].concat();
    let segments = [two.clone(), hours(20), enter(2, 3, 1), hours(20), enter(0, 4, 9)].concat();
    let mut basket = Basket::new("gateway-book");
    basket.put("entered", [&two[..], REOPEN, &enter(0, 1, 2), REOPEN].concat());
    basket.put("forgotten", [&segments[..], &hours(30), &enter(3, 5, 1), REOPEN].concat());
    basket.put("torn", [&two[..], &[5, 0, 10], &enter(2, 3, 1), &[5, 1, 0], REOPEN].concat());
    basket.put("header-torn", [&two[..], &[5, 255, 255], &enter(0, 3, 1)].concat());
    basket.put("damaged", [&two[..], &[6, 0, 0, 3, 1], &[6, 0, 0, 20, 1], &[6, 0, 0, 90, 2], REOPEN].concat());
    basket.put("older-segment-damaged", [&segments[..], &[6, 0, 0, 60, 0], REOPEN].concat());
    basket.put("rubbish-behind", [&two[..], &[7, 0, 3, 1, 2, 3], &enter(2, 3, 1), REOPEN].concat());
    basket.seeds
}

fn client_files() -> Vec<Seed> {
    const URI: &str = "in.gov.wb.district-DOM-1";
    const HELD: &str = r#""holdings": [{"khatian": 2, "share": "1/1"}], "remainder": "0/1""#;
    let holder = "00".repeat(32);
    let register = [
        r#"{"mouza": {"id": "2795-S1", "district": 305, "block": 2795, "thana": null, "jl": 1}}"#.to_owned(),
        format!(r#"{{"khatian": {{"number": 2, "holder": "{holder}"}}}}"#),
        format!(r#"{{"plot": {{"plot": "2795-S1/7", "class": "shali", "area": 400, {HELD}}}}}"#),
        r#"{"totals": {"mouzas": 1, "khatians": 1, "plots": 1, "area": 400}}"#.to_owned(),
    ];
    let question = question();
    let receipt: serde_json::Value = serde_json::from_slice(&receipt(&question).to_bytes()).unwrap();
    let page = serde_json::json!({ "question": question, "receipt": receipt });
    let bundle = serde_json::json!({ "format": "dalil-checkpost-bundle/v1", "pages": [page] });
    let check = |counter: u64| {
        let point = Point { lat_udeg: 23_230_000, lon_udeg: 87_060_000 };
        let place = CheckPlace { post: token("bankura-nh60"), district: BANKURA, point };
        let device = key_of("device").public();
        let seal = Seal { device, counter, mark: 0, signature: Signature([0; 64]) };
        let (challan, vehicle, seal) = (Some(token("WB-BIR-2026-000017")), Hash([1; 32]), Some(seal));
        CheckChallan { challan, vehicle, place, observed_at_ms: START_MS, gross_kg: None, seal }
    };
    let journal = serde_json::json!({
        "format": "dalil-checkpost-journal/v1",
        "chain": genesis().chain_id(),
        "device": key_of("device").public(),
        "checks": [check(1), check(3)],
    });
    let mut basket = Basket::new("client-files");
    basket.put_chosen(0, "questions-csv", format!("uri,as_of\r\n{URI},\r\n\"{URI}\",2026-11-02\r\n,\r\n"));
    basket.put_chosen(0, "questions-json", format!("{{\"uri\": \"{URI}\"}}\n\n{{\"index\": 7}}"));
    basket.put_chosen(1, "questions-carried", format!("note,uri\n\"two\nlines\",{URI}\nplain,{URI}\n"));
    basket.put_chosen(1, "questions-json-carried", format!("{{\"uri\": \"{URI}\", \"note\": 5}}\n"));
    basket.put_chosen(2, "register", register.join("\n"));
    basket.put_chosen(3, "bundle", bundle.to_string());
    basket.put_chosen(4, "journal", journal.to_string());
    basket.seeds
}

/// A batch as a department's system hands it in.
const BATCH: &str = r#"{"posting": "district/sdo", "call": {"certificate": {"issue_batch": {"kind": "DOM", "origin": "decided",
    "place": {"district": 305, "block": null, "lease": null}}}}, "documents": [{"uri": "in.gov.wb.district-DOM-1",
    "number": "1", "digest": "0101010101010101010101010101010101010101010101010101010101010101", "subject": "holder/1",
    "valid_from_ms": 1, "valid_until_ms": null, "claims_root": null, "classes": []}]}"#;

/// A request as DigiLocker writes it.
fn pull(element: &str, details: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><{element} xmlns=\"http://tempuri.org/\" ver=\"3.0\" \
         ts=\"2026-06-01T10:00:00+05:30\" txn=\"1\" orgId=\"in.gov.wb\" keyhash=\"ab\" format=\"both\"><DocDetails>{details}\
         </DocDetails></{element}>"
    )
}
