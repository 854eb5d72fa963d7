//! Durations as text: `250ms`, `1m 30s`.

use std::fmt::Write as _;
use std::time::Duration;

/// Descending, as they have to be written.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads `1m 30s`: whole numbers with a unit each, the larger unit first, each unit once.
///
/// The error says what to write instead.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("it is empty: write a number with a unit, such as 250ms or 1m 30s".into());
    }
    let (mut nanos, mut last) = (0u128, None);
    while !rest.is_empty() {
        let number = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        let after = &rest[number.len()..];
        let unit = &after[..after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len())];
        if number.is_empty() {
            return Err(not_a_number(rest));
        }
        if let Some(fraction) = after.strip_prefix(['.', ',']) {
            return Err(fractional(number, fraction));
        }
        if unit.is_empty() {
            return Err(match unit_at(after.trim_start()) {
                Some(unit) => format!("the unit follows the number at once: write {number}{unit}"),
                None => format!("{number} has no unit: write {number}s or {number}ms"),
            });
        }
        let index = unit_index(unit).ok_or_else(|| unknown_unit(number, unit))?;
        match last {
            Some(last) if index == last => return Err(format!("{unit} stands twice: add the two up")),
            Some(last) if index < last => {
                return Err(format!(
                    "{unit} comes after the smaller {}: larger units come first",
                    UNITS[last].0
                ));
            }
            _ => last = Some(index),
        }
        nanos = number
            .parse::<u64>()
            .ok()
            .and_then(|number| u128::from(number).checked_mul(UNITS[index].1))
            .and_then(|part| nanos.checked_add(part))
            .ok_or_else(|| format!("{number}{unit} is too long"))?;
        rest = after[unit.len()..].trim_start();
    }
    from_nanos(nanos).ok_or_else(|| format!("{text} is too long"))
}

fn from_nanos(nanos: u128) -> Option<Duration> {
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    let below = u32::try_from(nanos % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, below))
}

fn unit_index(unit: &str) -> Option<usize> {
    // Both the micro sign and the Greek letter.
    let unit = if matches!(unit, "µs" | "μs") { "us" } else { unit };
    UNITS.iter().position(|(name, _)| *name == unit)
}

/// The known unit that a text begins with.
fn unit_at(text: &str) -> Option<&str> {
    let unit = &text[..text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len())];
    unit_index(unit).map(|_| unit)
}

fn not_a_number(rest: &str) -> String {
    let word = rest.split_whitespace().next().unwrap_or(rest);
    if word.starts_with('-') {
        return format!("{word} is negative: a duration is not");
    }
    format!("{word} does not begin with a number: write one with a unit, such as 250ms or 1m 30s")
}

/// Writes the same time without a fraction.
fn fractional(number: &str, fraction: &str) -> String {
    let digits = &fraction[..fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len())];
    let advice = || {
        let unit = UNITS[unit_index(unit_at(&fraction[digits.len()..])?)?].1;
        let tenth = 10u128.checked_pow(u32::try_from(digits.len()).ok().filter(|len| *len <= 9)?)?;
        let whole = u128::from(number.parse::<u64>().ok()?).checked_mul(unit)?;
        let part = u128::from(digits.parse::<u32>().ok()?).checked_mul(unit)? / tenth;
        Some(spell(from_nanos(whole.checked_add(part)?)?))
    };
    match advice() {
        Some(instead) => format!("{number}.{digits} is not a whole number: write {instead}"),
        None => format!("{number}.{digits} is not a whole number: write smaller units, such as 1s 500ms"),
    }
}

fn unknown_unit(number: &str, unit: &str) -> String {
    let lower = unit.to_lowercase();
    let near = match lower.as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "min" | "mins" | "minute" | "minutes" => Some("m"),
        "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "day" | "days" => Some("d"),
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "usec" | "micros" | "microsecond" | "microseconds" => Some("us"),
        "nsec" | "nanos" | "nanosecond" | "nanoseconds" => Some("ns"),
        other => unit_index(other).map(|index| UNITS[index].0),
    };
    match near {
        Some(near) => format!("{unit} is not a unit: write {number}{near}"),
        None => format!("{unit} is not a unit: ns, us, ms, s, m, h and d are"),
    }
}

/// A duration exactly, as [`parse`] reads it.
pub(crate) fn spell(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    let mut text = String::new();
    for (unit, length) in UNITS {
        let count = nanos / length;
        nanos %= length;
        if count > 0 {
            let gap = if text.is_empty() { "" } else { " " };
            // Writing to a String does not fail.
            let _ = write!(text, "{gap}{count}{unit}");
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("1m 30s", 90_000_000_000),
            ("1m30s", 90_000_000_000),
            ("2h", 7_200_000_000_000),
            ("1d 2h 3m 4s 5ms 6us 7ns", 93_784_005_006_007),
            (" 5µs ", 5_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text).map(|d| d.as_nanos()), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_spelled_is_read_back() {
        for nanos in [0, 1, 999, 1_000, 90_000_000_000, 93_784_005_006_007, u64::MAX] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(&spell(duration)), Ok(duration));
        }
        assert_eq!(parse(&spell(Duration::MAX)), Ok(Duration::MAX));
    }

    #[test]
    fn errors_say_what_to_write() {
        for (text, error) in [
            ("", "it is empty: write a number with a unit, such as 250ms or 1m 30s"),
            ("25", "25 has no unit: write 25s or 25ms"),
            ("1m 30", "30 has no unit: write 30s or 30ms"),
            ("25 s", "the unit follows the number at once: write 25s"),
            ("1.5s", "1.5 is not a whole number: write 1s 500ms"),
            ("0,25h", "0.25 is not a whole number: write 15m"),
            ("1.5", "1.5 is not a whole number: write smaller units, such as 1s 500ms"),
            ("-5s", "-5s is negative: a duration is not"),
            ("soon", "soon does not begin with a number: write one with a unit, such as 250ms or 1m 30s"),
            ("10sec", "sec is not a unit: write 10s"),
            ("10S", "S is not a unit: write 10s"),
            ("10y", "y is not a unit: ns, us, ms, s, m, h and d are"),
            ("1s 2s", "s stands twice: add the two up"),
            ("30s 1m", "m comes after the smaller s: larger units come first"),
            ("99999999999999999999s", "99999999999999999999s is too long"),
            ("18446744073709551615d", "18446744073709551615d is too long"),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
