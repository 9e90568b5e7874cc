//! Every window between the first attempt and the last retry.

use std::collections::BTreeMap;

use dalil_ledger::crypto::Hash;
use dalil_ledger::store::StoreError;
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::gateway::book::Book;
use dalil_node::gateway::once::{Attempt, Chain, Refused, Step, settle};

use crate::support::{EXPIRES_AFTER_MS, START_MS, domicile, genesis, signed};

const REMEMBER_MS: u64 = 7 * 24 * 3_600_000;

/// A chain as the gateway sees it.
struct Seen {
    head_ms: u64,
    knows_from_ms: u64,
    recorded: BTreeMap<Hash, u64>,
}

impl Chain for Seen {
    fn index_of(&self, id: &Hash) -> Result<Option<u64>, StoreError> {
        Ok(self.recorded.get(id).copied())
    }

    fn head_time_ms(&self) -> u64 {
        self.head_ms
    }

    fn knows_from_ms(&self) -> Result<u64, StoreError> {
        Ok(self.knows_from_ms)
    }
}

struct Bench {
    folder: tempfile::TempDir,
    book: Book,
    chain: Seen,
    signed: u64,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path(), genesis().chain_id(), REMEMBER_MS).unwrap();
        let chain = Seen { head_ms: START_MS, knows_from_ms: 0, recorded: BTreeMap::new() };
        Self { folder, book, chain, signed: 0 }
    }

    fn restart(&mut self) {
        self.book = Book::open(self.folder.path(), genesis().chain_id(), REMEMBER_MS).unwrap();
    }

    fn ask(&mut self, key: u8, request: u8) -> Result<Step, Refused> {
        let (signed_now, at_ms) = (&mut self.signed, self.chain.head_ms);
        let sign = || {
            *signed_now += 1;
            Ok(signed("district-gateway", &domicile(1, at_ms), *signed_now, at_ms))
        };
        settle(&mut self.book, Hash([key; 32]), Hash([request; 32]), &self.chain, sign)
    }

    /// What is handed in.
    fn handed(&mut self, key: u8, request: u8) -> (SignedTransaction, Attempt) {
        match self.ask(key, request) {
            Ok(Step::HandIn(record, attempt)) => (*record, attempt),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_retry_hands_in_the_very_same_record_across_restarts() {
    let mut bench = Bench::new();
    let (first, attempt) = bench.handed(1, 1);
    assert_eq!(attempt, Attempt::First);
    for _ in 0..3 {
        assert_eq!(bench.handed(1, 1), (first.clone(), Attempt::Repeated));
        bench.restart();
        bench.chain.head_ms += EXPIRES_AFTER_MS / 4;
    }
    // Of another key it is another record, though the request be the same.
    assert_ne!(bench.handed(2, 1).0.id(), first.id());
    assert_eq!(bench.signed, 2);
}

#[test]
fn a_record_on_record_is_never_signed_anew() {
    let mut bench = Bench::new();
    let id = bench.handed(1, 1).0.id();
    bench.chain.recorded.insert(id, 17);
    // Also long after it could have lapsed, and where only the id is known.
    for head_ms in [START_MS, START_MS + EXPIRES_AFTER_MS, START_MS + REMEMBER_MS] {
        bench.chain.head_ms = head_ms;
        bench.chain.knows_from_ms = head_ms;
        bench.restart();
        assert_eq!(bench.ask(1, 1).unwrap(), Step::Recorded { id, index: 17 });
    }
    assert_eq!(bench.signed, 1);
}

#[test]
fn a_lapsed_record_is_signed_anew_only_once_the_head_is_past_its_expiry() {
    let mut bench = Bench::new();
    let first = bench.handed(1, 1).0;
    bench.chain.head_ms = first.body.expires_at_ms - 1;
    assert_eq!(bench.handed(1, 1).0, first, "a block before the expiry may still hold it");
    bench.chain.head_ms = first.body.expires_at_ms;
    let (second, attempt) = bench.handed(1, 1);
    assert_eq!((attempt, second.id() == first.id()), (Attempt::First, false));
    bench.restart();
    assert_eq!(bench.handed(1, 1), (second, Attempt::Repeated));
}

#[test]
fn what_a_snapshot_does_not_tell_is_not_signed_anew() {
    let mut bench = Bench::new();
    let first = bench.handed(1, 1).0;
    bench.chain.head_ms = first.body.expires_at_ms + 5_000;
    bench.chain.knows_from_ms = first.body.expires_at_ms;
    match bench.ask(1, 1) {
        Err(Refused::NotKnownHere { id }) => assert_eq!(id, first.id()),
        other => panic!("{other:?}"),
    }
    // The snapshot is older than the expiry: it brought the ids that were alive.
    bench.chain.knows_from_ms = first.body.expires_at_ms - 1;
    assert_ne!(bench.handed(1, 1).0, first);
}

#[test]
fn a_key_serves_one_request() {
    let mut bench = Bench::new();
    let first = bench.handed(1, 1).0;
    assert!(matches!(bench.ask(1, 2), Err(Refused::OtherRequest)));
    bench.chain.recorded.insert(first.id(), 3);
    assert!(matches!(bench.ask(1, 2), Err(Refused::OtherRequest)));
    bench.chain.head_ms = first.body.expires_at_ms + 1;
    assert!(matches!(bench.ask(1, 2), Err(Refused::OtherRequest)));
    assert_eq!(bench.signed, 1);
    // Until it is forgotten.
    bench.chain.head_ms = first.body.expires_at_ms + REMEMBER_MS;
    bench.handed(1, 2);
}

#[test]
fn nothing_is_handed_in_that_is_not_in_the_book() {
    let mut bench = Bench::new();
    let sign = || anyhow_error();
    let refused = settle(&mut bench.book, Hash([1; 32]), Hash([1; 32]), &bench.chain, sign);
    assert!(matches!(refused, Err(Refused::Sign(_))));
    std::fs::remove_dir_all(bench.folder.path()).unwrap();
    assert!(matches!(bench.ask(1, 1), Err(Refused::Book(_))));
    // Whether that write is on the disk is not known: no other may follow it.
    std::fs::create_dir_all(bench.folder.path()).unwrap();
    assert!(matches!(bench.ask(2, 1), Err(Refused::Book(_))));
    bench.restart();
    bench.handed(2, 1);
}

fn anyhow_error() -> Result<SignedTransaction, anyhow::Error> {
    Err(std::io::Error::other("no randomness").into())
}
