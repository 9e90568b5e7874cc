//! Times, as the pages show them.

use dalil_contracts::calendar::CivilDate;
use dalil_ledger::crypto::Hash;

use super::words::Words;

/// How many digits of a hash a list shows.
const SHORT_DIGITS: usize = 12;

/// `12,34,567`: grouped as in India, three digits and then pairs (thousand, lakh, crore).
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && (left == 3 || left > 3 && left % 2 == 1) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The beginning of a hash, as far as people compare it; the whole stands on the page of what it names.
pub(super) fn shortened(hash: &Hash) -> String {
    let text = hash.to_string();
    format!("{}…", text.get(..SHORT_DIGITS).unwrap_or(&text))
}

/// `1 June 2026` of UTC milliseconds.
pub(super) fn ist_day(utc_ms: u64, words: &Words) -> String {
    let date = CivilDate::in_india(utc_ms);
    let month = usize::from(date.month_day.month).checked_sub(1).and_then(|place| words.months.get(place));
    format!("{} {} {}", date.month_day.day, month.map_or("?", String::as_str), date.year)
}

/// `05:30:00 IST` of UTC milliseconds.
pub(super) fn ist_clock(utc_ms: u64) -> String {
    let midnight_ms = CivilDate::in_india(utc_ms).begins_at_ms().unwrap_or(utc_ms);
    let seconds = utc_ms.saturating_sub(midnight_ms) / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02} IST")
}

/// `1 June 2026, 05:30:00 IST`, of UTC milliseconds.
pub(super) fn ist(utc_ms: u64, words: &Words) -> String {
    format!("{}, {}", ist_day(utc_ms, words), ist_clock(utc_ms))
}
