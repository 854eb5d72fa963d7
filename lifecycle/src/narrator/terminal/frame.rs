//! What the live view says. Pure: a state, a width and a time in, lines out.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::render::{duration, line};
use crate::report::{CallSite, RunningCall};
use crate::tracked::awaited;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    unicode: bool,
    colour: bool,
}

impl Style {
    /// `None` where no cursor can be moved, or where what is written is kept as a log.
    pub(super) fn from(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("CI").is_some() || set("TERM").is_none_or(|term| term == "dumb") {
            return None;
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        Some(Style { unicode, colour: set("NO_COLOR").is_none() })
    }

    fn either(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    fn coloured(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// At most so many columns of it.
    fn cut(self, text: &str, columns: usize) -> String {
        let text = if self.unicode { line(text) } else { ascii(&line(text)) };
        if text.chars().map(columns_of).sum::<usize>() <= columns {
            return text;
        }
        let end = self.either("…", "..");
        let mut left = columns.saturating_sub(end.chars().count());
        let fits = |c: &char| {
            let width = columns_of(*c);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        };
        let mut cut: String = text.chars().take_while(fits).collect();
        cut.push_str(end);
        cut
    }
}

/// Rather too many than too few: one that is too wide would wrap, and scroll the rows away.
fn columns_of(c: char) -> usize {
    if c.is_ascii() || "…─━·×µ".contains(c) { 1 } else { 2 }
}

fn ascii(text: &str) -> String {
    let word = |c: char| match c {
        'µ' => "u".to_owned(),
        '×' => "x".to_owned(),
        c if c.is_ascii() => c.to_string(),
        _ => "?".to_owned(),
    };
    text.chars().map(word).collect()
}

/// Something that runs.
pub(super) struct Row {
    name: String,
    since: Instant,
    limit: Option<Duration>,
    gate: Option<&'static Gate>,
}

impl Row {
    pub(super) fn new(
        name: &str,
        since: Instant,
        limit: Option<Duration>,
        gate: Option<&'static Gate>,
    ) -> Self {
        Row { name: name.to_owned(), since, limit, gate }
    }
}

#[derive(Default)]
pub(super) struct Frame {
    shutdown: Option<Shutdown>,
    running: Vec<Row>,
}

struct Shutdown {
    reason: String,
    since: Instant,
    deadline: Option<Instant>,
}

impl Frame {
    pub(super) fn shuts_down(&mut self, reason: &str, since: Instant, deadline: Option<Instant>) {
        self.shutdown = Some(Shutdown { reason: reason.to_owned(), since, deadline });
    }

    pub(super) fn began(&mut self, row: Row) {
        self.running.push(row);
    }

    pub(super) fn ended(&mut self, name: &str) {
        if let Some(ended) = self.running.iter().position(|row| row.name == name) {
            self.running.remove(ended);
        }
    }

    /// Nothing is there to be seen.
    pub(super) fn is_empty(&self) -> bool {
        self.shutdown.is_none() && self.running.is_empty()
    }

    /// A head, and a line for each thing that runs: at most `most` lines of `columns`.
    pub(super) fn lines(&self, columns: usize, most: usize, style: Style, now: Instant) -> Vec<String> {
        // A character in the last column makes some terminals wrap.
        let columns = columns - 1;
        let mut lines = vec![self.head(columns, style, now)];
        let room = most.saturating_sub(1).max(1);
        let shown = if self.running.len() > room { room - 1 } else { self.running.len() };
        // What began first is what is waited for.
        lines.extend(self.running.iter().take(shown).map(|row| row.line(columns, style, now)));
        if shown < self.running.len() {
            let more = format!("  {} {} more", style.either("…", "..."), self.running.len() - shown);
            lines.push(style.cut(&more, columns));
        }
        lines
    }

    fn head(&self, columns: usize, style: Style, now: Instant) -> String {
        let (rule, dot) = (style.either("─", "-"), style.either("·", "-"));
        let text = match &self.shutdown {
            None => format!("{rule}{rule} starting "),
            Some(Shutdown { reason, since, deadline }) => {
                let took = duration(rounded(now.saturating_duration_since(*since)));
                // It was told a moment after it had begun.
                let of = deadline.map(|deadline| deadline.saturating_duration_since(*since) + TENTH / 2);
                let of = of.map_or_else(String::new, |of| format!(" of {}", duration(rounded(of))));
                let (begin, reason) = (rule.repeat(2), line(reason));
                let (force, short) = ("Ctrl-C again: force, exit 130", "^C: force, exit 130");
                // The less room there is, the more what can be done comes before what is known.
                let forms = [
                    format!("{begin} {reason} {dot} {took}{of} {dot} {force} "),
                    format!("{begin} {took}{of} {dot} {force} "),
                    format!("{begin} {took}{of} {dot} {short} "),
                    format!("{begin} {short} "),
                ];
                let fits = |form: &&String| form.chars().map(columns_of).sum::<usize>() <= columns;
                forms.iter().find(fits).unwrap_or(&forms[3]).clone()
            }
        };
        let text = style.cut(&text, columns);
        let rest = columns.saturating_sub(text.chars().map(columns_of).sum());
        style.coloured("1", &(text + &rule.repeat(rest)))
    }
}

impl Row {
    fn line(&self, columns: usize, style: Style, now: Instant) -> String {
        const NARROW: usize = 60;
        const BAR: usize = 12;
        let ran = now.saturating_duration_since(self.since);
        let of = self.limit.map_or_else(String::new, |limit| format!(" of {}", duration(limit)));
        let longest = if columns < NARROW { 12 } else { 24 };
        let name = style.cut(&self.name, longest);
        let blank = " ".repeat(longest - name.chars().map(columns_of).sum::<usize>());
        let mut text = format!("  {name}{blank} {}{of}", duration(rounded(ran)));
        if let Some(gate) = self.gate {
            let calls = awaited(gate);
            let count: usize = calls.iter().map(|site| site.count).sum();
            let names = names(&calls);
            let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            text.push_str(&format!("  {count} call{}{names}", if count == 1 { "" } else { "s" }));
        }
        let text = style.cut(&text, columns);
        let Some(limit) = self.limit.filter(|_| columns >= NARROW && self.gate.is_none()) else {
            return text;
        };
        let part = (ran.as_secs_f64() / limit.as_secs_f64().max(0.001)).min(1.0);
        let full = (part * BAR as f64) as usize;
        let (done, left) = (style.either("━", "#").repeat(full), style.either("─", ".").repeat(BAR - full));
        // Near its end it is about to fail, which the figures say too.
        let colour = if part > 0.8 { "33" } else { "36" };
        let width = text.chars().map(columns_of).sum::<usize>();
        let gap = " ".repeat((longest + 22).saturating_sub(width).max(1));
        text + &gap + &style.coloured(colour, &done) + &style.coloured("2", &left)
    }
}

/// The calls that have an id, the longest first, then how many others of each function: what there is no room for is what
/// says least.
fn names(sites: &[CallSite]) -> Vec<String> {
    let mut running: Vec<&RunningCall> = sites.iter().flat_map(|site| &site.running).collect();
    running.sort_by_key(|call| Reverse(call.ran));
    let ids = running.iter().map(|call| format!("{} {} {}", call.name, call.id, duration(rounded(call.ran))));
    let others = sites.iter().filter_map(|site| {
        let is_own =
            |call: &&RunningCall| (&call.name, &call.file, call.line) == (&site.name, &site.file, site.line);
        let others = site.count.saturating_sub(site.running.iter().filter(is_own).count());
        (others > 0).then(|| format!("{} ×{others}", site.name))
    });
    ids.chain(others).collect()
}

const TENTH: Duration = Duration::from_millis(100);

/// To tenths of a second: more would only flicker.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis() / 100 * 100).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    const SECOND: Duration = Duration::from_secs(1);
    const PLAIN: Style = Style { unicode: true, colour: false };

    /// Seven seconds into a shutdown, with so many steps.
    fn frame(steps: usize) -> (Frame, Instant) {
        let zero = Instant::now();
        let mut frame = Frame::default();
        frame.shuts_down("SIGTERM", zero, Some(zero + 25 * SECOND));
        for step in 0..steps {
            frame.began(Row::new(&format!("close_{step}"), zero + 4 * SECOND, Some(5 * SECOND), None));
        }
        (frame, zero + 7 * SECOND)
    }

    #[test]
    fn it_says_what_runs_for_how_long_and_what_comes_next() {
        let (mut frame, now) = frame(2);
        frame.ended("close_0");
        assert_eq!(
            frame.lines(80, 8, PLAIN, now),
            [
                "── SIGTERM · 7s of 25s · Ctrl-C again: force, exit 130 ────────────────────────",
                "  close_1                  3s of 5s           ━━━━━━━─────",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_wraps() {
        for columns in [24, 40, 60, 80, 200] {
            for unicode in [true, false] {
                let (mut frame, now) = frame(30);
                let long = "名前の長い処理がここにあります名前の長い処理";
                frame.running.insert(0, Row::new(long, now, Some(4_000 * SECOND), None));
                let lines = frame.lines(columns, 8, Style { unicode, colour: false }, now);
                assert_eq!(lines.len(), 8);
                assert!(
                    lines[7].trim_start().starts_with(if unicode { "… 25" } else { "... 25" }),
                    "{lines:?}"
                );
                for line in &lines {
                    let width: usize = line.chars().map(columns_of).sum();
                    assert!(width < columns, "{line:?} has {width} of {columns}");
                    assert!(unicode || line.is_ascii(), "{line:?}");
                }
                assert!(lines[0].contains("force, exit 130"), "{lines:?}");
            }
        }
    }

    #[test]
    fn colours_are_only_for_who_wants_them() {
        let (frame, now) = frame(1);
        assert!(frame.lines(80, 8, PLAIN, now).concat().chars().all(|c| c != '\x1b'));
        assert!(frame.lines(80, 8, Style { colour: true, ..PLAIN }, now).concat().contains("\x1b[1m"));
    }

    #[test]
    fn the_terminal_says_what_it_can() {
        let style = |variables: &[(&str, &str)]| {
            Style::from(|name| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| value.into()))
        };
        let (xterm, utf8) = (("TERM", "xterm"), ("LANG", "de_DE.UTF-8"));
        assert_eq!(style(&[]), None);
        assert_eq!(style(&[("TERM", "dumb"), utf8]), None);
        assert_eq!(style(&[xterm, utf8, ("CI", "true")]), None);
        assert_eq!(style(&[xterm, utf8, ("CI", "")]), Some(Style { unicode: true, colour: true }));
        assert_eq!(style(&[xterm, utf8, ("NO_COLOR", "1")]), Some(PLAIN));
        assert_eq!(style(&[xterm, utf8, ("LC_ALL", "C")]), Some(Style { unicode: false, colour: true }));
    }

    #[test]
    fn calls_with_ids_come_first_and_the_others_are_counted() {
        let [site] = &*example::degraded().calls.cut_off else { panic!("one function") };
        let plain = CallSite { name: "search".into(), count: 3, running: Vec::new(), ..site.clone() };
        let calls = [plain, CallSite { count: 2, ..site.clone() }];
        assert_eq!(
            names(&calls),
            [
                "create_order order=\"42\" 22.1s",
                "charge card\n\u{1b}[2J 7.1s",
                "search ×3",
                "create_order ×1"
            ]
        );
    }

    #[test]
    fn a_name_from_outside_moves_no_cursor() {
        let (mut frame, now) = frame(0);
        frame.began(Row::new("a\x1b[2J\nb", now, None, None));
        let lines = frame.lines(80, 8, PLAIN, now);
        assert!(lines.concat().chars().all(|c| !c.is_control()), "{lines:?}");
    }
}
