//! The two requests, from XML that may be hostile: bounded, without document type or entities, every element once.

use std::collections::BTreeMap;

use dalil_ledger::codec::Token;
use dalil_ledger::document::{TypeCode, Uri};
use roxmltree::{Document, Node, ParsingOptions};

/// The longest request, in bytes; a photograph may be in it, which is not looked at.
pub const REQUEST_BYTES_MAX: usize = 256 << 10;
/// The most nodes of a request's tree.
const NODES_MAX: u32 = 256;
/// The longest parameter that is kept, in bytes.
const PARAMETER_BYTES_MAX: usize = 512;
/// The versions of the interface that are understood, by their first number.
const VERSIONS: [&str; 2] = ["1", "3"];

/// A transaction's name at DigiLocker, repeated in the answer.
pub type TransactionName = Token<128>;

/// Which request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For the URI of a document that fits the parameters.
    Uri,
    /// For the document with a URI.
    Doc,
}

impl Kind {
    /// The request's element.
    fn element(self) -> &'static str {
        match self {
            Self::Uri => "PullURIRequest",
            Self::Doc => "PullDocRequest",
        }
    }
}

/// Which content the answer is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `DataContent`: what is on record, in XML.
    Xml,
    /// `DocContent`: the file.
    Pdf,
    /// Both.
    Both,
}

/// What every request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// When it was made, as it says: part of what the key hash covers.
    pub ts: Token<64>,
    /// Its name.
    pub txn: TransactionName,
    /// The issuer's id.
    pub org_id: String,
    /// SHA-256 of API key and `ts`, in hexadecimal.
    pub keyhash: String,
    /// What is asked for.
    pub format: Format,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// For a document of a type, by parameters.
    Uri {
        /// The type.
        doc_type: TypeCode,
        /// The other elements, by name.
        parameters: BTreeMap<String, String>,
    },
    /// For a document.
    Doc(Uri),
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Who and when.
    pub envelope: Envelope,
    /// What.
    pub asked: Asked,
}

/// XML that is no request, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too long.
    #[error("{0} bytes, at most {REQUEST_BYTES_MAX}")]
    TooLong(usize),
    /// No UTF-8.
    #[error("expected UTF-8")]
    Encoding,
    /// No well-formed XML, or with a document type, entities or too many elements.
    #[error("not well-formed XML without a document type: {0}")]
    Xml(roxmltree::Error),
    /// Another element than the one asked for.
    #[error("expected the element {0}")]
    Root(&'static str),
    /// An attribute or element is missing or not as it must be.
    #[error("{0}: expected {1}")]
    Field(&'static str, &'static str),
    /// An element stands twice.
    #[error("an element of DocDetails stands twice")]
    Twice,
    /// Text with characters that are not seen or turn the direction of writing.
    #[error("an element of DocDetails holds characters that are not visible")]
    Hidden,
}

impl PullRequest {
    /// Reads a request of the kind `kind`.
    pub fn from_xml(kind: Kind, bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Malformed::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Encoding)?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(Malformed::Xml)?;
        let root = document.root_element();
        if root.tag_name().name() != kind.element() {
            return Err(Malformed::Root(kind.element()));
        }
        let envelope = Envelope::read(root)?;
        let details = elements(root).find(|child| child.tag_name().name() == "DocDetails");
        let details = details.ok_or(Malformed::Field("DocDetails", "the element"))?;
        let mut parameters = parameters(details)?;
        let asked = match kind {
            Kind::Uri => {
                let doc_type = parameters.remove("DocType").and_then(|text| text.parse().ok());
                let doc_type = doc_type.ok_or(Malformed::Field("DocType", "a type's code, such as DOM"))?;
                Asked::Uri { doc_type, parameters }
            }
            Kind::Doc => {
                let uri = parameters.remove("URI").and_then(|text| text.parse().ok());
                Asked::Doc(uri.ok_or(Malformed::Field("URI", "a document's URI"))?)
            }
        };
        Ok(Self { envelope, asked })
    }
}

impl Envelope {
    fn read(root: Node<'_, '_>) -> Result<Self, Malformed> {
        let attribute = |name| root.attributes().find(|it| it.name().eq_ignore_ascii_case(name)).map(|it| it.value());
        let text = |name: &'static str| attribute(name).ok_or(Malformed::Field(name, "the attribute"));
        let major = text("ver")?.split('.').next().unwrap_or_default();
        if !VERSIONS.contains(&major) {
            return Err(Malformed::Field("ver", "1.0 or 3.0"));
        }
        let short = |name, what| text(name).and_then(|text| text.parse().map_err(|_| Malformed::Field(name, what)));
        Ok(Self {
            ts: text("ts")?.parse().map_err(|_| Malformed::Field("ts", "a time such as 2026-06-01T10:00:00+05:30"))?,
            txn: short("txn", "1 to 128 printable ASCII characters without spaces")?,
            org_id: text("orgId")?.to_owned(),
            keyhash: text("keyhash")?.to_owned(),
            format: match attribute("format").map(str::to_ascii_lowercase).as_deref() {
                Some("xml") => Format::Xml,
                None | Some("" | "pdf") => Format::Pdf,
                Some("both") => Format::Both,
                Some(_) => return Err(Malformed::Field("format", "xml, pdf or both")),
            },
        })
    }
}

fn elements<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

/// The elements of `DocDetails` with their text; those that are empty or too long to be looked at are left out.
fn parameters(details: Node<'_, '_>) -> Result<BTreeMap<String, String>, Malformed> {
    let mut found = BTreeMap::new();
    for element in details.children().filter(Node::is_element) {
        let text: String = element.children().filter_map(|child| child.text()).collect();
        let text = text.trim();
        if text.chars().any(is_hidden) {
            return Err(Malformed::Hidden);
        }
        let kept = if text.len() > PARAMETER_BYTES_MAX { "" } else { text };
        if found.insert(element.tag_name().name().to_owned(), kept.to_owned()).is_some() {
            return Err(Malformed::Twice);
        }
    }
    found.retain(|_, text| !text.is_empty());
    Ok(found)
}

/// Characters that a person does not see, or that make text read otherwise than it is.
fn is_hidden(letter: char) -> bool {
    let breaks = matches!(letter, '\n' | '\r' | '\t');
    let marks = matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    let directions = matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    letter.is_control() && !breaks || marks || directions
}
