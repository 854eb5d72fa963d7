//! Duration strings: `"250ms"`, `"1m 30s"`, `"2h"`.

use std::time::Duration;

/// From the largest to the smallest, which is also how they are written.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a duration, or says what to write instead. The library reads its environment by the same rules.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("an empty duration: write for example \"5s\"".to_owned());
    }
    if rest.starts_with('-') {
        return Err("a duration cannot be negative".to_owned());
    }
    let too_long = || format!("\"{text}\" is too long");
    let (mut nanos, mut finer_than) = (0u128, u128::MAX);
    while !rest.is_empty() {
        let (digits, tail) = split(rest, |c| c.is_ascii_digit());
        if digits.is_empty() {
            return Err(format!("expected a number before `{rest}`: write for example \"1m 30s\""));
        }
        if tail.starts_with(['.', ',']) {
            return Err("no fractions: write \"1s 500ms\" for one and a half seconds".to_owned());
        }
        let (name, tail) = split(tail, char::is_alphabetic);
        let factor = unit(digits, name, tail)?;
        if factor >= finer_than {
            return Err(format!("larger units come first and each once, as in \"1m 30s\", not \"{text}\""));
        }
        finer_than = factor;
        let part = digits.parse::<u64>().ok().and_then(|n| u128::from(n).checked_mul(factor));
        nanos = part.and_then(|part| nanos.checked_add(part)).ok_or_else(too_long)?;
        rest = tail.trim_start();
    }
    let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| too_long())?;
    let below = u32::try_from(nanos % 1_000_000_000).map_err(|_| too_long())?;
    Ok(Duration::new(seconds, below))
}

fn unit(digits: &str, name: &str, tail: &str) -> Result<u128, String> {
    let known = |name: &str| {
        // Both the micro sign and the Greek letter.
        let name = if matches!(name, "µs" | "μs") { "us" } else { name };
        UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, factor)| *factor)
    };
    if name.is_empty() {
        let (word, _) = split(tail.trim_start(), char::is_alphabetic);
        return Err(match known(word) {
            Some(_) => format!("the unit follows the number at once: write \"{digits}{word}\""),
            None => format!("`{digits}` of what? write \"{digits}s\" or \"{digits}ms\""),
        });
    }
    known(name).ok_or_else(|| {
        format!("unknown unit `{name}`: the units are `d`, `h`, `m`, `s`, `ms`, `us` and `ns`")
    })
}

fn split(text: &str, inside: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !inside(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_units() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("5s", 5_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("1m30s", 90_000_000_000),
            (" 2h ", 7_200_000_000_000),
            ("1d 2h 3m 4s 5ms 6us 7ns", 93_784_005_006_007),
            ("5µs", 5_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (text, says) in [
            ("", "an empty duration: write for example \"5s\""),
            ("  ", "an empty duration: write for example \"5s\""),
            ("-5s", "a duration cannot be negative"),
            ("30", "`30` of what? write \"30s\" or \"30ms\""),
            ("1m 30", "`30` of what? write \"30s\" or \"30ms\""),
            ("s", "expected a number before `s`: write for example \"1m 30s\""),
            ("5 s", "the unit follows the number at once: write \"5s\""),
            ("5sec", "unknown unit `sec`: the units are `d`, `h`, `m`, `s`, `ms`, `us` and `ns`"),
            ("1.5s", "no fractions: write \"1s 500ms\" for one and a half seconds"),
            ("30s 1m", "larger units come first and each once, as in \"1m 30s\", not \"30s 1m\""),
            ("1s 1s", "larger units come first and each once, as in \"1m 30s\", not \"1s 1s\""),
            ("99999999999999999999s", "\"99999999999999999999s\" is too long"),
            ("18446744073709551615d", "\"18446744073709551615d\" is too long"),
        ] {
            assert_eq!(parse(text), Err(says.to_owned()), "{text}");
        }
    }
}
