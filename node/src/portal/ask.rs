//! What somebody typed, as a question of the service.
//!
//! A text that can mean several things (a plot or a certificate, a challan or a certificate, …) is never guessed: the reader
//! is asked which it is.

use dalil_contracts::certificate::record::CertificateNumber;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use dalil_ledger::log::LogIndex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::words::Words;
use crate::service;
use crate::time::parse_moment;
use crate::verification::URI_PREFIX;

/// What a reader asks: exactly one of `q`, `uri`, `digest`, `challan`, `plot`, `index`, or `number` with `department` and `type`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Ask {
    /// A number or a digest, as somebody typed it. Where it can mean several things, the page asks which.
    q: Option<String>,
    /// The document's URI.
    uri: Option<String>,
    /// SHA-256 of the document's file.
    digest: Option<String>,
    /// A challan's number.
    challan: Option<String>,
    /// Id of the vehicle that the challan must be for.
    vehicle: Option<String>,
    /// A plot, such as `2795-51/257`.
    plot: Option<String>,
    /// Log index of a record.
    index: Option<String>,
    /// The department that issued the certificate.
    department: Option<String>,
    /// The certificate's type, such as `DOM`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// A certificate's printed number.
    number: Option<String>,
    /// How the file's digest begins, as a code says.
    pub(super) mark: Option<String>,
    /// A day, or what `dalil verify --as-of` takes.
    as_of: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    pub(super) lang: Option<String>,
}

/// Why somebody's words are no question: a code of the table of troubles, and what was written.
pub(super) struct NoQuestion(pub(super) &'static str, pub(super) String);

/// What somebody's words mean.
pub(super) enum Meaning {
    /// One thing.
    One(Box<service::Ask>),
    /// One of several.
    Several(Readings),
}

/// What a text can mean. Nearly every short text can be the printed number of a certificate.
pub(super) struct Readings {
    /// A certificate, whose department and type are still to be told.
    pub(super) certificate: CertificateNumber,
    /// A challan.
    pub(super) challan: Option<ChallanNumber>,
    /// A plot.
    pub(super) plot: Option<PlotId>,
    /// A record of the log.
    pub(super) index: Option<LogIndex>,
    /// The moment that is asked about, UTC milliseconds.
    pub(super) as_of_ms: Option<u64>,
}

/// What is in a field, if anything is.
fn given(field: &Option<String>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn wrong(text: &str) -> NoQuestion {
    NoQuestion("number_wrong", text.to_owned())
}

fn parsed<T: std::str::FromStr>(field: &Option<String>) -> Result<Option<T>, NoQuestion> {
    given(field).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

impl Ask {
    /// What is asked.
    pub(super) fn meaning(&self) -> Result<Meaning, NoQuestion> {
        let as_of = given(&self.as_of);
        let as_of_ms =
            as_of.map(|text| parse_moment(text).map_err(|_| NoQuestion("day_wrong", text.to_owned()))).transpose()?;
        let named = [&self.q, &self.uri, &self.digest, &self.challan, &self.plot, &self.index, &self.number];
        let named: Vec<&str> = named.into_iter().filter_map(given).collect();
        match named.as_slice() {
            [] => return Err(NoQuestion("number_missing", String::new())),
            [one] if one.contains("://") => return Err(NoQuestion("number_link", (*one).to_owned())),
            [_] => {}
            several => return Err(NoQuestion("number_several", several.join(" "))),
        }
        let ask = match given(&self.q) {
            Some(text) => match read(text, as_of_ms)? {
                Meaning::One(ask) => *ask,
                several => return Ok(several),
            },
            None => service::Ask {
                uri: parsed(&self.uri)?,
                digest: parsed(&self.digest)?,
                challan: parsed(&self.challan)?,
                vehicle: parsed(&self.vehicle)?,
                plot: parsed(&self.plot)?,
                index: parsed(&self.index)?,
                department: parsed(&self.department)?,
                kind: parsed(&self.kind)?,
                number: parsed(&self.number)?,
                ..service::Ask::default()
            },
        };
        let ask = service::Ask { as_of_ms, ..ask };
        match ask.question() {
            Ok(_) => Ok(Meaning::One(Box::new(ask))),
            Err(service::AskError::Moment) => Err(NoQuestion("day_without", named.join(" "))),
            Err(service::AskError::Number) => Err(NoQuestion("certificate_parts", named.join(" "))),
            Err(_) => Err(wrong(&named.join(" "))),
        }
    }
}

/// Everything that a text can mean.
fn read(text: &str, as_of_ms: Option<u64>) -> Result<Meaning, NoQuestion> {
    let one = |ask: service::Ask| Ok(Meaning::One(Box::new(ask)));
    if let Ok(digest) = text.to_ascii_lowercase().parse::<Hash>() {
        return one(service::Ask::digest(digest));
    }
    if text.starts_with(URI_PREFIX) {
        return one(service::Ask::uri(text.parse::<Uri>().map_err(|_| wrong(text))?));
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let readings = Readings {
        certificate: text.parse().map_err(|_| wrong(text))?,
        challan: text.parse().ok().filter(|_| is_plain),
        plot: text.parse().ok(),
        index: text.parse().ok().filter(|_| is_digits),
        as_of_ms,
    };
    Ok(Meaning::Several(readings))
}

/// The address that asks the same, to which `lang=…` can be added. `mark` is how the file's digest begins.
pub(super) fn address(page: &str, ask: &service::Ask, mark: Option<&str>) -> String {
    let fields = [
        ("uri", ask.uri.as_ref().map(ToString::to_string)),
        ("digest", ask.digest.map(|digest| digest.to_string())),
        ("challan", ask.challan.as_ref().map(ToString::to_string)),
        ("vehicle", ask.vehicle.map(|vehicle| vehicle.to_string())),
        ("plot", ask.plot.as_ref().map(ToString::to_string)),
        ("index", ask.index.map(|index| index.to_string())),
        ("department", ask.department.as_ref().map(ToString::to_string)),
        ("type", ask.kind.as_ref().map(ToString::to_string)),
        ("number", ask.number.as_ref().map(ToString::to_string)),
        ("mark", mark.map(str::to_owned)),
        ("as_of", ask.as_of_ms.map(|as_of_ms| as_of_ms.to_string())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}&", encoded(&value?))));
    fields.fold(format!("{page}?"), |address, field| address + &field)
}

/// A text within a query (RFC 3986): all but letters, digits, `-`, `.`, `_` and `~` by their codes.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What was asked, in words.
pub(super) fn asked(ask: &service::Ask, words: &Words) -> String {
    let table = &words.answer;
    if let Some(number) = &ask.challan {
        let number = number.to_string();
        return match ask.vehicle {
            Some(vehicle) => table.fill("asked_vehicle", &[("number", &number), ("vehicle", &vehicle.to_string())]),
            None => table.fill("asked_challan", &[("number", &number)]),
        };
    }
    if let (Some(number), Some(department), Some(kind)) = (&ask.number, &ask.department, &ask.kind) {
        let parts = [("number", number.as_str()), ("type", kind.as_str()), ("department", department.as_str())];
        return table.fill("asked_certificate", &parts);
    }
    if let Some(plot) = &ask.plot {
        return table.fill("asked_plot", &[("plot", &plot.to_string())]);
    }
    if let Some(index) = ask.index {
        return table.fill("asked_record", &[("index", &index.to_string())]);
    }
    let digest = ask.digest.map(|digest| digest.to_string());
    digest.or_else(|| ask.uri.as_ref().map(ToString::to_string)).unwrap_or_default()
}
