//! What happened at a log index, as it is kept for those who wait.
//!
//! The executor makes it of a record's outcome, or of what closing a block brought about, so it is the same on every node.
//! It is no part of what is hashed: a client that must not trust the node looks at the record itself.

use dalil_contracts::Event;
use dalil_contracts::authority::Place;
use dalil_ledger::block::Height;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, CodecError, SchemaRead, SchemaWrite};
use dalil_ledger::document::SubjectId;

/// The events at one log index. Canonical, and compact: a batch names its kind once.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Happened {
    /// Height of the block.
    pub height: Height,
    /// Its time, UTC milliseconds.
    pub time_ms: u64,
    /// Where the officer acted; nowhere for administration and votes.
    pub place: Option<Place>,
    runs: Vec<Run>,
}

/// Events of one kind in a row.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Run {
    kind: String,
    subjects: Vec<SubjectId>,
}

impl Happened {
    /// Of events in their order.
    pub fn new(height: Height, time_ms: u64, place: Option<Place>, events: &[Event]) -> Self {
        let runs = events.chunk_by(|one, next| one.name == next.name).map(|run| Run {
            kind: run.first().map_or("", |event| event.name).to_owned(),
            subjects: run.iter().map(|event| event.subject.clone()).collect(),
        });
        Self { height, time_ms, place, runs: runs.collect() }
    }

    /// Kind and subject of each event, in order.
    pub fn events(&self) -> impl Iterator<Item = (&str, &SubjectId)> {
        self.runs.iter().flat_map(|run| run.subjects.iter().map(|subject| (run.kind.as_str(), subject)))
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, CANONICAL_BYTES_MAX)
    }
}
