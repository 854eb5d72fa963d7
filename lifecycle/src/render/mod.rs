//! How things are shown to a person.

pub(crate) mod calls;
pub(crate) mod deploy;
pub(crate) mod dot;
pub(crate) mod json;
pub(crate) mod plan_json;
pub(crate) mod plan_text;
pub(crate) mod svg;
pub(crate) mod table;

use std::time::Duration;

/// A measured time, cut to what a person reads: `12µs`, `1.2ms`, `250ms`, `1.2s`, `1m 30s`, `2h 5m`.
///
/// Never rounded up: what was within a limit does not look as if it were over it.
pub(crate) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let tenths = |tenths: u128, unit: &str| match tenths % 10 {
        0 => format!("{}{unit}", tenths / 10),
        tenth => format!("{}.{tenth}{unit}", tenths / 10),
    };
    let (seconds, minutes, hours) = (duration.as_secs(), duration.as_secs() / 60, duration.as_secs() / 3600);
    let two = |big: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit} {small}{smaller}"),
    };
    match nanos {
        0 => "0s".into(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", nanos / 1_000),
        1_000_000..10_000_000 => tenths(nanos / 100_000, "ms"),
        10_000_000..1_000_000_000 => format!("{}ms", nanos / 1_000_000),
        _ if seconds < 60 => tenths(nanos / 100_000_000, "s"),
        _ if hours < 1 => two(minutes, "m", seconds % 60, "s"),
        _ if hours < 24 => two(hours, "h", minutes % 60, "m"),
        _ => two(hours / 24, "d", hours % 24, "h"),
    }
}

/// A text from outside: no character of it moves the cursor or changes the colour. Line breaks and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => cleaned.push(c),
            c if c.is_control() => cleaned.extend(c.escape_default()),
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// The same on one line.
pub(crate) fn line(text: &str) -> String {
    clean(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A type's name without the paths in it: `Mutex<Exchange>`.
pub(crate) fn type_name(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut word = String::new();
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' if chars.peek() == Some(&':') => {
                chars.next();
                word.clear();
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                short.push_str(&word);
                word.clear();
                short.push(c);
            }
        }
    }
    short.push_str(&word);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_two_figures() {
        for (nanos, text) in [
            (0, "0s"),
            (999, "999ns"),
            (12_345, "12µs"),
            (1_299_999, "1.2ms"),
            (2_000_000, "2ms"),
            (250_900_000, "250ms"),
            (999_999_999, "999ms"),
            (1_250_000_000, "1.2s"),
            (25_000_000_000, "25s"),
            (59_999_999_999, "59.9s"),
            (60_000_000_000, "1m"),
            (90_000_000_000, "1m 30s"),
            (7_500_000_000_000, "2h 5m"),
            (90_000_000_000_000, "1d 1h"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(clean("a\nb\t\u{1b}[2J\rc\u{9b}é"), "a\nb\t\\u{1b}[2J\\rc\\u{9b}é");
    }

    #[test]
    fn paths_go_and_structure_stays() {
        assert_eq!(type_name("alloc::sync::Arc<dyn app::venue::Venue>"), "Arc<dyn Venue>");
        assert_eq!(type_name("(u8, core::option::Option<&str>)"), "(u8, Option<&str>)");
        assert_eq!(type_name("app::Config"), "Config");
    }
}
