//! The plan as a table for people.

use std::fmt;
use std::time::Duration;

use super::line as one_line;
use crate::plan_view::{Plan, PlanStep, WorstCase};
use crate::report::StepKind;
use crate::settings::duration::spell;

const COLUMNS: [&str; 7] = ["step", "order", "waits for", "limit", "from", "to", "where"];
/// The column that is broken into several lines, and after how many characters.
const BROKEN: usize = 2;
const BREAK_AFTER: usize = 36;
const GAP: &str = "  ";
/// Before a step on the longest way.
const MARK: &str = "* ";

pub(crate) fn plan(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let count = plan.steps.iter().filter(|step| step.kind != StepKind::Group).count();
    let steps = if count == 1 { "step" } else { "steps" };
    writeln!(f, "{count} {steps}. The shutdown {}", verdict(plan))?;
    writeln!(f)?;
    steps_table(plan, f)?;
    left_out(plan, f)?;
    longest_way(plan, f)?;
    if !plan.warnings.is_empty() {
        writeln!(f)?;
    }
    for warning in &plan.warnings {
        writeln!(f, "warning: {}", one_line(warning))?;
    }
    Ok(())
}

/// `takes at most 20s of the 23s it has (grace 25s less reserve 2s)`.
pub(super) fn verdict(plan: &Plan) -> String {
    let WorstCase { total, available, .. } = plan.worst;
    let (Some(grace), Some(available)) = (plan.grace, available) else {
        return match total {
            Some(total) => format!("takes at most {}; grace is never", spell(total)),
            None => "may take for ever; grace is never".to_owned(),
        };
    };
    let has = format!(
        "the {} it has (grace {} less reserve {})",
        spell(available),
        spell(grace),
        spell(plan.phases.reserve)
    );
    match total {
        Some(total) if total <= available => format!("takes at most {} of {has}", spell(total)),
        Some(total) => format!("may take {}, {} more than {has}", spell(total), spell(total - available)),
        None => format!("may take for ever, more than {has}"),
    }
}

fn steps_table(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let rows: Vec<Row> = plan.steps.iter().map(Row::new).collect();
    let mut widths = COLUMNS.map(width);
    for row in &rows {
        for (column, lines) in row.cells.iter().enumerate() {
            let longest = lines.iter().map(|line| width(line)).max().unwrap_or_default();
            widths[column] = widths[column].max(longest);
        }
    }
    line(f, GAP, &COLUMNS.map(str::to_owned), &widths)?;
    let mut section = None;
    for (row, step) in rows.iter().zip(&plan.steps) {
        let kind = match step.kind {
            StepKind::Group => StepKind::Shutdown,
            kind => kind,
        };
        if section.replace(kind) != Some(kind) {
            writeln!(f, "{}", title(kind, plan))?;
        }
        let height = row.cells.iter().map(Vec::len).max().unwrap_or_default();
        for index in 0..height {
            let cells = row.cells.each_ref().map(|lines| lines.get(index).cloned().unwrap_or_default());
            let mark = if step.critical && index == 0 { MARK } else { GAP };
            line(f, mark, &cells, &widths)?;
        }
    }
    Ok(())
}

fn title(kind: StepKind, plan: &Plan) -> String {
    let lameduck = plan.phases.lameduck;
    match kind {
        StepKind::Shutdown if lameduck > Duration::ZERO => {
            format!("shutdown, after {} of lameduck", spell(lameduck))
        }
        StepKind::Last if plan.grace.is_some() => {
            format!("last, on the reserve of {}", spell(plan.phases.reserve))
        }
        kind => kind.as_str().to_owned(),
    }
}

fn line(f: &mut fmt::Formatter<'_>, mark: &str, cells: &[String; 7], widths: &[usize; 7]) -> fmt::Result {
    let mut text = String::from(mark);
    for (column, cell) in cells.iter().enumerate() {
        let blank = " ".repeat(widths[column].saturating_sub(width(cell)));
        // Times stand right, words left.
        let (before, after) = if (3..6).contains(&column) { (&*blank, "") } else { ("", &*blank) };
        text.extend([before, cell, after, GAP]);
    }
    writeln!(f, "{}", text.trim_end())
}

/// Each cell as lines.
struct Row {
    cells: [Vec<String>; 7],
}

impl Row {
    fn new(step: &PlanStep) -> Self {
        let after: Vec<String> = step.after.iter().map(|follows| one_line(&follows.to_string())).collect();
        let mut cells = [
            one_line(&step.id),
            one_line(&step.rank()),
            String::new(),
            never(step.limit),
            never(step.begins),
            never(step.ends),
            step.place().map_or_else(dash, |place| one_line(&place)),
        ]
        .map(|cell| vec![cell]);
        cells[BROKEN] = broken(&after);
        Row { cells }
    }
}

fn dash() -> String {
    "-".to_owned()
}

fn never(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), spell)
}

/// A list in lines of about the same length.
fn broken(items: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if width(line) + width(item) < BREAK_AFTER => {
                line.extend([" ", item, comma]);
            }
            _ => lines.push(format!("{item}{comma}")),
        }
    }
    if lines.is_empty() { vec![dash()] } else { lines }
}

fn left_out(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if plan.left_out.is_empty() {
        return Ok(());
    }
    writeln!(f, "left out")?;
    for step in &plan.left_out {
        let text = format!(
            "{}::{} is {}: {} ({}:{})",
            step.module, step.name, step.outcome, step.why, step.file, step.line
        );
        writeln!(f, "{GAP}{}", one_line(&text))?;
    }
    Ok(())
}

fn longest_way(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let WorstCase { total, available, chain } = &plan.worst;
    if chain.is_empty() {
        return Ok(());
    }
    let mut until = Some(Duration::ZERO);
    let mut rows = vec![["longest way".to_owned(), "takes".to_owned(), "until".to_owned()]];
    for link in chain {
        until = until.zip(link.cost).map(|(until, cost)| until.saturating_add(cost));
        rows.push([format!("* {}", one_line(&link.name)), never(link.cost), never(until)]);
    }
    let column = |index: usize| rows.iter().map(|row| width(&row[index])).max().unwrap_or_default();
    let (names, costs, ends) = (column(0), column(1), column(2));
    writeln!(f)?;
    for [name, cost, end] in &rows {
        writeln!(f, "{name:<names$}  {cost:>costs$}  {end:>ends$}")?;
    }
    match (total, available) {
        (Some(total), Some(available)) if total <= available => {
            writeln!(f, "  {} left of {}", spell(*available - *total), spell(*available))
        }
        (Some(total), Some(available)) => {
            let (over, available) = (spell(*total - *available), spell(*available));
            writeln!(f, "  {over} more than the {available} there is: what then still runs is cut off")
        }
        (None, Some(available)) => {
            writeln!(f, "  what still runs after {} is cut off", spell(*available))
        }
        (_, None) => Ok(()),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
