//! Plain JSON into a call, and words for what is wrong with it.

use dalil_contracts::authority::{Place, PostingId};
use dalil_contracts::certificate::{Batch, BatchLeaf, CertificateCall, LEAVES_MAX, Origin, ReissueBatch, ReissueLeaf};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec::{self, Canonical};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::TypeCode;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// The longest complaint, in characters.
const COMPLAINT_CHARS_MAX: usize = 400;

/// What a client asks to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The call, and the posting on whose behalf it is made (A7).
    pub invocation: Invocation,
    /// The leaves of the list that it names.
    pub attachment: Option<Attachment>,
}

/// What is wrong with a body, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// Tells a call with a list, which brings its documents, from every other one.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    documents: Option<IgnoredAny>,
}

/// A call with a list, whose documents are plain JSON: canonical leaves, root and count are worked out here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRequest {
    posting: PostingId,
    call: ListCall,
    /// Read once the call says what they are.
    #[serde(rename = "documents")]
    _documents: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListCall {
    Certificate(PlainList),
}

/// The calls with a list, without what follows from their documents.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PlainList {
    /// A [`Batch`].
    IssueBatch { kind: TypeCode, place: Place, origin: Origin },
    /// A [`ReissueBatch`].
    ReissueBatch { kind: TypeCode, place: Place },
}

/// The documents of a list, whatever stands beside them.
#[derive(Deserialize)]
struct Documents<L> {
    documents: Vec<L>,
}

impl Request {
    /// Reads a body: `{"posting": …, "call": …}`, for a list with `"documents": […]` beside it.
    pub fn from_json(body: &[u8]) -> Result<Self, Malformed> {
        let shape: Shape = read(body)?;
        if shape.documents.is_none() {
            let invocation: Invocation = read(body)?;
            if invocation.attachment_root().is_some() {
                return Err(Malformed(
                    "call: give the certificates of a list as `documents` beside `call`, and leave out root and count"
                        .to_owned(),
                ));
            }
            return Ok(Self { invocation, attachment: None });
        }
        let ListRequest { posting, call: ListCall::Certificate(list), .. } = read(body)?;
        let (call, attachment) = match list {
            PlainList::IssueBatch { kind, place, origin } => {
                let (attachment, root, count) = documents::<BatchLeaf>(body)?;
                (CertificateCall::IssueBatch(Batch { kind, place, origin, root, count }), attachment)
            }
            PlainList::ReissueBatch { kind, place } => {
                let (attachment, root, count) = documents::<ReissueLeaf>(body)?;
                (CertificateCall::ReissueBatch(ReissueBatch { kind, place, root, count }), attachment)
            }
        };
        let invocation = Invocation { posting, call: Call::Certificate(call) };
        Ok(Self { invocation, attachment: Some(attachment) })
    }

    /// Names what is asked for, however the JSON was written: the call of a list holds the root of its documents.
    pub fn digest(&self) -> Hash {
        sha256(&self.invocation.encode())
    }
}

/// The leaf list of a body's documents, with its root and count.
fn documents<L: DeserializeOwned + Canonical>(body: &[u8]) -> Result<(Attachment, Hash, u32), Malformed> {
    let Documents { documents } = read::<Documents<L>>(body)?;
    let count = u32::try_from(documents.len()).unwrap_or(u32::MAX);
    if !(1..=LEAVES_MAX).contains(&count) {
        return Err(Malformed(format!("documents: {count} of them, expected 1 to {LEAVES_MAX}")));
    }
    let attachment = Attachment { leaves: documents.iter().map(codec::encode).collect() };
    let root = attachment.root();
    Ok((attachment, root, count))
}

/// Reads exactly one value and names the field that does not fit.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        complaint(&format!("{place}{}", error.inner()))
    })?;
    json.end().map_err(|error| complaint(&format!("after the request: {error}")))?;
    Ok(value)
}

/// Echoed text is the client's: what a screen would not show as it is, it shows as a code point.
fn complaint(text: &str) -> Malformed {
    let shown = text.chars().take(COMPLAINT_CHARS_MAX).map(|letter| match letter {
        ' '..='~' => letter.to_string(),
        other => other.escape_unicode().to_string(),
    });
    Malformed(shown.collect())
}
