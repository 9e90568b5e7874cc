//! The journal: what is durable is found again, a torn end is cut off, damage is refused.

use std::path::{Path, PathBuf};

use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::gateway::book::{Book, BookError};

use crate::support::{START_MS, domicile_record, genesis};

const HOUR_MS: u64 = 3_600_000;
const REMEMBER_MS: u64 = 24 * HOUR_MS;

fn open(folder: &Path) -> Result<Book, BookError> {
    Book::open(folder, genesis().chain_id(), REMEMBER_MS)
}

fn key(number: u64) -> Hash {
    sha256(&number.to_le_bytes())
}

fn enter(book: &mut Book, number: u64, now_ms: u64) -> SignedTransaction {
    let record = domicile_record(number, now_ms);
    book.enter(key(number), Hash([1; 32]), &record, now_ms).unwrap();
    record
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_was_entered_is_found_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = open(folder.path()).unwrap();
    let records: Vec<_> = (0..20).map(|number| enter(&mut book, number, START_MS)).collect();
    let newer = domicile_record(100, START_MS);
    book.enter(key(3), Hash([2; 32]), &newer, START_MS).unwrap();
    for book in [book, open(folder.path()).unwrap()] {
        for (number, record) in (0..).zip(&records).filter(|(number, _)| *number != 3) {
            let held = book.find(&key(number), START_MS).unwrap();
            assert_eq!((held.request, held.id), (Hash([1; 32]), record.id()));
            assert_eq!(held.expires_at_ms, record.body.expires_at_ms);
            assert_eq!(book.read(held).unwrap(), *record);
        }
        let held = book.find(&key(3), START_MS).unwrap();
        assert_eq!((held.request, book.read(held).unwrap()), (Hash([2; 32]), newer.clone()));
        assert!(book.find(&key(21), START_MS).is_none());
    }
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = open(folder.path()).unwrap();
    enter(&mut book, 0, START_MS);
    let file = segments(folder.path()).pop().unwrap();
    let whole = std::fs::metadata(&file).unwrap().len() as usize;
    enter(&mut book, 1, START_MS);
    drop(book);
    let bytes = std::fs::read(&file).unwrap();
    for cut in whole..bytes.len() {
        // Cut short, or with sectors that were never written.
        for fill in [0, bytes.len() - cut] {
            std::fs::write(&file, [&bytes[..cut], &vec![0; fill]].concat()).unwrap();
            let mut book = open(folder.path()).unwrap();
            assert!(book.find(&key(0), START_MS).is_some(), "cut at {cut}");
            // The last byte of a signature may well be a zero.
            if bytes[cut..].iter().any(|byte| *byte != 0) {
                assert!(book.find(&key(1), START_MS).is_none(), "cut at {cut}");
                enter(&mut book, 2, START_MS);
                assert!(open(folder.path()).unwrap().find(&key(2), START_MS).is_some());
            }
        }
    }
    // A segment whose making was cut short.
    for cut in 0..48 {
        std::fs::write(&file, &bytes).unwrap();
        let next = folder.path().join("signed-1");
        std::fs::write(&next, &bytes[..cut]).unwrap();
        assert!(open(folder.path()).unwrap().find(&key(1), START_MS).is_some());
        assert!(!next.exists());
    }
}

#[test]
fn damage_before_the_end_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = open(folder.path()).unwrap();
    enter(&mut book, 0, START_MS);
    let file = segments(folder.path()).pop().unwrap();
    let first = std::fs::metadata(&file).unwrap().len() as usize;
    for number in 1..200 {
        enter(&mut book, number, START_MS);
    }
    drop(book);
    let bytes = std::fs::read(&file).unwrap();
    for place in (0..first).chain([first + 40]) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        std::fs::write(&file, damaged).unwrap();
        let Err(error) = open(folder.path()) else { panic!("byte {place}") };
        let said = error.to_string();
        assert!(said.contains("backup") || said.contains("belongs to chain"), "byte {place}: {said}");
    }
    // Damage to an entry that few follow is no torn end either.
    let few = &bytes[..2 * first - 48];
    for place in 48..first {
        let mut damaged = few.to_vec();
        damaged[place] ^= 0x40;
        std::fs::write(&file, damaged).unwrap();
        assert!(matches!(open(folder.path()), Err(BookError::Damaged(_, 48))), "byte {place}");
    }
    // A segment that others follow has no torn end.
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    std::fs::copy(&file, folder.path().join("signed-1")).unwrap();
    assert!(matches!(open(folder.path()), Err(BookError::Damaged(..))));
}

#[test]
fn keys_are_forgotten_after_their_time_and_old_segments_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = open(folder.path()).unwrap();
    let expires_at_ms = enter(&mut book, 0, START_MS).body.expires_at_ms;
    assert!(book.find(&key(0), expires_at_ms + REMEMBER_MS - 1).is_some());
    assert!(book.find(&key(0), expires_at_ms + REMEMBER_MS).is_none());
    for number in 1..40 {
        enter(&mut book, number, START_MS + number * HOUR_MS);
    }
    // Whatever is remembered, and no more than a part of that time beyond it.
    let names: Vec<_> = segments(folder.path());
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(!names.contains(&folder.path().join("signed-0")));
    let book = open(folder.path()).unwrap();
    let head_ms = START_MS + 39 * HOUR_MS;
    for number in 0..40 {
        let remembered = START_MS + number * HOUR_MS + HOUR_MS / 2 + REMEMBER_MS > head_ms;
        assert_eq!(book.find(&key(number), head_ms).is_some(), remembered, "{number}");
    }
}
