//! The plan as a table for people.

use std::fmt;
use std::time::Duration;

use super::line as one_line;
use crate::plan_view::{Plan, PlanStep, StepPolicy, WorstCase};
use crate::report::StepKind;
use crate::settings::duration::spell;
use crate::worker::Restart;

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
    policies(plan, f)?;
    left_out(plan, f)?;
    checks(plan, f)?;
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
        let kind = step.kind.section();
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
            format!("last, with {} at least", spell(plan.phases.reserve))
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
            one_line(&step.title()),
            one_line(&step.rank_and_place()),
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

/// `  flush: up to 2 more attempts, 100ms apart and more; then its fallback`.
fn policies(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut steps = plan.steps.iter().filter(|step| !step.policy.is_plain()).peekable();
    if steps.peek().is_some() {
        writeln!(f, "if they fail, or do not apply")?;
    }
    for step in steps {
        let parts: Vec<String> = policy(&step.policy).into_iter().flatten().collect();
        let text = format!("{}: {}", step.title(), parts.join("; "));
        writeln!(f, "{GAP}{}", one_line(&text))?;
    }
    Ok(())
}

fn policy(policy: &StepPolicy) -> [Option<String>; 5] {
    let StepPolicy { retry, attempt, backoff, fallback, conditional, compensated, restart } = policy;
    let within = attempt.map(|attempt| format!("each attempt within {}", spell(attempt)));
    let times = if *retry == 1 { "once" } else { &format!("up to {retry} times") };
    let apart = backoff.map(|pause| format!(" after {} and more", spell(pause))).unwrap_or_default();
    let again = match restart {
        Some(Restart::Never) => Some("its failure ends the service".to_owned()),
        Some(Restart::Always) if *retry == 0 => {
            Some(format!("begun again{apart} after a good end; its failure ends the service"))
        }
        Some(_) if *retry == 0 => Some("its failure ends the service".to_owned()),
        Some(restart) => {
            let ends = if *restart == Restart::Always { ", also after a good end" } else { "" };
            Some(format!("begun again {times} in a row{apart}{ends}; then its failure ends the service"))
        }
        None => (*retry > 0).then(|| format!("tried again {times}{apart}")),
    };
    let then = fallback.then(|| "then its fallback".to_owned());
    let owed = compensated.then(|| "what is not done, the next start makes up for".to_owned());
    [conditional.then(|| "runs only when it applies".to_owned()), within, again, then, owed]
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

/// `  venue (src/venue.rs:7): every 30s, within 5s; recovers up to 3 times, 5s apart`.
fn checks(plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if plan.checks.is_empty() {
        return Ok(());
    }
    writeln!(f, "health checks, until the shutdown begins")?;
    for check in &plan.checks {
        let text = format!("{} ({}:{}): {}", check.name, check.file, check.line, check.how());
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

#[cfg(test)]
mod tests {
    use crate::plan_view::example::{self, plan, stop};

    #[test]
    fn it_is_a_table_with_the_longest_way_below() {
        let expected = "\
12 steps. The shutdown takes at most 31s of the 38s it has (grace 40s less reserve 2s)

  step                order             waits for                limit      from         to  where
start
  connect             0 default         -                          30s        0s        30s  src/orders.rs:7
  open_db             0 default         -                          10s        0s        10s  src/orders.rs:7
  warm_cache          0 default         open_db               2s 500ms       10s  12s 500ms  src/orders.rs:10
  migrate             1                 connect, warm_cache        30s       30s         1m  src/orders.rs:7
shutdown, after 3s of lameduck
* deregister          -1                -                     1s 500ms        3s   4s 500ms  src/orders.rs:10
* Requests            between -1 and 0  deregister           15s 500ms  4s 500ms        20s  -
* cancel_open_orders  0 default         Requests                    3s       20s        23s  src/orders.rs:18
* disconnect          0 default         cancel_open_orders          1s       23s        24s  src/orders.rs:10
  flush               0 default         Requests                    4s       20s        24s  src/orders.rs:5
* archive             2                 disconnect, flush           2s       24s        26s  src/orders.rs:7
* close_db            2 via archive     archive                     5s       26s        31s  src/orders.rs:8
last, with 2s at least
  alert               last              all ordered steps           2s       31s        33s  src/orders.rs:5
  flush_telemetry     last              the report                  1s       33s        34s  src/orders.rs:15
left out
  shop::orders::notify is off: not in this binary (src/orders.rs:6)

longest way              takes      until
* lameduck                  3s         3s
* deregister          1s 500ms   4s 500ms
* drain                    15s  19s 500ms
* cut                    500ms        20s
* cancel_open_orders        3s        23s
* disconnect                1s        24s
* archive                   2s        26s
* close_db                  5s        31s
  7s left of 38s
";
        assert_eq!(example::small().to_string(), expected);
    }

    #[test]
    fn what_does_not_fit_is_said_first_and_last() {
        let text = example::large().to_string();
        assert!(
            text.starts_with(
                "62 steps. The shutdown may take 33s 621ms, 10s 621ms more than the 23s it has (grace 25s less reserve \
                 2s)\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("\n  10s 621ms more than the 23s there is: what then still runs is cut off\n"),
            "{text}"
        );
        assert!(
            text.lines().last().unwrap().starts_with("warning: the shutdown may take 33s 621ms"),
            "{text}"
        );
    }

    #[test]
    fn what_never_ends_is_said_in_words() {
        let text = example::endless().to_string();
        assert!(text.starts_with("3 steps. The shutdown may take for ever; grace is never\n"), "{text}");
        assert!(
            text.contains("* Requests  between -1 and 0  early       never     5s  never  -\n"),
            "{text}"
        );
        assert!(plan([stop("one")], |_| ()).to_string().starts_with("1 step. "));
    }

    #[test]
    fn a_step_has_its_lines_whatever_its_name() {
        let text = example::hostile().to_string();
        assert!(!text.contains('\u{1b}'), "{text}");
        let rows =
            text.lines().filter(|line| line.contains("src/orders.rs:") || line.starts_with("* Requests"));
        assert_eq!(rows.count(), 6, "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("src/checks.rs:")).count(), 1, "{text}");
    }

    #[test]
    fn what_is_done_if_a_step_fails_stands_below_them() {
        let text = example::careful().to_string();
        let policies = "
if they fail, or do not apply
  compensate cancel_orders: runs only when it applies
  connect: tried again up to 10 times after 250ms and more
  heartbeat (worker): its failure ends the service
  consume (worker): begun again up to 5 times in a row after 500ms and more; then its failure ends the service
  poll (worker): begun again once in a row after 2s and more, also after a good end; then its failure ends the service
  cancel_orders: runs only when it applies; each attempt within 1s; tried again up to 2 times after 100ms and more; \
then its fallback; what is not done, the next start makes up for
";
        assert!(text.contains(policies), "{text}");
        assert!(!text.contains("plain:"), "{text}");
    }

    #[test]
    fn checks_stand_beside_the_steps() {
        let text = example::checked().to_string();
        let checks = "
health checks, until the shutdown begins
  db (src/checks.rs:2): every 30s, within 5s; tried again 3 times, 5s apart
  leader (src/checks.rs:6): every 1m, within 1s 500ms; recovered once, after 5s, when it applies
  quick (src/checks.rs:5): every 5s, within 5s
  mail (src/checks.rs:4): off: no mail here
";
        assert!(text.contains(checks), "{text}");
        assert_eq!(text.replace(&checks[1..], ""), example::small().to_string(), "they change nothing else");
    }

    #[test]
    fn what_many_wait_for_is_broken_into_lines() {
        let users = (0..8).map(|n| stop(&format!("flush_partition_{n}")).shares::<example::Db>());
        let text = plan(users.chain([stop("close_db").takes::<example::Db>()]), |_| ()).to_string();
        assert!(text.lines().take(15).all(|line| line.chars().count() < 130), "{text}");
        assert!(text.contains("flush_partition_0, flush_partition_1,"), "{text}");
    }
}
