//! Two texts line by line.

use std::fmt::Write as _;

/// Equal lines around a change that are shown with it.
const CONTEXT: usize = 2;
/// Beyond so many comparisons the middle is shown as replaced as a whole.
const MANY: usize = 4_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Then,
    Now,
}

/// What is only in `then` with `-`, what is only in `now` with `+`, and a little of what is in both.
pub(super) fn lines(then: &str, now: &str) -> String {
    let (then, now): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    let all = compare(&then, &now);
    let changed: Vec<usize> = (0..all.len()).filter(|&index| all[index].0 != Side::Both).collect();
    let mut text = String::new();
    let mut shown = 0;
    for (index, (side, line)) in all.iter().enumerate() {
        let next = changed.partition_point(|&at| at + CONTEXT < index);
        if changed.get(next).is_none_or(|&at| at > index + CONTEXT) {
            continue;
        }
        if index > shown {
            text.push_str("  …\n");
        }
        shown = index + 1;
        let mark = match side {
            Side::Both => ' ',
            Side::Then => '-',
            Side::Now => '+',
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", format!("{mark} {line}").trim_end());
    }
    if changed.is_empty() {
        text.push_str("  (only the ends of lines differ)\n");
    }
    text
}

/// Every line of both, in an order that both have (longest common subsequence).
fn compare<'a>(then: &[&'a str], now: &[&'a str]) -> Vec<(Side, &'a str)> {
    let head = then.iter().zip(now).take_while(|(a, b)| a == b).count();
    let (old, new) = (&then[head..], &now[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut all: Vec<(Side, &str)> = then[..head].iter().map(|line| (Side::Both, *line)).collect();
    let width = new.len() + 1;
    let mut common: Vec<u32> = Vec::new();
    if old.len().saturating_mul(new.len()) <= MANY {
        common = vec![0; (old.len() + 1) * width];
        for (a, line) in old.iter().enumerate().rev() {
            for (b, other) in new.iter().enumerate().rev() {
                common[a * width + b] = match line == other {
                    true => common[(a + 1) * width + b + 1] + 1,
                    false => common[(a + 1) * width + b].max(common[a * width + b + 1]),
                };
            }
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        let at = |a: usize, b: usize| common.get(a * width + b).copied().unwrap_or_default();
        if a < old.len() && b < new.len() && old[a] == new[b] {
            all.push((Side::Both, old[a]));
            (a, b) = (a + 1, b + 1);
        } else if a < old.len() && (b == new.len() || at(a + 1, b) >= at(a, b + 1)) {
            all.push((Side::Then, old[a]));
            a += 1;
        } else {
            all.push((Side::Now, new[b]));
            b += 1;
        }
    }
    all.extend(then[then.len() - tail..].iter().map(|line| (Side::Both, *line)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_with_a_little_around_it() {
        let then = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        assert_eq!(lines(then, &then.replace("e\n", "E\nE2\n")), "  …\n  c\n  d\n- e\n+ E\n+ E2\n  f\n  g\n");
        assert_eq!(
            lines(then, &then.replace("a\n", "").replace("j\n", "k\n")),
            "- a\n  b\n  c\n  …\n  h\n  i\n- j\n+ k\n"
        );
        assert_eq!(lines("", "a"), "+ a\n");
        assert_eq!(lines("a", "a\n"), "  (only the ends of lines differ)\n");
    }

    #[test]
    fn a_line_that_moved_is_shown_twice_and_the_others_not_at_all() {
        assert_eq!(lines("a\nb\nc\nd", "b\nc\nd\na"), "- a\n  b\n  c\n  d\n+ a\n");
    }

    #[test]
    fn two_texts_too_large_to_compare_are_still_shown_whole() {
        let many = |from: usize| (from..from + 2_100).map(|n| format!("{n}\n")).collect::<String>();
        let text = lines(&many(0), &many(10_000));
        assert_eq!(text.lines().count(), 4_200);
    }
}
