//! The table of events, the names in the rooms, and the table for integrators are one.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

use dalil_contracts::events::{KINDS, find};

const ROOMS: [&str; 4] = ["authority", "certificate", "land", "mineral"];
const DOCS: &str = include_str!("../../docs/events.md");

/// Literals in the rooms' sources that are names of events.
fn emitted() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders: Vec<_> =
        ROOMS.iter().map(|room| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                names.extend(text.split('"').filter(|literal| is_name(literal)).map(str::to_owned));
            }
        }
    }
    names
}

fn is_name(literal: &str) -> bool {
    let what = ROOMS.iter().find_map(|room| literal.strip_prefix(room)?.strip_prefix('.'));
    what.is_some_and(|what| !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

#[test]
fn every_event_of_the_rooms_is_in_the_table_and_none_beside() {
    let table: BTreeSet<_> = KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(emitted(), table);
    assert!(KINDS.is_sorted_by_key(|kind| kind.name), "sorted, and each once");
}

#[test]
fn integrators_read_the_same_table() {
    let rows: Vec<_> = DOCS.lines().filter(|line| is_name(line.split('`').nth(1).unwrap_or_default())).collect();
    let expected = KINDS
        .iter()
        .map(|kind| format!("| `{}` | `{}` | {} |", kind.name, kind.subject.replace(" or ", "` or `"), kind.when));
    let expected: Vec<_> = expected.collect();
    assert_eq!(rows, expected, "docs/events.md should say:\n{}", expected.join("\n"));
}

#[test]
fn a_kind_knows_its_subjects() {
    let stayed = find("land.stayed").unwrap();
    assert!(stayed.fits("case/M-1") && stayed.fits("deed/0101-I-00001-2026"));
    assert!(!stayed.fits("plot/2795-51/257") && !stayed.fits("case/"));
    assert!(find("certificate.issued").unwrap().fits("in.gov.wb.district-DOM-1"));
    assert!(find("land.nothing").is_none());
}
