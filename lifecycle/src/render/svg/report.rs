//! The report drawn over time: a row for each step, how long it waited, ran and could have run, and how it ended.

use std::time::Duration;

use super::axis::Axis;
use super::canvas::{Canvas, Rect};
use super::parts::{
    BANDS, BAR, CHAR, CHART, MARGIN, NAME_CHAR, RIGHT, ROW, TALL, cut, grid, grounds, heading, name, order,
    scale, shown,
};
use crate::render::{calls, duration};
use crate::report::{Calls, Outcome, Report, ServiceOutcome, StepKind, StepReport};
use crate::settings::duration::spell;

/// For the outcomes, in words.
const OUTCOMES: f64 = 104.0;
/// What may stand beside a bar.
const LONGEST_WHY: usize = 90;
/// Of so many calls of one function each has a line.
const NAMED: usize = 5;
/// Of a character of what is said above, at its widest.
const BOLD: f64 = 8.4;
/// Shorter than this nobody sees.
const LEAST: f64 = 1.5;
/// What an abandoned step fades out in.
const TAIL: f64 = 30.0;

pub(crate) fn report(report: &Report) -> String {
    let (start, shutdown): (Vec<&StepReport>, Vec<_>) =
        report.steps.iter().partition(|step| step.kind.section() == StepKind::Start);
    let names = report.steps.iter().map(|step| shown(&step.name).chars().count()).max();
    let left = MARGIN + BANDS + (names.unwrap_or_default().max(10) as f64 + 3.0) * NAME_CHAR + OUTCOMES;
    let mut canvas = Canvas::new(left + CHART + RIGHT + MARGIN);
    let (verdict, bad) = verdict(report);
    let mut y = MARGIN + 14.0;
    canvas.text("title", (MARGIN, y), "start", "What happened when");
    y += 24.0;
    let longest = ((canvas.width - 2.0 * MARGIN) / BOLD) as usize;
    let class = if bad { "verdict over" } else { "verdict" };
    canvas.text(class, (MARGIN, y), "start", &cut(&verdict, longest));
    for (line, bad) in remarks(report) {
        y += 18.0;
        let class = if bad { "verdict over" } else { "verdict" };
        canvas.text(class, (MARGIN, y), "start", &cut(&line, longest));
    }
    y += 14.0;

    if !start.is_empty() {
        y = heading(&mut canvas, y, "Start", "from its first step");
        let end = start.iter().map(|step| ended(step)).max().unwrap_or_default();
        let section =
            Section { canvas: &mut canvas, axis: Axis::new(left, CHART, end + end / 25), grace: None };
        y = section.rows(&start, Duration::ZERO, y);
    }
    if !shutdown.is_empty() {
        y = heading(&mut canvas, y, "Shutdown", "from what triggered it");
        let end = shutdown.iter().map(|step| ended(step)).chain([report.took]).max().unwrap_or_default();
        // Far away it would only squeeze what there is to see; the figure stands above.
        let grace = report.grace.filter(|&grace| grace < end * 3 / 2);
        let end = end.max(grace.unwrap_or_default());
        let section = Section { canvas: &mut canvas, axis: Axis::new(left, CHART, end + end / 25), grace };
        y = section.rows(&shutdown, served(&shutdown), y);
    }
    y = legend(&mut canvas, y, report);
    canvas.finish(y + MARGIN, "What happened when", &verdict)
}

/// How long the service was served on before the first step: lame-duck time, and checks that were seen off.
fn served(shutdown: &[&StepReport]) -> Duration {
    let ordered = shutdown.iter().filter(|step| step.kind != StepKind::Last && had_a_turn(step.outcome));
    ordered.map(|step| step.began.saturating_sub(step.waited)).min().unwrap_or_default()
}

fn ended(step: &StepReport) -> Duration {
    step.began.saturating_add(step.ran)
}

fn had_a_turn(outcome: Outcome) -> bool {
    use Outcome::{Missing, NotReached, Off, Skipped};
    !matches!(outcome, Missing | NotReached | Off | Skipped)
}

/// In a sentence, and whether anything is wrong.
fn verdict(report: &Report) -> (String, bool) {
    let of = report.grace.map_or_else(String::new, |grace| format!(" of {}", spell(grace)));
    let head = format!("{}: took {}{of}, exit {}", report.reason, duration(report.took), report.exit_code);
    let bad: Vec<&str> =
        report.steps.iter().filter(|step| step.outcome.is_degraded()).map(|step| &*step.name).collect();
    let tail = match bad.len() {
        0 if report.steps.is_empty() => String::new(),
        0 => format!("; {} steps, none went wrong", report.steps.len()),
        n => format!("; {n} of {} steps went wrong: {}", report.steps.len(), bad.join(", ")),
    };
    (head + &tail, !bad.is_empty() || report.is_degraded())
}

