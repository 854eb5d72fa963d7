//! From graphs and indices to names and times.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{ChainLink, Follows, LeftOut, Phases, Plan, PlanCheck, PlanStep, StepPolicy, WorstCase};
use crate::health::{CheckSpec, Timing};
use crate::hook::StepSpec;
use crate::plan::{self as planner, Graph, Node, NodeKind, Place, RankSource};
use crate::report::{Outcome, StepKind};
use crate::run::exit_margin;
use crate::settings::Settings;

/// [`PlanStep::order_from`] of an `order` that somebody wrote.
pub(super) const WRITTEN: &str = "written";
const REQUESTS: &str = "Requests";
/// More names than these are told by their rank.
const FEW: usize = 3;

impl Plan {
    /// `steps` and `settings` are those that the plan was made from.
    pub(crate) fn new(
        plan: &planner::Plan,
        steps: &[StepSpec],
        checks: &[CheckSpec],
        settings: &Settings,
    ) -> Self {
        let view = View { plan, steps, settings, ids: ids(steps) };
        let grace = settings.grace.value.within();
        let reserve = settings.reserve.value;
        let available = grace.map(|grace| grace.saturating_sub(reserve));
        let chain = &plan.worst.chain;
        let worst = WorstCase {
            total: plan.worst.total.within(),
            available,
            chain: chain
                .iter()
                .map(|link| ChainLink { name: view.link(link), cost: link.cost.within() })
                .collect(),
        };
        let mut listed = view.section(&plan.start, &Window::from(Duration::ZERO));
        let mut shutdown = view.section(&plan.shutdown, &Window::from(settings.lameduck.value));
        for (step, node) in &mut shutdown {
            step.critical = chain.iter().any(|link| link.node == Some(*node));
        }
        listed.append(&mut shutdown);

        // Last steps begin when the ordered ones have ended or are cut off, and share what is left then.
        let begins = earlier(worst.total, available);
        let end = grace.map(|grace| grace.saturating_sub(exit_margin(reserve)));
        let half = begins.zip(end).map(|(begins, end)| begins + end.saturating_sub(begins) / 2);
        let reporting = Window { begins, until: half, follows: Some(Follows::Ordered) };
        let with_report = view.section(&plan.last_with_report, &reporting);
        let reported = with_report.iter().fold(begins, |end, (step, _)| later(end, step.ends));
        listed.extend(with_report);
        let last = Window { begins: reported, until: end, follows: Some(Follows::Report) };
        listed.extend(view.section(&plan.last, &last));

        Plan {
            grace,
            phases: Phases {
                lameduck: settings.lameduck.value,
                drain: settings.drain.value.within(),
                cut: settings.cut.value,
                reserve,
            },
            worst,
            signals: settings.signals.value.clone(),
            exit: settings.exit.value,
            steps: listed.into_iter().map(|(step, _)| step).collect(),
            left_out: view.left_out(),
            checks: checks.iter().map(PlanCheck::new).collect(),
            warnings: plan.warnings.clone(),
        }
    }
}

impl PlanCheck {
    fn new(check: &CheckSpec) -> Self {
        let Timing { interval, timeout, retry, delay } = check.keys.timing();
        PlanCheck {
            name: check.name.clone(),
            module: check.module.clone(),
            file: check.file.clone(),
            line: check.line,
            interval,
            timeout,
            retry,
            delay,
            recovers: check.recovers(),
            conditional: check.is_conditional(),
            off: check.off.clone(),
        }
    }
}

/// When the steps of a graph may run.
struct Window {
    begins: Option<Duration>,
    /// What still runs then is cut off.
    until: Option<Duration>,
    /// What those wait for that wait for no step.
    follows: Option<Follows>,
}

impl Window {
    fn from(begins: Duration) -> Self {
        Window { begins: Some(begins), until: None, follows: None }
    }
}

struct View<'a> {
    plan: &'a planner::Plan,
    steps: &'a [StepSpec],
    settings: &'a Settings,
    ids: Vec<String>,
}

