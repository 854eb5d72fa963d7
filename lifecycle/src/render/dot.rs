//! The plan as a graph in Graphviz' language.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::clean;
use crate::plan_view::{Follows, Plan, PlanStep};
use crate::report::StepKind;
use crate::settings::duration::spell;

/// What is on the longest way.
const BOLD: &str = ", penwidth=2.5, color=\"#b3261e\"";

pub(crate) fn plan(plan: &Plan) -> String {
    let nodes = plan.steps.iter().enumerate().map(|(index, step)| (step.id.as_str(), index)).collect();
    let mut dot = Dot { text: String::with_capacity(256 + 256 * plan.steps.len()), plan, nodes };
    dot.line("digraph lifecycle {");
    dot.line("  rankdir=LR; compound=true; fontname=\"sans-serif\"; nodesep=0.15; ranksep=0.5;");
    dot.line("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f2f5f9\", color=\"#5b6b82\", fontname=\"sans-serif\", fontsize=11];");
    dot.line("  edge [color=\"#5b6b82\", arrowsize=0.7];");
    dot.line(&format!(
        "  label={}; labelloc=t;",
        quoted(&format!("The shutdown {}", super::plan_text::verdict(plan)))
    ));
    for kind in [StepKind::Start, StepKind::Shutdown, StepKind::Last] {
        dot.section(kind);
    }
    dot.line("}");
    dot.text
}

struct Dot<'a> {
    text: String,
    plan: &'a Plan,
    /// By id, the place in the plan.
    nodes: HashMap<&'a str, usize>,
}

impl Dot<'_> {
    /// Of a node: ids may hold anything.
    fn name(&self, id: &str) -> String {
        format!("n{}", self.nodes.get(id).copied().unwrap_or_default())
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, kind: StepKind) {
        let plan = self.plan;
        let steps: Vec<&PlanStep> = plan.section(kind).collect();
        if steps.is_empty() {
            return;
        }
        // Writing to a String does not fail; so below.
        let _ = writeln!(self.text, "  subgraph cluster_{kind} {{", kind = kind.as_str());
        let _ = writeln!(self.text, "    label={}; color=\"#c3ccd9\";", quoted(kind.as_str()));
        steps.iter().for_each(|step| self.node(step));
        let mut ranks: Vec<i32> = steps.iter().flat_map(|step| &step.after).filter_map(rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        for &rank in &ranks {
            let label = quoted(&format!("all of order {rank}"));
            let _ = writeln!(
                self.text,
                "    {} [shape=plaintext, style=solid, label={label}];",
                point(kind, rank)
            );
        }
        self.line("  }");
        for rank in ranks {
            for step in steps.iter().filter(|step| step.order == Some(rank)) {
                let (from, to) = (self.name(&step.id), point(kind, rank));
                let bold = if step.critical { BOLD } else { "" };
                let _ = writeln!(self.text, "  {from} -> {to} [arrowhead=none{bold}];");
            }
        }
        for step in &steps {
            for follows in &step.after {
                let from = match follows {
                    Follows::Step(id) => self.name(id),
                    Follows::Order { order, .. } => point(kind, *order),
                    // Said by where its cluster stands.
                    Follows::Ordered | Follows::Report => continue,
                };
                let bold = if step.critical && self.is_critical(follows) { BOLD } else { "" };
                let _ = writeln!(self.text, "  {from} -> {} [arrowhead=normal{bold}];", self.name(&step.id));
            }
        }
    }

    fn is_critical(&self, follows: &Follows) -> bool {
        match follows {
            Follows::Step(id) => {
                self.nodes.get(id.as_str()).is_some_and(|&node| self.plan.steps[node].critical)
            }
            // The point stands for the slowest of them.
            Follows::Order { .. } => true,
            Follows::Ordered | Follows::Report => false,
        }
    }

    fn node(&mut self, step: &PlanStep) {
        let limit = step
            .limit
            .map_or_else(|| "never ends by itself".to_owned(), |limit| format!("≤ {}", spell(limit)));
        let mut label = format!("{}\n{}\n{limit}", clean(&step.title()), clean(&step.rank()));
        if !step.policy.is_plain() {
            label.push_str(&format!("\n{}", step.policy));
        }
        if step.critical {
            label.push_str("\nlongest way");
        }
        let bold = if step.critical { BOLD } else { "" };
        let shape = match step.kind {
            StepKind::Group => ", shape=hexagon",
            StepKind::Worker => ", shape=component",
            _ => "",
        };
        let tip = step.place().unwrap_or_default();
        let _ = writeln!(
            self.text,
            "    {} [label={}, tooltip={}{bold}{shape}];",
            self.name(&step.id),
            quoted(&label),
            quoted(&tip)
        );
    }
}

fn rank(follows: &Follows) -> Option<i32> {
    match follows {
        Follows::Order { order, .. } => Some(*order),
        _ => None,
    }
}

/// Where many of a rank meet, so that n before m do not need n × m edges.
fn point(kind: StepKind, order: i32) -> String {
    quoted(&format!("{} {order}", kind.as_str()))
}

/// A string of Graphviz': a backslash is kept, a line break is one.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use crate::plan_view::example;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// What Graphviz makes of it, in its plain form; `None` where it is not installed.
    fn plain(dot: &str) -> Option<String> {
        let mut child = match Command::new("dot")
            .args(["-Tplain"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("Graphviz is not installed: not tested");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        child.stdin.take().unwrap().write_all(dot.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        // It complains of what it does not understand, and goes on.
        assert!(output.status.success() && !stderr.contains("syntax"), "{stderr}\n{dot}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn graphviz_takes_it_with_every_node_and_edge() {
        for (name, plan) in example::all() {
            let dot = plan.to_dot();
            let Some(plain) = plain(&dot) else { return };
            let count = |word: &str| plain.lines().filter(|line| line.starts_with(word)).count();
            let points = dot.matches("[shape=plaintext").count();
            assert_eq!(count("node "), plan.steps.len() + points, "{name}: {plain}");
            assert_eq!(count("edge "), dot.matches(" -> ").count(), "{name}: {plain}");
        }
    }

    #[test]
    fn what_is_waited_for_is_an_edge() {
        let plan = example::small();
        let dot = plan.to_dot();
        let node = |id: &str| format!("n{}", plan.steps.iter().position(|step| step.id == id).unwrap());
        let edge = |from: &str, to: &str| dot.contains(&format!("  {} -> {}", node(from), node(to)));
        assert!(edge("open_db", "warm_cache") && edge("archive", "close_db") && edge("flush", "archive"));
        assert!(!edge("flush", "close_db") && !edge("Requests", "archive"));
        let critical = dot.lines().filter(|line| line.contains(" -> ") && line.contains("penwidth")).count();
        assert_eq!(critical, plan.steps.iter().filter(|step| step.critical).count() - 1);
    }
}