/// What is no step's, and whether it is wrong.
fn remarks(report: &Report) -> Vec<(String, bool)> {
    let mut remarks: Vec<(String, bool)> = report.errors.iter().map(|error| (error.clone(), true)).collect();
    let fine = matches!(report.service, ServiceOutcome::Ended | ServiceOutcome::Dropped);
    remarks.push((report.service.to_string(), !fine));
    for site in &report.calls.cut_off {
        remarks.push((format!("cut off: {} ×{} ({}:{})", site.name, site.count, site.file, site.line), true));
        remarks.extend(calls::rows(site, NAMED).map(|row| (format!("of these: {row}"), true)));
    }
    remarks.extend(report.unhealthy.iter().map(|check| (format!("unhealthy when it began: {check}"), true)));
    remarks
}

/// How an outcome is drawn. What is wrong has a pattern, so that no colour has to be told from another.
struct Looks {
    fill: &'static str,
    edge: &'static str,
    words: &'static str,
}

fn looks(outcome: Outcome) -> Looks {
    let (fill, edge, words) = match outcome {
        Outcome::Done => ("#c5d5ec", "#7d94b5", "done"),
        Outcome::Partial => ("url(#some)", "#b7791f", "partial: an item failed"),
        Outcome::Failed | Outcome::Panicked => ("url(#over)", "#a61b1b", "failed or panicked"),
        Outcome::TimedOut => ("url(#slow)", "#b45309", "timed out"),
        Outcome::Abandoned => ("url(#slow)", "#b45309", "abandoned: may still run"),
        Outcome::CutOff => ("url(#severed)", "#7b3f98", "cut off"),
        Outcome::Skipped | Outcome::Missing | Outcome::NotReached | Outcome::Off => ("none", "none", ""),
    };
    Looks { fill, edge, words }
}

/// A part of the drawing with a scale of its own.
struct Section<'a> {
    canvas: &'a mut Canvas,
    axis: Axis,
    grace: Option<Duration>,
}

