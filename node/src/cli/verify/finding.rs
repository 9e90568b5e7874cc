//! What came of a check, as facts: the one source of the text for people and of the JSON for programs.

use dalil_contracts::Invocation;
use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_ledger::document::{DocumentEntry, Status};
use dalil_ledger::receipt::{Answer, CouldNotCheck, Exit, Inclusion};
use serde_json::{Value, json};

use super::claims::ShownClaim;
use super::subject::Asked;
use crate::service::{self, FILE_IN_HAND, FileBinding, LATER};
use crate::time::{ist, ist_rfc3339, span};
use crate::verification::leaf_uri;

/// A check that was made or could not be made.
pub(super) enum Finding {
    /// A status, proven.
    Status(Box<Proven>),
    /// A record stands in the log; nothing is known about today.
    Recorded(Box<Recorded>),
    /// No answer. Never to be read as valid, invalid, forged or not on record.
    Unchecked(Unchecked),
}

/// A proven status.
pub(super) struct Proven {
    /// The answer.
    pub(super) answer: Answer,
    /// Whether the answer is about the file in hand, and not only about a name.
    pub(super) file_is_bound: bool,
    /// Largest age allowed, in milliseconds.
    pub(super) age_max_ms: u64,
    /// The moment asked about, if it is not the present.
    pub(super) asked_as_of_ms: Option<u64>,
}

/// A proven inclusion.
pub(super) struct Recorded {
    /// The record.
    pub(super) inclusion: Inclusion,
    /// Whether the record names the file in hand.
    pub(super) file_is_bound: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Unchecked {
    /// Short code.
    pub(super) code: String,
    /// In plain words.
    pub(super) detail: String,
    /// Age of the proof, if it is too old, and the limit, in milliseconds.
    pub(super) age: Option<(u64, u64)>,
}

impl Unchecked {
    /// A reason with its code.
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), age: None }
    }
}

impl From<CouldNotCheck> for Unchecked {
    fn from(why: CouldNotCheck) -> Self {
        use dalil_ledger::checkpoint::EndorsementError;
        use dalil_ledger::checkpoint::PinnedHeadError::{Expired, OtherValidators};
        let detail = match &why {
            CouldNotCheck::Stale { age_ms, max_ms } => {
                format!("the proof is {} old, at most {} counts here", span(*age_ms), span(*max_ms))
            }
            CouldNotCheck::Head(Expired { expires_at_ms, .. }) => {
                format!("the pin expired on {}; get a new one from a source that you trust", ist(*expires_at_ms))
            }
            CouldNotCheck::Head(OtherValidators { .. }) => {
                "the receipt is of other validators than the pin's. If they changed since, `dalil pin renew` follows them \
                 from the pin's to today's; if the receipt is the older one, ask for a new one"
                    .to_owned()
            }
            CouldNotCheck::Checkpoint(EndorsementError::Quorum { .. } | EndorsementError::NoLog) => {
                format!("{why}. If the validators changed since the pin was made, `dalil pin renew` follows them")
            }
            CouldNotCheck::FutureMoment { asked_ms, .. } => {
                format!("{} lies ahead, and no proof knows what will be recorded until then", ist(*asked_ms))
            }
            other => other.to_string(),
        };
        let age = match why {
            CouldNotCheck::Stale { age_ms, max_ms } => Some((age_ms, max_ms)),
            _ => None,
        };
        Self { age, ..Self::new(why.code(), detail) }
    }
}

/// A finding with the circumstances of the check.
pub(super) struct Report {
    /// What came of it.
    pub(super) finding: Finding,
    /// What it is about.
    pub(super) asked: Asked,
    /// The node that gave the receipt; none for a receipt file.
    pub(super) node: Option<String>,
    /// The verifier's time, UTC milliseconds.
    pub(super) checked_at_ms: u64,
    /// Validators that the pin or policy knows, and how many of them it takes.
    pub(super) sizes: Option<(usize, usize)>,
    /// Files written by `--save`.
    pub(super) saved: Vec<String>,
    /// Claims shown that belong to the document.
    pub(super) claims: Vec<ShownClaim>,
    /// What a QR code says that the document's issuer signed.
    pub(super) slip: Option<ChallanSlip>,
}

