//! What is on record of an import, beside its file: an interrupted one goes on where it was.
//!
//! A line is written before a record is handed in, with its id, and another when it is final. After an interruption the fate
//! of what has only the first line is asked by id.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use dalil_ledger::crypto::Hash;
use serde::{Deserialize, Serialize};

/// A record of the import: its mouza and its place among the mouza's records.
pub(super) type Place = (String, usize);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first: what is imported, and where to.
    Import { source: Hash, chain: Hash, as_on_ms: u64 },
    /// About to be handed in.
    Sent { mouza: String, place: usize, id: Hash },
    /// Final.
    Recorded { mouza: String, place: usize, index: u64 },
}

/// How far a record of the import is known to have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Handed in, once a run at most; any of these may be the one on record.
    Sent(Vec<Hash>),
    Recorded,
}

/// The journal of one import.
pub(super) struct Journal {
    file: Mutex<File>,
    known: BTreeMap<Place, Known>,
}

impl Journal {
    /// Where the journal of a file lies.
    pub(super) fn path_of(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".journal");
        name.into()
    }

    /// Opens the journal of a file, or begins it.
    pub(super) fn open(path: &Path, source: Hash, chain: Hash, as_on_ms: u64) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).read(true).append(true).open(path);
        let mut file = opened.with_context(|| format!("cannot keep the journal {}", path.display()))?;
        let mut known = BTreeMap::new();
        let mut begun = false;
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        loop {
            let mut text = String::new();
            reader.read_line(&mut text).with_context(|| path.display().to_string())?;
            // The last line may have been cut short; what it would have said is asked again.
            if !text.ends_with('\n') {
                break;
            }
            whole += text.len() as u64;
            match serde_json::from_str(&text).with_context(|| path.display().to_string())? {
                Line::Import { source: other, .. } if other != source => {
                    bail!(
                        "{} is of another file, or the file was changed since: import it under another name",
                        path.display()
                    )
                }
                Line::Import { chain: other, .. } if other != chain => {
                    bail!("{} is of chain {other}, the node is of {chain}", path.display())
                }
                Line::Import { as_on_ms: other, .. } if other != as_on_ms => {
                    bail!("{} was begun with another --as-on", path.display())
                }
                Line::Import { .. } => begun = true,
                Line::Sent { mouza, place, id } => {
                    if let Known::Sent(ids) = known.entry((mouza, place)).or_insert_with(|| Known::Sent(Vec::new())) {
                        ids.push(id);
                    }
                }
                Line::Recorded { mouza, place, .. } => {
                    known.insert((mouza, place), Known::Recorded);
                }
            }
        }
        file.set_len(whole)?;
        if !begun {
            write(&mut file, &Line::Import { source, chain, as_on_ms })?;
        }
        Ok(Self { file: Mutex::new(file), known })
    }

    /// What an earlier run knew.
    pub(super) fn known(&self, place: &Place) -> Option<&Known> {
        self.known.get(place)
    }

    pub(super) fn sent(&self, (mouza, place): &Place, id: Hash) -> anyhow::Result<()> {
        self.write(&Line::Sent { mouza: mouza.clone(), place: *place, id })
    }

    pub(super) fn recorded(&self, (mouza, place): &Place, index: u64) -> anyhow::Result<()> {
        self.write(&Line::Recorded { mouza: mouza.clone(), place: *place, index })
    }

    fn write(&self, line: &Line) -> anyhow::Result<()> {
        let mut file = self.file.lock().map_err(|_| anyhow::anyhow!("the journal broke"))?;
        write(&mut file, line)
    }
}

fn write(file: &mut File, line: &Line) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes()).context("cannot write the journal")
}
