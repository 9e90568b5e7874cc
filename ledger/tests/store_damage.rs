//! Damaged database files. Whatever is cut off or altered, a database opens as the state after some number of its writes,
//! or it refuses, or a read fails: it never gives what was never written.

#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::panic)] // What is not as expected must stop the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dalil_ledger::store::{Batch, Create, Family, Kv, KvError, RocksKv};

/// Writes a life, each a synced batch over all families.
const WRITES: u64 = 12;
/// How often the database is closed and opened, which turns its log into tables.
const LIVES: u64 = 3;
/// Places in a file at which it is cut or altered, and in each of the many tables.
const PLACES: u64 = 9;
const TABLE_PLACES: u64 = 3;
/// Bytes of a value, so that a table has several blocks and a log several of 32 KiB.
const VALUE_BYTES: usize = 700;
/// A block of the write-ahead log, and the head of a record in it: checksum, length, type.
const WAL_BLOCK: usize = 32 << 10;
const WAL_HEAD: usize = 7;

type Content = BTreeMap<(Family, Vec<u8>), Vec<u8>>;

/// The `number`th write: new keys, one key that changes with every write, one that goes away again.
fn batch(number: u64) -> Batch {
    let mut batch = Batch::default();
    for family in Family::ALL {
        batch.put(family, number.to_be_bytes(), vec![number as u8; VALUE_BYTES]);
        batch.put(family, *b"newest", number.to_be_bytes());
        if number.is_multiple_of(2) {
            batch.put(family, *b"sometimes", number.to_be_bytes());
        } else {
            batch.delete(family, *b"sometimes");
        }
    }
    batch
}

fn apply(content: &mut Content, batch: &Batch) {
    for write in &batch.writes {
        let key = (write.family, write.key.clone());
        match &write.value {
            Some(value) => drop(content.insert(key, value.clone())),
            None => drop(content.remove(&key)),
        }
    }
}

fn content(kv: &dyn Kv) -> Result<Content, KvError> {
    let snapshot = kv.snapshot();
    let mut content = Content::new();
    for family in Family::ALL {
        for (key, value) in snapshot.scan(family, &[], &[], usize::MAX)? {
            content.insert((family, key), value);
        }
    }
    Ok(content)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A database that was opened and written to a few times, and its content after each write.
struct Sample {
    folder: tempfile::TempDir,
    versions: Vec<Content>,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut versions = vec![Content::new()];
        let live = folder.path().join("live");
        for life in 0..LIVES {
            let kv = RocksKv::open(&live, Create::IfMissing).unwrap();
            for write in 0..WRITES {
                let batch = batch(life * WRITES + write);
                let mut next = versions.last().unwrap().clone();
                apply(&mut next, &batch);
                kv.write(batch).unwrap();
                versions.push(next);
            }
            if life + 1 == LIVES {
                // As a crash leaves it: the newest writes stand in the log alone.
                copy(&live, &folder.path().join("sample"));
            }
        }
        Self { folder, versions }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sample")
    }

    /// The files whose names end or begin so.
    fn files(&self, part: &str) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().contains(part);
        let mut files: Vec<PathBuf> = all.filter(named).collect();
        files.sort();
        assert!(!files.is_empty(), "no file {part}");
        files
    }

    /// Opens a copy in which `file` is `bytes`, or is missing. Returns how many writes the database holds; none if it
    /// refuses or a read fails.
    fn opened_with(&self, file: &Path, bytes: Option<&[u8]>) -> Option<usize> {
        let folder = self.folder.path().join("damaged");
        let _absent = std::fs::remove_dir_all(&folder);
        copy(&self.path(), &folder);
        let place = folder.join(file.file_name().unwrap());
        match bytes {
            Some(bytes) => std::fs::write(&place, bytes).unwrap(),
            None => std::fs::remove_file(&place).unwrap(),
        }
        let held = content(&RocksKv::open(&folder, Create::Never).ok()?).ok()?;
        let version = self.versions.iter().position(|version| *version == held);
        assert!(version.is_some(), "{} damaged: content that never was, {} keys", file.display(), held.len());
        // What was opened once must be the same the next time.
        let again = content(&RocksKv::open(&folder, Create::Never).unwrap()).unwrap();
        assert!(again == held, "{} damaged: another content at the second opening", file.display());
        version
    }
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x40;
    bytes
}

fn places(bytes: &[u8], count: u64) -> impl Iterator<Item = usize> {
    let length = bytes.len() as u64;
    (0..count).map(move |place| (length * (2 * place + 1) / (2 * count)) as usize)
}

/// Where records of a write-ahead log end, by its format: blocks of 32 KiB, in which a record follows the other.
fn record_ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at + WAL_HEAD <= bytes.len() {
        if WAL_BLOCK - at % WAL_BLOCK < WAL_HEAD {
            at = at.next_multiple_of(WAL_BLOCK);
            continue;
        }
        let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        at += WAL_HEAD + length;
        // Full, or the last part of one that spans blocks.
        if matches!(bytes[at - length - 1], 1 | 4) {
            ends.push(at);
        }
    }
    ends
}

