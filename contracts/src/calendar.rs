//! Days of the civil calendar in Indian Standard Time, from block time, in integers.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Indian Standard Time is UTC + 5:30, all year.
const IST_AHEAD_MS: u64 = 5 * HOUR_MS + 30 * MINUTE_MS;
/// Days of 400 years of the Gregorian calendar, after which it repeats.
const DAYS_OF_ERA: u64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const DAYS_TO_EPOCH: u64 = 719_468;
/// Days of each month in a leap year.
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// The month in which a financial year begins.
const APRIL: u8 = 4;

/// A day of any year.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl MonthDay {
    /// Whether some year has this day.
    pub fn exists(self) -> bool {
        let days = usize::from(self.month).checked_sub(1).and_then(|month| MONTH_DAYS.get(month));
        days.is_some_and(|days| (1..=*days).contains(&self.day))
    }
}

/// Days of every year from one to another, both included; it may run over the new year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayRange {
    /// The first day.
    pub from: MonthDay,
    /// The last day.
    pub to: MonthDay,
}

impl DayRange {
    /// Whether `day` lies in the range.
    pub fn contains(self, day: MonthDay) -> bool {
        if self.from <= self.to { (self.from..=self.to).contains(&day) } else { day >= self.from || day <= self.to }
    }
}

/// A date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilDate {
    /// Year of the common era.
    pub year: i64,
    /// Month and day.
    pub month_day: MonthDay,
}

impl CivilDate {
    /// The date in Indian Standard Time at `time_ms`, UTC milliseconds.
    ///
    /// Reckons from 1 March, so that the leap day is a year's last and the months before it follow one formula.
    pub fn in_india(time_ms: u64) -> Self {
        let days = time_ms.saturating_add(IST_AHEAD_MS) / DAY_MS + DAYS_TO_EPOCH;
        let day_of_era = days % DAYS_OF_ERA;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (DAYS_OF_ERA - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = days / DAYS_OF_ERA * 400 + year_of_era + u64::from(month <= 2);
        Self { year: year as i64, month_day: MonthDay { month: month as u8, day: day as u8 } }
    }

    /// The year in whose April the financial year of this date began.
    pub fn financial_year(self) -> i64 {
        if self.month_day.month >= APRIL { self.year } else { self.year - 1 }
    }

    /// The first moment of this date in India, UTC milliseconds; none outside what a u64 of milliseconds since 1970 holds.
    /// The other way round from [`Self::in_india`]: a month begins so many days after 1 March.
    pub fn begins_at_ms(self) -> Option<u64> {
        let month_from_march = (u64::from(self.month_day.month) + 9) % 12;
        let year_from_march = u64::try_from(self.year).ok()?.checked_sub(u64::from(month_from_march >= 10))?;
        let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
        let day_of_year = (153 * month_from_march + 2) / 5 + u64::from(self.month_day.day).checked_sub(1)?;
        let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era.checked_mul(DAYS_OF_ERA)?.checked_add(day_of_era)?.checked_sub(DAYS_TO_EPOCH)?;
        days.checked_mul(DAY_MS)?.checked_sub(IST_AHEAD_MS)
    }

    fn is_in_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }
}

/// The same day of the month and time of day, `months` later; the month's last day where it has no such day. None where it
/// does not fit.
pub fn months_after(time_ms: u64, months: u32) -> Option<u64> {
    let date = CivilDate::in_india(time_ms);
    let time_of_day_ms = time_ms.checked_sub(date.begins_at_ms()?)?;
    let month_from_zero = u32::from(date.month_day.month).checked_sub(1)?.checked_add(months)?;
    let first = MonthDay { month: u8::try_from(month_from_zero % 12).ok()? + 1, day: 1 };
    let mut later = CivilDate { year: date.year.checked_add(i64::from(month_from_zero / 12))?, month_day: first };
    let month_days = *MONTH_DAYS.get(usize::from(first.month) - 1)?;
    let last_day = if first.month == 2 && !later.is_in_leap_year() { month_days - 1 } else { month_days };
    later.month_day.day = date.month_day.day.min(last_day);
    later.begins_at_ms()?.checked_add(time_of_day_ms)
}

/// The end (exclusive) of the financial year that `time_ms` lies in: midnight in India before 1 April.
pub fn financial_year_end_ms(time_ms: u64) -> Option<u64> {
    let year = CivilDate::in_india(time_ms).financial_year().checked_add(1)?;
    CivilDate { year, month_day: MonthDay { month: APRIL, day: 1 } }.begins_at_ms()
}