/// A graph with what is asked of it again and again.
struct Section<'a> {
    graph: &'a Graph,
    /// By rank, how many steps have it.
    ranks: HashMap<i32, usize>,
    ends: Vec<Option<Duration>>,
    /// By node without a name, what waiting for it means.
    through: HashMap<usize, Vec<Follows>>,
}

impl View<'_> {
    /// The steps in order, each with its node.
    fn section(&self, graph: &Graph, window: &Window) -> Vec<(PlanStep, usize)> {
        let mut section = Section {
            graph,
            ranks: HashMap::new(),
            ends: vec![window.begins; graph.len()],
            through: HashMap::new(),
        };
        for rank in graph.nodes().filter_map(|node| self.rank(node.kind)) {
            *section.ranks.entry(rank).or_insert(0) += 1;
        }
        let mut listed = Vec::with_capacity(graph.len());
        for (node, Node { kind, after, .. }) in graph.nodes().enumerate() {
            let before = after.iter();
            let begins = before.fold(window.begins, |begins, &before| later(begins, section.ends[before]));
            let limit = self.limit(kind);
            section.ends[node] = begins.zip(limit).map(|(begins, limit)| begins.saturating_add(limit));
            let follows = self.after(&section, node);
            let Some(mut step) = self.step(kind) else {
                section.through.insert(node, follows);
                continue;
            };
            step.after = follows;
            if step.after.is_empty() {
                step.after.extend(window.follows.clone());
            }
            step.begins = earlier(begins, window.until);
            step.ends = earlier(section.ends[node], window.until);
            listed.push((step, node));
        }
        listed
    }

    fn limit(&self, kind: NodeKind) -> Option<Duration> {
        match kind {
            NodeKind::Step(step) => {
                let limit = self.plan.steps[step].limit;
                let cut = if self.steps[step].is_group() { self.settings.cut.value } else { Duration::ZERO };
                Some(limit.saturating_add(cut))
            }
            NodeKind::Requests => {
                self.settings.drain.value.within().map(|drain| drain.saturating_add(self.settings.cut.value))
            }
            NodeKind::Barrier => Some(Duration::ZERO),
        }
    }

    /// What has a name, but for what it waits for and when.
    fn step(&self, kind: NodeKind) -> Option<PlanStep> {
        let named = |id: &str, name: &str, module: &str, kind: StepKind| PlanStep {
            id: id.to_owned(),
            name: name.to_owned(),
            module: module.to_owned(),
            kind,
            file: String::new(),
            line: 0,
            order: None,
            order_from: String::new(),
            order_at: None,
            after: Vec::new(),
            limit: None,
            begins: None,
            ends: None,
            critical: false,
            policy: StepPolicy::default(),
        };
        let step = match kind {
            NodeKind::Barrier => return None,
            NodeKind::Requests => PlanStep {
                order_from: "between -1 and 0".to_owned(),
                ..named(REQUESTS, REQUESTS, "lifecycle", StepKind::Group)
            },
            NodeKind::Step(index) => {
                let spec = &self.steps[index];
                let (order, order_from, order_at) = self.order(index);
                PlanStep {
                    file: spec.file.to_string(),
                    line: spec.line,
                    order,
                    order_from,
                    order_at,
                    policy: StepPolicy::of(spec),
                    ..named(&self.ids[index], &spec.name, &spec.module, spec.kind())
                }
            }
        };
        Some(PlanStep { limit: self.limit(kind), ..step })
    }

    fn order(&self, step: usize) -> (Option<i32>, String, Option<String>) {
        let Place::Ranked(rank) = &self.plan.steps[step].place else {
            return (None, "last".to_owned(), None);
        };
        let from = match rank.source {
            RankSource::Order => WRITTEN.to_owned(),
            RankSource::Default => "default".to_owned(),
            RankSource::After(by) | RankSource::Before(by) => format!("via {}", self.ids[by]),
            RankSource::Requests => format!("via {REQUESTS}"),
        };
        (Some(rank.value), from, rank.at.map(|at| at.to_string()))
    }

    /// What is told as "all of order N": an early group is not among those of order 0.
    fn rank(&self, kind: NodeKind) -> Option<i32> {
        match kind {
            NodeKind::Step(step) => match &self.plan.steps[step].place {
                Place::Ranked(rank) if !rank.early => Some(rank.value),
                _ => None,
            },
            NodeKind::Requests | NodeKind::Barrier => None,
        }
    }

    fn id(&self, kind: NodeKind) -> Option<&str> {
        match kind {
            NodeKind::Step(step) => Some(&self.ids[step]),
            NodeKind::Requests => Some(REQUESTS),
            NodeKind::Barrier => None,
        }
    }

    /// What a node waits for: without what is implied, and a whole rank of many told as one.
    fn after(&self, section: &Section<'_>, node: usize) -> Vec<Follows> {
        let graph = section.graph;
        let mut before = graph.node(node).after.to_vec();
        if before.len() > 1 {
            let all: HashSet<usize> = before.iter().copied().collect();
            let in_turn = before.iter().flat_map(|&it| graph.node(it).after);
            let implied: HashSet<usize> = in_turn.filter(|it| all.contains(it)).copied().collect();
            before.retain(|it| !implied.contains(it));
        }
        before.sort_unstable();
        let mut follows = Vec::new();
        for same in before.chunk_by(|&a, &b| self.rank(graph.node(a).kind) == self.rank(graph.node(b).kind)) {
            match self.rank(graph.node(same[0]).kind) {
                Some(order) if same.len() > FEW && section.ranks[&order] == same.len() => {
                    follows.push(Follows::Order { order, steps: same.len() });
                }
                _ => follows.extend(same.iter().flat_map(|&it| match self.id(graph.node(it).kind) {
                    Some(id) => vec![Follows::Step(id.to_owned())],
                    None => section.through[&it].clone(),
                })),
            }
        }
        follows
    }

    fn link(&self, link: &planner::Link) -> String {
        let kind = link.node.map(|node| self.plan.shutdown.node(node).kind);
        match kind {
            Some(NodeKind::Step(step)) => self.ids[step].clone(),
            _ => link.name.clone(),
        }
    }

    fn left_out(&self) -> Vec<LeftOut> {
        let mut left_out: Vec<LeftOut> = self
            .steps
            .iter()
            .zip(&self.plan.steps)
            .filter_map(|(spec, placed)| {
                let (outcome, why) = match &placed.place {
                    Place::Off(why) => (Outcome::Off, why),
                    Place::Skipped(why) => (Outcome::Skipped, why),
                    Place::Ranked(_) | Place::LastWithReport | Place::Last => return None,
                };
                Some(LeftOut {
                    name: spec.name.to_string(),
                    module: spec.module.to_string(),
                    kind: spec.kind(),
                    file: spec.file.to_string(),
                    line: spec.line,
                    outcome,
                    why: why.clone(),
                })
            })
            .collect();
        let phase = |kind: StepKind| kind.section() != StepKind::Start;
        left_out.sort_by(|a, b| {
            (phase(a.kind), &a.module, &a.name, &a.file, a.line).cmp(&(
                phase(b.kind),
                &b.module,
                &b.name,
                &b.file,
                b.line,
            ))
        });
        left_out
    }
}

/// By step, what tells it from all others: modules and names together are single in a plan.
fn ids(steps: &[StepSpec]) -> Vec<String> {
    let mut namesakes = HashMap::from([(REQUESTS, 1)]);
    for step in steps {
        *namesakes.entry(&*step.name).or_insert(0) += 1;
    }
    let id = |step: &StepSpec| match namesakes[&*step.name] {
        1 => step.name.to_string(),
        _ => format!("{}::{}", step.module, step.name),
    };
    steps.iter().map(id).collect()
}

/// `None` is never.
fn later(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// `None` is never.
fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
