//! From the fields of a row to a question.

use std::path::Path;

use dalil_contracts::mineral::checkpost::Plate;
use dalil_ledger::receipt::{self, STATUS_BYTES_MAX, Terms};
use serde_json::{Map, Value};

use super::super::Usage;
use super::super::ask::for_node;
use super::super::check::Moments;
use super::super::subject::{Asked, digest_of, open_file};
use crate::cli::plate::VehicleKey;
use crate::legible::visible;
use crate::service::{Ask, Question};
use crate::time::parse_moment;

/// The fields of a question: those of the service, and those that are turned into them here.
pub(super) const FIELDS: [&str; 17] = [
    "uri",
    "digest",
    "receipt",
    "index",
    "plot",
    "challan",
    "vehicle",
    "number",
    "department",
    "type",
    "as_of",
    "as_of_ms",
    "known_at_ms",
    // Turned into others here.
    "known_at",
    "plate",
    "document_file",
    "receipt_file",
];
/// Fields whose value is a number.
pub(super) const NUMBERS: [&str; 3] = ["index", "as_of_ms", "known_at_ms"];

/// What all rows share.
pub(super) struct Context {
    /// For plates.
    pub(super) key: Option<VehicleKey>,
    /// Whether no node is asked.
    pub(super) offline: bool,
    /// The moments asked about where a row names none.
    pub(super) moments: Moments,
}

/// A question of a row.
pub(super) struct Task {
    /// What is asked.
    pub(super) question: Question,
    /// What the node is asked; none for a receipt, which is checked alone.
    pub(super) ask: Option<Ask>,
    /// Facts that the answer must fit.
    pub(super) asked: Asked,
    /// The moments asked about.
    pub(super) moments: Moments,
    /// The question in words.
    pub(super) shown: String,
}

/// Why a row is no question.
#[derive(Debug)]
pub(super) struct Bad {
    /// The field that is wrong; none if it is the row as a whole.
    pub(super) field: Option<String>,
    /// In plain words.
    pub(super) why: String,
}

impl Bad {
    pub(super) fn row(why: impl Into<String>) -> Self {
        Self { field: None, why: why.into() }
    }

    pub(super) fn field(name: &str, why: impl Into<String>) -> Self {
        Self { field: Some(name.to_owned()), why: why.into() }
    }
}

impl Context {
    /// The question that these fields ask.
    pub(super) fn task(&self, mut fields: Map<String, Value>) -> Result<Task, Bad> {
        self.turn(&mut fields)?;
        let receipt_file = text(&mut fields, "receipt_file")?;
        let value = Value::Object(fields);
        let mut ask: Ask = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            let why = visible(&error.inner().to_string());
            if field == "." { Bad::row(why) } else { Bad::field(&field, why) }
        })?;
        if let Some(path) = receipt_file {
            if ask.receipt.is_some() {
                return Err(Bad::field("receipt_file", "`receipt` is given too"));
            }
            ask.receipt = Some(read_receipt(&path).map_err(|why| Bad::field("receipt_file", why))?);
        }
        let mut asked = Asked { uri: ask.uri.clone(), digest: ask.digest, slot: None };
        if ask.receipt.is_some() {
            // What else is given is what it must be about.
            (ask.uri, ask.digest) = (None, None);
        } else if ask.digest.is_some() {
            // The digest says more, and the answer must fit both.
            ask.uri = None;
        }
        if ask.as_of.is_none() {
            ask.as_of_ms = ask.as_of_ms.or(self.moments.as_of_ms);
        }
        ask.known_at_ms = ask.known_at_ms.or(self.moments.known_at_ms);
        let question = ask.question().map_err(|error| Bad::row(error.to_string()))?;
        let Terms { as_of_ms, known_at_ms, .. } =
            ask.terms(0).map_err(|error| Bad::field("as_of", error.to_string()))?;
        let moments = Moments { as_of_ms, known_at_ms };
        let is_receipt = matches!(question, Question::Receipt(_));
        if self.offline && !is_receipt {
            return Err(Bad::row("offline there is nobody to ask: name a receipt"));
        }
        if !matches!(question, Question::Document(_) | Question::Receipt(_)) {
            asked = Asked::default();
        }
        let shown = shown(&question, &ask, &asked);
        Ok(Task { ask: (!is_receipt).then(|| for_node(&ask)), question, asked, moments, shown })
    }

    /// Turns fields that only this program knows into those of the service.
    fn turn(&self, fields: &mut Map<String, Value>) -> Result<(), Bad> {
        if let Some(Value::String(digest)) = fields.get_mut("digest") {
            digest.make_ascii_lowercase();
        }
        if let Some(plate) = text(fields, "plate")? {
            let key = self.key.as_ref().ok_or_else(|| Bad::field("plate", "plates take --vehicle-key"))?;
            let plate: Plate = plate.parse().map_err(|_| Bad::field("plate", "this is no plate"))?;
            if fields.insert("vehicle".to_owned(), key.id(&plate).to_string().into()).is_some() {
                return Err(Bad::field("plate", "`vehicle` is given too"));
            }
        }
        if let Some(path) = text(fields, "document_file")? {
            let digest = digest_of(Path::new(&path));
            let digest = digest.map_err(|Usage(why)| Bad::field("document_file", visible(&why)))?.to_string();
            match fields.insert("digest".to_owned(), digest.clone().into()) {
                Some(other) if other != Value::String(digest) => {
                    return Err(Bad::field("document_file", "the file has another SHA-256 than `digest`"));
                }
                _ => {}
            }
        }
        if let Some(known_at) = text(fields, "known_at")? {
            let at_ms = parse_moment(known_at.trim()).map_err(|error| Bad::field("known_at", error.to_string()))?;
            if fields.insert("known_at_ms".to_owned(), at_ms.into()).is_some() {
                return Err(Bad::field("known_at", "`known_at_ms` is given too"));
            }
        }
        Ok(())
    }
}

/// Takes a text out of the fields.
fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Bad> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Bad::field(name, "expected a text")),
    }
}

fn read_receipt(path: &str) -> Result<String, String> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", visible(path));
    let limit = u64::try_from(STATUS_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let file = open_file(Path::new(path)).map_err(|Usage(why)| visible(&why))?;
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    // Receipts are text; what is none is refused with them, as damaged.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A question in words, of checked parts only.
fn shown(question: &Question, ask: &Ask, asked: &Asked) -> String {
    match question {
        Question::Document(receipt::Question::Slot(_)) => match (&ask.department, &ask.kind, &ask.number) {
            (Some(department), Some(kind), Some(number)) => format!("certificate {department}/{kind}/{number}"),
            _ => String::new(),
        },
        Question::Document(_) | Question::Receipt(_) => asked.to_string(),
        Question::Challan { number, .. } => format!("challan {number}"),
        Question::Record(index) => format!("record {index}"),
        Question::Plot(plot) => format!("plot {plot}"),
    }
}
