//! Points in time as the journal writes them: RFC 3339, UTC, to the microsecond.

use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;

/// The last second that has a year of four digits.
const LAST: u64 = 253_402_300_799;

/// `2026-11-20T09:06:52.123456Z`. What lies outside of 1970 to 9999 becomes the nearest time inside.
pub(super) fn format(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = since.min(Duration::new(LAST, 999_999_999));
    let (year, month, day) = date(since.as_secs() / DAY);
    let second = since.as_secs() % DAY;
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:06}Z",
        since.subsec_micros()
    )
}

/// Reads what [`format`] writes, and nothing else.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'.',
        26 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 27 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hours, minutes, seconds) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let real = year >= 1970 && (1..=12).contains(&month) && day >= 1 && hours < 24 && minutes < 60;
    if !real || seconds >= 60 {
        return None;
    }
    let days = days(year, month, day);
    // A 31st of February has become another date.
    if date(days) != (year, month, day) {
        return None;
    }
    let seconds = days * DAY + hours * 3600 + minutes * 60 + seconds;
    let since = Duration::from_secs(seconds) + Duration::from_micros(number(20, 26)?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// Days of the years before, counted from a March: so the leap day is the last one of its year.
fn days_before(year: u64) -> u64 {
    365 * year + year / 4 - year / 100 + year / 400
}

/// From the first of March of the year 0 to 1970.
const EPOCH: u64 = 719_468;

/// Days before a month, March being 0.
fn days_to(month: u64) -> u64 {
    (153 * month + 2) / 5
}

/// Days since 1970 of a date.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    days_before(year) + days_to(month) + day - 1 - EPOCH
}

/// The date that is so many days after 1970 began.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let mut year = days * 400 / 146_097;
    while days_before(year + 1) <= days {
        year += 1;
    }
    while days_before(year) > days {
        year -= 1;
    }
    let of_year = days - days_before(year);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - days_to(month) + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        // The seconds are those that `date -u -d` gives.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000042Z"),
            (951_782_399, "2000-02-28T23:59:59.000042Z"),
            (951_782_400, "2000-02-29T00:00:00.000042Z"),
            (951_868_800, "2000-03-01T00:00:00.000042Z"),
            (1_795_165_612, "2026-11-20T09:06:52.000042Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000042Z"),
            (LAST, "9999-12-31T23:59:59.000042Z"),
        ] {
            let time = at(seconds * 1_000_000 + 42);
            assert_eq!(format(time), text);
            assert_eq!(parse(text), Some(time), "{text}");
        }
    }

    #[test]
    fn days_are_read_back() {
        // Each one of the next centuries, then some of every month.
        for day in (0..LAST / DAY).filter(|day| *day < 150_000 || day % 11 == 0) {
            let time = at((day * DAY + day % DAY) * 1_000_000);
            assert_eq!(parse(&format(time)), Some(time), "day {day}");
        }
    }

    #[test]
    fn what_is_outside_becomes_the_nearest_time_inside() {
        assert_eq!(format(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(format(at((LAST + 1) * 1_000_000)), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn nothing_else_is_a_time() {
        for text in [
            "",
            "2026-11-20T09:06:52Z",
            "2026-11-20 09:06:52.123456Z",
            "2026-11-20T09:06:52.123456+",
            "2026-13-20T09:06:52.123456Z",
            "2026-00-20T09:06:52.123456Z",
            "2026-02-29T09:06:52.123456Z",
            "2026-11-20T24:06:52.123456Z",
            "2026-11-20T09:06:60.123456Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-11-20T09:06:52.12345éZ",
            "+026-11-20T09:06:52.123456Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
