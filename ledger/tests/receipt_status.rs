//! Status receipts: the answers they give, and every way of spoiling one.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::recorder::verify_status;
use common::*;
use dalil_ledger::block::Entry;
use dalil_ledger::checkpoint::{EndorsementError, HeadError, Note, Pin, PinTerms, PinnedHeadError};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::{
    DocumentEntry, Left, Standing, Status, Strike, Strikes, digest_key, document_key, left_key, strike_key,
};
use dalil_ledger::receipt::{
    Answer, CheckedHead, CouldNotCheck, Exit, Question, StatusReceipt, StatusTextError, Terms,
};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::state::proof::StateProofError;

const ISSUED_MS: u64 = T0_MS + MINUTE_MS;
const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

/// A chain with one document that depends on a class and on a version, and with neighbours in the state.
fn chain() -> (Chain, DocumentEntry) {
    let mut chain = Chain::new();
    for neighbour in ["n1", "n2", "n3", "n4"] {
        chain.issue(ISSUED_MS - 1000, document(neighbour));
    }
    let entry = chain.issue(ISSUED_MS, dependent_document("7F3A"));
    (chain, entry)
}

fn asked() -> Question {
    Question::Uri(uri("7F3A"))
}

fn check(chain: &Chain, receipt: &StatusReceipt, question: &Question) -> Result<Answer, CouldNotCheck> {
    verify_status(&receipt.to_bytes(), &chain.pin(), question, Terms::now(NOW_MS))
}

fn answer(chain: &Chain, question: &Question) -> Answer {
    check(chain, &chain.status_receipt(question, NOW_MS - 15_000), question).unwrap()
}

fn refusal(chain: &Chain, spoil: impl FnOnce(&mut StatusReceipt)) -> CouldNotCheck {
    let mut receipt = chain.status_receipt(&asked(), NOW_MS);
    spoil(&mut receipt);
    check(chain, &receipt, &asked()).unwrap_err()
}

fn wrong_checkpoint(error: EndorsementError) -> CouldNotCheck {
    CouldNotCheck::Head(PinnedHeadError::Head(HeadError::Checkpoint(error)))
}

#[test]
fn a_document_in_force() {
    let (chain, entry) = chain();
    let answer = answer(&chain, &asked());
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Valid, "in_force"));
    assert_eq!((answer.freshness_ms, answer.as_of_ms), (NOW_MS - 15_000, NOW_MS));
    assert_eq!((answer.quorum, answer.log_size, answer.record), (3, chain.frontier.size(), Some(entry.record)));
    assert_eq!(answer.entry, Some(entry));
    assert_eq!(Exit::of_status(&Ok(answer)).code(), 0);
}

#[test]
fn a_log_key_with_the_id_of_anothers_voids_no_receipt() {
    let mut chain = Chain::with_keys(four_of_whom_two_share_a_log_id());
    chain.issue(ISSUED_MS, dependent_document("7F3A"));
    assert_eq!(answer(&chain, &asked()).status, Status::Valid);
    let mut receipt = chain.status_receipt(&asked(), NOW_MS);
    let mut note = Note::parse(receipt.head.note.as_bytes()).unwrap();
    note.signatures[0].bytes[7] ^= 1;
    receipt.head.note = note.to_string();
    let error = EndorsementError::Signature(origin());
    assert_eq!(check(&chain, &receipt, &asked()), Err(wrong_checkpoint(error)));
}

#[test]
fn a_document_found_by_its_digest() {
    let (chain, entry) = chain();
    let answer = answer(&chain, &Question::Digest(entry.digest));
    assert_eq!((answer.status, answer.entry.unwrap().uri), (Status::Valid, entry.uri));
}

#[test]
fn not_on_record_by_uri_and_by_digest() {
    let (chain, _) = chain();
    for question in [Question::Uri(uri("nowhere")), Question::Digest(sha256(b"another file"))] {
        let answer = answer(&chain, &question);
        assert_eq!((answer.status, answer.entry.is_none(), answer.record), (Status::NotOnRecord, true, None));
        assert_eq!(Exit::of_status(&Ok(answer)).code(), 3);
    }
}

