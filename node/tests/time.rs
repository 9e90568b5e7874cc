//! Times and durations for people.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

use dalil_contracts::units::{DAY_MS, HOUR_MS, MINUTE_MS};
use dalil_node::time::*;

/// Days in the 400 years after which the Gregorian calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// How far IST is ahead of UTC.
const IST_AHEAD_MS: u64 = 5 * HOUR_MS + 30 * MINUTE_MS;

#[test]
fn known_moments_in_ist() {
    // By `TZ=Asia/Kolkata date -d @…`.
    for (utc_ms, expected) in [
        (0, "1970-01-01T05:30:00+05:30"),
        (1_780_272_000_000, "2026-06-01T05:30:00+05:30"),
        (951_848_999_000, "2000-02-29T23:59:59+05:30"),
        (951_849_000_000, "2000-03-01T00:00:00+05:30"),
        (4_107_521_400_000, "2100-02-28T23:40:00+05:30"),
        (4_107_522_600_000, "2100-03-01T00:00:00+05:30"),
        (1_767_205_800_000, "2026-01-01T00:00:00+05:30"),
    ] {
        assert_eq!(ist_rfc3339(utc_ms), expected);
        assert_eq!(parse_moment(expected), Ok(utc_ms));
    }
    assert_eq!(ist(1_780_272_000_000), "1 June 2026, 05:30:00 IST");
    assert!(ist(u64::MAX).ends_with("IST"));
}

#[test]
fn every_day_of_four_centuries_is_read_as_it_is_written() {
    let mut last = String::new();
    for day in 0..ERA_DAYS {
        let (utc_ms, text) = (day * DAY_MS, ist_rfc3339(day * DAY_MS));
        assert!(text > last, "{text} after {last}");
        assert_eq!(parse_moment(&text), Ok(utc_ms), "{text}");
        last = text;
    }
}

#[test]
fn moments_are_read() {
    assert_eq!(parse_moment("2026-06-01"), Ok(1_780_272_000_000 - IST_AHEAD_MS));
    assert_eq!(parse_moment("2026-06-01T00:00:00Z"), Ok(1_780_272_000_000));
    assert_eq!(parse_moment("2026-05-31T19:00:00.25-05:00"), Ok(1_780_272_000_250));
    assert_eq!(parse_moment("1780272000000"), Ok(1_780_272_000_000));
    let wrong = [
        "",
        "20260601",
        "2026-13-01",
        "2026-02-29",
        "2026-6-1",
        "1969-12-31",
        "2026-06-01T",
        "2026-06-01T24:00:00Z",
        "2026-06-01T00:00:00",
        "2026-06-01T00:00:00+5:30",
        "2026-06-01T00:00:00ZZ",
        "yesterday",
        "2026-06-01T00:00:00.Z",
    ];
    for text in wrong {
        assert_eq!(parse_moment(text), Err(TimeError::Moment), "{text}");
    }
}

#[test]
fn durations() {
    assert_eq!(parse_span("20s"), Ok(20_000));
    assert_eq!(parse_span("10m"), Ok(600_000));
    assert_eq!(parse_span("1d"), Ok(DAY_MS));
    assert_eq!(parse_span("0s"), Ok(0));
    for text in ["", "s", "20", "-1s", "1.5h", "1w", "99999999999999999999s", "18446744073709551615d"] {
        assert_eq!(parse_span(text), Err(TimeError::Duration), "{text}");
    }
    assert_eq!(span(999), "999 ms");
    assert_eq!(span(59_999), "59 s");
    assert_eq!(span(250_000), "4 min 10 s");
    assert_eq!(span(2 * HOUR_MS), "2 h");
    assert_eq!(span(52 * HOUR_MS + 5), "2 d 4 h");
}
