//! The plan drawn over time: a row for each step, a bar from its earliest end of waiting to its latest end.

use std::time::Duration;

use super::axis::Axis;
use super::canvas::{Canvas, Rect};
use super::parts::{
    BANDS, BAR, CHAR, CHART, MARGIN, NAME_CHAR, RIGHT, ROW, TALL, grid, grounds, heading, name, order, scale,
    shown,
};
use crate::plan_view::{Plan, PlanStep};
use crate::report::StepKind;
use crate::settings::duration::spell;

const CRITICAL: &str = "#2f62b5";
const CRITICAL_EDGE: &str = "#0b2f6b";
const PLAIN: &str = "#c5d5ec";
const PLAIN_EDGE: &str = "#7d94b5";
const LATE_EDGE: &str = "#a61b1b";

pub(crate) fn plan(plan: &Plan) -> String {
    let rows = |kinds: &[StepKind]| kinds.iter().flat_map(|&kind| plan.section(kind)).collect::<Vec<_>>();
    let (start, shutdown) = (rows(&[StepKind::Start]), rows(&[StepKind::Shutdown, StepKind::Last]));
    let names =
        plan.steps.iter().map(|step| shown(&step.title()).chars().count()).max().unwrap_or_default().max(10);
    let left = MARGIN + BANDS + (names as f64 + 3.0) * NAME_CHAR;
    let mut canvas = Canvas::new(left + CHART + RIGHT + MARGIN);
    let verdict = format!("The shutdown {}", crate::render::plan_text::verdict(plan));
    let mut y = MARGIN + 14.0;
    canvas.text("title", (MARGIN, y), "start", "What happens when, if everything takes as long as it may");
    y += 24.0;
    let class = if plan.worst.fits() { "verdict" } else { "verdict over" };
    canvas.text(class, (MARGIN, y), "start", &verdict);
    y += 14.0;

    if !start.is_empty() {
        let end = start.iter().filter_map(|step| step.ends).max().unwrap_or_default();
        let axis = Axis::new(left, CHART, end + end / 25);
        let mut section = Section { canvas: &mut canvas, axis, y, available: None };
        section.y = heading(section.canvas, section.y, "Start", "from the first step");
        y = section.rows(&start, None);
    }
    let known = shutdown.iter().filter_map(|step| step.ends).chain(plan.grace).max();
    let end = known.unwrap_or_default().max(plan.phases.lameduck);
    let end = if plan.worst.total.is_none() { end * 4 / 3 + Duration::from_secs(1) } else { end + end / 25 };
    let axis = Axis::new(left, CHART, end);
    let mut section = Section { canvas: &mut canvas, axis, y, available: plan.worst.available };
    section.y = heading(section.canvas, section.y, "Shutdown", "from the signal");
    y = section.rows(&shutdown, Some(plan));
    y = legend(&mut canvas, y, plan);
    canvas.finish(y + MARGIN, "What happens when", &verdict)
}

/// What a bar shows beside its time.
#[derive(Clone, Copy)]
struct Looks {
    critical: bool,
    /// What goes on after this is cut off.
    late_from: Option<Duration>,
}

/// A part of the drawing with a scale of its own.
struct Section<'a> {
    canvas: &'a mut Canvas,
    axis: Axis,
    y: f64,
    /// What goes on after this is cut off.
    available: Option<Duration>,
}