#[test]
fn a_status_on_the_one_leaf_log() {
    // Genesis alone: index 0, empty path, empty state.
    let chain = Chain::new();
    let receipt = chain.status_receipt(&asked(), NOW_MS);
    assert!(receipt.head.path.is_empty());
    let answer = check(&chain, &receipt, &asked()).unwrap();
    assert_eq!((answer.status, answer.height, answer.log_size), (Status::NotOnRecord, 0, 1));
}

#[test]
fn every_negative_status_has_its_reason() {
    let cases: [(&str, Standing, Status); 6] = [
        ("s", Standing::Suspended, Status::Suspended),
        ("r", Standing::Revoked, Status::Revoked),
        ("u", Standing::Superseded, Status::Superseded),
        ("c", Standing::Consumed, Status::Consumed),
        ("x", Standing::Cancelled, Status::Cancelled),
        ("z", Standing::Seized, Status::Seized),
    ];
    let mut chain = Chain::new();
    for (id, standing, status) in cases {
        let entry = DocumentEntry { events: vec![event(standing, ISSUED_MS)], ..document(id) };
        chain.issue(ISSUED_MS, entry);
        let answer = answer(&chain, &Question::Uri(uri(id)));
        assert_eq!((answer.status, answer.reason.as_str(), answer.since_ms), (status, "fraud", Some(ISSUED_MS)));
        assert_eq!(Exit::of_status(&Ok(answer)).code(), 1);
    }
}

#[test]
fn a_left_dependency_supersedes_and_a_struck_class_revokes() {
    let (mut chain, _) = chain();
    let left = Left { recorded_at_ms: ISSUED_MS + 1000, effective_from_ms: ISSUED_MS + 1000, record: 9 };
    chain.put(ISSUED_MS + 1000, left_key(&dependency()), &left);
    assert_eq!(answer(&chain, &asked()).status, Status::Superseded);
    let strike = Strike {
        issued_from_ms: 0,
        issued_until_ms: u64::MAX,
        effective_from_ms: T0_MS,
        recorded_at_ms: ISSUED_MS + 2000,
        order: sha256(b"order"),
        saving_clause: None,
        turns: Vec::new(),
        record: 0,
    };
    chain.put(ISSUED_MS + 2000, strike_key(&class()), &Strikes { strikes: vec![strike] });
    let answer = answer(&chain, &asked());
    assert_eq!((answer.status, answer.reason.as_str()), (Status::Revoked, "class_struck"));
}

#[test]
fn a_challan_past_valid_to_on_an_idle_chain_has_expired() {
    // No block since the issue: the head's time lies before valid_to, the verifier's clock after it.
    let mut chain = Chain::new();
    let until_ms = ISSUED_MS + 2 * MINUTE_MS;
    let entry = DocumentEntry { valid_until_ms: Some(until_ms), ..document("C-T-0009") };
    chain.issue(ISSUED_MS, entry);
    assert!(chain.headers.last().unwrap().timestamp_ms < until_ms);
    let question = Question::Uri(uri("C-T-0009"));
    assert_eq!(answer(&chain, &question).status, Status::Expired);
    // A verifier whose clock is behind judges no earlier than the validators' own time.
    let receipt = chain.status_receipt(&question, until_ms);
    let slow = verify_status(&receipt.to_bytes(), &chain.pin(), &question, Terms::now(until_ms - 9000)).unwrap();
    assert_eq!((slow.status, slow.as_of_ms), (Status::Expired, until_ms));
}

#[test]
fn as_of_asks_for_another_day_but_not_for_the_future() {
    let (mut chain, entry) = chain();
    let mut revoked = entry;
    revoked.events.push(event(Standing::Revoked, ISSUED_MS + 5 * MINUTE_MS));
    chain.issue(ISSUED_MS + 5 * MINUTE_MS, revoked);
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let terms = |at| Terms { as_of_ms: Some(at), ..Terms::now(NOW_MS) };
    let as_of = |at| verify_status(&bytes, &chain.pin(), &asked(), terms(at));
    assert_eq!(as_of(NOW_MS).unwrap().status, Status::Revoked);
    assert_eq!(as_of(ISSUED_MS + 4 * MINUTE_MS).unwrap().status, Status::Valid);
    assert_eq!(as_of(T0_MS - 1).unwrap().status, Status::NotYetValid);
    assert!(matches!(as_of(NOW_MS + 1), Err(CouldNotCheck::FutureMoment { .. })));
}

