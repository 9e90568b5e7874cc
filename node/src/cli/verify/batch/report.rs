//! A line for each question, in their order, as CSV or as JSON lines.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use dalil_ledger::receipt::Exit;
use serde_json::{Map, Value, json};

use super::super::Usage;
use super::super::finding::Finding;
use super::answer::Answered;
use crate::legible::legible;
use crate::time::ist_rfc3339;
use crate::verification::status_name;

/// The status of a row that is no question.
pub(super) const NO_QUESTION: &str = "no_question";

/// The columns that every report has, in this order.
const COLUMNS: [&str; 20] = [
    "line",
    "asked",
    "status",
    "reason",
    "exit_code",
    "detail",
    "uri",
    "digest",
    "department",
    "office",
    "issued",
    "valid_from",
    "valid_until",
    "since",
    "as_of",
    "record",
    "height",
    "log_size",
    "freshness",
    "checked_at",
];

/// How a report is written.
pub(super) enum Form {
    Csv,
    JsonLines,
}

impl Form {
    /// By the ending of its name.
    pub(super) fn of(path: &Path) -> Result<Self, Usage> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines),
            _ => Err(Usage(format!("{}: a report ends in .csv or .jsonl", path.display()))),
        }
    }
}

/// A report that is being written.
pub(super) struct Report {
    out: BufWriter<File>,
    form: Form,
    carry: Vec<String>,
    bytes: u64,
}

