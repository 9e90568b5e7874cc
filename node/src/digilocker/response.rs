//! The answers, as XML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::document::{DocumentEntry, Status};
use dalil_ledger::receipt::Answer;

use super::request::{Format, Kind};
use super::store::Number;
use crate::time::ist_rfc3339;

/// Which answer to which request.
pub struct Head<'a> {
    /// The request's kind.
    pub kind: Kind,
    /// Its `ts`, if it could be read.
    pub ts: &'a str,
    /// Its `txn`, if it could be read.
    pub txn: &'a str,
}

/// A document that may be served.
pub struct Served<'a> {
    /// Its printed number.
    pub number: &'a Number,
    /// The holder's name as the request gave it and the index confirmed it; none in an answer to a URI.
    pub name: Option<&'a str>,
    /// The file.
    pub file: &'a [u8],
    /// What the ledger proves.
    pub answer: &'a Answer,
    /// The document as it is on record.
    pub entry: &'a DocumentEntry,
    /// The status receipt (`.dalil-status`).
    pub receipt: &'a [u8],
    /// What of it was asked for.
    pub format: Format,
}

/// Whether a document with this status leaves the store, with its status beside it. What was taken back, replaced or used up
/// does not.
pub fn may_be_served(status: Status) -> bool {
    matches!(status, Status::Valid | Status::NotYetValid | Status::Expired)
}

/// A status as the ledger's other interfaces say it.
pub fn status_word(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Head<'_> {
    fn wrap(&self, status: &str, why: &str, details: &str) -> String {
        let element = match self.kind {
            Kind::Uri => "PullURIResponse",
            Kind::Doc => "PullDocResponse",
        };
        let (ts, txn) = (escape(self.ts), escape(self.txn));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <{element} xmlns:ns2=\"http://tempuri.org/\">\
             <ResponseStatus Status=\"{status}\" ts=\"{ts}\" txn=\"{txn}\"{why}>{status}</ResponseStatus>\
             <DocDetails>{details}</DocDetails></{element}>\n"
        )
    }

    /// A request that comes to nothing: a code for programs, a sentence for people.
    pub fn error(&self, code: &str, detail: &str) -> String {
        self.wrap("0", &format!(" code=\"{}\" detail=\"{}\"", escape(code), escape(detail)), "")
    }

    /// A document with its present status.
    pub fn document(&self, served: &Served<'_>) -> String {
        let mut details = String::new();
        if let Some(name) = served.name {
            details += &format!("<IssuedTo><Persons><Person name=\"{}\"/></Persons></IssuedTo>", escape(name));
        }
        if self.kind == Kind::Uri {
            details += &format!("<URI>{}</URI>", escape(served.entry.uri.as_str()));
        }
        if served.format != Format::Xml {
            details += &format!("<DocContent>{}</DocContent>", BASE64.encode(served.file));
        }
        if served.format != Format::Pdf {
            details += &format!("<DataContent>{}</DataContent>", BASE64.encode(served.data()));
        }
        details += &served.status();
        self.wrap("1", "", &details)
    }
}

impl Served<'_> {
    /// The present status and the receipt that proves it to who does not believe this node.
    fn status(&self) -> String {
        format!(
            "<LedgerStatus status=\"{}\" reason=\"{}\" asOf=\"{}\">{}</LedgerStatus>",
            status_word(self.answer.status),
            escape(&self.answer.reason),
            ist_rfc3339(self.answer.as_of_ms),
            BASE64.encode(self.receipt)
        )
    }

    /// What is on record of the document, in XML: nothing that the ledger does not prove, but for the printed number.
    fn data(&self) -> String {
        let Self { number, answer, entry, .. } = self;
        let until = entry.ends_at_ms(u64::MAX).map(|until| format!(" validUntil=\"{}\"", ist_rfc3339(until)));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <Certificate type=\"{}\" number=\"{}\" uri=\"{}\" status=\"{}\" asOf=\"{}\" issuedAt=\"{}\" validFrom=\"{}\"{}>\
             <IssuedBy><Organization department=\"{}\" office=\"{}\"/></IssuedBy>\
             <LedgerRecord chain=\"{}\" index=\"{}\" sha256=\"{}\"/></Certificate>\n",
            escape(entry.kind.as_str()),
            escape(number.as_str()),
            escape(entry.uri.as_str()),
            status_word(answer.status),
            ist_rfc3339(answer.as_of_ms),
            ist_rfc3339(entry.issued_at_ms),
            ist_rfc3339(entry.valid_from_ms),
            until.unwrap_or_default(),
            escape(entry.issuer.department.as_str()),
            escape(entry.issuer.office.as_str()),
            answer.chain,
            entry.record,
            entry.digest,
        )
    }
}

/// Text within an element or an attribute. What XML does not allow at all is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&apos;",
            '\t' | '\n' | '\r' => escaped += &format!("&#{};", letter as u32),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