impl Section<'_> {
    /// Draws the rows; `served` is what came before the first one. Returns where they end.
    fn rows(mut self, steps: &[&StepReport], served: Duration, y: f64) -> f64 {
        let figures = if self.grace.is_some() { y + 26.0 } else { y + 10.0 };
        scale(self.canvas, &self.axis, figures);
        let top = figures + 8.0;
        let serves = self.axis.x(served) - self.axis.left() > 4.0;
        let first = if serves { top + ROW } else { top };
        let bottom = first + ROW * steps.len() as f64;
        grounds(self.canvas, steps.iter().map(|step| band(step)), first);
        grid(self.canvas, &self.axis, top, bottom);
        if let Some(grace) = self.grace {
            let x = self.axis.x(grace);
            self.canvas.line("grace", (x, top - 34.0), (x, top - 20.0));
            self.canvas.line("grace", (x, top - 4.0), (x, bottom));
            self.canvas.text(
                "small over",
                (x + 5.0, top - 26.0),
                "start",
                &format!("grace {}", spell(grace)),
            );
        }
        if serves {
            self.served(served, top);
        }
        let mut y = first;
        for step in steps {
            self.step(step, y);
            y += ROW;
        }
        if steps.len() > TALL {
            self.canvas.line("axis", (self.axis.left(), bottom), (self.axis.right(), bottom));
            scale(self.canvas, &self.axis, bottom + 16.0);
            return bottom + 20.0;
        }
        bottom
    }

    fn served(&mut self, served: Duration, y: f64) {
        self.canvas.open("g", &[]);
        self.canvas.tip("lameduck: no longer ready, still serving, before the first step");
        name(self.canvas, "lameduck", false, y);
        let width = self.axis.x(served) - self.axis.left();
        let rect = Rect { x: self.axis.left(), y: y + 5.0, width, height: BAR };
        self.canvas.rect(rect, &[("rx", &3), ("fill", &"#ffffff"), ("stroke", &"#7d94b5")]);
        self.caption((self.axis.left(), self.axis.x(served)), None, &duration(served), y);
        self.canvas.close("g");
    }

    fn step(&mut self, step: &StepReport, y: f64) {
        self.canvas.open("g", &[("class", &"step")]);
        self.canvas.tip(&tip(step));
        name(self.canvas, &shown(&step.name), false, y);
        let (mark, class) = match (step.outcome.is_degraded(), had_a_turn(step.outcome)) {
            (true, _) => ("✗", "outcome bad"),
            (false, true) => ("✓", "outcome"),
            (false, false) => ("–", "outcome"),
        };
        let outcome = format!("{mark} {}", step.outcome);
        self.canvas.text(class, (self.axis.left() - OUTCOMES + 4.0, y + 17.0), "start", &outcome);
        let (from, began) = (self.axis.x(step.began.saturating_sub(step.waited)), self.axis.x(step.began));
        if began - from > LEAST && step.outcome != Outcome::Off {
            self.canvas.line("waited", (from, y + 13.0), (began, y + 13.0));
            self.canvas.line("waited", (from, y + 9.0), (from, y + 17.0));
            if !had_a_turn(step.outcome) {
                self.canvas.line("waited", (began, y + 9.0), (began, y + 17.0));
            }
        }
        if had_a_turn(step.outcome) {
            self.ran(step, y);
        } else {
            let why = step.error.as_deref().unwrap_or_default();
            self.caption((began, began), None, &cut(why, LONGEST_WHY), y);
        }
        self.canvas.close("g");
    }

    fn ran(&mut self, step: &StepReport, y: f64) {
        let (began, ends) = (step.began, ended(step));
        let (x, end) = (self.axis.x(began), self.axis.x(ends));
        let looks = looks(step.outcome);
        let rect = Rect { x, y: y + 5.0, width: (end - x).max(LEAST), height: BAR };
        let dashes = if step.outcome == Outcome::Abandoned { "4 2" } else { "none" };
        self.canvas.rect(
            rect,
            &[
                ("class", &"bar"),
                ("rx", &3),
                ("fill", &looks.fill),
                ("stroke", &looks.edge),
                ("stroke-dasharray", &dashes),
            ],
        );
        let mut end = end.max(x + LEAST);
        if let Some(drained) = step.calls.as_ref().map(|calls| calls.drained_in).filter(|&it| it < step.ran) {
            let x = self.axis.x(began + drained);
            self.canvas.line("drained", (x, y + 5.0), (x, y + 5.0 + BAR));
        }
        if step.outcome == Outcome::Abandoned {
            let width = TAIL.min(self.axis.right() + RIGHT - end);
            let rect = Rect { x: end, width, ..rect };
            self.canvas.rect(rect, &[("fill", &"url(#tail)"), ("fill-opacity", &0.6)]);
            end += width;
        }
        let limit = step.limit.and_then(|limit| began.checked_add(limit));
        let limit = limit.filter(|&limit| limit <= self.axis.end()).map(|limit| self.axis.x(limit));
        if let Some(x) = limit {
            if x > end {
                self.canvas.line("room", (end, y + 13.0), (x, y + 13.0));
            }
            self.canvas.line("limit", (x, y + 3.0), (x, y + ROW - 3.0));
        }
        self.caption((self.axis.x(began), end), limit, &caption(step), y);
    }

    /// Where nothing is drawn through it: behind the bar, behind its limit, before it; or else in it. Where there is
    /// room for all of it, or else for most.
    fn caption(&mut self, (x, end): (f64, f64), limit: Option<f64>, text: &str, y: f64) {
        if text.is_empty() {
            return;
        }
        let grace = self.grace.map(|grace| self.axis.x(grace));
        let mut lines: Vec<f64> = limit.into_iter().chain(grace).filter(|&line| line > end).collect();
        lines.push(self.axis.right() + RIGHT);
        lines.sort_by(f64::total_cmp);
        let mut from = end;
        let behind = lines.into_iter().map(|line| (std::mem::replace(&mut from, line), line));
        let gaps: Vec<(f64, f64)> = behind.chain([(self.axis.left(), x)]).collect();
        let holds = |(from, to): (f64, f64)| ((to - from - 10.0) / CHAR).max(0.0) as usize;
        let length = text.chars().count();
        let all = gaps.iter().copied().find(|&gap| holds(gap) >= length);
        let most =
            gaps.iter().copied().max_by_key(|&gap| holds(gap)).filter(|&gap| holds(gap) > holds((x, end)));
        match all.or(most) {
            Some(gap) if gap.1 > x => {
                let text = cut(text, holds(gap));
                self.canvas.text("caption beside", (gap.0 + 6.0, y + 17.0), "start", &text);
            }
            Some(gap) => {
                let text = cut(text, holds(gap));
                let width = text.chars().count() as f64 * 6.3 + 6.0;
                self.plate(x - 6.0 - width, width, y);
                self.canvas.text("caption", (x - 8.0, y + 17.0), "end", &text);
            }
            None => {
                let text = cut(text, holds((x, end)));
                let width = text.chars().count() as f64 * CHAR;
                self.plate((x + end - width) / 2.0, width, y);
                self.canvas.text("caption", ((x + end) / 2.0, y + 17.0), "middle", &text);
            }
        }
    }

    /// What keeps a line or a pattern from going through the words.
    fn plate(&mut self, x: f64, width: f64, y: f64) {
        let plate = Rect { x, y: y + 6.5, width, height: BAR - 3.0 };
        self.canvas.rect(plate, &[("rx", &2), ("fill", &"#ffffff"), ("fill-opacity", &0.92)]);
    }
}

