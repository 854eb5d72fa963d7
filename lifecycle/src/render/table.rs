//! The report as a table for people.

use std::collections::HashMap;
use std::fmt;

use super::{clean, duration};
use crate::report::{Attempt, Calls, Item, Outcome, Report, ServiceOutcome, StepKind, StepReport};
use crate::settings::duration::spell;

/// What fits on a terminal.
const WIDTH: usize = 80;
/// Longer names stand on a line of their own.
const LONG_NAME: usize = 32;
const COLUMNS: [&str; 6] = ["step", "outcome", "order", "waited", "ran", "limit"];
const GAP: &str = "  ";
const DETAIL: &str = "      ";
const DEEPER: &str = "        ";
/// Of so many calls of one function a person still reads each.
const NAMED: usize = 20;

pub(crate) fn report(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "shutdown: {}, took {}", clean(&report.reason.to_string()), duration(report.took))?;
    if let Some(grace) = report.grace {
        write!(f, " of {}", spell(grace))?;
    }
    writeln!(f, ", exit {}, id {}", report.exit_code, clean(&report.id))?;
    for (index, error) in report.errors.iter().enumerate() {
        indented(f, GAP, &format!("{}. {error}", index + 1))?;
    }
    steps(&report.steps, f)?;
    match &report.service {
        ServiceOutcome::Failed { error } => indented(f, "", &format!("the service failed: {error}"))?,
        service => writeln!(f, "{service}")?,
    }
    calls(&report.calls, f)?;
    for check in &report.unhealthy {
        writeln!(f, "unhealthy when it began: {check}")?;
    }
    Ok(())
}

/// `3 calls awaited for 1.2s, 1 cut off, 2 refused`.
fn counts(calls: &Calls, what: &str) -> String {
    let cut: usize = calls.cut_off.iter().map(|site| site.count).sum();
    let cut = if cut > 0 { format!(", {cut} cut off") } else { String::new() };
    format!(
        "{} {what}{} awaited for {}{cut}, {} refused",
        calls.awaited,
        plural(calls.awaited),
        duration(calls.drained_in),
        calls.refused
    )
}

fn steps(steps: &[StepReport], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if steps.is_empty() {
        return Ok(());
    }
    let mut namesakes = HashMap::new();
    for step in steps {
        *namesakes.entry(step.name.as_str()).or_insert(0) += 1;
    }
    let rows: Vec<Row> = steps.iter().map(|step| Row::new(step, namesakes[step.name.as_str()] > 1)).collect();
    let mut widths = COLUMNS.map(width);
    for row in &rows {
        for (column, cell) in row.cells.iter().enumerate() {
            if column > 0 || width(cell) <= LONG_NAME {
                widths[column] = widths[column].max(width(cell));
            }
        }
    }
    let table: usize = widths.iter().map(|width| width + GAP.len()).sum();
    let inline = rows.iter().all(|row| table + GAP.len() + width(&row.place) <= WIDTH);

    let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 6], place: &str| {
        let mut text = String::from(GAP);
        for (column, cell) in cells.into_iter().enumerate() {
            let blank = " ".repeat(widths[column].saturating_sub(width(cell)));
            // Figures stand right, words left.
            let (before, after) = if column < 2 { ("", &*blank) } else { (&*blank, "") };
            text.extend([before, cell, after, GAP]);
        }
        text.push_str(place);
        writeln!(f, "{}", text.trim_end())
    };
    line(f, COLUMNS, if inline { "where" } else { "" })?;
    let groups = steps.iter().filter(|step| step.kind == StepKind::Group).count() > 1;
    let mut section = None;
    for (row, step) in rows.iter().zip(steps) {
        let title = step.kind.section();
        if section.replace(title) != Some(title) {
            writeln!(f, "{}", title.as_str())?;
        }
        let mut cells = row.cells.each_ref().map(String::as_str);
        if width(cells[0]) > LONG_NAME {
            writeln!(f, "{GAP}{}", cells[0])?;
            cells[0] = "";
        }
        line(f, cells, if inline { &row.place } else { "" })?;
        if !inline {
            writeln!(f, "{DETAIL}at {}", row.place)?;
        }
        details(step, groups, f)?;
    }
    Ok(())
}

struct Row {
    cells: [String; 6],
    place: String,
}