impl Report {
    /// Opens a report of which so many bytes are whole; what follows them is cut off.
    pub(super) fn open(path: &Path, form: Form, carry: &[String], whole: u64) -> Result<Self, Usage> {
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path).and_then(|mut file| {
            file.try_lock().map_err(|_| std::io::Error::other("another run writes it"))?;
            if file.metadata()?.len() < whole {
                return Err(std::io::Error::other("the report is shorter than it was; begin another"));
            }
            file.set_len(whole)?;
            file.seek(SeekFrom::Start(whole))?;
            Ok(file)
        });
        let file = opened.map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        let mut report = Self { out: BufWriter::new(file), form, carry: carry.to_vec(), bytes: whole };
        if whole == 0 && matches!(report.form, Form::Csv) {
            let header = report.header();
            report.put(&header).map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        }
        Ok(report)
    }

    /// A carried column that is named as one of the report's gets another name.
    fn header(&self) -> String {
        let carried = self
            .carry
            .iter()
            .map(|name| if COLUMNS.contains(&name.as_str()) { format!("input_{name}") } else { name.clone() });
        let names = COLUMNS.iter().map(|name| (*name).to_owned()).chain(carried);
        names.map(|name| cell(&name)).collect::<Vec<_>>().join(",") + "\r\n"
    }

    /// Writes the line of an answer.
    pub(super) fn write(&mut self, answered: &Answered) -> std::io::Result<()> {
        let facts = facts(answered);
        let text = match self.form {
            Form::Csv => {
                let own = COLUMNS.iter().map(|name| match facts.get(*name) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => cell(text),
                    Some(other) => other.to_string(),
                });
                let carried = answered.carried.iter().map(|text| cell(text));
                own.chain(carried).collect::<Vec<_>>().join(",") + "\r\n"
            }
            Form::JsonLines => {
                let mut facts = facts;
                if !self.carry.is_empty() {
                    let carried = self.carry.iter().cloned().zip(answered.carried.iter().map(|text| json!(text)));
                    facts.insert("carried".to_owned(), Value::Object(carried.collect()));
                }
                Value::Object(facts).to_string() + "\n"
            }
        };
        self.put(&text)
    }

    fn put(&mut self, text: &str) -> std::io::Result<()> {
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.out.write_all(text.as_bytes())
    }

    /// Puts all of it on the disk; its length.
    pub(super) fn flush(&mut self) -> std::io::Result<u64> {
        self.out.flush()?;
        self.out.get_ref().sync_data()?;
        Ok(self.bytes)
    }
}

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell (RFC 4180) that a spreadsheet shows as it stands: what it would read as a formula gets an apostrophe before it, also
/// behind a semicolon, which separates cells in some countries; and what steers how the rest is read stands there by its code.
fn cell(text: &str) -> String {
    let parts = legible(text);
    let parts =
        parts.split(';').map(|part| if part.starts_with(FORMULA) { format!("'{part}") } else { part.to_owned() });
    let text = parts.collect::<Vec<_>>().join(";");
    if text.contains([',', '"', '\'', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The status of a finding, by its name.
pub(super) fn status_of(finding: &Finding) -> String {
    match finding {
        Finding::Status(proven) => status_name(proven.answer.status),
        Finding::Plot(plot) => status_name(plot.shown.status),
        Finding::BeyondLog(_) => "not_on_record".to_owned(),
        Finding::Recorded(_) => "recorded".to_owned(),
        Finding::Unchecked(_) => "could_not_check".to_owned(),
    }
}

/// All that is said of a row, by the names of the columns.
fn facts(answered: &Answered) -> Map<String, Value> {
    let outcome = match &answered.outcome {
        Ok(outcome) => outcome,
        Err(bad) => {
            let detail = if bad.place.is_empty() { bad.why.clone() } else { format!("{}: {}", bad.place, bad.why) };
            return object(json!({
                "line": answered.line, "status": NO_QUESTION, "reason": NO_QUESTION, "exit_code": Exit::Usage.code(),
                "detail": detail,
            }));
        }
    };
    let finding = &outcome.finding;
    let mut facts = object(json!({
        "line": answered.line,
        "asked": outcome.shown,
        "status": status_of(finding),
        "exit_code": finding.exit().code(),
        "uri": outcome.asked.uri,
        "digest": outcome.asked.digest,
        "checked_at": ist_rfc3339(outcome.checked_at_ms),
    }));
    facts.extend(object(match finding {
        Finding::Status(proven) => {
            let answer = &proven.answer;
            let entry = answer.entry.as_ref();
            let until_ms = entry.and_then(|entry| entry.ends_at_ms(answer.known_at_ms.unwrap_or(u64::MAX)));
            json!({
                "reason": answer.reason,
                "department": entry.map(|entry| &entry.issuer.department),
                "office": entry.map(|entry| &entry.issuer.office),
                "issued": entry.map(|entry| ist_rfc3339(entry.issued_at_ms)),
                "valid_from": entry.map(|entry| ist_rfc3339(entry.valid_from_ms)),
                "valid_until": until_ms.map(ist_rfc3339),
                "since": answer.since_ms.map(ist_rfc3339),
                "as_of": ist_rfc3339(answer.as_of_ms),
                "record": answer.record,
                "height": answer.height,
                "log_size": answer.log_size,
                "freshness": ist_rfc3339(answer.freshness_ms),
            })
        }
        Finding::Plot(plot) => json!({
            "reason": plot.shown.reason,
            "detail": plot.shown.proven(&plot.plot).join("; "),
            "height": plot.head.height,
            "log_size": plot.head.log_size,
            "freshness": ist_rfc3339(plot.head.freshness_ms),
        }),
        Finding::BeyondLog(beyond) => json!({
            "reason": "beyond_log",
            "height": beyond.head.height,
            "log_size": beyond.head.log_size,
            "freshness": ist_rfc3339(beyond.head.freshness_ms),
        }),
        Finding::Recorded(recorded) => json!({
            "reason": "present_status_not_proven",
            "record": recorded.inclusion.index,
            "log_size": recorded.inclusion.log_size,
            "freshness": ist_rfc3339(recorded.inclusion.freshness_ms),
        }),
        Finding::Unchecked(why) => json!({ "reason": why.code, "detail": why.detail }),
    }));
    facts
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}