#[test]
fn known_at_asks_what_the_ledger_said_then() {
    let (mut chain, entry) = chain();
    let mut revoked = entry.clone();
    revoked.events.push(event(Standing::Revoked, ISSUED_MS + 5 * MINUTE_MS));
    chain.put(ISSUED_MS + 5 * MINUTE_MS, document_key(&entry.uri), &revoked);
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let ask = |known_at_ms, as_of_ms| {
        let terms = Terms { as_of_ms, known_at_ms: Some(known_at_ms), ..Terms::now(NOW_MS) };
        verify_status(&bytes, &chain.pin(), &asked(), terms)
    };
    let before = ask(ISSUED_MS + 4 * MINUTE_MS, None).unwrap();
    assert_eq!((before.status, before.as_of_ms), (Status::Valid, ISSUED_MS + 4 * MINUTE_MS));
    assert_eq!((before.known_at_ms, before.history.len()), (Some(before.as_of_ms), 1));
    // Of today, as it was known then.
    assert_eq!(ask(ISSUED_MS + 4 * MINUTE_MS, Some(NOW_MS)).unwrap().status, Status::Valid);
    let later = ask(NOW_MS, None).unwrap();
    assert_eq!((later.status, later.history.len()), (Status::Revoked, 2));
    let earlier = ask(entry.issued_at_ms - 1, None).unwrap();
    assert_eq!((earlier.status, earlier.reason.as_str()), (Status::NotOnRecord, "not_recorded_by_then"));
    assert!(matches!(ask(NOW_MS + 1, Some(NOW_MS)), Err(CouldNotCheck::FutureMoment { .. })));
}

#[test]
fn a_dependency_or_class_slot_left_out_is_refused() {
    let (chain, _) = chain();
    let expected =
        [String::from_utf8(strike_key(&class())).unwrap(), String::from_utf8(left_key(&dependency())).unwrap()];
    let missing = refusal(&chain, |receipt| drop(receipt.reads.pop()));
    assert_eq!(missing, CouldNotCheck::Read { place: 2, got: None, expected: Some(expected[1].clone()) });
    assert_eq!((missing.code(), Exit::of_status(&Err(missing.clone())).code()), ("incomplete", 4));
    let missing = refusal(&chain, |receipt| drop(receipt.reads.remove(1)));
    let got = Some(expected[1].clone());
    assert_eq!(missing, CouldNotCheck::Read { place: 1, got, expected: Some(expected[0].clone()) });
    let missing = refusal(&chain, |receipt| receipt.reads.clear());
    assert!(matches!(missing, CouldNotCheck::Read { place: 0, got: None, .. }));
    // In another order, or with one too many, a receipt is another file than the one that a node makes.
    assert!(matches!(refusal(&chain, |receipt| receipt.reads.swap(1, 2)), CouldNotCheck::Read { place: 1, .. }));
    let twice = refusal(&chain, |receipt| receipt.reads.push(receipt.reads[2].clone()));
    assert!(matches!(twice, CouldNotCheck::Read { place: 3, expected: None, .. }));
}

#[test]
fn a_slot_stated_absent_that_is_present_is_refused() {
    let (mut chain, _) = chain();
    let left = Left { recorded_at_ms: ISSUED_MS + 1000, effective_from_ms: ISSUED_MS + 1000, record: 9 };
    chain.put(ISSUED_MS + 1000, left_key(&dependency()), &left);
    let refused = refusal(&chain, |receipt| receipt.reads[2].value = None);
    assert!(matches!(refused, CouldNotCheck::StateProof { error: StateProofError::Terminal, .. }));
    // Nor does the proof of another absent key do.
    let refused = refusal(&chain, |receipt| {
        receipt.reads[2].value = None;
        receipt.reads[2].proof = receipt.reads[1].proof.clone();
    });
    assert!(matches!(refused, CouldNotCheck::StateProof { .. }));
}