impl Section<'_> {
    /// Draws the rows; `shutdown` is the plan, if they are those of the shutdown. Returns where they end.
    fn rows(&mut self, steps: &[&PlanStep], shutdown: Option<&Plan>) -> f64 {
        let lameduck = shutdown.map_or(Duration::ZERO, |plan| plan.phases.lameduck);
        let count = steps.len() + usize::from(lameduck > Duration::ZERO);
        let tall = count > TALL;
        if shutdown.is_some() {
            self.y += 16.0;
        }
        scale(self.canvas, &self.axis, self.y + 10.0);
        let top = self.y + 18.0;
        let bottom = top + ROW * count as f64;
        grounds(self.canvas, steps.iter().map(|step| band(step)), top + ROW * (count - steps.len()) as f64);
        if let Some(plan) = shutdown {
            self.kept(plan, top, bottom);
        }
        grid(self.canvas, &self.axis, top, bottom);
        if let Some(plan) = shutdown {
            self.limits(plan, top, bottom);
        }
        let mut y = top;
        if lameduck > Duration::ZERO {
            self.lameduck(lameduck, y);
            y += ROW;
        }
        self.longest_way(steps, lameduck, y);
        for step in steps {
            self.step(step, shutdown, y);
            y += ROW;
        }
        if tall {
            self.canvas.line("axis", (self.axis.left(), bottom), (self.axis.right(), bottom));
            scale(self.canvas, &self.axis, bottom + 16.0);
            return bottom + 20.0;
        }
        bottom
    }

    /// What what lasts until then would exceed.
    fn late(&self, ends: Duration) -> Option<Duration> {
        self.available.filter(|&available| ends > available)
    }

    /// The ground of the reserve.
    fn kept(&mut self, plan: &Plan, top: f64, bottom: f64) {
        if let (Some(available), Some(grace)) = (plan.worst.available, plan.grace) {
            let x = self.axis.x(available);
            let rect = Rect { x, y: top, width: self.axis.x(grace) - x, height: bottom - top };
            self.canvas.rect(rect, &[("fill", &"url(#kept)"), ("fill-opacity", &0.8)]);
        }
    }

    /// Where the reserve and where everything ends.
    fn limits(&mut self, plan: &Plan, top: f64, bottom: f64) {
        if let (Some(available), Some(grace)) = (plan.worst.available, plan.grace) {
            let (x, end) = (self.axis.x(available), self.axis.x(grace));
            // Not across the scale's figures.
            for (class, x) in [("reserve", x), ("grace", end)] {
                self.canvas.line(class, (x, top - 34.0), (x, top - 20.0));
                self.canvas.line(class, (x, top - 4.0), (x, bottom));
            }
            let reserve = format!("reserve {}", spell(plan.phases.reserve));
            self.canvas.text("small", (x - 5.0, top - 26.0), "end", &reserve);
            self.canvas.text(
                "small over",
                (end + 5.0, top - 26.0),
                "start",
                &format!("grace {}", spell(grace)),
            );
        }
    }

    fn lameduck(&mut self, lameduck: Duration, y: f64) {
        self.canvas.open("g", &[]);
        self.canvas.tip(&format!("lameduck: serves for {} more, but is not ready", spell(lameduck)));
        name(self.canvas, "◆ lameduck", true, y);
        let looks = Looks { critical: true, late_from: self.late(lameduck) };
        self.bar(Duration::ZERO, lameduck, looks, y);
        self.caption(self.axis.left(), self.axis.x(lameduck), &spell(lameduck), looks, y);
        self.canvas.close("g");
    }

    fn step(&mut self, step: &PlanStep, shutdown: Option<&Plan>, y: f64) {
        self.canvas.open("g", &[("class", &"step")]);
        self.canvas.tip(&tip(step));
        let mark = if step.critical { "◆ " } else { "" };
        name(self.canvas, &format!("{mark}{}", shown(&step.title())), step.critical, y);
        match (step.begins, step.ends) {
            (Some(begins), Some(ends)) => {
                // Last steps have their time after that.
                let late_from = self.late(ends).filter(|_| step.kind != StepKind::Last);
                let looks = Looks { critical: step.critical, late_from };
                self.bar(begins, ends, looks, y);
                if let (StepKind::Group, Some(plan)) = (step.kind, shutdown) {
                    self.cut(ends, plan.phases.cut, y);
                }
                let took = ends.saturating_sub(begins);
                let caption = match step.limit {
                    // It is cut off before its limit.
                    Some(limit) if took < limit => format!("{} of {}", spell(took), spell(limit)),
                    _ => spell(took),
                };
                self.caption(self.axis.x(begins), self.axis.x(ends), &caption, looks, y);
            }
            (Some(begins), None) => {
                let x = self.axis.x(begins);
                let rect = Rect { x, y: y + 5.0, width: self.axis.right() - x, height: BAR };
                self.canvas.rect(rect, &[("rx", &3), ("fill", &"url(#endless)")]);
                self.canvas.text("small", (self.axis.right() + 6.0, y + 17.0), "start", "no limit");
            }
            (None, _) => {
                let x = self.axis.left() + 8.0;
                self.canvas.text("small", (x, y + 17.0), "start", "once that has ended: no worst case");
            }
        }
        self.canvas.close("g");
    }

    fn bar(&mut self, begins: Duration, ends: Duration, looks: Looks, y: f64) {
        let (x, end) = (self.axis.x(begins), self.axis.x(ends));
        let rect = Rect { x, y: y + 5.0, width: (end - x).max(2.0), height: BAR };
        let (fill, edge, stroke) =
            if looks.critical { (CRITICAL, CRITICAL_EDGE, 2.0) } else { (PLAIN, PLAIN_EDGE, 1.0) };
        self.canvas.rect(
            rect,
            &[("class", &"bar"), ("rx", &3), ("fill", &fill), ("stroke", &edge), ("stroke-width", &stroke)],
        );
        if let Some(late) = looks.late_from {
            let from = self.axis.x(late.max(begins));
            let rect = Rect { x: from, width: (end - from).max(2.0), ..rect };
            let edge = if looks.critical { CRITICAL_EDGE } else { LATE_EDGE };
            self.canvas.rect(
                rect,
                &[
                    ("class", &"late"),
                    ("rx", &3),
                    ("fill", &"url(#over)"),
                    ("stroke", &edge),
                    ("stroke-width", &stroke),
                ],
            );
        }
    }

    /// The end of a drain, where what still runs is told to end.
    fn cut(&mut self, ends: Duration, cut: Duration, y: f64) {
        let x = self.axis.x(ends.saturating_sub(cut));
        if cut > Duration::ZERO {
            self.canvas.line("inside-line", (x, y + 5.0), (x, y + 5.0 + BAR));
        }
    }

    /// In the bar where there is room, or beside it.
    fn caption(&mut self, x: f64, end: f64, text: &str, looks: Looks, y: f64) {
        let width = text.chars().count() as f64 * CHAR;
        if end - x > width + 12.0 && looks.late_from.is_none() {
            let class = if looks.critical { "caption inside" } else { "caption" };
            self.canvas.text(class, ((x + end) / 2.0, y + 17.0), "middle", text);
        } else if end + width + 8.0 < self.axis.right() + RIGHT {
            self.canvas.text("caption beside", (end + 6.0, y + 17.0), "start", text);
        } else {
            self.canvas.text("caption beside", (x - 6.0, y + 17.0), "end", text);
        }
    }

    /// From the end of each bar of the longest way to the begin of the next.
    fn longest_way(&mut self, steps: &[&PlanStep], lameduck: Duration, top: f64) {
        let mut from = (lameduck > Duration::ZERO).then(|| (self.axis.x(lameduck), top - ROW));
        for (index, step) in steps.iter().enumerate().filter(|(_, step)| step.critical) {
            let y = top + ROW * index as f64;
            if let (Some((x, above)), Some(_)) = (from, step.begins) {
                self.canvas.line("path", (x, above + 5.0 + BAR + 2.0), (x, y + 4.0));
            }
            from = step.ends.map(|ends| (self.axis.x(ends), y));
        }
    }
}

