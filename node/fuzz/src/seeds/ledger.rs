//! What the ledger's formats look like.

use std::collections::BTreeMap;

use dalil_ledger::block::{Attachment, Block, Entry};
use dalil_ledger::checkpoint::{Cosignature, LogSignature};
use dalil_ledger::claims::Presentation;
use dalil_ledger::codec::{self, Canonical};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::document::{
    DocumentEntry, Extension, Left, Standing, StatusEvent, Strike, StrikeTurn, Strikes, document_key, strike_key,
};
use dalil_ledger::genesis::{Genesis, InitialEntry, Parameters};
use dalil_ledger::log::tile::bundle_bytes;
use dalil_ledger::log::{self, Frontier, NodeView as _, consistency_proof, inclusion_proof, leaf_hash};
use dalil_ledger::qr;
use dalil_ledger::receipt::BatchDocument;
use dalil_ledger::state::commitment;
use dalil_ledger::transaction::SignedTransaction;

use super::{Basket, Seed, piece};
use crate::contracts::fixture::ESTABLISHMENT;
use crate::receipts::fixture::{DAY_MS, MINUTE_MS, T0_MS, dependent_document, document, event};
use crate::receipts::{Truth, register_seeds};

pub(super) fn seeds() -> Vec<Seed> {
    [wire(), text(), receipts(), tampered(), handovers(), registers(), histories(), claims(), codes()].concat()
}

fn bytes<T: Canonical>(value: &T) -> Vec<u8> {
    codec::encode(value)
}

fn record_of(truth: &Truth) -> SignedTransaction {
    match Entry::decode(&truth.chain.entries[1]) {
        Ok(Entry::Record(record)) => record,
        _ => panic!("the first entry after genesis is a record"),
    }
}

fn wire() -> Vec<Seed> {
    let truth = Truth::get();
    let chain = &truth.chain;
    let (record, header) = (record_of(truth), chain.headers.last().unwrap().clone());
    let attachment = Attachment { leaves: vec![b"one".to_vec(), b"two".to_vec()] };
    let block = Block { header: header.clone(), records: vec![record.clone()], attachments: vec![attachment.clone()] };
    let genesis = Genesis {
        origin: "ledger.example/test".parse().unwrap(),
        nonce: [7; 32],
        time_ms: 1,
        parameters: Parameters::default(),
        validators: chain.set.clone(),
        initial_state: [InitialEntry { key: vec![1], value: vec![2] }].into_iter().collect(),
    };
    let frontier = {
        let mut frontier = Frontier::default();
        frontier.append((0..11_u8).map(|number| leaf_hash(&[number])));
        frontier
    };
    let proof = |key: &[u8]| bytes(&commitment::prove(&chain.pages, key).unwrap());
    let key = SecretKey::from_seed(&[1; 32]);
    let checkpoint = chain.checkpoint();
    let document = chain.state.iter().rfind(|(key, _)| key.starts_with(b"doc/uri/")).unwrap().1;
    let strikes = &chain.state
        [&strike_key(&dalil_ledger::document::Class { kind: "OBC".parse().unwrap(), class: "OBC-A".parse().unwrap() })];
    let batch = BatchDocument { leaf: b"leaf".to_vec(), index: 1, path: vec![Hash([1; 32])] };
    let certificate = &truth.handovers[0].certificate;
    let mut basket = Basket::new("ledger-wire");
    let values: [(&str, Vec<u8>); 20] = [
        ("transaction", bytes(&record)),
        ("transaction-body", bytes(&record.body)),
        ("entry", Entry::Record(record.clone()).encode()),
        ("header", bytes(&header)),
        ("block", bytes(&block)),
        ("attachment", bytes(&attachment)),
        ("certificate", bytes(certificate)),
        ("validator-set", bytes(&chain.set)),
        ("genesis", bytes(&genesis)),
        ("parameters", bytes(&genesis.parameters)),
        ("handover", truth.handovers[0].encode()),
        ("cosignature", bytes(&Cosignature::sign(&checkpoint, &key, 1_790_000_000))),
        ("log-signature", bytes(&LogSignature::sign(&checkpoint, &key))),
        ("frontier", bytes(&frontier)),
        ("state-proof", proof(&document_key(&"in.gov.wb.land-ROR-n1".parse().unwrap()))),
        ("document", document.clone()),
        ("strikes", strikes.clone()),
        ("left", bytes(&Left { recorded_at_ms: 1, effective_from_ms: 2, record: 3 })),
        ("batch-document", bytes(&batch)),
        ("vote-subject", certificate.subject.sign_bytes()),
    ];
    for (choice, (name, bytes)) in values.into_iter().enumerate() {
        basket.put_chosen(choice as u8, name, bytes);
    }
    basket.put_chosen(2, "entry-header", Entry::Header(header).encode());
    basket.put_chosen(14, "state-proof-of-absence", proof(b"nothing"));
    basket.seeds
}