#[test]
fn an_absence_of_another_document_is_refused() {
    let (chain, _) = chain();
    let other = Question::Uri(uri("nowhere"));
    let receipt = chain.status_receipt(&other, NOW_MS);
    assert!(matches!(check(&chain, &receipt, &asked()), Err(CouldNotCheck::Read { place: 0, .. })));
    let other = Question::Digest(sha256(b"another file"));
    let receipt = chain.status_receipt(&other, NOW_MS);
    assert!(matches!(check(&chain, &receipt, &asked()), Err(CouldNotCheck::Read { place: 0, .. })));
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    // Under the key of one document stands another one; a digest leads to an entry of another digest.
    let (mut chain, entry) = chain();
    let mut changes = Changes::new();
    put(&mut changes, document_key(&uri("other")), &entry);
    put(&mut changes, digest_key(&sha256(b"x")), &entry.uri);
    put(&mut changes, digest_key(&sha256(b"y")), &uri("nowhere"));
    chain.block(ISSUED_MS + 1000, Vec::new(), changes);
    for question in [Question::Uri(uri("other")), Question::Digest(sha256(b"x")), Question::Digest(sha256(b"y"))] {
        let receipt = chain.status_receipt(&question, NOW_MS);
        let refused = check(&chain, &receipt, &question);
        assert!(matches!(refused, Err(CouldNotCheck::OtherDocument { .. })), "{refused:?}");
    }
}

#[test]
fn state_proof_of_another_root_is_refused() {
    let (mut chain, entry) = chain();
    let old = chain.status_receipt(&asked(), NOW_MS);
    let mut revoked = entry;
    revoked.events.push(event(Standing::Revoked, ISSUED_MS + 1000));
    chain.issue(ISSUED_MS + 1000, revoked);
    // Yesterday's state under today's head.
    let refused = refusal(&chain, |receipt| receipt.reads = old.reads.clone());
    assert!(matches!(refused, CouldNotCheck::StateProof { error: StateProofError::Root { .. }, .. }));
    // A changed value under its proof.
    let refused = refusal(&chain, |receipt| receipt.reads[0].value.as_mut().unwrap()[40] ^= 1);
    assert!(matches!(refused, CouldNotCheck::StateProof { error: StateProofError::Terminal, .. }));
    let refused = refusal(&chain, |receipt| receipt.reads[0].proof.siblings[0] = Hash([9; 32]));
    assert!(matches!(refused, CouldNotCheck::StateProof { error: StateProofError::Root { .. }, .. }));
}

#[test]
fn header_leaf_not_the_last_is_refused() {
    let (mut chain, entry) = chain();
    let old = chain.status_receipt(&asked(), NOW_MS);
    let mut revoked = entry;
    revoked.events.push(event(Standing::Revoked, ISSUED_MS + 1000));
    chain.issue(ISSUED_MS + 1000, revoked);
    // The old header is in the log and its state proofs hold; it is not the head.
    let refused = refusal(&chain, |receipt| {
        receipt.head.header = old.head.header.clone();
        receipt.reads = old.reads.clone();
    });
    assert!(matches!(refused, CouldNotCheck::Head(PinnedHeadError::Head(HeadError::NotLast(_)))), "{refused:?}");
}

#[test]
fn record_passed_as_header_is_refused() {
    let (chain, entry) = chain();
    let bytes = String::from_utf8(chain.status_receipt(&asked(), NOW_MS).to_bytes()).unwrap();
    let header = field(&bytes, "header");
    let record = base64(&chain.entries[entry.record as usize]);
    let refused = verify(&chain, bytes.replace(&header, &record).as_bytes());
    assert_eq!(refused, CouldNotCheck::StatusText(StatusTextError::RecordAsHeader));
}

