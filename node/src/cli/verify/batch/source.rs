//! A file of questions, read one after the other.

use std::io::{BufRead as _, BufReader, Seek as _};
use std::path::Path;

use super::super::Usage;
use super::super::check::Moments;
use super::super::subject::open_file;
use super::csv::Csv;
use super::json::JsonLines;
use super::question::{Bad, Context, Task};
use crate::service::QUESTIONS_MAX;

/// How much of the file is answered together, in bytes; at least one question.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// A row of the file.
pub(super) struct Row {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// The offset in the file at which it ends, in bytes.
    pub(super) ends_at: u64,
    /// What is to stand in the report as well, in the order in which the columns were named.
    pub(super) carried: Vec<String>,
    /// Its question, or the place at which it is none and why.
    pub(super) task: Result<Task, BadRow>,
}

/// Where and why a row is no question.
#[derive(Debug, Clone)]
pub(super) struct BadRow {
    /// Such as `column 3 (digest)`; empty if it is the row as a whole.
    pub(super) place: String,
    /// In plain words.
    pub(super) why: String,
}

/// A file of either form.
pub(super) struct Source {
    rows: Rows,
    bytes: u64,
    skipped: Skipped,
}

enum Rows {
    Csv(Box<Csv>),
    Json(JsonLines),
}

/// What is not asked again.
#[derive(Default)]
struct Skipped {
    questions: u64,
    from_line: u64,
}

impl Source {
    /// Opens a file. A JSON object begins with a brace, and no header does.
    pub(super) fn open(path: &Path, carry: &[String], context: Context) -> Result<Self, Usage> {
        let unreadable = |error: std::io::Error| Usage(format!("cannot read {}: {error}", path.display()));
        let file = open_file(path)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut reader = BufReader::new(file);
        let begins = reader.fill_buf().map_err(unreadable)?;
        let begins = begins.strip_prefix(BOM).unwrap_or(begins).trim_ascii_start();
        if begins.is_empty() {
            return Err(Usage(format!("{} holds no question", path.display())));
        }
        let is_json = begins.starts_with(b"{");
        let mut file = reader.into_inner();
        file.rewind().map_err(unreadable)?;
        let rows = if is_json {
            Rows::Json(JsonLines::new(file, carry, context))
        } else {
            Rows::Csv(Box::new(Csv::new(file, carry, context)?))
        };
        Ok(Self { rows, bytes, skipped: Skipped::default() })
    }

    /// Its length, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Passes over so many questions, and over those before a line.
    pub(super) fn skip_to(&mut self, questions: u64, from_line: Option<u64>) {
        self.skipped = Skipped { questions, from_line: from_line.unwrap_or_default() };
    }

    /// The next row, none at the end, or why the rest cannot be read.
    fn next(&mut self) -> Result<Option<Row>, String> {
        loop {
            let row = match &mut self.rows {
                Rows::Csv(rows) => rows.next()?,
                Rows::Json(rows) => rows.next()?,
            };
            match &row {
                Some(row) if row.line < self.skipped.from_line => {}
                Some(_) if self.skipped.questions > 0 => self.skipped.questions -= 1,
                _ => return Ok(row),
            }
        }
    }
}

/// The mark of UTF-8 that some programs put before the first byte.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// The rows in groups that one request answers; at the end why the rest cannot be read, if it cannot.
pub(super) struct Chunks {
    source: Source,
    ended: Option<Result<(), String>>,
}

impl From<Source> for Chunks {
    fn from(source: Source) -> Self {
        Self { source, ended: None }
    }
}

impl Iterator for Chunks {
    type Item = Result<Vec<Row>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = Vec::new();
        let mut weight: u64 = 0;
        while self.ended.is_none() && rows.len() < QUESTIONS_MAX && weight < CHUNK_BYTES_MAX {
            match self.source.next() {
                Ok(Some(row)) => {
                    weight = weight.saturating_add(row.weight());
                    rows.push(row);
                }
                Ok(None) => self.ended = Some(Ok(())),
                Err(why) => self.ended = Some(Err(why)),
            }
        }
        if !rows.is_empty() {
            return Some(Ok(rows));
        }
        match self.ended.replace(Ok(())) {
            Some(Err(why)) => Some(Err(why)),
            Some(Ok(())) | None => None,
        }
    }
}

impl Row {
    /// What is asked and carried.
    fn in_words(&self) -> String {
        let asked = match &self.task {
            Ok(Task { shown, moments, .. }) => format!("{shown} {moments:?}"),
            Err(BadRow { place, why }) => format!("{place}: {why}"),
        };
        format!("{asked} {:?}", self.carried)
    }

    /// About as much as it keeps in memory, in bytes.
    fn weight(&self) -> u64 {
        let carried: usize = self.carried.iter().map(String::len).sum();
        let receipt = match &self.task {
            Ok(Task { question: crate::service::Question::Receipt(bytes), .. }) => bytes.len(),
            _ => 0,
        };
        u64::try_from(carried.saturating_add(receipt)).unwrap_or(u64::MAX)
    }
}

impl BadRow {
    /// A field's place, as `name` gives it.
    pub(super) fn new(Bad { field, why }: Bad, name: impl FnOnce(&str) -> String) -> Self {
        Self { place: field.map(|field| name(&field)).unwrap_or_default(), why }
    }
}

/// The line on which a question begins, and the question in words or why it is none; or why the rest of the file cannot be
/// read.
pub type ReadQuestion = Result<(u64, String), String>;

/// The questions of a file from a line on. Nobody is asked.
///
/// # Errors
/// The file cannot be read at all.
pub fn read_questions(path: &Path, carry: &[String], from_line: Option<u64>) -> Result<Vec<ReadQuestion>, String> {
    let context = Context { key: None, offline: false, moments: Moments::default() };
    let mut source = Source::open(path, carry, context).map_err(|Usage(why)| why)?;
    source.skip_to(0, from_line);
    let mut read = Vec::new();
    for chunk in Chunks::from(source) {
        match chunk {
            Ok(rows) => read.extend(rows.iter().map(|row| Ok((row.line, row.in_words())))),
            Err(why) => read.push(Err(why)),
        }
    }
    Ok(read)
}
