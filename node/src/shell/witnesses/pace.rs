//! When a head is offered to the witnesses.

use std::time::Duration;

/// Two intervals between offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// No head is offered sooner after the one before it, however many are published.
    pub at_most_every: Duration,
    /// The same head is offered again after this time, so that the witnesses' word for it stays fresh.
    pub again_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_most_every: Duration::from_secs(10), again_after: Duration::from_secs(60) }
    }
}

impl Pace {
    /// How long to wait before the newest head is offered. `since` is the time since the last offer, if there was one;
    /// `is_new` says whether the newest head is another than the one that was offered then.
    pub fn wait(&self, since: Option<Duration>, is_new: bool) -> Duration {
        let interval = if is_new { self.at_most_every } else { self.again_after };
        since.map_or(Duration::ZERO, |since| interval.saturating_sub(since))
    }
}
