//! What a verifier says, and how a command line says it.

use serde::Serialize;

use super::inclusion::InclusionTextError;
use super::status::StatusTextError;
use super::verify_inclusion::Inclusion;
use crate::block::Height;
use crate::checkpoint::{EndorsementError, HeadError, PinnedHeadError};
use crate::codec::CodecError;
use crate::crypto::{CryptoError, Hash};
use crate::document::{DocumentEntry, HistoryEvent, SlotsError, Status};
use crate::log::{LogIndex, LogSize, ProofError};
use crate::state::StateError;
use crate::state::proof::StateProofError;

/// A proven answer to "is this document genuine and in force?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// Coarse reason; every negative answer has one.
    pub reason: String,
    /// Since when, UTC milliseconds, where a recorded event says so.
    pub since_ms: Option<u64>,
    /// The moment that the status was judged for, UTC milliseconds.
    pub as_of_ms: u64,
    /// Only what was recorded until then counted, UTC milliseconds; without it all that the receipt knows.
    pub known_at_ms: Option<u64>,
    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub freshness_ms: u64,
    /// How many validators stand behind the checkpoint.
    pub quorum: usize,
    /// The chain.
    pub chain: Hash,
    /// Height of the head that was read.
    pub height: Height,
    /// Number of leaves under the checkpoint.
    pub log_size: LogSize,
    /// Log index of the record that issued the document.
    pub record: Option<LogIndex>,
    /// What happened to the document, with the log index of each record; for each there is an inclusion receipt.
    pub history: Vec<HistoryEvent>,
    /// The document as it stands today, unless it is not on record.
    pub entry: Option<DocumentEntry>,
}

/// Why there is no answer. Never to be shown as "not on record", "forged" or "valid".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CouldNotCheck {
    /// The file is no inclusion receipt.
    #[error(transparent)]
    InclusionText(#[from] InclusionTextError),
    /// The file is no status receipt.
    #[error(transparent)]
    StatusText(#[from] StatusTextError),
    /// The pin expired, or the head is not that of the pin's chain and validators, or is not shown to be the head.
    #[error("head: {0}")]
    Head(#[from] PinnedHeadError),
    /// The record is of another chain.
    #[error("a record of chain {got}, expected {expected}")]
    OtherChain {
        /// Chain in the record.
        got: Hash,
        /// Chain of the pin.
        expected: Hash,
    },
    /// The checkpoint is not endorsed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] EndorsementError),
    /// The record's place in the log is not shown.
    #[error("inclusion proof: {0}")]
    Inclusion(#[from] ProofError),
    /// The entry is a header where a record was expected.
    #[error("the entry is a block header, expected a record")]
    NotARecord,
    /// The record's own signature does not verify.
    #[error("the record: {0}")]
    RecordSignature(CryptoError),
    /// The batch form, but the record issues no batch that the caller knows.
    #[error("the record issues no batch, but the receipt names a document of one")]
    NoBatch,
    /// The document's place in its batch is not shown.
    #[error("the document in its batch: {0}")]
    Batch(ProofError),
    /// A state read is missing, is one too many, or stands in another order than the entry asks for.
    #[error("read {place} is {got:?}, expected {expected:?}")]
    Read {
        /// Place among the reads, from 0.
        place: usize,
        /// Key found, if there is one.
        got: Option<String>,
        /// Key expected, if there is one.
        expected: Option<String>,
    },
    /// A state proof does not lead to the header's state root.
    #[error("state proof of {key}: {error}")]
    StateProof {
        /// The key.
        key: String,
        /// What is wrong.
        error: StateProofError,
    },
    /// A state value is none of its type.
    #[error("value of {key}: {error}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        error: CodecError,
    },
    /// Proven values of the state that make no sense together.
    #[error(transparent)]
    State(StateError),
    /// A slot value is none of its type.
    #[error(transparent)]
    Slots(#[from] SlotsError),
    /// The state contradicts itself: an entry under another document's key, or a digest that leads nowhere.
    #[error("the state under {key} is not about what was asked")]
    OtherDocument {
        /// The key.
        key: String,
    },
    /// The moment asked about lies ahead: no receipt knows what will be recorded until then.
    #[error("asked about {asked_ms}, expected a time up to {now_ms}")]
    FutureMoment {
        /// The moment asked about, UTC milliseconds.
        asked_ms: u64,
        /// Time of checking, UTC milliseconds.
        now_ms: u64,
    },
    /// The checkpoint is too old to say anything about the present.
    #[error("the receipt is {age_ms} ms old, expected at most {max_ms} ms")]
    Stale {
        /// Age at the time of checking, in milliseconds.
        age_ms: u64,
        /// The limit, in milliseconds.
        max_ms: u64,
    },
}

impl CouldNotCheck {
    /// A short code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InclusionText(_) | Self::StatusText(_) => "malformed",
            Self::Head(PinnedHeadError::Expired { .. }) => "pin_expired",
            Self::Head(PinnedHeadError::OtherChain { .. }) | Self::OtherChain { .. } => "other_chain",
            Self::Head(PinnedHeadError::OtherValidators { .. }) => "other_validators",
            Self::Stale { .. } => "stale",
            Self::FutureMoment { .. } => "future_moment",
            Self::Read { .. } => "incomplete",
            Self::Checkpoint(_) | Self::Head(PinnedHeadError::Head(HeadError::Checkpoint(_))) => "checkpoint_wrong",
            _ => "proof_wrong",
        }
    }
}

/// Exit codes of `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// In force, by a fresh status receipt.
    Valid = 0,
    /// Recorded, but not in force now.
    NotValidNow = 1,
    /// The command was wrong; no answer gives this.
    Usage = 2,
    /// The ledger knows no such document.
    NotOnRecord = 3,
    /// Could not check, or a proof is wrong.
    CouldNotCheck = 4,
    /// Recorded; the present status is not proven.
    RecordedOnly = 5,
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Valid => Self::Valid,
            Status::NotOnRecord => Self::NotOnRecord,
            _ => Self::NotValidNow,
        }
    }
}

impl Exit {
    /// The exit code of a status check.
    pub fn of_status(checked: &Result<Answer, CouldNotCheck>) -> Self {
        checked.as_ref().map_or(Self::CouldNotCheck, |answer| answer.status.into())
    }

    /// The exit code of an inclusion check: never "valid".
    pub fn of_inclusion(checked: &Result<Inclusion, CouldNotCheck>) -> Self {
        if checked.is_ok() { Self::RecordedOnly } else { Self::CouldNotCheck }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}
