//! A disk: writes complete one after the other, and a crash takes what was not yet durable.
//!
//! A batch of the database is one synced entry of RocksDB's log: a torn tail is dropped when it is opened, so a batch is
//! there whole or not at all. The sign record is written beside, synced, and renamed: a torn one lies beside and is never
//! read. So in both a write that was under way has happened or has not, and none of a later one has.

use std::collections::VecDeque;

use dalil_ledger::store::{Kv as _, Ledger, MemoryKv};
use dalil_node::core::Persist;

/// How long a write takes on a good disk, in milliseconds.
pub const WRITE_MS: (u64, u64) = (1, 6);
/// How many writes a disk that lies forgets.
const FORGOTTEN: usize = 8;

/// Whether what a disk reports as durable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Kept,
    /// It reports writes before they are durable: outside of what the nodes bear.
    Broken,
}

/// What completing a write came to.
pub enum Completed {
    Durable {
        seq: u64,
        committed: bool,
    },
    /// There is no room: the process must end.
    Full,
}

/// The database and, apart from it, the sign record of a node that has a consensus key.
pub struct Disk {
    pub kv: MemoryKv,
    pub sign_record: Option<Vec<u8>>,
    /// What a cut-short replacement of the sign record left.
    pub beside: Option<Vec<u8>>,
    pub write_ms: (u64, u64),
    pub full: bool,
    pub word: Word,
    pending: VecDeque<(u64, Persist)>,
    free_ms: u64,
    /// Earlier contents of a disk that lies.
    earlier: VecDeque<(MemoryKv, Option<Vec<u8>>)>,
}

impl Disk {
    pub fn new(kv: MemoryKv, sign_record: Option<Vec<u8>>) -> Self {
        Self {
            kv,
            sign_record,
            beside: None,
            write_ms: WRITE_MS,
            full: false,
            word: Word::Kept,
            pending: VecDeque::new(),
            free_ms: 0,
            earlier: VecDeque::new(),
        }
    }

    /// Takes a write that lasts `write_ms`, after all before it. Returns when it is durable.
    pub fn ask(&mut self, seq: u64, persist: Persist, now_ms: u64, write_ms: u64) -> u64 {
        self.free_ms = self.free_ms.max(now_ms) + write_ms;
        self.pending.push_back((seq, persist));
        self.free_ms
    }

    /// The oldest write is done.
    pub fn complete(&mut self, ledger: &Ledger) -> Option<Completed> {
        if self.full {
            return Some(Completed::Full);
        }
        let (seq, persist) = self.pending.pop_front()?;
        if self.word == Word::Broken {
            self.earlier.push_back((self.kv.fork(), self.sign_record.clone()));
            if self.earlier.len() > FORGOTTEN {
                self.earlier.pop_front();
            }
        }
        let committed = matches!(persist, Persist::Commit { .. });
        match persist {
            Persist::SignRecord(bytes) => self.sign_record = Some(bytes),
            Persist::Batch(batch) => self.kv.write(batch).unwrap(),
            Persist::Commit { executed, certificate, also } => {
                ledger.commit(&executed, Some(&certificate), also).unwrap();
            }
        }
        Some(Completed::Durable { seq, committed })
    }

    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The power goes. Returns how many writes are lost.
    pub fn lose(&mut self) -> usize {
        let lost = self.pending.len();
        self.beside = match self.pending.front() {
            Some((_, Persist::SignRecord(bytes))) => Some(bytes[..bytes.len() / 2].to_vec()),
            _ => None,
        };
        self.pending.clear();
        self.free_ms = 0;
        if let Some((kv, sign_record)) = self.earlier.pop_front() {
            (self.kv, self.sign_record) = (kv, sign_record);
            self.earlier.clear();
        }
        lost
    }
}
