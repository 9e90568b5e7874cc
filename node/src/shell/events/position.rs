//! Where a reader of events stands.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The next event to be read: everything before it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Log index.
    pub index: u64,
    /// Place among the events of that log index, from 0.
    #[serde(default)]
    pub ordinal: u32,
}

impl Position {
    /// At the first event of a log index.
    pub fn at(index: u64) -> Self {
        Self { index, ordinal: 0 }
    }
}

/// The name of an event, or of a log index as a whole: what a client saw last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventId {
    /// `17-0`: one event.
    Event(Position),
    /// `17`: everything at this log index and before.
    Through(u64),
}

impl EventId {
    /// The position after what it names.
    pub fn next(self) -> Position {
        match self {
            Self::Event(Position { index, ordinal }) => Position { index, ordinal: ordinal.saturating_add(1) },
            Self::Through(index) => Position::at(index.saturating_add(1)),
        }
    }

    /// What a reader at `next` saw last; none at the beginning.
    pub fn before(next: Position) -> Option<Self> {
        match next.ordinal.checked_sub(1) {
            Some(ordinal) => Some(Self::Event(Position { ordinal, ..next })),
            None => next.index.checked_sub(1).map(Self::Through),
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(Position { index, ordinal }) => write!(f, "{index}-{ordinal}"),
            Self::Through(index) => write!(f, "{index}"),
        }
    }
}

/// Text that names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an event's id such as 17-0, or a log index")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        match text.split_once('-') {
            Some((index, ordinal)) => {
                let index = index.parse().map_err(|_| EventIdError)?;
                let ordinal = ordinal.parse().map_err(|_| EventIdError)?;
                Ok(Self::Event(Position { index, ordinal }))
            }
            None => text.parse().map(Self::Through).map_err(|_| EventIdError),
        }
    }
}
