//! The system's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// UTC milliseconds by the system's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