impl Report {
    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match &self.finding {
            Finding::Status(proven) => match proven.answer.status {
                Status::Valid => Exit::Valid,
                Status::NotOnRecord => Exit::NotOnRecord,
                _ => Exit::NotValidNow,
            },
            Finding::Recorded(_) => Exit::RecordedOnly,
            Finding::Unchecked(_) => Exit::CouldNotCheck,
        }
    }

    /// What the check proves.
    pub(super) fn proven(&self) -> Vec<String> {
        match &self.finding {
            Finding::Status(proven) => {
                let mut lines = service::proven(&proven.answer, proven.file());
                if self.slip.is_some() && proven.answer.entry.is_some() {
                    let at = lines.len().saturating_sub(1);
                    lines.insert(at, "the officer who issued the challan signed what the code says".to_owned());
                }
                if !self.claims.is_empty() {
                    let at = lines.len().saturating_sub(1);
                    lines.insert(at, "the office recorded the document with the claims shown here".to_owned());
                }
                lines
            }
            Finding::Recorded(recorded) => {
                let inclusion = &recorded.inclusion;
                let mut lines = vec![
                    format!("record {} stands in the log of {} entries", inclusion.index, inclusion.log_size),
                    format!("it is signed by the key {}", inclusion.record.body.signer),
                ];
                if recorded.file_is_bound {
                    lines.insert(0, "the record names this SHA-256".to_owned());
                }
                lines
            }
            Finding::Unchecked(_) => Vec::new(),
        }
    }

    /// What a reader might believe to be proven and is not.
    pub(super) fn not_proven(&self) -> Vec<&'static str> {
        match &self.finding {
            Finding::Status(proven) if proven.answer.entry.is_some() && self.slip.is_some() => {
                vec!["that the plate on the truck is the one in the code: compare them", LATER]
            }
            Finding::Status(proven) if proven.answer.entry.is_some() && !self.claims.is_empty() => {
                vec!["that whoever shows the claims is the document's holder", "what else the document says", LATER]
            }
            Finding::Status(proven) => service::not_proven(&proven.answer, proven.file()),
            Finding::Recorded(recorded) => {
                let mut lines = vec!["that what it records is still in force: this takes a status receipt"];
                if !recorded.file_is_bound {
                    lines.push(FILE_IN_HAND);
                }
                lines
            }
            Finding::Unchecked(_) => {
                vec![
                    "anything about the document: neither that it is in force, nor that it is not, nor that it is forged",
                ]
            }
        }
    }

    /// One object with every fact.
    pub(super) fn to_json(&self) -> Value {
        let mut object = match &self.finding {
            Finding::Status(proven) => proven.to_json(self.checked_at_ms),
            Finding::Recorded(recorded) => recorded.to_json(self.checked_at_ms),
            Finding::Unchecked(why) => json!({
                "status": "could_not_check",
                "reason": why.code,
                "detail": why.detail,
                "age_ms": why.age.map(|(age_ms, _)| age_ms),
                "age_max_ms": why.age.map(|(_, max_ms)| max_ms),
            }),
        };
        let common = json!({
            "exit_code": self.exit().code(),
            "asked": { "uri": self.asked.uri, "digest": self.asked.digest },
            "node": self.node,
            "checked_at_ms": self.checked_at_ms,
            "checked_at": ist_rfc3339(self.checked_at_ms),
            "validators": self.sizes.map(|(validators, _)| validators),
            "quorum_needed": self.sizes.map(|(_, quorum)| quorum),
            "proven": self.proven(),
            "not_proven": self.not_proven(),
            "saved": self.saved,
            "claims": self.claims,
            "code": self.slip,
        });
        if let (Value::Object(object), Value::Object(common)) = (&mut object, common) {
            object.extend(common);
        }
        object
    }
}

impl Proven {
    fn file(&self) -> FileBinding {
        if self.file_is_bound { FileBinding::Bound } else { FileBinding::Unbound }
    }

    fn to_json(&self, checked_at_ms: u64) -> Value {
        let answer = &self.answer;
        json!({
            "status": answer.status,
            "reason": answer.reason,
            "since_ms": answer.since_ms,
            "since": answer.since_ms.map(ist_rfc3339),
            "as_of_ms": answer.as_of_ms,
            "as_of": ist_rfc3339(answer.as_of_ms),
            "known_at_ms": answer.known_at_ms,
            "known_at": answer.known_at_ms.map(ist_rfc3339),
            "freshness_ms": answer.freshness_ms,
            "freshness": ist_rfc3339(answer.freshness_ms),
            "age_ms": checked_at_ms.saturating_sub(answer.freshness_ms),
            "age_max_ms": self.age_max_ms,
            "quorum": answer.quorum,
            "chain": answer.chain,
            "height": answer.height,
            "log_size": answer.log_size,
            "record": answer.record,
            "file_is_bound": self.file_is_bound,
            "history": answer.history,
            "document": answer.entry,
        })
    }
}

impl Recorded {
    /// The call of the record; none if this version of the program does not know it.
    pub(super) fn invocation(&self) -> Option<Invocation> {
        Invocation::decode(&self.inclusion.record.body.call).ok()
    }

    fn to_json(&self, checked_at_ms: u64) -> Value {
        let inclusion = &self.inclusion;
        json!({
            "status": "recorded",
            "reason": "present_status_not_proven",
            "freshness_ms": inclusion.freshness_ms,
            "freshness": ist_rfc3339(inclusion.freshness_ms),
            "age_ms": checked_at_ms.saturating_sub(inclusion.freshness_ms),
            "quorum": inclusion.quorum,
            "chain": inclusion.record.body.chain,
            "log_size": inclusion.log_size,
            "record": inclusion.index,
            "id": inclusion.record.id(),
            "signer": inclusion.record.body.signer,
            "invocation": self.invocation(),
            "document_uri": inclusion.document.as_deref().and_then(leaf_uri),
            "file_is_bound": self.file_is_bound,
        })
    }
}

/// Whether an answer about `entry` is one about what was asked.
pub(super) fn is_about(entry: &DocumentEntry, asked: &Asked) -> Result<(), Unchecked> {
    let other = |got: String, expected: String| {
        Err(Unchecked::new("other_document", format!("the receipt is about {got}, asked was {expected}")))
    };
    match asked {
        Asked { uri: Some(uri), .. } if *uri != entry.uri => other(entry.uri.to_string(), uri.to_string()),
        Asked { digest: Some(digest), .. } if *digest != entry.digest => {
            other(format!("a file with SHA-256 {}", entry.digest), format!("one with {digest}"))
        }
        _ => Ok(()),
    }
}
