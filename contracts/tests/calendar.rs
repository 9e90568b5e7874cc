//! Dates in India: days, months and financial years.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use dalil_contracts::calendar::{CivilDate, DayRange, MonthDay, financial_year_end_ms, months_after};
use dalil_contracts::units::{DAY_MS, HOUR_MS, MINUTE_MS};

fn date(time_ms: u64) -> (i64, u8, u8) {
    let date = CivilDate::in_india(time_ms);
    (date.year, date.month_day.month, date.month_day.day)
}

#[test]
fn a_day_begins_at_half_past_six_in_the_evening_utc() {
    assert_eq!(date(0), (1970, 1, 1));
    let midnight = 18 * HOUR_MS + 30 * MINUTE_MS;
    assert_eq!((date(midnight - 1), date(midnight)), ((1970, 1, 1), (1970, 1, 2)));
}

#[test]
fn dates_follow_the_gregorian_calendar_over_four_hundred_years() {
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for days in 0..=400 * 366 {
        assert_eq!(date(days * DAY_MS), (year, month, day));
        if days > 0 {
            let begins_at_ms = CivilDate { year, month_day: MonthDay { month, day } }.begins_at_ms();
            assert_eq!(begins_at_ms, Some(days * DAY_MS - 5 * HOUR_MS - 30 * MINUTE_MS));
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
}

#[test]
fn a_financial_year_begins_on_the_first_of_april_in_india() {
    // 2026-03-31T18:30:00Z is midnight of 1 April in India.
    let april_ms = 1_774_981_800_000;
    assert_eq!(date(april_ms), (2026, 4, 1));
    let year = |ms| CivilDate::in_india(ms).financial_year();
    assert_eq!((year(april_ms - 1), year(april_ms)), (2025, 2026));
}

#[test]
fn a_range_of_days_may_run_over_the_new_year() {
    let day = |month, day| MonthDay { month, day };
    let monsoon = DayRange { from: day(6, 15), to: day(10, 15) };
    assert!(monsoon.contains(day(6, 15)) && monsoon.contains(day(10, 15)) && !monsoon.contains(day(10, 16)));
    let winter = DayRange { from: day(11, 1), to: day(2, 29) };
    assert!(winter.contains(day(12, 31)) && winter.contains(day(1, 1)) && !winter.contains(day(3, 1)));
    assert!(day(2, 29).exists() && !day(2, 30).exists() && !day(0, 1).exists() && !day(13, 1).exists());
}

#[test]
fn what_lies_before_1970_or_beyond_all_time_has_no_moment() {
    let day = |year, month, day| CivilDate { year, month_day: MonthDay { month, day } }.begins_at_ms();
    assert_eq!((day(1970, 1, 1), day(-1, 4, 1), day(i64::MAX, 4, 1), day(2026, 4, 0)), (None, None, None, None));
    assert_eq!(months_after(u64::MAX, 1), None);
}

#[test]
fn months_keep_day_and_hour_and_end_with_the_month() {
    let at = |year, month, day| {
        CivilDate { year, month_day: MonthDay { month, day } }.begins_at_ms().unwrap() + 13 * HOUR_MS
    };
    assert_eq!(months_after(at(2026, 11, 2), 3), Some(at(2027, 2, 2)));
    assert_eq!(months_after(at(2026, 11, 30), 3), Some(at(2027, 2, 28)));
    assert_eq!(months_after(at(2027, 11, 30), 3), Some(at(2028, 2, 29)));
    assert_eq!(months_after(at(2028, 2, 29), 84), Some(at(2035, 2, 28)));
    assert_eq!(months_after(at(2026, 12, 31), 1), Some(at(2027, 1, 31)));
    assert_eq!(months_after(at(2026, 1, 31), 0), Some(at(2026, 1, 31)));
}

#[test]
fn a_financial_year_ends_before_the_first_of_april() {
    let april_ms = 1_774_981_800_000;
    assert_eq!(financial_year_end_ms(april_ms - 1), Some(april_ms));
    assert_eq!(financial_year_end_ms(april_ms), Some(april_ms + 365 * DAY_MS));
}
