//! The plan as a file that is committed and reviewed: each step on a line of its own, and nothing that changes by
//! itself.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Plan, PlanStep};
use crate::render::line as one_line;
use crate::report::StepKind;
use crate::settings::duration::spell;

const HEAD: &str = "\
# How this service starts and stops. lifecycle::assert_plan! compares it;
# LIFECYCLE_BLESS=1 cargo test writes it.
";

pub(super) fn text(plan: &Plan) -> String {
    let mut text = String::from(HEAD);
    let phases = &plan.phases;
    // Writing to a String does not fail; so below.
    let _ = write!(
        text,
        "\ngrace {}, lameduck {}, drain {}, cut {}, reserve {}\n",
        never(plan.grace),
        spell(phases.lameduck),
        never(phases.drain),
        spell(phases.cut),
        spell(phases.reserve)
    );
    for kind in [StepKind::Start, StepKind::Shutdown, StepKind::Last] {
        let mut steps = plan.section(kind).peekable();
        if steps.peek().is_some() {
            let _ = write!(text, "\n{}\n", kind.as_str());
        }
        steps.for_each(|step| line(&mut text, step));
    }
    if !plan.left_out.is_empty() {
        text.push_str("\nleft out\n");
    }
    for step in &plan.left_out {
        let _ =
            writeln!(text, "  {}: {}", one_line(&format!("{}::{}", step.module, step.name)), step.outcome);
    }
    if !plan.checks.is_empty() {
        text.push_str("\nhealth checks\n");
    }
    for check in &plan.checks {
        let _ = writeln!(text, "  {}: {}", one_line(&check.name), one_line(&check.how()));
    }
    let _ = write!(text, "\nthe shutdown takes at most {}: {}\n", never(plan.worst.total), chain(plan));
    text
}

fn line(text: &mut String, step: &PlanStep) {
    let _ = write!(text, "  {}: ", one_line(&step.title()));
    if step.order.is_some() {
        let _ = write!(text, "order {}, ", one_line(&step.rank()));
    }
    let _ = write!(text, "limit {}", never(step.limit));
    if !step.policy.is_plain() {
        let _ = write!(text, ", {}", step.policy);
    }
    if !step.after.is_empty() {
        let _ = write!(text, ", after {}", one_line(&step.waits_for()));
    }
    text.push('\n');
}

/// `drain 15s, then cut 500ms`.
pub(super) fn chain(plan: &Plan) -> String {
    let links = plan.worst.chain.iter().map(|link| one_line(&format!("{} {}", link.name, never(link.cost))));
    let links: Vec<String> = links.collect();
    if links.is_empty() { "nothing takes time".to_owned() } else { links.join(", then ") }
}

fn never(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), spell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_view::example;

    #[test]
    fn it_is_the_order_the_edges_and_the_limits() {
        let expected = "\
# How this service starts and stops. lifecycle::assert_plan! compares it;
# LIFECYCLE_BLESS=1 cargo test writes it.

grace 40s, lameduck 3s, drain 15s, cut 500ms, reserve 2s

start
  connect: order 0 default, limit 30s
  open_db: order 0 default, limit 10s
  warm_cache: order 0 default, limit 2s 500ms, after open_db
  migrate: order 1, limit 30s, after connect, warm_cache

shutdown
  deregister: order -1, limit 1s 500ms
  Requests: limit 15s 500ms, after deregister
  cancel_open_orders: order 0 default, limit 3s, after Requests
  disconnect: order 0 default, limit 1s, after cancel_open_orders
  flush: order 0 default, limit 4s, after Requests
  archive: order 2, limit 2s, after disconnect, flush
  close_db: order 2 via archive, limit 5s, after archive

last
  alert: limit 2s, after all ordered steps
  flush_telemetry: limit 1s, after the report

left out
  shop::orders::notify: off

the shutdown takes at most 31s: lameduck 3s, then deregister 1s 500ms, then drain 15s, then cut 500ms, then \
cancel_open_orders 3s, then disconnect 1s, then archive 2s, then close_db 5s
";
        assert_eq!(text(&example::small()), expected);
    }

    #[test]
    fn what_is_done_if_a_step_fails_is_in_its_line_and_each_check_has_one() {
        let careful = text(&example::careful());
        let lines = "
shutdown
  heartbeat (worker): order -1, limit 5s, restart never
  Requests: limit 15s 500ms, after heartbeat
  consume (worker): order 0 default, limit 5s, restart on_failure, retry 5, backoff 500ms, after Requests
  poll (worker): order 0 default, limit 5s, restart always, retry 1, backoff 2s, after Requests
  cancel_orders: order 0 default, limit 5s, retry 2, attempt 1s, backoff 100ms, fallback, when, compensate, after consume, \
poll
  plain: order 0 default, limit 5s, after consume, poll
";
        assert!(careful.contains(lines), "{careful}");
        let checks = "
health checks
  db: every 30s, within 5s; tried again 3 times, 5s apart
  leader: every 1m, within 1s 500ms; recovered once, after 5s, when it applies
  quick: every 5s, within 5s
  mail: off: no mail here
";
        let checked = text(&example::checked());
        assert!(checked.contains(checks), "{checked}");
        assert_eq!(checked.replace(checks, ""), text(&example::small()), "they change nothing else");
    }

    #[test]
    fn a_line_that_moves_changes_nothing() {
        let mut moved = example::small();
        for step in &mut moved.steps {
            (step.line, step.file) = (step.line + 7, "src/elsewhere.rs".into());
        }
        moved.left_out[0].line += 7;
        assert_eq!(text(&moved), text(&example::small()));
    }

    #[test]
    fn each_step_has_one_line_whatever_its_name() {
        let plan = example::hostile();
        let lines = text(&plan).lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(lines, plan.steps.len() + plan.left_out.len() + plan.checks.len());
    }
}
