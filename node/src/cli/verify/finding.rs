//! What came of a check.

use dalil_contracts::Invocation;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::document::DocumentEntry;
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::{Answer, CouldNotCheck, Exit, Inclusion, ProvenRegister};

use super::subject::Asked;
use crate::service::{FileBinding, Fit, ShownPlot};
use crate::time::{ist, span};

/// A check that was made or could not be made.
pub(super) enum Finding {
    /// A status, proven.
    Status(Box<Proven>),
    /// A record stands in the log; nothing is known about today.
    Recorded(Box<Recorded>),
    /// The log is shorter than the index asked about.
    BeyondLog(Box<BeyondLog>),
    /// What the land register says of a plot, proven.
    Plot(Box<Plot>),
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
    /// By what it was found.
    pub(super) by: By,
}

/// By what a document was found.
pub(super) enum By {
    /// Its URI or its file's digest.
    Name,
    /// The number printed on it.
    Number,
    /// A challan's number, with a vehicle or without.
    Challan(ChallanNumber, Fit),
    /// The record that issued it, and nothing else.
    Record(Box<Inclusion>),
}

/// A proven size of the log.
pub(super) struct BeyondLog {
    /// The index asked about.
    pub(super) index: LogIndex,
    /// The head that is shorter.
    pub(super) head: ProvenRegister<()>,
}

/// A plot, proven.
pub(super) struct Plot {
    /// Which.
    pub(super) plot: PlotId,
    /// What the register says of it.
    pub(super) shown: ShownPlot,
    /// The head whose state was read.
    pub(super) head: ProvenRegister<()>,
}

/// A proven inclusion.
pub(super) struct Recorded {
    /// The record.
    pub(super) inclusion: Inclusion,
    /// Whether the record names the file in hand.
    pub(super) file_is_bound: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
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

impl Finding {
    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Status(proven) => proven.answer.status.into(),
            Self::Plot(plot) => plot.shown.status.into(),
            Self::BeyondLog(_) => Exit::NotOnRecord,
            Self::Recorded(_) => Exit::RecordedOnly,
            Self::Unchecked(_) => Exit::CouldNotCheck,
        }
    }

    /// How many validators stand behind it.
    pub(super) fn quorum(&self) -> Option<usize> {
        match self {
            Self::Status(proven) => Some(proven.answer.quorum),
            Self::Plot(plot) => Some(plot.head.quorum),
            Self::BeyondLog(beyond) => Some(beyond.head.quorum),
            Self::Recorded(recorded) => Some(recorded.inclusion.quorum),
            Self::Unchecked(_) => None,
        }
    }
}

impl Proven {
    /// Whether the file in hand is meant.
    pub(super) fn file(&self) -> FileBinding {
        if self.file_is_bound { FileBinding::Bound } else { FileBinding::Unbound }
    }
}

impl Recorded {
    /// The call of the record; none if this version of the program does not know it.
    pub(super) fn invocation(&self) -> Option<Invocation> {
        Invocation::decode(&self.inclusion.record.body.call).ok()
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
