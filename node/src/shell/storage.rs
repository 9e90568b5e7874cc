//! Durable writes, one after the other, on a thread of their own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use dalil_ledger::store::Ledger;

use super::home::replace_file;
use crate::core::Persist;

/// Accepts writes in the core's order. Dropping it lets the thread finish what it holds.
pub struct Storage {
    writes: Option<Sender<(u64, Persist)>>,
    thread: Option<JoinHandle<()>>,
}

/// How the thread reports.
pub trait Report: Send + 'static {
    /// The write `seq` is durable.
    fn durable(&self, seq: u64);
    /// A write failed: nothing may be done any more that relies on it.
    fn failed(&self, why: String);
}

impl Storage {
    /// Starts the thread.
    pub fn start(ledger: Ledger, sign_record: PathBuf, report: impl Report) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let run = move || write_all(&ledger, &sign_record, &receiver, &report);
        let thread = std::thread::Builder::new().name("storage".to_owned()).spawn(run)?;
        Ok(Self { writes: Some(sender), thread: Some(thread) })
    }

    /// Queues a write.
    pub fn write(&self, seq: u64, persist: Persist) {
        if let Some(writes) = &self.writes {
            // A closed channel means that the thread has reported a failure already.
            let _closed = writes.send((seq, persist));
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn write_all(ledger: &Ledger, sign_record: &Path, writes: &Receiver<(u64, Persist)>, report: &impl Report) {
    for (seq, persist) in writes {
        let done = match persist {
            Persist::SignRecord(bytes) => {
                replace_file(sign_record, &bytes).map_err(|error| format!("{}: {error}", sign_record.display()))
            }
            Persist::Batch(batch) => ledger.kv().write(batch).map_err(|error| error.to_string()),
            Persist::Commit { executed, certificate, also } => {
                ledger.commit(&executed, Some(&certificate), also).map_err(|error| error.to_string())
            }
        };
        match done {
            Ok(()) => report.durable(seq),
            Err(why) => {
                report.failed(why);
                return;
            }
        }
    }
}