fn band(step: &PlanStep) -> String {
    order(step.kind, step.order)
}

fn tip(step: &PlanStep) -> String {
    let time = |time: Option<Duration>| time.map_or_else(|| "never".to_owned(), spell);
    let mut tip = format!("{}: order {}", step.title(), step.rank());
    if step.order.is_none() {
        tip = format!("{}: {}", step.title(), step.rank());
    }
    if !step.after.is_empty() {
        tip.push_str(&format!("; waits for {}", step.waits_for()));
    }
    tip.push_str(&format!("; limit {}, from {} to {}", time(step.limit), time(step.begins), time(step.ends)));
    if !step.policy.is_plain() {
        tip.push_str(&format!("; {}", step.policy));
    }
    if let Some(place) = step.place() {
        tip.push_str(&format!("; {place}"));
    }
    tip
}

/// What the looks mean. Returns where it ends.
fn legend(canvas: &mut Canvas, y: f64, plan: &Plan) -> f64 {
    let y = y + 24.0;
    let mut x = MARGIN;
    let mut entry = |canvas: &mut Canvas, fill: &str, edge: &str, stroke: f64, text: &str| {
        let rect = Rect { x, y, width: 26.0, height: 12.0 };
        canvas.rect(rect, &[("rx", &3), ("fill", &fill), ("stroke", &edge), ("stroke-width", &stroke)]);
        canvas.text("small", (x + 33.0, y + 10.0), "start", text);
        x += 33.0 + text.chars().count() as f64 * CHAR + 18.0;
    };
    entry(canvas, CRITICAL, CRITICAL_EDGE, 2.0, "◆ the longest way through the shutdown");
    entry(canvas, PLAIN, PLAIN_EDGE, 1.0, "beside it");
    if plan.worst.available.is_some() {
        entry(canvas, "url(#kept)", "#b7791f", 1.0, "kept for last steps and the report");
    }
    if !plan.worst.fits() {
        entry(canvas, "url(#over)", LATE_EDGE, 1.0, "too late: cut off");
    }
    y + 12.0
}
