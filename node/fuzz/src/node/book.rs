//! The gateway's book through entries, restarts, crashes and damage.
//!
//! Oracle: a list of what was entered, in order. Whatever happens, the book finds the newest entry of each key that is still
//! remembered, with the record that was signed, or refuses to open. A write that a crash cut short is forgotten and nothing
//! before it; damage anywhere before the last entry is refused, and the book is whole again once it is undone.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::gateway::book::{Book, BookError};

use super::fixture::{START_MS, body, key_of};
use crate::{Input, Taken};

const CHAIN: Hash = Hash([9; 32]);
const HOUR_MS: u64 = 3_600_000;
const REMEMBER_MS: u64 = 24 * HOUR_MS;
/// Magic and chain id before the first entry.
const HEADER_BYTES: u64 = 16 + 32;
/// Idempotency keys in use.
const KEYS: usize = 5;
/// Things that happen in one input; each may sync a file.
const STEPS_MAX: usize = 32;

/// An entry as it was made, and where it ends up.
struct Entered {
    key: usize,
    request: Hash,
    record: SignedTransaction,
    segment: u64,
    end: u64,
}

/// A book and what it must know.
struct Life {
    folder: PathBuf,
    head_ms: u64,
    entered: Vec<Entered>,
    book: Option<Book>,
}

/// A sequence of entries, hours, restarts and accidents.
pub fn book(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let folder = std::env::temp_dir().join(format!("dalil-fuzz-book-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut life = Life { folder, head_ms: START_MS, entered: Vec::new(), book: None };
    life.reopen();
    let mut taken = Taken::No;
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        match input.below(8) {
            0..=2 => {
                life.enter(&mut input);
                taken = Taken::Yes;
            }
            3 => life.head_ms += u64::from(input.byte()) * HOUR_MS,
            4 => life.reopen(),
            5 => life.crash_while_writing(&mut input),
            6 => life.flip_a_bit(&mut input),
            _ => life.append(input.piece()),
        }
        life.check();
    }
    let _ = std::fs::remove_dir_all(&life.folder);
    taken
}

fn key(number: usize) -> Hash {
    sha256(&[number as u8])
}

impl Life {
    fn open(&self) -> Result<Book, BookError> {
        Book::open(&self.folder, CHAIN, REMEMBER_MS)
    }

    fn reopen(&mut self) {
        self.book = None;
        self.book = Some(self.open().expect("a book that was kept opens"));
    }

    /// Numbers of the segments, in order.
    fn segments(&self) -> Vec<u64> {
        let names = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name());
        let number =
            |name: std::ffi::OsString| name.to_str().unwrap().strip_prefix("signed-").unwrap().parse().unwrap();
        let mut numbers: Vec<u64> = names.map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("signed-{segment}"))
    }

    fn length(&self, segment: u64) -> u64 {
        self.path(segment).metadata().unwrap().len()
    }

    fn enter(&mut self, input: &mut Input<'_>) {
        let (number, request) = (input.below(KEYS), Hash([input.byte(); 32]));
        let (call, salt) = (vec![input.byte(); input.below(64)], self.entered.len() as u64);
        let expires_at_ms = self.head_ms + u64::from(input.byte()) * HOUR_MS;
        let record = body(CHAIN, "clerk", call, salt, expires_at_ms).sign(&key_of("clerk"));
        let book = self.book.as_mut().expect("open");
        book.enter(key(number), request, &record, self.head_ms).expect("the disk is sound");
        let segment = *self.segments().last().expect("a segment");
        let end = self.length(segment);
        self.entered.push(Entered { key: number, request, record, segment, end });
    }

    /// What an accident left of the last segment: entries that end by `length`.
    fn forget_after(&mut self, segment: u64, length: u64) {
        self.entered.retain(|entry| entry.segment != segment || entry.end <= length);
        self.reopen();
    }

    fn crash_while_writing(&mut self, input: &mut Input<'_>) {
        let cut = u64::from(input.short());
        let Some(last) = self.segments().pop() else { return };
        let length = self.length(last).saturating_sub(cut);
        OpenOptions::new().write(true).open(self.path(last)).unwrap().set_len(length).unwrap();
        self.forget_after(last, length);
    }

    fn flip_a_bit(&mut self, input: &mut Input<'_>) {
        let (place, at, bit) = (input.byte(), u64::from(input.short()), input.below(8));
        let segments = self.segments();
        let Some(last) = segments.last().copied() else { return };
        let segment = segments[usize::from(place) % segments.len()];
        let at = at % self.length(segment);
        let file = OpenOptions::new().read(true).write(true).open(self.path(segment)).unwrap();
        let flip = || {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 1 << bit], at).unwrap();
        };
        self.book = None;
        flip();
        let ends = self.entered.iter().filter(|entry| entry.segment == segment).map(|entry| entry.end);
        let before_last = ends.rev().nth(1).unwrap_or(HEADER_BYTES);
        if segment == last && at >= before_last && at >= HEADER_BYTES {
            // The last entry cannot be told from one whose writing was cut short.
            return self.forget_after(segment, before_last);
        }
        match self.open().err() {
            Some(BookError::OtherChain(..)) => assert!((16..HEADER_BYTES).contains(&at), "byte {at}"),
            Some(BookError::Damaged(_, from)) => assert!(from <= at, "byte {at}, said to be damaged from {from}"),
            Some(other) => panic!("byte {at}: {other}"),
            None => panic!("byte {at} of {segment} is another, and nobody saw it"),
        }
        flip();
        self.reopen();
    }

    fn append(&mut self, rubbish: &[u8]) {
        let Some(last) = self.segments().pop() else { return };
        let length = self.length(last);
        OpenOptions::new().write(true).open(self.path(last)).unwrap().write_all_at(rubbish, length).unwrap();
        self.reopen();
        assert_eq!(self.length(last), length, "what was never written so is cut off");
    }

    fn check(&self) {
        let book = self.book.as_ref().expect("open");
        for number in 0..KEYS {
            let newest = self.entered.iter().rev().find(|entry| entry.key == number);
            let remembered = |entry: &&Entered| entry.record.body.expires_at_ms + REMEMBER_MS > self.head_ms;
            let found = book.find(&key(number), self.head_ms);
            let Some(entry) = newest.filter(remembered) else {
                assert_eq!(found, None);
                continue;
            };
            let found = found.expect("what was entered is remembered");
            assert_eq!((found.request, found.id), (entry.request, entry.record.id()));
            assert_eq!(found.expires_at_ms, entry.record.body.expires_at_ms);
            assert_eq!(book.read(found).unwrap(), entry.record);
        }
    }
}