#[test]
fn stale_time_is_refused() {
    let (chain, _) = chain();
    let pin = chain.pin();
    let present = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let at = |bytes: &[u8], question: &Question, now_ms, age| {
        verify_status(bytes, &pin, question, Terms { age_max_ms: age, ..Terms::now(now_ms) })
    };
    // The document's kind allows a day, an absence ten minutes, whatever the caller says beats both.
    at(&present, &asked(), NOW_MS + DAY_MS, None).unwrap();
    let stale = at(&present, &asked(), NOW_MS + DAY_MS + 1, None);
    assert_eq!(stale, Err(CouldNotCheck::Stale { age_ms: DAY_MS + 1, max_ms: DAY_MS }));
    assert_eq!(Exit::of_status(&stale).code(), 4);
    let nowhere = Question::Uri(uri("nowhere"));
    let absent = chain.status_receipt(&nowhere, NOW_MS).to_bytes();
    at(&absent, &nowhere, NOW_MS + 10 * MINUTE_MS, None).unwrap();
    assert!(matches!(at(&absent, &nowhere, NOW_MS + 10 * MINUTE_MS + 1, None), Err(CouldNotCheck::Stale { .. })));
    assert!(matches!(at(&present, &asked(), NOW_MS + 1001, Some(1000)), Err(CouldNotCheck::Stale { .. })));
}

#[test]
fn stale_by_one_old_cosignature_is_refused() {
    // Two fresh cosignatures do not make up for one that is a day and a second old.
    let (chain, _) = chain();
    let now_ms = NOW_MS + 2 * DAY_MS;
    let mut receipt = chain.status_receipt(&asked(), NOW_MS);
    let cosigners = [(0, now_ms), (1, now_ms - DAY_MS - 1000), (2, now_ms)];
    receipt.head.note = chain.note_of(&chain.checkpoint(), &cosigners).to_string();
    let refused = verify_status(&receipt.to_bytes(), &chain.pin(), &asked(), Terms::now(now_ms));
    assert!(matches!(refused, Err(CouldNotCheck::Stale { .. })));
}

#[test]
fn a_time_in_the_future_is_refused() {
    let (chain, _) = chain();
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let refused = verify_status(&bytes, &chain.pin(), &asked(), Terms::now(NOW_MS - 11_000)).unwrap_err();
    assert_eq!(refused, wrong_checkpoint(EndorsementError::Quorum { got: 0, expected: 3, ahead: 3 }));
    assert_eq!(refused.code(), "checkpoint_wrong");
}

#[test]
fn head_of_another_validator_set_is_refused() {
    let (mut chain, _) = chain();
    let pin = chain.pin();
    let mut next = chain.keys.clone();
    next[3] = Keys::new("works");
    chain.hand_over(NOW_MS - MINUTE_MS, next);
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let refused = verify_status(&bytes, &pin, &asked(), Terms::now(NOW_MS)).unwrap_err();
    assert!(matches!(refused, CouldNotCheck::Head(PinnedHeadError::OtherValidators { .. })));
    assert_eq!(refused.code(), "other_validators");
}

#[test]
fn pin_expired_is_refused() {
    let (chain, _) = chain();
    let late_ms = chain.pin().terms().expires_at_ms;
    let bytes = chain.status_receipt(&asked(), late_ms).to_bytes();
    let at = |now_ms| verify_status(&bytes, &chain.pin(), &asked(), Terms::now(now_ms));
    assert!(at(late_ms - 1).is_ok());
    assert!(matches!(at(late_ms), Err(CouldNotCheck::Head(PinnedHeadError::Expired { .. }))));
}

#[test]
fn other_chain_id_is_refused() {
    let (chain, _) = chain();
    let terms = PinTerms { chain: sha256(b"another chain"), ..*chain.pin().terms() };
    let pin = Pin::new(&origin(), chain.set.clone(), terms).unwrap();
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let refused = verify_status(&bytes, &pin, &asked(), Terms::now(NOW_MS)).unwrap_err();
    assert!(matches!(refused, CouldNotCheck::Head(PinnedHeadError::OtherChain { .. })));
}

#[test]
fn other_origin_is_refused() {
    let (chain, _) = chain();
    let pin = Pin::new(&"ledger.example/other".parse().unwrap(), chain.set.clone(), *chain.pin().terms()).unwrap();
    let bytes = chain.status_receipt(&asked(), NOW_MS).to_bytes();
    let refused = verify_status(&bytes, &pin, &asked(), Terms::now(NOW_MS)).unwrap_err();
    let (got, expected) = (origin(), "ledger.example/other".parse().unwrap());
    assert_eq!(refused, wrong_checkpoint(EndorsementError::Origin { got, expected }));
}

