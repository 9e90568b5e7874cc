//! How long to wait for a server, and after it failed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shell::clock::now_ms;

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One attempt, from resolving the name to the end of what is read of the answer.
    pub attempt: Duration,
    /// After the first failure; doubled after each further one.
    pub retry_first: Duration,
    /// After any failure.
    pub retry_most: Duration,
}

impl Patience {
    /// How long to wait after so many failures in a row: half of it for certain, so that a server that comes back does not
    /// get everybody's posts at once.
    pub fn after(&self, attempts: u32) -> Duration {
        let doubled = self.retry_first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let half = doubled.min(self.retry_most) / 2;
        half + half * u32::from(jitter()) / u32::from(u16::MAX)
    }
}

fn jitter() -> u16 {
    let mut bytes = [0; 2];
    // Without randomness everybody waits longest.
    getrandom::fill(&mut bytes).map_or(u16::MAX, |()| u16::from_le_bytes(bytes))
}

/// What keeps failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failing {
    /// The first failure in a row, UTC milliseconds.
    pub since_ms: u64,
    /// How many in a row.
    pub attempts: u32,
    /// The last one, in words.
    pub error: String,
}

impl Failing {
    /// One more failure after those in `before`.
    pub fn again(before: Option<Self>, error: String) -> Self {
        let since_ms = before.as_ref().map_or_else(now_ms, |failing| failing.since_ms);
        let attempts = before.map_or(0, |failing| failing.attempts).saturating_add(1);
        Self { since_ms, attempts, error }
    }
}
