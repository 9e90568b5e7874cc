//! How a node that is behind gets on, in numbers for operators.

use std::fmt;

use dalil_ledger::block::Height;
use dalil_ledger::snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Core;

/// What a node is doing to be where the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Progress {
    /// It is: it decides with them, or follows.
    Consensus,
    /// It executes the blocks that the others have decided.
    Blocks {
        /// Height of the head.
        from: Height,
        /// The height that more than f peers report to have reached.
        to: Height,
        /// Blocks a second since it fell behind.
        per_second: u64,
    },
    /// It restores a snapshot.
    Snapshot {
        /// Height of the head, which stays until the snapshot is complete.
        from: Height,
        /// The height that more than f peers report to have reached.
        to: Height,
        /// The snapshot.
        #[serde(flatten)]
        snapshot: snapshot::Progress,
        /// Bytes of state a second.
        bytes_per_second: u64,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consensus => f.write_str("where the others are"),
            Self::Blocks { from, to, per_second } => {
                write!(f, "catching up by blocks: at height {from} of {to}, {per_second} a second")
            }
            Self::Snapshot { from, to, snapshot, bytes_per_second } => {
                let snapshot::Progress { height, chunks, chunks_known, window_from, .. } = snapshot;
                write!(f, "catching up from height {from} to {to} by the snapshot of height {height}: ")?;
                write!(f, "{chunks} of {chunks_known} chunks, {} KiB a second, ", bytes_per_second >> 10)?;
                match window_from {
                    Some(height) => write!(f, "recent window above height {height}"),
                    None => f.write_str("recent window complete"),
                }
            }
        }
    }
}

/// Where a phase began, to tell its pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    phase: std::mem::Discriminant<Progress>,
    since_ms: u64,
    value: u64,
}

impl Pace {
    /// Units a second from the beginning of the phase until `now_ms`, when the value is `value`.
    fn of(pace: Option<Self>, value: u64, now_ms: u64) -> u64 {
        let Some(pace) = pace else { return 0 };
        let passed_ms = now_ms.saturating_sub(pace.since_ms).max(1);
        value.saturating_sub(pace.value).saturating_mul(1_000) / passed_ms
    }
}

impl Core {
    /// What this node is doing to be where the others are.
    pub(super) fn progress(&self) -> Progress {
        let from = self.view.head().height;
        let to = self.sync.credible(self.validators.max_faulty()).saturating_sub(1).max(from);
        if let Some(snapshot) = self.snapshots.progress() {
            let bytes_per_second = Pace::of(self.pace, snapshot.bytes, self.now_ms);
            return Progress::Snapshot { from, to, snapshot, bytes_per_second };
        }
        // One block is always on its way to somebody.
        if to <= from + 1 {
            return Progress::Consensus;
        }
        Progress::Blocks { from, to, per_second: Pace::of(self.pace, from, self.now_ms) }
    }

    /// Notes when a phase begins.
    pub(super) fn note_pace(&mut self) {
        let progress = self.progress();
        let phase = std::mem::discriminant(&progress);
        if self.pace.is_none_or(|pace| pace.phase != phase) {
            let value = match progress {
                Progress::Consensus => 0,
                Progress::Blocks { from, .. } => from,
                Progress::Snapshot { snapshot, .. } => snapshot.bytes,
            };
            self.pace = Some(Pace { phase, since_ms: self.now_ms, value });
        }
    }
}