fn text() -> Vec<Seed> {
    let truth = Truth::get();
    let (policy, key) = (truth.pin.policy(), SecretKey::from_seed(&[1; 32]));
    let entries: Vec<&[u8]> = truth.chain.entries.iter().take(3).map(Vec::as_slice).collect();
    let bundle = [&[3][..], &bundle_bytes(entries).unwrap()].concat();
    let hashes: Vec<u8> = (0..3).flat_map(|index| truth.chain.leaf(index).0).collect();
    let mut basket = Basket::new("text");
    basket.put_chosen(0, "note", &truth.notes[0]);
    basket.put_chosen(1, "checkpoint", truth.chain.checkpoint().to_string());
    basket.put_chosen(2, "vkey-of-log", policy.logs()[0].to_string());
    basket.put_chosen(2, "vkey-of-cosigner", policy.witnesses()[0].key.to_string());
    basket.put_chosen(3, "key-name", policy.origin().as_str());
    basket.put_chosen(4, "tile", "tile/0/x001/x234/067.p/1");
    basket.put_chosen(4, "tile-of-entries", "tile/entries/000");
    basket.put_chosen(5, "hash", truth.chain.id.to_string());
    basket.put_chosen(6, "key", key.public().to_string());
    basket.put_chosen(7, "signature", key.sign_raw(b"message").to_string());
    basket.put_chosen(8, "token", "land");
    basket.put_chosen(9, "policy", policy.to_string());
    basket.put_chosen(10, "pin", truth.pin.to_json());
    basket.put_chosen(11, "inclusion", truth.inclusions[1].to_bytes());
    basket.put_chosen(12, "status", truth.statuses[0].to_bytes());
    basket.put_chosen(13, "bundle", bundle);
    basket.put_chosen(14, "hash-tile", [&[3][..], &hashes].concat());
    for (index, size, old) in [(3, 8, 4), (5, 6, 3), (0, 1, 1)] {
        basket.put_chosen(15, format!("inclusion-{index}-{size}"), inclusion(index, size));
        basket.put_chosen(15, format!("consistency-{old}-{size}"), consistency(old, size));
    }
    basket.put_chosen(17, "establishment", short_plan());
    let (witness, secret) = crate::text::witness();
    let cosignature = Cosignature::sign(&truth.chain.checkpoint(), &secret, 1_790_000_000).to_line(&witness);
    basket.put_chosen(18, "cosignature", format!("— other.example AAAAAAE=\n{cosignature}\n"));
    basket.put_chosen(19, "known-size", "20852014\n");
    basket.seeds
}

/// The sample establishment without its postings: the fuzzer needs the shape, not the size.
fn short_plan() -> String {
    let mut plan: serde_json::Value = serde_json::from_str(ESTABLISHMENT).unwrap();
    for list in plan.as_object_mut().unwrap().values_mut().filter_map(serde_json::Value::as_array_mut) {
        list.truncate(2);
    }
    plan.to_string()
}

fn tree(size: u64) -> BTreeMap<(u8, u64), Hash> {
    let mut nodes = BTreeMap::new();
    log::prove::keep(&mut nodes, &Frontier::default().append((0..size).map(|number| leaf_hash(&number.to_be_bytes()))));
    nodes
}

fn proof(numbers: [u64; 3], hashes: &[Hash]) -> Vec<u8> {
    let numbers = numbers.into_iter().flat_map(u64::to_be_bytes);
    numbers.chain(hashes.iter().flat_map(|hash| hash.0)).collect()
}

fn inclusion(index: u64, size: u64) -> Vec<u8> {
    let nodes = tree(size);
    let ends = [nodes.node(0, index).unwrap().unwrap(), log::root_at(&nodes, size).unwrap()];
    proof([index, size, 0], &[&ends[..], &inclusion_proof(&nodes, index, size).unwrap()].concat())
}

fn consistency(old: u64, size: u64) -> Vec<u8> {
    let nodes = tree(size);
    let ends = [log::root_at(&nodes, old).unwrap(), log::root_at(&nodes, size).unwrap()];
    proof([u64::MAX, size, old], &[&ends[..], &consistency_proof(&nodes, old, size).unwrap()].concat())
}

fn receipts() -> Vec<Seed> {
    let truth = Truth::get();
    let mut statuses = Basket::new("status-receipt");
    // The first head is stale for what it does not hold.
    for (number, receipt) in truth.statuses.iter().enumerate().skip(4).filter(|(number, _)| number % 3 == 0) {
        statuses.put(number.to_string(), receipt.to_bytes());
    }
    let mut inclusions = Basket::new("inclusion-receipt");
    let records = truth.inclusions.iter().enumerate();
    let records = records.filter(|(_, receipt)| matches!(receipt.recorded.entry, Entry::Record(_)));
    for (number, receipt) in records.filter(|(number, _)| number % 2 == 0) {
        inclusions.put(number.to_string(), receipt.to_bytes());
    }
    [statuses.seeds, inclusions.seeds].concat()
}

