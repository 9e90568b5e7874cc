//! Times, as the pages show them.

use dalil_contracts::calendar::CivilDate;

use super::words::Words;

/// `1 June 2026, 05:30:00 IST`, of UTC milliseconds.
pub(super) fn ist(utc_ms: u64, words: &Words) -> String {
    let date = CivilDate::in_india(utc_ms);
    let month = usize::from(date.month_day.month).checked_sub(1).and_then(|place| words.months.get(place));
    let seconds = date.begins_at_ms().map_or(0, |midnight_ms| utc_ms.saturating_sub(midnight_ms) / 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let month = month.map_or("?", String::as_str);
    format!("{} {month} {}, {hour:02}:{minute:02}:{second:02} IST", date.month_day.day, date.year)
}
