//! Separation of duties (A6): two acts that check each other are by two people.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::Overlay;
use serde::{Deserialize, Serialize};

use super::parameters::parameter_u64;
use super::posting::Acting;
use crate::context::Context;
use crate::refusal::{Refusal, require};

/// How long an act of two officers waits for the second one, in milliseconds.
pub const CONFIRM_WITHIN: &str = "authority/confirm_within_ms";

/// Refuses with A6 if `first`, who did `what`, is the person who acts now.
pub fn require_other_officer(acting: &Acting, first: &PublicKey, what: &str) -> Result<(), Refusal> {
    require(!acting.is_same_officer(first), "A6", || {
        format!("the officer who {what} cannot do this too; another officer must")
    })
}

/// The first half of an act of two officers: what stays pending until the second confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct FirstOfficer {
    /// The key of the officer who ordered it.
    pub officer: PublicKey,
    /// Block time of the order, UTC milliseconds.
    pub ordered_at_ms: u64,
}

impl FirstOfficer {
    /// The officer who acts now.
    pub fn now(acting: &Acting, context: &Context<'_>) -> Self {
        Self { officer: acting.posting.officer, ordered_at_ms: context.time_ms }
    }

    /// Checks that the one who acts now is another officer, and not too late (A6).
    pub fn confirm(&self, state: &Overlay<'_>, context: &Context<'_>, acting: &Acting) -> Result<(), Refusal> {
        require_other_officer(acting, &self.officer, "gave the order")?;
        let window_ms = parameter_u64(state, context, CONFIRM_WITHIN)?;
        let waited_ms = context.time_ms.saturating_sub(self.ordered_at_ms);
        require(waited_ms <= window_ms, "A6", || {
            format!(
                "the order waited {waited_ms} ms for a second officer, at most {window_ms} ms are allowed; order anew"
            )
        })
    }
}
