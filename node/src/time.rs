//! Times and durations for people: Indian Standard Time out, dates and durations in.
//!
//! The ledger knows UTC milliseconds only. India has one zone, five and a half hours ahead, without summer time, so
//! whole-number arithmetic on the Gregorian calendar is all that it takes.

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How far IST is ahead of UTC.
const IST_AHEAD_MS: u64 = 5 * HOUR_MS + 30 * MINUTE_MS;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Days of 400 Gregorian years.
const ERA_DAYS: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01. A year that begins in March ends with the leap day, if it has one.
const EPOCH_DAYS: u64 = 719_468;

/// Text that is no time or no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No moment.
    #[error("expected a date such as 2026-03-31, a time such as 2026-03-31T17:00:00+05:30, or UTC milliseconds")]
    Moment,
    /// No duration.
    #[error("expected a number and a unit, such as 500ms, 20s, 10m, 2h or 1d")]
    Duration,
}

/// A moment on a clock and calendar.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Civil {
    /// IST of `utc_ms`.
    fn ist(utc_ms: u64) -> Self {
        let ms = utc_ms.saturating_add(IST_AHEAD_MS);
        let days = ms / DAY_MS + EPOCH_DAYS;
        let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
        // Four years have 1,460 days and a leap day, hundred years lack one, 400 years have it again.
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (ERA_DAYS - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // From March on, months of 31, 30, 31, 30, 31 days repeat: 153 days in five of them.
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: ms % DAY_MS / HOUR_MS,
            minute: ms % HOUR_MS / MINUTE_MS,
            second: ms % MINUTE_MS / SECOND_MS,
        }
    }

    /// Milliseconds from 1970 to this moment, as if it were UTC; none for a day or an hour that does not exist, or before
    /// 1970.
    fn ms(&self) -> Option<u64> {
        let exists = (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !exists {
            return None;
        }
        let year = self.year - u64::from(self.month <= 2);
        let march_month = (self.month + 9) % 12;
        let day_of_year = (153 * march_month + 2) / 5 + self.day - 1;
        let year_of_era = year % 400;
        let days = year / 400 * ERA_DAYS + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let clock_ms = self.hour * HOUR_MS + self.minute * MINUTE_MS + self.second * SECOND_MS;
        Some(days.checked_sub(EPOCH_DAYS)? * DAY_MS + clock_ms)
    }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `1 June 2026, 05:30:00 IST`.
pub fn ist(utc_ms: u64) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::ist(utc_ms);
    let month = usize::try_from(month - 1).ok().and_then(|place| MONTHS.get(place)).unwrap_or(&"?");
    format!("{day} {month} {year}, {hour:02}:{minute:02}:{second:02} IST")
}

/// `05:30`: the time of day in IST, for who reads it on that day.
pub fn clock(utc_ms: u64) -> String {
    let Civil { hour, minute, .. } = Civil::ist(utc_ms);
    format!("{hour:02}:{minute:02}")
}

/// `2026-06-01T05:30:00+05:30`.
pub fn ist_rfc3339(utc_ms: u64) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::ist(utc_ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+05:30")
}

/// A length of time in its two largest units: `4 min 10 s`.
pub fn span(ms: u64) -> String {
    let two = |large: u64, small: u64, names: [&str; 2]| {
        let (whole, rest) = (ms / large, ms % large / small);
        if rest == 0 { format!("{whole} {}", names[0]) } else { format!("{whole} {} {rest} {}", names[0], names[1]) }
    };
    match ms {
        0..SECOND_MS => format!("{ms} ms"),
        SECOND_MS..MINUTE_MS => format!("{} s", ms / SECOND_MS),
        MINUTE_MS..HOUR_MS => two(MINUTE_MS, SECOND_MS, ["min", "s"]),
        HOUR_MS..DAY_MS => two(HOUR_MS, MINUTE_MS, ["h", "min"]),
        _ => two(DAY_MS, HOUR_MS, ["d", "h"]),
    }
}

/// Milliseconds of `20s`, `10m`, `2h`, `1d` or `500ms`.
pub fn parse_span(text: &str) -> Result<u64, TimeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => SECOND_MS,
        "m" | "min" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return Err(TimeError::Duration),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).ok_or(TimeError::Duration)
}

/// UTC milliseconds of a date (its first moment in IST), of an RFC 3339 time, or of a number of UTC milliseconds.
pub fn parse_moment(text: &str) -> Result<u64, TimeError> {
    // Fewer digits would be a day of 1970: rather a date without its hyphens.
    if text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| TimeError::Moment);
    }
    moment(text).ok_or(TimeError::Moment)
}

fn moment(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        None => (text, None),
        Some((date, time)) => (date, Some(time)),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let Some(time) = time else {
        let midnight = Civil { year, month, day, hour: 0, minute: 0, second: 0 };
        return midnight.ms()?.checked_sub(IST_AHEAD_MS);
    };
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let local_ms = Civil { year, month, day, hour, minute, second }.ms()?.checked_add(thousandths(fraction)?)?;
    let ahead = |offset: &str| {
        let [hours, minutes] = numbers(offset, ':', [2, 2])?;
        (hours < 24 && minutes < 60).then_some(hours * HOUR_MS + minutes * MINUTE_MS)
    };
    match zone.split_at_checked(1)? {
        ("Z" | "z", "") => Some(local_ms),
        ("+", offset) => local_ms.checked_sub(ahead(offset)?),
        ("-", offset) => local_ms.checked_add(ahead(offset)?),
        _ => None,
    }
}

/// Numbers of exactly these widths between separators.
fn numbers<const COUNT: usize>(text: &str, separator: char, widths: [usize; COUNT]) -> Option<[u64; COUNT]> {
    let mut parts = text.split(separator);
    let mut found = [0; COUNT];
    for (place, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Milliseconds in the decimal digits after the point of a second.
fn thousandths(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if valid { format!("{digits:0<3}")[..3].parse().ok() } else { None }
}
