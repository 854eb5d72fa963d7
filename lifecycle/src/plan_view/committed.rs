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
    let _ = write!(text, "\nthe shutdown takes at most {}: {}\n", never(plan.worst.total), chain(plan));
    text
}

fn line(text: &mut String, step: &PlanStep) {
    let _ = write!(text, "  {}: ", one_line(&step.id));
    if step.order.is_some() {
        let _ = write!(text, "order {}, ", one_line(&step.rank()));
    }
    let _ = write!(text, "limit {}", never(step.limit));
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
