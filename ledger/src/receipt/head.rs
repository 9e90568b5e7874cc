//! A head whose cosignatures were checked: once for all that is read under it.

use super::answer::CouldNotCheck;
use crate::block::Header;
use crate::checkpoint::{Endorsement, HeadProof, Pin};
use crate::log::LogSize;

/// A head of a pin's chain that a quorum of the pin's validators cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedHead {
    header: Header,
    endorsement: Endorsement,
    absence_age_max_ms: u64,
}

impl CheckedHead {
    /// Checks `head` against `pin` at the verifier's time `now_ms`, UTC milliseconds.
    pub fn check(head: &HeadProof, pin: &Pin, now_ms: u64) -> Result<Self, CouldNotCheck> {
        let endorsement = pin.verify_head(head, now_ms)?;
        let absence_age_max_ms = pin.terms().absence_age_max_ms;
        Ok(Self { header: head.header.clone(), endorsement, absence_age_max_ms })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of leaves under the checkpoint.
    pub fn log_size(&self) -> LogSize {
        self.endorsement.checkpoint.size
    }

    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub fn freshness_ms(&self) -> u64 {
        self.endorsement.freshness_ms
    }

    /// How many validators stand behind the checkpoint.
    pub fn quorum(&self) -> usize {
        self.endorsement.cosigners.len()
    }

    /// The oldest head that proves an absence, in milliseconds.
    pub fn absence_age_max_ms(&self) -> u64 {
        self.absence_age_max_ms
    }

    /// Refuses a head older than `max_ms` at `now_ms`.
    pub(super) fn require_age(&self, now_ms: u64, max_ms: u64) -> Result<(), CouldNotCheck> {
        let age_ms = now_ms.saturating_sub(self.freshness_ms());
        if age_ms > max_ms { Err(CouldNotCheck::Stale { age_ms, max_ms }) } else { Ok(()) }
    }
}
