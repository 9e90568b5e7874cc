//! Questions as JSON, one object a line, in the form that `POST /v1/verify/batch` takes.

use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::question::{Bad, Context};
use super::source::{BOM, BadRow, Row};
use crate::legible::visible;

/// The longest line that is read, in bytes: one with a receipt of the greatest length.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// A file of objects.
pub(super) struct JsonLines {
    reader: BufReader<File>,
    carry: Vec<String>,
    context: Context,
    line: u64,
    offset: u64,
    text: Vec<u8>,
}

/// An object no field of which stands twice.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("{name:?} stands twice")));
                    }
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

impl JsonLines {
    pub(super) fn new(file: File, carry: &[String], context: Context) -> Self {
        Self { reader: BufReader::new(file), carry: carry.to_vec(), context, line: 0, offset: 0, text: Vec::new() }
    }

    /// The next row, none at the end, or why the rest cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Row>, String> {
        loop {
            self.line += 1;
            let Some(whole) = self.read_line().map_err(|error| format!("line {}: {error}", self.line))? else {
                return Ok(None);
            };
            let text = if self.line == 1 { self.text.strip_prefix(BOM).unwrap_or(&self.text) } else { &self.text };
            if whole && text.trim_ascii().is_empty() {
                continue;
            }
            let mut carried = vec![String::new(); self.carry.len()];
            let task = if whole {
                fields(text, &self.carry, &mut carried).and_then(|fields| self.context.task(fields))
            } else {
                Err(Bad::row(format!("the line has more than {LINE_BYTES_MAX} bytes")))
            };
            let task = task.map_err(|bad| BadRow::new(bad, |field| format!("field {}", visible(field))));
            return Ok(Some(Row { line: self.line, ends_at: self.offset, carried, task }));
        }
    }

    /// Reads a line; whether it is there, and whole. What is too long is passed over.
    fn read_line(&mut self) -> std::io::Result<Option<bool>> {
        let mut whole = true;
        loop {
            self.text.clear();
            let read = self.reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut self.text)?;
            self.offset = self.offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if self.text.ends_with(b"\n") || u64::try_from(read).unwrap_or(u64::MAX) < LINE_BYTES_MAX {
                return Ok((read > 0 || !whole).then_some(whole));
            }
            whole = false;
        }
    }
}

fn fields(text: &[u8], carry: &[String], carried: &mut [String]) -> Result<Map<String, Value>, Bad> {
    let wrong =
        |error: serde_json::Error| Bad::row(format!("column {}: {}", error.column(), visible(&error.to_string())));
    let Fields(mut fields) = serde_json::from_slice(text).map_err(wrong)?;
    for (name, carried) in carry.iter().zip(carried) {
        match fields.remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => *carried = text,
            Some(other) => *carried = other.to_string(),
        }
    }
    Ok(fields)
}