#[test]
fn a_header_of_another_version_is_refused() {
    let (mut chain, _) = chain();
    let mut header = chain.headers.last().unwrap().clone();
    header.version += 1;
    header.first_entry = chain.frontier.size();
    header.record_count = 0;
    let entry = Entry::Header(header.clone()).encode();
    let nodes = chain.frontier.append([dalil_ledger::log::leaf_hash(&entry)]);
    dalil_ledger::log::prove::keep(&mut chain.nodes, &nodes);
    chain.headers.push(header);
    assert!(matches!(refusal(&chain, |_| ()), CouldNotCheck::Head(PinnedHeadError::Head(HeadError::Version(2)))));
}

/// The JSON text of a string field at the top of a receipt, without quotes.
fn field(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap().to_owned()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn verify(chain: &Chain, bytes: &[u8]) -> CouldNotCheck {
    verify_status(bytes, &chain.pin(), &asked(), Terms::now(NOW_MS)).unwrap_err()
}

#[test]
fn duplicate_json_keys_are_refused() {
    let (chain, _) = chain();
    let json = String::from_utf8(chain.status_receipt(&asked(), NOW_MS).to_bytes()).unwrap();
    for (name, value) in
        [("format", "\"dalil-status/v1\""), ("value", "null"), ("terminal", "\"empty\""), ("path", "[]")]
    {
        let field = format!("\"{name}\": ");
        assert!(json.contains(&field), "{name}");
        let twice = json.replacen(&field, &format!("{field}{value}, {field}"), 1);
        let refused = verify(&chain, twice.as_bytes());
        let CouldNotCheck::StatusText(StatusTextError::Json(error)) = refused else { panic!("{name}: {refused:?}") };
        assert!(error.contains("duplicate field"), "{error}");
    }
}

#[test]
fn other_json_is_refused() {
    let (chain, _) = chain();
    let json = String::from_utf8(chain.status_receipt(&asked(), NOW_MS).to_bytes()).unwrap();
    let header = field(&json, "header");
    // The last character before the padding carries bits that canonical base64 leaves zero.
    let unpadded = header.trim_end_matches('=');
    assert_ne!(unpadded.len(), header.len(), "the header's length leaves padding to play with");
    let last = unpadded.chars().last().unwrap();
    let loose =
        format!("{}{}{}", &unpadded[..unpadded.len() - 1], char::from(last as u8 + 1), &header[unpadded.len()..]);
    let mut entry = Entry::Header(chain.headers.last().unwrap().clone()).encode();
    entry.push(0);
    let hash = StatusReceipt::parse(json.as_bytes()).unwrap().head.path[0].to_string();
    let cases = [
        ("trailing bytes", format!("{json}x")),
        ("a second receipt", format!("{json}{json}")),
        ("unknown field", json.replacen("\"format\"", "\"more\": 1, \"format\"", 1)),
        ("unknown field in a read", json.replacen("\"value\": null", "\"value\": null, \"more\": 1", 1)),
        ("unknown field in a proof", json.replacen("\"siblings\"", "\"more\": 1, \"siblings\"", 1)),
        ("missing value", json.replacen("\"value\": null,", "", 1)),
        ("another format", json.replace("dalil-status/v1", "dalil-status/v2")),
        ("non-canonical base64", json.replace(&header, &loose)),
        ("base64 without padding", json.replace(&header, unpadded)),
        ("trailing bytes in the header", json.replace(&header, &base64(&entry))),
        ("upper-case hash", json.replacen(&hash, &hash.to_uppercase(), 1)),
        ("a hash too short", json.replacen(&hash, &hash[1..], 1)),
        ("empty", String::new()),
        ("a list", "[]".to_owned()),
    ];
    for (what, text) in cases {
        assert_ne!(text, json, "{what}");
        assert!(matches!(verify(&chain, text.as_bytes()), CouldNotCheck::StatusText(_)), "{what}");
    }
    let long = vec![b' '; (2 << 20) + 1];
    assert!(matches!(verify(&chain, &long), CouldNotCheck::StatusText(StatusTextError::TooLong { .. })));
}

#[test]
fn too_many_reads_or_hashes_are_refused() {
    let (chain, _) = chain();
    let refused = refusal(&chain, |receipt| {
        let read = receipt.reads[0].clone();
        receipt.reads = vec![read; 19];
    });
    assert!(matches!(refused, CouldNotCheck::StatusText(StatusTextError::TooMany { got: 19, most: 18, .. })));
    let refused = refusal(&chain, |receipt| receipt.head.path = vec![Hash::ZERO; 64]);
    assert!(matches!(refused, CouldNotCheck::StatusText(StatusTextError::TooMany { got: 64, most: 63, .. })));
    let refused = refusal(&chain, |receipt| receipt.reads[0].proof.siblings = vec![Hash::ZERO; 257]);
    assert!(matches!(refused, CouldNotCheck::StateProof { error: StateProofError::TooLong(257), .. }));
}

#[test]
fn a_value_of_another_type_is_refused() {
    let mut chain = Chain::new();
    let mut changes = Changes::new();
    changes.insert(document_key(&uri("7F3A")), Some(codec::encode(&dependency())));
    chain.block(ISSUED_MS, Vec::new(), changes);
    let receipt = chain.status_receipt(&asked(), NOW_MS);
    assert!(matches!(check(&chain, &receipt, &asked()), Err(CouldNotCheck::Value { .. })));
    let (mut chain, _) = self::chain();
    chain.put(ISSUED_MS + 1000, left_key(&dependency()), &Strikes::default());
    assert!(matches!(refusal(&chain, |_| ()), CouldNotCheck::Slots(_)));
}

#[test]
fn a_receipt_reads_back() {
    let (chain, _) = chain();
    let receipt = chain.status_receipt(&asked(), NOW_MS);
    assert_eq!(StatusReceipt::parse(&receipt.to_bytes()).unwrap(), receipt);
}

/// A printed number leads to its document by a slot of the state; so the number is proven, and that there is none.
#[test]
fn a_slot_leads_to_its_document() {
    let (mut chain, _) = self::chain();
    let slot = |number: &str| Question::Slot(format!("cert/number/land/ROR/{number}"));
    chain.put(ISSUED_MS + 1000, b"cert/number/land/ROR/17".to_vec(), &uri("7F3A"));
    chain.put(ISSUED_MS + 2000, b"cert/number/land/ROR/18".to_vec(), &uri("nowhere"));
    let receipt = chain.status_receipt(&slot("17"), NOW_MS);
    let answer = check(&chain, &receipt, &slot("17")).unwrap();
    assert_eq!((answer.status, answer.entry.unwrap().uri), (Status::Valid, uri("7F3A")));
    // The receipt of one number is none of another, nor one of the URI.
    for other in [slot("18"), asked()] {
        assert!(matches!(check(&chain, &receipt, &other), Err(CouldNotCheck::Read { place: 0, .. })), "{other:?}");
    }
    let absent = chain.status_receipt(&slot("19"), NOW_MS);
    assert_eq!(check(&chain, &absent, &slot("19")).unwrap().status, Status::NotOnRecord);
    // A slot that leads nowhere is a broken state.
    let broken = chain.status_receipt(&slot("18"), NOW_MS);
    assert!(matches!(check(&chain, &broken, &slot("18")), Err(CouldNotCheck::OtherDocument { .. })));
}

/// What was checked once serves every receipt on the same head.
#[test]
fn one_checked_head_answers_many_questions() {
    let (chain, _) = self::chain();
    let head = CheckedHead::check(&chain.head(NOW_MS), &chain.pin(), NOW_MS).unwrap();
    let unknown = Question::Uri(uri("unknown"));
    for question in [asked(), unknown] {
        let receipt = chain.status_receipt(&question, NOW_MS);
        let alone = check(&chain, &receipt, &question).unwrap();
        assert_eq!(head.status(&receipt.reads, &question, Terms::now(NOW_MS)), Ok(alone));
    }
    let stale_ms = NOW_MS + 400 * 24 * 3_600_000;
    let receipt = chain.status_receipt(&asked(), NOW_MS);
    let refused = head.status(&receipt.reads, &asked(), Terms::now(stale_ms));
    assert!(matches!(refused, Err(CouldNotCheck::Stale { .. })), "{refused:?}");
}