/// What stands at a row's beginning: steps that follow each other with the same stand on one ground.
fn band(step: &StepReport) -> String {
    match (step.kind, step.order) {
        // Off, or between two numbers.
        (StepKind::Start | StepKind::Compensation | StepKind::Shutdown | StepKind::Worker, None) => {
            step.kind.as_str().to_owned()
        }
        (kind, number) => order(kind, number),
    }
}

/// `1.2s of 5s, 2 attempts before: the venue says no`.
fn caption(step: &StepReport) -> String {
    let mut text = duration(step.ran);
    if let Some(limit) = step.limit {
        text.push_str(&format!(" of {}", spell(limit)));
    }
    match (step.fallback, step.attempts.len()) {
        (true, _) => text.push_str(", by its fallback"),
        (false, 0) => {}
        (false, earlier) => text.push_str(&format!(", at attempt {}", earlier + 1)),
    }
    if let Some(calls) = step.calls.as_ref().filter(|calls| !calls.is_empty()) {
        text.push_str(&format!(", {}", counts(calls)));
    }
    let failed = step.items.iter().filter(|item| item.error.is_some()).count();
    if failed > 0 {
        text.push_str(&format!(", {failed} of {} items failed", step.items.len()));
    }
    // Of calls the figures say it, and the list above.
    if let Some(why) = step.error.as_ref().filter(|_| step.kind != StepKind::Group) {
        text.push_str(&format!(": {why}"));
    }
    cut(&text, LONGEST_WHY)
}

fn counts(calls: &Calls) -> String {
    let cut: usize = calls.cut_off.iter().map(|site| site.count).sum();
    let cut = if cut > 0 { format!(", {cut} cut off") } else { String::new() };
    format!("{} awaited{cut}, {} refused", calls.awaited, calls.refused)
}

fn tip(step: &StepReport) -> String {
    let mut tip = format!("{}::{}: {}", step.module, step.name, step.outcome);
    tip.push_str(&format!("; waited {}, ran {}", duration(step.waited), duration(step.ran)));
    if let Some(limit) = step.limit {
        tip.push_str(&format!(" of {}", spell(limit)));
    }
    for (index, attempt) in step.attempts.iter().enumerate() {
        let why = attempt.error.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let (outcome, ran) = (attempt.outcome, duration(attempt.ran));
        tip.push_str(&format!("; attempt {}: {outcome} after {ran}{why}", index + 1));
    }
    if let Some(why) = &step.error {
        tip.push_str(&format!("; {why}"));
    }
    if !step.file.is_empty() {
        tip.push_str(&format!("; {}:{}", step.file, step.line));
    }
    tip
}

/// What the looks that occur mean. Returns where it ends.
fn legend(canvas: &mut Canvas, y: f64, report: &Report) -> f64 {
    let y = y + 24.0;
    let mut x = MARGIN;
    let mut label = |canvas: &mut Canvas, text: &str| {
        let at = x;
        canvas.text("small", (at + 33.0, y + 10.0), "start", text);
        x += 33.0 + text.chars().count() as f64 * 6.0 + 14.0;
        at
    };
    if report.steps.is_empty() {
        return y;
    }
    let at = label(canvas, "waited");
    canvas.line("waited", (at, y + 6.0), (at + 26.0, y + 6.0));
    canvas.line("waited", (at, y + 2.0), (at, y + 10.0));
    let at = label(canvas, "limit");
    canvas.line("limit", (at + 13.0, y - 1.0), (at + 13.0, y + 13.0));
    if report.steps.iter().any(|step| step.calls.as_ref().is_some_and(|calls| !calls.is_empty())) {
        let at = label(canvas, "drain over");
        canvas.line("drained", (at + 13.0, y - 1.0), (at + 13.0, y + 13.0));
    }
    let mut known: Vec<&str> = Vec::new();
    for step in &report.steps {
        let looks = looks(step.outcome);
        if looks.words.is_empty() || known.contains(&looks.words) {
            continue;
        }
        known.push(looks.words);
        let at = label(canvas, looks.words);
        let rect = Rect { x: at, y, width: 26.0, height: 12.0 };
        let dashes = if step.outcome == Outcome::Abandoned { "4 2" } else { "none" };
        let look: [(&str, &dyn std::fmt::Display); 4] =
            [("rx", &3), ("fill", &looks.fill), ("stroke", &looks.edge), ("stroke-dasharray", &dashes)];
        canvas.rect(rect, &look);
    }
    y + 12.0
}