impl Row {
    fn new(step: &StepReport, with_module: bool) -> Self {
        let name = match with_module {
            true => format!("{}::{}", step.module, step.name),
            false => step.name.clone(),
        };
        let ran =
            !matches!(step.outcome, Outcome::Off | Outcome::Skipped | Outcome::Missing | Outcome::NotReached);
        let dash = || String::from("-");
        let time = |time| if ran { duration(time) } else { dash() };
        Row {
            cells: [
                clean(&name),
                step.outcome.to_string(),
                step.order.map_or_else(dash, |order| order.to_string()),
                time(step.waited),
                time(step.ran),
                step.limit.map_or_else(dash, spell),
            ],
            // Whoever registers by hand may give no place; a group has none.
            place: if step.file.is_empty() { dash() } else { clean(&format!("{}:{}", step.file, step.line)) },
        }
    }
}

/// `groups`: whether calls belong to several.
fn details(step: &StepReport, groups: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, attempt) in step.attempts.iter().enumerate() {
        let Attempt { outcome, error, ran, notes, items } = attempt;
        let error = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let ran = duration(*ran);
        indented(f, DETAIL, &format!("attempt {}: {} after {ran}{error}", index + 1, outcome.as_str()))?;
        noted(notes, items, DEEPER, f)?;
    }
    match (step.fallback, step.attempts.len()) {
        (true, _) if step.outcome == Outcome::Done => writeln!(f, "{DETAIL}saved by its fallback")?,
        (true, _) => writeln!(f, "{DETAIL}then its fallback: {}", step.outcome)?,
        (false, 0) => {}
        (false, earlier) => writeln!(f, "{DETAIL}attempt {}: {}", earlier + 1, step.outcome)?,
    }
    if let Some(error) = &step.error {
        indented(f, DETAIL, error)?;
    }
    if step.rescued {
        writeln!(f, "{DETAIL}ran on the rescue runtime, as the service's own did not begin it")?;
    }
    noted(&step.notes, &step.items, DETAIL, f)?;
    // Of one group alone the last line of the report says it.
    if let Some(calls) = step.calls.as_ref().filter(|calls| groups && !calls.is_empty()) {
        indented(f, DETAIL, &counts(calls, ""))?;
    }
    if let Some(worker) = &step.worker {
        match (worker.restarts, &worker.last_error) {
            (0, _) => {}
            (n, Some(error)) => {
                indented(f, DETAIL, &format!("restarted {}, the last error: {error}", often(n)))?
            }
            (n, None) => indented(f, DETAIL, &format!("restarted {}", often(n)))?,
        }
    }
    Ok(())
}

fn noted(
    notes: &[(String, String)],
    items: &[Item],
    indent: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (key, value) in notes {
        indented(f, indent, &format!("{key}: {value}"))?;
    }
    for item in items {
        match &item.error {
            Some(error) => indented(f, indent, &format!("{}: failed: {error}", item.name))?,
            None => indented(f, indent, &format!("{}: done", item.name))?,
        }
    }
    Ok(())
}

fn calls(calls: &Calls, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if calls.is_empty() {
        return writeln!(f, "no tracked call was running");
    }
    writeln!(f, "{}", counts(calls, "tracked "))?;
    for site in &calls.cut_off {
        let text = format!("cut off: {} {}, {}:{}", site.count, site.name, site.file, site.line);
        indented(f, DETAIL, &text)?;
        for row in super::calls::rows(site, NAMED) {
            indented(f, DEEPER, &row)?;
        }
    }
    Ok(())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "call" } else { "calls" }
}

fn often(times: u32) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

