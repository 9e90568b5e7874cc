//! A token bucket: how often somebody may ask. It reads no clock.

/// One request, in the bucket's units.
const REQUEST: u64 = 1_000;

/// Fills at a rate and holds a burst; each request takes one.
#[derive(Debug, Clone)]
pub struct Bucket {
    per_second: u64,
    /// In thousandths of a request, as is the level: so a millisecond adds `per_second` of them.
    most: u64,
    level: u64,
    filled_at_ms: u64,
}

impl Bucket {
    /// A full bucket for `per_second` requests a second, and `burst` at once; at least one of each.
    pub fn full(per_second: u32, burst: u32) -> Self {
        let most = u64::from(burst.max(1)) * REQUEST;
        Self { per_second: u64::from(per_second.max(1)), most, level: most, filled_at_ms: 0 }
    }

    fn fill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.filled_at_ms);
        self.filled_at_ms = self.filled_at_ms.max(now_ms);
        self.level = self.level.saturating_add(passed_ms.saturating_mul(self.per_second)).min(self.most);
    }

    /// Counts one request, or says after how many seconds there is room for it. `now_ms` never goes back.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        self.fill(now_ms);
        match self.level.checked_sub(REQUEST) {
            Some(rest) => {
                self.level = rest;
                Ok(())
            }
            None => Err((REQUEST - self.level).div_ceil(self.per_second).div_ceil(1_000)),
        }
    }

    /// Whether nothing was taken that has not been filled again: forgetting the bucket forgets nothing.
    pub fn is_full(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        self.level == self.most
    }
}
