//! Questions as CSV (RFC 4180): the header names the fields.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::super::Usage;
use super::question::{Bad, Context, FIELDS, NUMBERS};
use super::source::{BadRow, Row};
use crate::legible::visible;

/// The longest record that is sure to be read, in bytes; none of thrice that is. A quotation mark that is never closed must
/// not take the whole file into memory.
const RECORD_BYTES_MAX: u64 = 64 << 10;
/// How much the reader reads ahead, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// What a column is for.
enum Column {
    /// A field of the question.
    Field(&'static str),
    /// To stand in the report, at this place among those carried.
    Carried(usize),
}

/// A file of records.
pub(super) struct Csv {
    reader: Reader<Metered>,
    meter: Arc<Meter>,
    columns: Vec<Column>,
    names: Vec<String>,
    carried: usize,
    context: Context,
    record: ByteRecord,
}

/// The file with one kind of line end, the last line too, so that lines can be counted: whatever ends a line is a line feed.
/// Stops where one record is too long.
struct Metered {
    file: File,
    meter: Arc<Meter>,
    raw: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it ends no other line.
    after_return: bool,
    ended: bool,
}

/// What a record took.
#[derive(Default)]
struct Meter {
    /// In bytes.
    read_for_record: AtomicU64,
    /// More was wanted than the file has: its last record does not end.
    wanted_more: AtomicBool,
}

impl Metered {
    fn new(file: File, meter: Arc<Meter>) -> Self {
        Self { file, meter, raw: vec![0; BUFFER_BYTES], after_return: false, ended: false }
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.meter.wanted_more.store(self.ended, Ordering::Relaxed);
        if self.meter.read_for_record.load(Ordering::Relaxed) > RECORD_BYTES_MAX {
            let why = format!("a record of more than {RECORD_BYTES_MAX} bytes: is a quotation mark missing?");
            return Err(io::Error::other(why));
        }
        // Room for the last line end. The reader's buffer is longer than that.
        let room = buffer.len().saturating_sub(1).min(self.raw.len());
        let mut written = 0;
        while written == 0 && !self.ended {
            let read = self.file.read(&mut self.raw[..room])?;
            for byte in &self.raw[..read] {
                let ended = std::mem::replace(&mut self.after_return, *byte == b'\r');
                if !(ended && *byte == b'\n') {
                    buffer[written] = if self.after_return { b'\n' } else { *byte };
                    written += 1;
                }
            }
            if read == 0 {
                self.ended = true;
                buffer[written] = b'\n';
                written += 1;
            }
        }
        self.meter.read_for_record.fetch_add(u64::try_from(written).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(written)
    }
}

impl Csv {
    /// Reads the header.
    pub(super) fn new(file: File, carry: &[String], context: Context) -> Result<Self, Usage> {
        let meter = Arc::new(Meter::default());
        let metered = Metered::new(file, meter.clone());
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES);
        let mut reader = builder.from_reader(metered);
        let mut record = ByteRecord::new();
        let wrong = |why: String| Usage(format!("the header of the CSV file: {why}"));
        reader.read_byte_record(&mut record).map_err(|error| wrong(error.to_string()))?;
        let (mut columns, mut names) = (Vec::new(), Vec::<String>::new());
        for (place, name) in record.iter().enumerate() {
            let name = std::str::from_utf8(name.trim_ascii())
                .map_err(|_| wrong(format!("column {} is no UTF-8", place + 1)))?;
            let shown = visible(name);
            if names.iter().any(|known| known == name) {
                return Err(wrong(format!("there are two columns {shown:?}")));
            }
            let field = FIELDS.into_iter().find(|field| *field == name);
            columns.push(match (field, carry.iter().position(|carried| carried == name)) {
                (_, Some(place)) if field.is_none() => Column::Carried(place),
                (Some(field), None) => Column::Field(field),
                (Some(_), Some(_)) => return Err(wrong(format!("{shown:?} is a field of the question: it is asked"))),
                _ => {
                    return Err(wrong(format!(
                        "column {} ({shown}) is no field of a question; to have it in the report, add --carry",
                        place + 1
                    )));
                }
            });
            names.push(name.to_owned());
        }
        if let Some(missing) = carry.iter().find(|name| !names.contains(name)) {
            return Err(wrong(format!("there is no column {:?} to carry", visible(missing))));
        }
        Ok(Self { reader, meter, columns, names, carried: carry.len(), context, record })
    }

    /// The next row, none at the end, or why the rest cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Row>, String> {
        self.meter.read_for_record.store(0, Ordering::Relaxed);
        let read = self.reader.read_byte_record(&mut self.record);
        let broken = |why: &dyn std::fmt::Display| {
            let line = self.record.position().map_or(0, |position| position.line());
            Err(format!("in the record that begins on line {line}: {why}"))
        };
        match read {
            Ok(false) => return Ok(None),
            Ok(true) if self.meter.wanted_more.load(Ordering::Relaxed) => {
                return broken(&"a quotation mark is never closed");
            }
            Ok(true) => {}
            Err(error) => return broken(&error),
        }
        // The place that the reader gives counts empty lines before the record to it.
        let lines = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        let line = self.reader.position().line().saturating_sub(u64::try_from(lines).unwrap_or(u64::MAX));
        let mut carried = vec![String::new(); self.carried];
        let task = self.fields(&mut carried).and_then(|fields| self.context.task(fields));
        let task = task.map_err(|bad| {
            BadRow::new(bad, |field| {
                let place = self.names.iter().position(|name| name == field);
                place.map_or_else(|| field.to_owned(), |place| format!("column {} ({field})", place + 1))
            })
        });
        Ok(Some(Row { line, ends_at: self.reader.position().byte(), carried, task }))
    }

    fn fields(&self, carried: &mut [String]) -> Result<Map<String, Value>, Bad> {
        // What is to stand in the report stands there even where the rest is no question.
        for (column, cell) in self.columns.iter().zip(&self.record) {
            if let Column::Carried(place) = column
                && let Some(carried) = carried.get_mut(*place)
            {
                *carried = String::from_utf8_lossy(cell).into_owned();
            }
        }
        let (expected, got) = (self.columns.len(), self.record.len());
        if got != expected {
            return Err(Bad::row(format!("{got} columns, and the header has {expected}")));
        }
        let mut fields = Map::new();
        for (column, cell) in self.columns.iter().zip(&self.record) {
            let Column::Field(name) = column else { continue };
            let cell = cell.trim_ascii();
            if cell.is_empty() {
                continue;
            }
            let text = std::str::from_utf8(cell).map_err(|_| Bad::field(name, "this is no UTF-8"))?;
            let value = if NUMBERS.contains(name) {
                let number: u64 = text.parse().map_err(|_| Bad::field(name, "expected a whole number"))?;
                Value::from(number)
            } else {
                Value::from(text)
            };
            fields.insert((*name).to_owned(), value);
        }
        Ok(fields)
    }
}
