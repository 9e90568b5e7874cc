//! What came of a whole file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dalil_ledger::receipt::Exit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Answered;
use super::report::{NO_QUESTION, status_of};
use crate::cli::output::{bold, fact};
use crate::legible::legible;

/// How many bad lines are told one by one.
const BAD_LINES_SHOWN: usize = 10;

/// Counts, as they are kept across an interruption.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli::verify) struct Sum {
    /// Rows, with those that are no question.
    pub(super) questions: u64,
    /// The last line that was read.
    last_line: u64,
    /// How many rows have each status.
    statuses: BTreeMap<String, u64>,
    /// How many rows have each exit code.
    exit_codes: BTreeMap<u8, u64>,
    /// The first rows that are no question.
    bad_lines: Vec<(u64, String)>,
    /// How long the report is, in bytes.
    pub(super) report_bytes: u64,
    /// Rows of earlier runs.
    #[serde(skip)]
    earlier: u64,
    /// Why the rest was not asked.
    #[serde(skip)]
    stopped: Option<String>,
    /// How long this run took, in milliseconds.
    #[serde(skip)]
    pub(super) took_ms: u64,
    /// The report.
    #[serde(skip)]
    pub(super) report: Option<PathBuf>,
}

impl Sum {
    /// Counts a row.
    pub(super) fn count(&mut self, answered: &Answered) {
        self.questions = self.questions.saturating_add(1);
        self.last_line = answered.line;
        let (status, exit) = match &answered.outcome {
            Ok(outcome) => (status_of(&outcome.finding), outcome.finding.exit()),
            Err(bad) => {
                if self.bad_lines.len() < BAD_LINES_SHOWN {
                    let separator = if bad.place.is_empty() { "" } else { ": " };
                    self.bad_lines.push((answered.line, format!("{}{separator}{}", bad.place, bad.why)));
                }
                (NO_QUESTION.to_owned(), Exit::Usage)
            }
        };
        let add = |count: &mut u64| *count = count.saturating_add(1);
        add(self.statuses.entry(status).or_default());
        add(self.exit_codes.entry(exit.code()).or_default());
    }

    /// What is counted so far is an earlier run's.
    pub(super) fn resumed(self) -> Self {
        Self { earlier: self.questions, ..self }
    }

    /// The rest is not asked.
    pub(super) fn stopped(mut self, why: String) -> Self {
        self.stopped = Some(why);
        self
    }

    /// Whether a part of the file was not asked.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// The worst that came of any row: what could not be checked before all else. Zero is only where every row is valid.
    pub(in crate::cli::verify) fn exit(&self) -> Exit {
        let has = |exit: &Exit| self.exit_codes.contains_key(&exit.code());
        if self.stopped.is_some() {
            return Exit::CouldNotCheck;
        }
        let worst_first =
            [Exit::CouldNotCheck, Exit::Usage, Exit::NotOnRecord, Exit::NotValidNow, Exit::RecordedOnly, Exit::Valid];
        // A file without a question asks for nothing.
        worst_first.into_iter().find(has).unwrap_or(Exit::Usage)
    }

    pub(in crate::cli::verify) fn to_text(&self) -> String {
        let of_this_run = self.questions.saturating_sub(self.earlier);
        let rate = u128::from(of_this_run) * 1_000 / u128::from(self.took_ms.max(1));
        let headline = match (self.exit(), &self.stopped) {
            (_, Some(_)) => "STOPPED BEFORE THE END".to_owned(),
            (Exit::Valid, None) => "ALL VALID".to_owned(),
            (_, None) => "NOT ALL VALID".to_owned(),
        };
        let mut lines = vec![
            bold(&headline),
            fact("questions", format_args!("{}, {} s, {rate} a second", self.questions, self.took_ms / 1_000)),
        ];
        if self.earlier > 0 {
            lines.push(fact("before", format_args!("{} by an earlier run", self.earlier)));
        }
        lines.extend(self.statuses.iter().map(|(status, count)| fact(status, count)));
        lines.extend(
            self.bad_lines.iter().map(|(line, why)| fact("bad line", format_args!("{line}, {}", legible(why)))),
        );
        if let Some(why) = &self.stopped {
            let after = self.last_line;
            lines.push(fact("stopped", format_args!("after line {after}: {}", legible(why))));
            if self.report.is_some() {
                lines.push(fact("next", "the same command goes on there"));
            }
        }
        lines.extend(self.report.iter().map(|path| fact("report", path.display())));
        lines.join("\n")
    }

    pub(in crate::cli::verify) fn to_json(&self) -> Value {
        let bad: Vec<_> = self.bad_lines.iter().map(|(line, why)| json!({ "line": line, "why": why })).collect();
        json!({
            "questions": self.questions,
            "questions_of_earlier_runs": self.earlier,
            "statuses": self.statuses,
            "exit_codes": self.exit_codes,
            "bad_lines": bad,
            "last_line": self.last_line,
            "stopped": self.stopped,
            "took_ms": self.took_ms,
            "report": self.report,
            "exit_code": self.exit().code(),
        })
    }
}
