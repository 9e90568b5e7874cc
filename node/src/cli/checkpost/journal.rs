//! What a checkpost saw, in the order of the device's counter, and what became of it at the ledger. Lines are only added;
//! each is on the disk before anybody is told of it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use dalil_contracts::mineral::check::CheckChallan;
use dalil_contracts::mineral::device::DeviceId;
use dalil_ledger::crypto::Hash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::shell::home::sync_folder;

/// The longest journal, in bytes: some ten thousand checks. A device starts a new folder before that.
const JOURNAL_BYTES_MAX: u64 = 16 << 20;

/// A check whose fate is known. One that was refused stays open until a later one is on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Synced {
    /// The device's counter.
    pub(super) counter: u64,
    /// Transaction id.
    pub(super) id: Hash,
    /// Log index; none if an earlier attempt, or another statement of the device, was taken under its counter.
    pub(super) index: Option<u64>,
}

/// Value of the field `format` of a page's journal.
const PAGE_FORMAT: &str = "dalil-checkpost-journal/v1";

/// The checks that a checkpost page saved as a file, in the order of its device's counter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageJournal {
    format: String,
    /// The chain for which they are sealed.
    pub chain: Hash,
    /// The device.
    pub device: DeviceId,
    /// The checks, each with its seal.
    pub checks: Vec<CheckChallan>,
}

impl PageJournal {
    /// Reads a file; the seals in it are for the ledger to judge.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file: Self = serde_json::from_str(&read_bounded(path)?).with_context(|| path.display().to_string())?;
        ensure!(file.format == PAGE_FORMAT, "{}: format {:?}, expected {PAGE_FORMAT:?}", path.display(), file.format);
        let mut last = 0;
        for seal in file.checks.iter().map(|check| check.seal.as_ref()) {
            let seal = seal.with_context(|| format!("{}: a check without a seal", path.display()))?;
            ensure!(seal.device == file.device, "{}: a check of another device", path.display());
            ensure!(seal.counter > last, "{}: check {} stands after {last}", path.display(), seal.counter);
            last = seal.counter;
        }
        Ok(file)
    }
}

/// The files of checks and of their fates.
pub(super) struct Journal {
    checks: PathBuf,
    synced: PathBuf,
}

impl Journal {
    pub(super) fn at(folder: &Path) -> Self {
        Self { checks: folder.join("journal.jsonl"), synced: folder.join("synced.jsonl") }
    }

    /// All checks, oldest first.
    pub(super) fn checks(&self) -> anyhow::Result<Vec<CheckChallan>> {
        read_lines(&self.checks)
    }

    /// Checks whose fate is open.
    pub(super) fn waiting(&self) -> anyhow::Result<Vec<CheckChallan>> {
        let done: Vec<Synced> = read_lines(&self.synced)?;
        let last = done.iter().map(|synced| synced.counter).max().unwrap_or_default();
        let open = |check: &CheckChallan| check.seal.as_ref().is_some_and(|seal| seal.counter > last);
        Ok(self.checks()?.into_iter().filter(open).collect())
    }

    /// Records a check.
    pub(super) fn add(&self, check: &CheckChallan) -> anyhow::Result<()> {
        add_line(&self.checks, check)
    }

    /// Records a check's fate.
    pub(super) fn settle(&self, synced: &Synced) -> anyhow::Result<()> {
        add_line(&self.synced, synced)
    }
}

fn read_bounded(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(JOURNAL_BYTES_MAX + 1).read_to_string(&mut text));
    read.with_context(|| path.display().to_string())?;
    let whole = text.len() as u64 <= JOURNAL_BYTES_MAX;
    ensure!(whole, "{} is longer than {JOURNAL_BYTES_MAX} bytes: sync, and begin a new one", path.display());
    Ok(text)
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    if !path.try_exists().with_context(|| path.display().to_string())? {
        return Ok(Vec::new());
    }
    let text = read_bounded(path)?;
    // A line without its end was cut off by a power failure: nobody was told of it.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parsed = whole.lines().enumerate().map(|(number, line)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
    });
    parsed.collect()
}

fn add_line<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let add = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(path)?;
        // What a power failure cut off is no line; it ends here, and is dropped.
        let whole = std::fs::read(path)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_all()?;
        // Its name too, if this is its first line.
        if whole == 0 { sync_folder(path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
    };
    add().with_context(|| format!("cannot write {}", path.display()))
}
