//! What the drawings of the plan and of the report have in common: rows of steps over a scale of time.

use super::axis::Axis;
use super::canvas::{Canvas, Rect};
use crate::report::StepKind;
use crate::settings::duration::spell;

pub(super) const MARGIN: f64 = 28.0;
/// For the ranks.
pub(super) const BANDS: f64 = 92.0;
pub(super) const CHART: f64 = 680.0;
/// For what stands right of the last bar or line.
pub(super) const RIGHT: f64 = 84.0;
pub(super) const ROW: f64 = 26.0;
pub(super) const BAR: f64 = 16.0;
/// Of a character of a name, of any other text: no font is wider.
pub(super) const NAME_CHAR: f64 = 7.4;
pub(super) const CHAR: f64 = 7.0;
/// Longer names are cut; the tip has them whole.
const LONGEST_NAME: usize = 36;
/// More rows than these have the scale below them too.
pub(super) const TALL: usize = 18;

/// Of a part with a scale of its own, and from when that counts. Returns where it ends.
pub(super) fn heading(canvas: &mut Canvas, y: f64, title: &str, from: &str) -> f64 {
    let y = y + 30.0;
    canvas.text("section", (MARGIN, y), "start", title);
    let after = MARGIN + title.chars().count() as f64 * 10.0 + 10.0;
    canvas.text("small", (after, y), "start", from);
    y + 12.0
}

/// The figures of the scale.
pub(super) fn scale(canvas: &mut Canvas, axis: &Axis, y: f64) {
    for mark in axis.marks() {
        canvas.text("small", (axis.x(mark), y), "middle", &spell(mark));
    }
}

/// The lines of the scale.
pub(super) fn grid(canvas: &mut Canvas, axis: &Axis, top: f64, bottom: f64) {
    for mark in axis.marks() {
        canvas.line("grid", (axis.x(mark), top), (axis.x(mark), bottom));
    }
    canvas.line("axis", (axis.left(), top), (axis.right(), top));
}

/// Rows of one label, which follow each other, stand on one ground.
pub(super) fn grounds(canvas: &mut Canvas, labels: impl Iterator<Item = String>, top: f64) {
    let labels: Vec<String> = labels.collect();
    let mut y = top;
    for (index, same) in labels.chunk_by(|a, b| a == b).enumerate() {
        let height = ROW * same.len() as f64;
        let ground = if index % 2 == 0 { "#f4f6f9" } else { "#ffffff" };
        let rect = Rect { x: MARGIN, y, width: canvas.width - 2.0 * MARGIN, height };
        canvas.rect(rect, &[("fill", &ground)]);
        canvas.line("grid", (MARGIN, y), (canvas.width - MARGIN, y));
        canvas.text("band", (MARGIN + 6.0, y + 17.0), "start", &same[0]);
        y += height;
    }
    canvas.line("grid", (MARGIN, y), (canvas.width - MARGIN, y));
}

/// A step's name, in front of its row. One with a mark begins with it.
pub(super) fn name(canvas: &mut Canvas, name: &str, marked: bool, y: f64) {
    let class = if marked { "name critical" } else { "name" };
    let indent = if marked { 0.0 } else { 2.0 * NAME_CHAR };
    canvas.text(class, (MARGIN + BANDS + indent, y + 17.0), "start", name);
}

/// Where a step stands, in a word or two.
pub(super) fn order(kind: StepKind, order: Option<i32>) -> String {
    match (kind, order) {
        (StepKind::Group, _) => "drain".to_owned(),
        (_, Some(order)) if order < 0 => format!("order −{}", order.unsigned_abs()),
        (_, Some(order)) => format!("order {order}"),
        (_, None) => "last".to_owned(),
    }
}

/// A name, not longer than there is room for.
pub(super) fn shown(name: &str) -> String {
    cut(name, LONGEST_NAME)
}

/// A text from outside on one line, with so many characters at most.
pub(super) fn cut(text: &str, longest: usize) -> String {
    let text = crate::render::line(text);
    match text.chars().count() > longest {
        true => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
        false => text,
    }
}
