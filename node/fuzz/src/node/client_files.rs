//! Files that users hand to the program: questions of a batch, a register to import, a checkpost's bundle, a page's journal.
//!
//! The first byte of an input chooses. Oracle: the questions of a batch are the same from whatever line one begins, so that
//! an interrupted run goes on where it was; a register that adds up can be imported to its last record; a bundle, put
//! together from whatever pieces, says what the chain says; the checks of a journal are sealed by its device, one counter
//! after the other.

use std::path::PathBuf;
use std::sync::OnceLock;

use dalil_contracts::mineral::checkpost::{Book, BookQuestion};
use dalil_ledger::checkpoint::{HeadProof, Pin, Policy};
use dalil_ledger::codec;
use dalil_ledger::receipt::RegisterReceipt;
use dalil_ledger::store::LedgerView;
use dalil_ledger::transaction::RECORD_BYTES_MAX;
use dalil_node::cli::{Bundle, PageJournal, calls_of_register, read_questions};
use dalil_node::shell::workers::Workers;
use dalil_node::verification;

use super::chain::{append, build, fresh_database, note, open};
use super::fixture::{START_MS, genesis, key_of, signed, token};
use crate::Taken;
use crate::wire::{Wire, choose};

/// When everything is checked, UTC milliseconds.
const NOW_MS: u64 = START_MS + 60_000;
/// When the head of [`post`] was cosigned, UTC seconds.
const COSIGNED_S: u64 = START_MS / 1_000 + 2;

/// One file of the format that the first byte names.
pub fn client_files(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] =
        &[|bytes| batch(bytes, &[]), |bytes| batch(bytes, &["note".to_owned()]), register, bundle, journal];
    choose(TABLE, bytes)
}

/// The file with this content, of which there is one at a time.
fn file(bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("dalil-fuzz-client-{}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn batch(bytes: &[u8], carry: &[String]) -> Taken {
    let path = file(bytes);
    let Ok(all) = read_questions(&path, carry, None) else { return Taken::No };
    let lines: Vec<u64> = all.iter().flatten().map(|(line, _)| *line).collect();
    assert!(lines.is_sorted_by(|line, next| line < next) && lines.first() != Some(&0), "{lines:?}");
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(read_questions(&path, carry, Some(*line)).as_deref(), Ok(&all[at..]), "from line {line} on");
    }
    if lines.is_empty() { Taken::No } else { Taken::Yes }
}

fn register(bytes: &[u8]) -> Taken {
    let Ok(calls) = calls_of_register(&file(bytes), token("land/dllro-bankura"), START_MS) else { return Taken::No };
    for call in &calls {
        let record = codec::encode(&signed("land-dllro-bankura", call, 0, START_MS));
        assert!(record.len() <= RECORD_BYTES_MAX, "a record of {} bytes", record.len());
    }
    if calls.is_empty() { Taken::No } else { Taken::Yes }
}

/// A chain of an empty block, where no challan, issuer, range or device is on record.
struct Post {
    pin: Pin,
    view: LedgerView,
    head: HeadProof,
    book: Book,
}

/// What is asked for in the seed.
pub(super) fn question() -> BookQuestion {
    BookQuestion {
        asked_at_ms: NOW_MS,
        challans: vec![token("WB-BIR-2026-000017")],
        ranges: vec![token("WB-BIR-R1")],
        postings: vec![token("minerals/agent")],
        device: None,
    }
}

fn post() -> &'static Post {
    static POST: OnceLock<Post> = OnceLock::new();
    POST.get_or_init(|| {
        let (ledger, workers) = (open(&fresh_database()), Workers::new(genesis().parameters));
        let empty = build(&ledger.view().unwrap(), &workers, 1, START_MS + 1_000, Vec::new());
        append(&ledger, &empty);
        let view = ledger.view().unwrap();
        let origin = genesis().origin.as_str().parse().unwrap();
        let policy = Policy::of_set(&origin, &genesis().validators).unwrap();
        let header = view.head().clone();
        let path = view.inclusion_proof(header.entry_index(), header.log_size()).unwrap();
        let head = HeadProof { header, path, note: note(&view, &policy, COSIGNED_S) };
        let pin = verification::pin_of(&origin, genesis(), (&genesis().validators, 1), NOW_MS).unwrap();
        let book = question().answer(&view).unwrap().unwrap();
        Post { pin, view, head, book }
    })
}

/// The receipt of what a question reads.
pub(super) fn receipt(question: &BookQuestion) -> RegisterReceipt {
    let Post { view, head, .. } = post();
    let (_, reads) = RegisterReceipt::gather(view, |state| question.answer(state), |key| view.prove(key)).unwrap();
    RegisterReceipt { head: head.clone(), reads }
}

fn bundle(bytes: &[u8]) -> Taken {
    let post = post();
    let Ok(bundle) = Bundle::read(&file(bytes), &post.pin, &key_of("device").public(), NOW_MS) else {
        return Taken::No;
    };
    assert_eq!((bundle.book, bundle.as_of_ms), (post.book.clone(), COSIGNED_S * 1_000));
    Taken::Yes
}

fn journal(bytes: &[u8]) -> Taken {
    let Ok(journal) = PageJournal::read(&file(bytes)) else { return Taken::No };
    let seals = journal.checks.iter().map(|check| check.seal.as_ref().expect("every check is sealed"));
    let counters: Vec<u64> = seals.clone().map(|seal| seal.counter).collect();
    assert!(counters.is_sorted_by(|counter, next| counter < next), "{counters:?}");
    assert!(seals.into_iter().all(|seal| seal.device == journal.device));
    Taken::Yes
}