#[test]
fn a_live_wal_cut_on_a_record_boundary_is_an_older_version() {
    let sample = Sample::new();
    let newest = sample.versions.len() - 1;
    let wal = sample.files(".log").pop().unwrap();
    let bytes = std::fs::read(&wal).unwrap();
    assert_eq!(sample.opened_with(&wal, Some(&bytes)), Some(newest));
    let ends = record_ends(&bytes);
    assert!(ends.len() as u64 >= WRITES, "{ends:?}");
    for (cut_off, end) in ends.iter().rev().enumerate() {
        let expected = newest.saturating_sub(cut_off).max(newest - WRITES as usize);
        assert_eq!(sample.opened_with(&wal, Some(&bytes[..*end])), Some(expected), "cut at {end}");
    }
}

#[test]
fn a_torn_wal_opens_without_what_was_torn() {
    let sample = Sample::new();
    let newest = sample.versions.len() - 1;
    let wal = sample.files(".log").pop().unwrap();
    let bytes = std::fs::read(&wal).unwrap();
    for at in places(&bytes, PLACES) {
        assert!(sample.opened_with(&wal, Some(&bytes[..at])).is_some(), "cut at {at}");
        assert!(sample.opened_with(&wal, Some(&flipped(&bytes, at))).is_some(), "altered at {at}");
    }
    // The last write torn by a power cut: short, or at full length with a sector that was never written.
    let end = bytes.len();
    assert_eq!(sample.opened_with(&wal, Some(&bytes[..end - 1])), Some(newest - 1));
    let hole = [&bytes[..end - 600], &[0; 512][..], &bytes[end - 88..]].concat();
    assert_eq!(sample.opened_with(&wal, Some(&hole)), Some(newest - 1));
}

#[test]
fn a_damaged_table_is_refused_or_read_right() {
    let sample = Sample::new();
    let newest = sample.versions.len() - 1;
    let mut refused = 0;
    for table in sample.files(".sst") {
        let bytes = std::fs::read(&table).unwrap();
        for at in places(&bytes, TABLE_PLACES) {
            let altered = sample.opened_with(&table, Some(&flipped(&bytes, at)));
            assert!(altered.is_none_or(|held| held == newest), "altered at {at}: {altered:?}");
            refused += u64::from(altered.is_none());
            assert_eq!(sample.opened_with(&table, Some(&bytes[..at])), None, "cut at {at}");
        }
        assert_eq!(sample.opened_with(&table, None), None, "missing");
    }
    assert!(refused > 0, "no alteration was noticed");
}

#[test]
fn a_damaged_manifest_or_current_is_refused_or_read_right() {
    let sample = Sample::new();
    let newest = sample.versions.len() - 1;
    let manifest = sample.files("MANIFEST").pop().unwrap();
    let bytes = std::fs::read(&manifest).unwrap();
    for at in places(&bytes, PLACES) {
        let opened = sample.opened_with(&manifest, Some(&flipped(&bytes, at)));
        assert!(opened.is_none_or(|held| held == newest), "altered at {at}: {opened:?}");
    }
    // Its end lost on a record boundary, which RocksDB does not notice: families lose tables that others keep.
    let ends = record_ends(&bytes);
    let mut refused = 0;
    for end in ends.into_iter().filter(|end| *end < bytes.len()) {
        let opened = sample.opened_with(&manifest, Some(&bytes[..end]));
        assert!(opened.is_none_or(|held| held == newest), "cut at {end}: {opened:?}");
        refused += u64::from(opened.is_none());
    }
    assert!(refused > 0, "no cut was noticed");
    let current = sample.files("CURRENT").pop().unwrap();
    assert_eq!(sample.opened_with(&manifest, None), None);
    for damaged in [None, Some(&b""[..]), Some(b"MANIFEST-999999\n"), Some(b"MANIFEST")] {
        assert_eq!(sample.opened_with(&current, damaged), None, "{damaged:?}");
    }
}

#[test]
fn options_identity_and_log_files_are_not_needed() {
    let sample = Sample::new();
    let newest = sample.versions.len() - 1;
    for name in ["OPTIONS", "IDENTITY", "LOG"] {
        for file in sample.files(name) {
            for damaged in [None, Some(&b""[..]), Some(b"garbage")] {
                assert_eq!(sample.opened_with(&file, damaged), Some(newest), "{name} {damaged:?}");
            }
        }
    }
}

#[test]
fn a_database_that_is_open_is_not_opened_again() {
    let sample = Sample::new();
    let _open = RocksKv::open(&sample.path(), Create::Never).unwrap();
    let error = RocksKv::open(&sample.path(), Create::Never).err().unwrap();
    assert!(error.to_string().contains("lock"), "{error}");
}
