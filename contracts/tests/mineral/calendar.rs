//! Dates in India and distances on the ground.

use dalil_contracts::mineral::calendar::{CivilDate, DayRange, MonthDay};
use dalil_contracts::mineral::geo::{Point, distance_min_m, is_too_far};
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
fn distances_are_lower_bounds() {
    let point = |lat_udeg, lon_udeg| Point { lat_udeg, lon_udeg };
    let (bankura, hooghly) = (point(23_070_000, 87_320_000), point(22_900_000, 88_020_000));
    // 74.1 km on the great circle.
    let metres = distance_min_m(bankura, hooghly);
    assert!((72_500..=74_100).contains(&metres), "{metres}");
    assert_eq!((distance_min_m(hooghly, bankura), distance_min_m(bankura, bankura)), (metres, 0));
    let dateline = distance_min_m(point(0, 179_900_000), point(0, -179_900_000));
    assert!((22_000..=22_264).contains(&dateline), "{dateline}");
    let poles = distance_min_m(point(90_000_000, 0), point(-90_000_000, 180_000_000));
    assert_eq!(poles, 180 * 110_500);
}

#[test]
fn a_speed_is_compared_without_fractions() {
    assert!(!is_too_far(90_000, HOUR_MS, 90));
    assert!(is_too_far(90_001, HOUR_MS, 90));
    assert!(is_too_far(1, 0, 90) && !is_too_far(0, 0, 90));
}
