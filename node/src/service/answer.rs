//! The form of an answer, the same for every face.

use dalil_contracts::authority::PostingId;
use dalil_contracts::land::registers::Encumbrances;
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::document::{DocumentEntry, Status, Uri};
use dalil_ledger::log::{LogIndex, LogSize};
use dalil_ledger::receipt::{Answer, CouldNotCheck, RegisterReceipt, StatusReceipt};
use schemars::JsonSchema;
use serde::Serialize;

use super::ask::Ask;
use crate::time::ist;

/// An answer with all that a reader needs to judge it. It is the node's word; its receipts are the proof.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Verified {
    /// What was asked; of a receipt that was handed in, nothing but the moment.
    pub asked: Ask,
    /// What the node makes of its own receipts.
    pub answer: VerifiedAnswer,
    /// The head on which the answer rests.
    pub checkpoint: ShownCheckpoint,
    /// What the receipts prove.
    pub proven: Vec<String>,
    /// What a reader might believe to be proven and is not.
    pub not_proven: Vec<String>,
    /// What became of the receipt that was handed in, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<Uploaded>,
    /// The proof, checkable without this node.
    pub receipts: Receipts,
}

impl Verified {
    /// The document that the answer is about, if one is on record.
    pub fn document(&self) -> Option<&DocumentEntry> {
        match &self.answer {
            VerifiedAnswer::Checked(checked) => checked.answer.entry.as_ref(),
            _ => None,
        }
    }
}

/// An answer or the reason why there is none.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum VerifiedAnswer {
    /// The status of a document, proven.
    Checked(Box<CheckedDocument>),
    /// A record that stands in the log and is not the issue of one document: nothing is said about today.
    Recorded(Box<RecordedEntry>),
    /// The log has no such index.
    NotInLog {
        /// Always `not_on_record`.
        status: Status,
        /// Always `beyond_log`.
        reason: String,
    },
    /// A plot as the land register shows it.
    Plot(Box<ShownPlot>),
    /// Never to be read as valid, forged or not on record.
    CouldNotCheck(CouldNotAnswer),
}

/// The status of a document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedDocument {
    /// The answer, as every verifier computes it from the status receipt.
    #[serde(flatten)]
    pub answer: Answer,
    /// Its times in words.
    pub dates: Dates,
}

/// Times in Indian Standard Time, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dates {
    /// The moment that the status was judged for.
    pub as_of: String,
    /// Since when it has the status, where a recorded event says so.
    pub since: Option<String>,
    /// When the document was recorded.
    pub issued: Option<String>,
    /// Start of its validity.
    pub valid_from: Option<String>,
    /// End of its validity (exclusive); none for a document without end.
    pub valid_until: Option<String>,
}

impl From<Answer> for CheckedDocument {
    fn from(answer: Answer) -> Self {
        let entry = answer.entry.as_ref();
        let until_ms = entry.and_then(|entry| entry.ends_at_ms(answer.known_at_ms.unwrap_or(u64::MAX)));
        let dates = Dates {
            as_of: ist(answer.as_of_ms),
            since: answer.since_ms.map(ist),
            issued: entry.map(|entry| ist(entry.issued_at_ms)),
            valid_from: entry.map(|entry| ist(entry.valid_from_ms)),
            valid_until: until_ms.map(ist),
        };
        Self { answer, dates }
    }
}

/// A record of the log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecordedEntry {
    /// Always `recorded`.
    pub status: &'static str,
    /// Always `present_status_not_proven`.
    pub reason: &'static str,
    /// Log index.
    pub index: LogIndex,
    /// Transaction id.
    pub id: Hash,
    /// Whose signature it carries.
    pub signer: PublicKey,
    /// The kind of call, such as `land.register_deed`; none if this program does not know it.
    pub call: Option<String>,
    /// The posting on whose behalf it was signed.
    pub posting: Option<PostingId>,
    /// Documents that it issued one by one; those of a batch are asked for by URI.
    pub documents: Vec<Uri>,
}

/// A plot in the land register.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownPlot {
    /// `valid`: in force; `superseded`: divided or merged away; `not_on_record`.
    pub status: Status,
    /// `in_force`, `retired` or `not_on_record`.
    pub reason: String,
    /// Charges, freezes and vesting; none for a plot that is not on record.
    pub encumbrances: Option<Encumbrances>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CouldNotAnswer {
    /// Always `could_not_check`.
    pub status: &'static str,
    /// Short code.
    pub reason: String,
    /// In plain words.
    pub detail: String,
}

impl CouldNotAnswer {
    /// A reason with its code.
    pub fn new(reason: &str, detail: impl Into<String>) -> Self {
        Self { status: "could_not_check", reason: reason.to_owned(), detail: detail.into() }
    }
}

impl From<&CouldNotCheck> for CouldNotAnswer {
    fn from(why: &CouldNotCheck) -> Self {
        Self::new(why.code(), why.to_string())
    }
}

/// The head on which an answer rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShownCheckpoint {
    /// Height of the block.
    pub height: u64,
    /// The block's id.
    pub block: Hash,
    /// Number of leaves of the log.
    pub log_size: LogSize,
    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub freshness_ms: u64,
    /// The same in words.
    pub freshness: String,
    /// Age at the time of the answer, in milliseconds.
    pub age_ms: u64,
    /// The same in words.
    pub age: String,
    /// How many validators cosigned it, as far as they were counted; none if it did not check out.
    pub quorum: Option<usize>,
    /// How many validators there are.
    pub validators: usize,
}

/// What became of a receipt that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "receipt", rename_all = "snake_case")]
pub enum Uploaded {
    /// It proves what it says, for its own moment.
    Good {
        /// The oldest time among its cosignatures, UTC milliseconds.
        freshness_ms: u64,
        /// The same in words.
        freshness: String,
        /// What it proves: a status, or `recorded`.
        says: String,
    },
    /// It proves nothing here and now.
    CouldNotCheck {
        /// Short code.
        reason: String,
        /// In plain words.
        detail: String,
    },
}

/// Receipts, each a file of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Receipts {
    /// The status receipt (`.dalil-status`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<StatusReceipt>")]
    pub status: Option<serde_json::Value>,
    /// The inclusion receipt of the record (`.tlog-proof`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<String>,
    /// The register receipt (`.dalil-register`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RegisterReceipt>")]
    pub register: Option<serde_json::Value>,
}
