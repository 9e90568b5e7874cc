//! How far a report is, beside it: an interrupted run goes on where it was.
//!
//! It is written after each group of answers, when those are on the disk. What the report has beyond it is cut off.

use std::path::{Path, PathBuf};

use dalil_ledger::crypto::{Hash, sha256, sha256_of_reader};
use serde::{Deserialize, Serialize};

use super::super::{Usage, Verify};
use super::sum::Sum;
use crate::shell::home::replace_file;

/// The value of the field `format`.
const FORMAT: &str = "dalil-verify-progress/v1";

/// What a run is about: two runs of one report must be of the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// SHA-256 of the file of questions.
    source: Hash,
    /// SHA-256 of the pin.
    pin: Hash,
    max_age_ms: Option<u64>,
    as_of_ms: Option<u64>,
    known_at_ms: Option<u64>,
    from_line: Option<u64>,
    offline: bool,
    carry: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    format: String,
    run: Run,
    sum: Sum,
}

/// The file beside a report.
pub(super) struct Progress {
    path: PathBuf,
    run: Run,
}

impl Run {
    /// The run that a command asks for.
    pub(super) fn of(verify: &Verify, path: &Path, pin: &[u8]) -> Result<Self, Usage> {
        let source = std::fs::File::open(path).and_then(sha256_of_reader);
        Ok(Self {
            source: source.map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?,
            pin: sha256(pin),
            max_age_ms: verify.max_age,
            as_of_ms: verify.as_of,
            known_at_ms: verify.known_at,
            from_line: verify.many.from_line,
            offline: verify.offline,
            carry: verify.many.carry.clone(),
        })
    }
}

impl Progress {
    /// Begins a report, or goes on with one.
    pub(super) fn open(report: &Path, run: Run) -> Result<(Option<Self>, Sum), Usage> {
        let mut name = report.as_os_str().to_owned();
        name.push(".progress");
        let path = PathBuf::from(name);
        let wrong = |why: String| Usage(format!("{}: {why}", path.display()));
        let sum = match std::fs::read(&path) {
            Ok(bytes) => {
                let saved: Saved = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
                if saved.format != FORMAT || saved.run != run {
                    return Err(wrong(
                        "this report is of another file, pin or question; name another report".to_owned(),
                    ));
                }
                saved.sum.resumed()
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if report.exists() {
                    return Err(Usage(format!("{} is there already; name another report", report.display())));
                }
                Sum::default()
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        let progress = Self { path, run };
        progress.save(&sum)?;
        Ok((Some(progress), sum))
    }

    /// Remembers what is counted and on the disk.
    pub(super) fn save(&self, sum: &Sum) -> Result<(), Usage> {
        let saved = Saved { format: FORMAT.to_owned(), run: self.run.clone(), sum: sum.clone() };
        let written = serde_json::to_vec(&saved).map_err(std::io::Error::from);
        let written = written.and_then(|bytes| replace_file(&self.path, &bytes));
        written.map_err(|error| Usage(format!("{}: {error}", self.path.display())))
    }

    /// The report is whole.
    pub(super) fn end(self) -> Result<(), Usage> {
        std::fs::remove_file(&self.path).map_err(|error| Usage(format!("{}: {error}", self.path.display())))
    }
}
