//! Status and history of a document at two times: the day of legal effect, and what was recorded until when.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::{
    DocumentEntry, Extension, Happening, Left, Moment, Slots, Standing, Status, Strike, StrikeTurn, Strikes, history,
    status,
};

const ISSUED_MS: u64 = T0_MS + MINUTE_MS;

fn at(minutes: u64) -> u64 {
    T0_MS + minutes * MINUTE_MS
}

fn entry() -> DocumentEntry {
    DocumentEntry { issued_at_ms: ISSUED_MS, record: 10, ..dependent_document("7F3A") }
}

fn slots() -> Slots {
    Slots { strikes: vec![Strikes::default()], left: vec![None] }
}

/// The status on a day, in minutes, as known at a time, in minutes.
fn asked(entry: &DocumentEntry, slots: &Slots, as_of: u64, known_at: u64) -> Status {
    status(entry, slots, Moment { as_of_ms: at(as_of), known_at_ms: at(known_at) }).status
}

#[test]
fn an_event_counts_from_its_record_in_what_is_known_and_from_its_day_in_law() {
    let mut entry = entry();
    // Recorded in minute 20 with effect from minute 5.
    entry
        .events
        .push(dalil_ledger::document::StatusEvent { effective_from_ms: at(5), ..event(Standing::Revoked, at(20)) });
    assert_eq!(asked(&entry, &slots(), 10, 19), Status::Valid, "what the ledger said then");
    assert_eq!(asked(&entry, &slots(), 10, 20), Status::Revoked, "the same day, as known later");
    assert_eq!(asked(&entry, &slots(), 4, 30), Status::Valid, "before the day of effect, as known now");
    assert_eq!(asked(&entry, &slots(), 30, 0), Status::NotOnRecord, "before it was issued nothing was known");
}

#[test]
fn an_extension_counts_from_its_record_on() {
    let mut entry = DocumentEntry { valid_until_ms: Some(at(30)), ..entry() };
    entry.extensions.push(Extension {
        valid_until_ms: at(60),
        recorded_at_ms: at(20),
        reason: "breakdown".parse().unwrap(),
        record: 11,
    });
    assert_eq!(asked(&entry, &slots(), 40, 19), Status::Expired, "as known before the extension");
    assert_eq!(asked(&entry, &slots(), 40, 20), Status::Valid);
    assert_eq!(asked(&entry, &slots(), 60, 90), Status::Expired);
    assert_eq!((entry.ends_at_ms(at(19)), entry.ends_at_ms(u64::MAX)), (Some(at(30)), Some(at(60))));
}

#[test]
fn strikes_stays_and_sources_count_from_their_records() {
    let entry = entry();
    let turn = |minutes, record| StrikeTurn { recorded_at_ms: at(minutes), record };
    let strike = Strike {
        issued_from_ms: 0,
        issued_until_ms: u64::MAX,
        effective_from_ms: at(5),
        recorded_at_ms: at(10),
        order: sha256(b"order"),
        saving_clause: None,
        turns: vec![turn(20, 21), turn(30, 31)],
        record: 11,
    };
    let struck = Slots { strikes: vec![Strikes { strikes: vec![strike] }], left: vec![None] };
    for (as_of, known_at, expected) in [
        (7, 9, Status::Valid),
        (7, 10, Status::Revoked),
        (4, 40, Status::Valid),
        (25, 19, Status::Revoked),
        (25, 25, Status::Valid),
        (35, 29, Status::Valid),
        (35, 30, Status::Revoked),
    ] {
        assert_eq!(asked(&entry, &struck, as_of, known_at), expected, "as of {as_of}, known at {known_at}");
    }
    let left = Left { recorded_at_ms: at(10), effective_from_ms: at(5), record: 12 };
    let left = Slots { left: vec![Some(left)], ..slots() };
    assert_eq!(asked(&entry, &left, 7, 9), Status::Valid);
    assert_eq!(asked(&entry, &left, 7, 10), Status::Superseded);
    assert_eq!(asked(&entry, &left, 4, 10), Status::Valid);
    // Of what was known then, the history tells no more either.
    let told =
        |known_at| history(&entry, &struck, at(known_at)).iter().map(|one| (one.what, one.record)).collect::<Vec<_>>();
    let all = [
        (Happening::Issued, 10),
        (Happening::ClassStruck, 11),
        (Happening::StrikeStayed, 21),
        (Happening::StayLifted, 31),
    ];
    for (known_at, count) in [(0, 0), (1, 1), (10, 2), (20, 3), (99, 4)] {
        assert_eq!(told(known_at), all[..count], "known at {known_at}");
    }
    let last = history(&entry, &left, u64::MAX).pop().unwrap();
    assert_eq!((last.what, last.record), (Happening::SourceChanged, 12));
}

#[test]
fn the_history_names_each_record_once_in_their_order() {
    let mut entry = entry();
    let record =
        |record, minutes, standing| dalil_ledger::document::StatusEvent { record, ..event(standing, at(minutes)) };
    entry.events = vec![record(20, 20, Standing::Suspended), record(40, 40, Standing::Active)];
    entry.extensions.push(Extension {
        valid_until_ms: at(90),
        recorded_at_ms: at(30),
        reason: "calamity".parse().unwrap(),
        record: 30,
    });
    let history = history(&entry, &slots(), u64::MAX);
    assert_eq!(history.iter().map(|event| event.record).collect::<Vec<_>>(), [10, 20, 30, 40]);
    assert_eq!(history[1].reason.as_deref(), Some("fraud"));
    assert_eq!(serde_json::to_value(history[1].what).unwrap(), serde_json::json!({ "standing": "suspended" }));
    assert_eq!(serde_json::to_value(history[2].what).unwrap(), serde_json::json!("extended"));
}
