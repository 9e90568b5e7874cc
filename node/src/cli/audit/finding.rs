//! What an auditor finds.

use std::path::PathBuf;

use serde::Serialize;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The node that showed it.
    pub(super) url: String,
    /// What it is.
    pub(super) kind: Kind,
    /// In plain words, with expected and got.
    pub(super) detail: String,
    /// The folder that proves it to others, where there is such proof.
    pub(super) evidence: Option<PathBuf>,
}

impl Finding {
    /// A finding without a file.
    pub(super) fn new(url: &str, kind: Kind, detail: impl Into<String>) -> Self {
        Self { url: url.to_owned(), kind, detail: detail.into(), evidence: None }
    }
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// No answer, or one of no known form.
    Unreachable,
    /// The node holds the log from a later entry on, and nobody else gave what is before.
    NotHeld,
    /// No quorum of the validators stands behind the checkpoint.
    NotEndorsed,
    /// The checkpoint is older than it may be.
    Stale,
    /// The node showed a longer log before.
    WentBack,
    /// A quorum cosigned, or decided, what does not fit the log.
    Fork,
    /// An entry or a block that breaks a rule, or is not what its header says.
    Invalid,
    /// A tile of hashes that is not the log's.
    OtherTile,
    /// The validators of the pin are not those of the chain.
    OtherValidators,
}

impl Kind {
    /// Whether it speaks against the node or the chain; otherwise it was merely not checked.
    pub(super) fn is_grave(self) -> bool {
        !matches!(self, Self::Unreachable | Self::NotHeld)
    }

    /// For people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "could not be asked",
            Self::NotHeld => "does not hold the older log",
            Self::NotEndorsed => "NO QUORUM stands behind its checkpoint",
            Self::Stale => "shows a STALE checkpoint",
            Self::WentBack => "went BACK behind what it showed before",
            Self::Fork => "FORK",
            Self::Invalid => "INVALID entry or block",
            Self::OtherTile => "a tile that is NOT THE LOG'S",
            Self::OtherValidators => "the pin's validators are NOT THE CHAIN'S",
        }
    }
}