/// A text of several lines, the further ones a little deeper.
fn indented(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    for (index, line) in clean(text).lines().enumerate() {
        let deeper = if index > 0 { GAP } else { "" };
        writeln!(f, "{}", format_args!("{indent}{deeper}{line}").to_string().trim_end())?;
    }
    Ok(())
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use std::time::Duration;

    #[test]
    fn a_clean_shutdown_is_a_short_table() {
        let expected = "\
shutdown: SIGTERM, took 1.2s of 25s, exit 0, id 6f1a09
  step      outcome  order  waited   ran  limit  where
start
  open_db   done         0    12ms  1.2s     5s  src/orders.rs:31
shutdown
  close_db  done         0    12ms  1.2s     5s  src/orders.rs:31
the service ended
no tracked call was running
";
        assert_eq!(example::clean().to_string(), expected);
    }

    #[test]
    fn everything_that_happened_is_in_it() {
        let expected = r#"shutdown: shutdown("deploy \"42\""), took 1.2s of 25s, exit 1, id 6f1a09
  step                outcome    order  waited   ran     limit  where
start
  open_db             done           0    12ms  1.2s        5s  src/orders.rs:31
shutdown
  cancel_open_orders  partial       -1    12ms  1.2s        5s  src/orders.rs:31
      attempt 1: failed after 20ms: the venue is busy:
        try later
        cancelled: 5
        order 17: done
        order 18: failed: busy
      attempt 2: timed out after 500ms
      then its fallback: partial
      ran on the rescue runtime, as the service's own did not begin it
      cancelled: 12
      venue: "XETRA"	Frankfurt
      order 17: done
      order 18: failed: the venue says no
  Requests            cut off        -    12ms  1.2s         -  src/orders.rs:31
  jobs                done           -    12ms  1.2s        5s  src/orders.rs:31
      restarted 3 times, the last error: no "broker"
  close_db            timed out      0    12ms  1.2s  1s 250ms  src/orders.rs:31
      3 connections are in use:
        web
        batch \u{1b}[31m
  notify              off            3       -     -        5s  src/orders.rs:31
      not in this binary
last
  flush               done           -    12ms  1.2s        5s  src/orders.rs:31
the service failed: address in use
  (os error 98)
14 tracked calls awaited for 15s, 2 cut off, 3 refused
      cut off: 2 create_order, src/web.rs:7
        create_order order="42", 22.1s, src/web.rs:7
        charge card\n\u{1b}[2J, 7.1s, src/cards.rs:40
unhealthy when it began: venue: recovery failed: connection refused
"#;
        assert_eq!(example::degraded().to_string(), expected);
    }

    #[test]
    fn each_of_several_groups_has_its_own_figures() {
        let mut report = example::clean();
        let group = |name: &str, calls: Calls| StepReport {
            name: name.into(),
            kind: StepKind::Group,
            order: None,
            calls: Some(calls),
            ..example::clean().steps[1].clone()
        };
        let jobs = Calls { refused: 2, ..example::degraded().calls };
        let requests = Calls { awaited: 1, drained_in: Duration::from_millis(7), ..Calls::default() };
        report.calls = requests.clone().and(&jobs);
        report.steps.truncate(1);
        report.steps.extend([
            group("Requests", requests),
            group("Jobs", jobs),
            group("Mails", Calls::default()),
        ]);
        let text = report.to_string();
        let table = text.split_once("shutdown\n").unwrap().1;
        let expected = "  \
  Requests  done         -    12ms  1.2s     5s  src/orders.rs:31
      1 call awaited for 7ms, 0 refused
  Jobs      done         -    12ms  1.2s     5s  src/orders.rs:31
      14 calls awaited for 15s, 2 cut off, 2 refused
  Mails     done         -    12ms  1.2s     5s  src/orders.rs:31
the service ended
15 tracked calls awaited for 15s, 2 cut off, 2 refused
      cut off: 2 create_order, src/web.rs:7
        create_order order=\"42\", 22.1s, src/web.rs:7
        charge card\\n\\u{1b}[2J, 7.1s, src/cards.rs:40
";
        assert_eq!(table, expected);
    }

    #[test]
    fn of_many_calls_with_ids_the_first_are_named() {
        let mut report = example::degraded();
        let running = &mut report.calls.cut_off[0].running;
        running.truncate(1);
        *running = std::iter::repeat_n(running[0].clone(), NAMED + 3).collect();
        let text = report.to_string();
        assert_eq!(text.matches("create_order order=").count(), NAMED, "{text}");
        assert!(text.contains("\n        and 3 more\n"), "{text}");
    }

    #[test]
    fn long_names_and_places_stay_within_80_columns() {
        let mut report = example::clean();
        report.steps[0].file = "/home/builder/.cargo/registry/src/shop-core-1.2.3/src/orders.rs".into();
        report.steps[1].name = "wait_for_the_last_settlement_of_every_counterparty".into();
        let text = report.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.contains("\n  wait_for_the_last_settlement_of_every_counterparty\n           done"),
            "{text}"
        );
        assert!(text.contains("\n      at src/orders.rs:31\n"), "{text}");
    }

    #[test]
    fn namesakes_are_told_apart_by_module() {
        let mut report = example::clean();
        report.steps[0].name = "close_db".into();
        report.steps[0].module = "shop::cache".into();
        let text = report.to_string();
        assert!(
            text.contains("  shop::cache::close_db ") && text.contains("  shop::orders::close_db"),
            "{text}"
        );
    }

    #[test]
    fn an_invalid_plan_lists_its_errors() {
        let report = Report {
            errors: vec!["first\nmore".into(), "second".into()],
            steps: Vec::new(),
            service: ServiceOutcome::NeverStarted,
            grace: None,
            ..example::clean()
        };
        let text = report.to_string();
        assert!(
            text.contains("exit 0, id 6f1a09\n  1. first\n    more\n  2. second\nthe service was never"),
            "{text}"
        );
        assert!(text.starts_with("shutdown: SIGTERM, took 1.2s, exit"), "{text}");
    }
}