fn tampered() -> Vec<Seed> {
    let mut basket = Basket::new("tampered-receipt");
    // Receipts as they are; the fuzzer adds the edits.
    for number in [4, 9, 14, 19] {
        basket.put(format!("status-{number}"), [0, number]);
    }
    let truth = Truth::get();
    let records = truth.inclusions.iter().enumerate();
    let records = records.filter(|(_, receipt)| matches!(receipt.recorded.entry, Entry::Record(_)));
    for (number, _) in records.step_by(4) {
        basket.put(format!("inclusion-{number}"), [1, number as u8]);
    }
    basket.seeds
}

fn handovers() -> Vec<Seed> {
    let handovers: Vec<_> = Truth::get().handovers.iter().map(|handover| piece(&handover.encode())).collect();
    let mut basket = Basket::new("handover");
    basket.put("one", handovers[0].clone());
    basket.put("two", handovers.concat());
    basket.seeds
}

fn registers() -> Vec<Seed> {
    let mut basket = Basket::new("register-receipt");
    register_seeds().into_iter().for_each(|(name, bytes)| basket.put(name, bytes));
    basket.seeds
}

/// A certificate that was prolonged twice, suspended and restored, whose class was struck, the strike stayed and the stay
/// lifted, and whose source changed; and one to which nothing happened.
fn histories() -> Vec<Seed> {
    let at = |minute: u64| T0_MS + minute * MINUTE_MS;
    let extension = |minute: u64, days: u64| Extension {
        valid_until_ms: T0_MS + days * DAY_MS,
        recorded_at_ms: at(minute),
        reason: "breakdown".parse().unwrap(),
        record: minute,
    };
    let changed = |standing, minute| StatusEvent { record: minute, ..event(standing, at(minute)) };
    let plain = DocumentEntry { issued_at_ms: at(1), record: 1, ..document("n1") };
    let entry = DocumentEntry {
        events: vec![changed(Standing::Suspended, 3), changed(Standing::Active, 5)],
        extensions: vec![extension(2, 400), extension(6, 500)],
        issued_at_ms: at(1),
        record: 1,
        ..dependent_document("n2")
    };
    let strike = Strike {
        issued_from_ms: T0_MS,
        issued_until_ms: at(9),
        effective_from_ms: at(4),
        recorded_at_ms: at(7),
        order: Hash([1; 32]),
        saving_clause: None,
        turns: [8, 9].map(|minute| StrikeTurn { recorded_at_ms: at(minute), record: minute }).to_vec(),
        record: 7,
    };
    let left = Left { recorded_at_ms: at(10), effective_from_ms: at(10), record: 10 };
    let strikes = Strikes { strikes: vec![strike] };
    let mut basket = Basket::new("document-history");
    basket.put("plain", piece(&bytes(&plain)));
    basket.put("eventful", [piece(&bytes(&entry)), piece(&bytes(&strikes)), piece(&bytes(&left))].concat());
    basket.put("no-slot-yet", [piece(&bytes(&entry)), piece(&[]), piece(&[])].concat());
    basket.seeds
}

fn claims() -> Vec<Seed> {
    let [held, other] = crate::claims::files();
    let names: Vec<_> = held.claims().into_keys().take(2).cloned().collect();
    let receipt = String::from_utf8(Truth::get().statuses[4].to_bytes()).unwrap();
    let shown = |receipt| Presentation::disclose(held, &names, receipt).unwrap().to_bytes();
    let mut basket = Basket::new("claims");
    basket.put_chosen(0, "held", held.to_bytes());
    basket.put_chosen(0, "held-other", other.to_bytes());
    basket.put_chosen(1, "shown", shown(None));
    basket.put_chosen(1, "shown-with-receipt", shown(Some(receipt)));
    basket.put_chosen(2, "whole", [0x0f]);
    basket.put_chosen(2, "one-taken-out", [0x0f, 7, 1, 0]);
    basket.put_chosen(3, "value", "Fatima Khatun, বাঁকুড়া");
    basket.seeds
}

fn codes() -> Vec<Seed> {
    let (_, slip) = crate::codes::slip();
    let truth = Truth::get();
    let records = truth.inclusions.iter().filter(|receipt| matches!(receipt.recorded.entry, Entry::Record(_)));
    let printed: Vec<String> = records.step_by(7).map(|receipt| qr::receipt::to_code(receipt).unwrap()).collect();
    let behind = |text: &str, prefix| base45::decode(text.strip_prefix(prefix).unwrap()).unwrap();
    let link = qr::Link::new("in.gov.wb.land-ROR-7F3A".parse().unwrap(), &Hash([7; 32]));
    let mut basket = Basket::new("codes");
    basket.put_chosen(0, "link", link.to_url("https://ledger.example/scan").unwrap());
    basket.put_chosen(0, "slip", slip.to_text() + "\r\n");
    basket.put_chosen(0, "receipt", &printed[0]);
    basket.put_chosen(1, "slip-cbor", behind(&slip.to_text(), qr::SLIP_PREFIX));
    for (number, text) in printed.iter().enumerate() {
        basket.put_chosen(2, format!("receipt-cbor-{number}"), behind(text, qr::RECEIPT_PREFIX));
    }
    basket.seeds
}
