//! Orders and resources compiled to graphs, or every error at once.
//!
//! Pure: no I/O, no clock, and the same plan whatever the order in which the steps come. Everything works on *canonical*
//! indices, the steps sorted by phase, module and name; only the finished plan speaks of the caller's indices.

mod attempts;
mod budget;
mod cycle;
mod error;
mod graph;
mod lists;
mod rank;
mod resources;
#[cfg(test)]
mod tests;
mod visits;
mod written;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use budget::{Link, Worst};
pub(crate) use error::{PlanError, PlanErrors};
pub(crate) use graph::{Graph, Node, NodeKind};
pub(crate) use rank::{Rank, RankSource};

use crate::by_type::ByType;
use crate::hook::{Gift, Phase, Signature, StepSpec};
use crate::settings::{Settings, TOO_LONG};
use error::Who;
use resources::Flow;

/// What `timeout` is when nobody says.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for shutdown steps.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for groups.
pub(crate) const GROUP_TIMEOUT: Duration = Duration::from_secs(15);

/// What a plan is made from.
pub(crate) struct Input<'a> {
    /// Every step, those that are off included.
    pub(crate) steps: &'a [StepSpec],
    /// The resources that are there before the first step: setup's, the builder's.
    pub(crate) given: &'a [Gift],
    /// What the service's own function takes.
    pub(crate) main: &'a Signature,
    pub(crate) settings: &'a Settings,
}

/// What will happen, and when. Step indices are those of [`Input::steps`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) start: Graph,
    pub(crate) shutdown: Graph,
    /// The `last` steps that take `&Report`: they come before it is printed.
    pub(crate) last_with_report: Graph,
    /// The other `last` steps: they come after that.
    pub(crate) last: Graph,
    /// Where each step stands.
    pub(crate) steps: Vec<Placed>,
    /// The longest the shutdown can take.
    pub(crate) worst: Worst,
    pub(crate) warnings: Vec<String>,
    providers: Arc<ByType<usize>>,
}

impl Plan {
    /// The start step that provides what is taken under a key (a [`Missing`](crate::hook::Missing)'s), whether or not
    /// it is off or skipped.
    pub(crate) fn providers(&self) -> Arc<ByType<usize>> {
        Arc::clone(&self.providers)
    }
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) place: Place,
    /// How long it may take.
    pub(crate) limit: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// In [`Plan::start`] or [`Plan::shutdown`].
    Ranked(Rank),
    /// In [`Plan::last_with_report`].
    LastWithReport,
    /// In [`Plan::last`].
    Last,
    /// In no graph, and why: it was switched off.
    Off(String),
    /// In no graph, and why: a start step whose provider is off.
    Skipped(String),
}

/// When a step runs, or whether it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Start,
    Ordered,
    LastWithReport,
    Last,
    Off,
}

/// The steps, sorted, each in its slot.
struct Model<'a> {
    steps: Vec<&'a StepSpec>,
    /// The caller's index of each.
    original: Vec<usize>,
    slots: Vec<Slot>,
    given: &'a [Gift],
    main: &'a Signature,
}

impl<'a> Model<'a> {
    fn new(input: &Input<'a>, errors: &mut Vec<PlanError>) -> Self {
        let key = |step: &'a StepSpec| {
            (step.phase == Phase::Shutdown, &*step.module, &*step.name, &*step.file, step.line)
        };
        let mut original: Vec<usize> = (0..input.steps.len()).collect();
        original.sort_by_key(|&index| key(&input.steps[index]));
        let steps: Vec<&StepSpec> = original.iter().map(|&index| &input.steps[index]).collect();
        let slots = steps.iter().map(|step| slot(step, errors)).collect();
        let model = Model { steps, original, slots, given: input.given, main: input.main };
        model.namesakes(errors);
        model
    }

    /// Two steps of one name could not be told apart, in a report or in settings.
    fn namesakes(&self, errors: &mut Vec<PlanError>) {
        let name = |index: usize| (&*self.steps[index].module, &*self.steps[index].name);
        // A compensation's namesake is known by its step's.
        let own = |&index: &usize| self.steps[index].extra.compensates.is_none();
        let mut by_name: Vec<usize> = self.in_use().filter(own).collect();
        by_name.sort_by_key(|&index| name(index));
        let several = by_name.chunk_by(|&a, &b| name(a) == name(b)).filter(|same| same.len() > 1);
        errors.extend(several.map(|same| PlanError::Namesakes {
            module: self.steps[same[0]].module.to_string(),
            groups: same.iter().any(|&index| self.steps[index].is_group()),
            steps: same.iter().map(|&index| self.who(index)).collect(),
        }));
    }

    /// The steps that are not off.
    fn in_use(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.steps.len()).filter(|&index| self.is_on(index))
    }

    fn is_on(&self, index: usize) -> bool {
        self.slots[index] != Slot::Off
    }

    /// Whether it has a rank: `last` steps have none.
    fn is_ranked(&self, index: usize) -> bool {
        match self.slots[index] {
            Slot::Start | Slot::Ordered => true,
            Slot::LastWithReport | Slot::Last => false,
            Slot::Off => !self.steps[index].keys.last || self.steps[index].is_group(),
        }
    }

    fn who(&self, index: usize) -> Who {
        Who::step(self.steps[index])
    }

    fn limit(&self, index: usize) -> Duration {
        let step = self.steps[index];
        step.keys.timeout.unwrap_or(match step.phase {
            Phase::Start => START_TIMEOUT,
            Phase::Shutdown if step.is_group() => GROUP_TIMEOUT,
            Phase::Shutdown => SHUTDOWN_TIMEOUT,
        })
    }

    /// The longest it can take: when a group's time is up, its calls are still told and then cut.
    fn cost(&self, index: usize, settings: &Settings) -> Duration {
        let cut = if self.steps[index].is_group() { settings.cut.value } else { Duration::ZERO };
        self.limit(index).saturating_add(cut)
    }
}

fn slot(step: &StepSpec, errors: &mut Vec<PlanError>) -> Slot {
    if step.off.is_some() {
        return Slot::Off;
    }
    let who = || Who::step(step);
    let own = step.keys.timeout.filter(|_| step.extra.compensates.is_none());
    if let Some(timeout) = own.filter(|timeout| timeout.is_zero() || *timeout > TOO_LONG) {
        errors.push(PlanError::Timeout { step: who(), timeout });
    }
    if step.keys.last && step.is_group() {
        errors.push(PlanError::LastGroup { step: who() });
        return Slot::Ordered;
    }
    if step.keys.last && step.is_worker() {
        errors.push(PlanError::LastWorker { step: who() });
        return Slot::Ordered;
    }
    if let (Some(order), true) = (step.keys.order, step.keys.last) {
        errors.push(PlanError::LastWithOrder { step: who(), order });
    }
    match (step.phase, step.keys.last, step.takes_report()) {
        (Phase::Start, true, _) => errors.push(PlanError::LastStart { step: who() }),
        (Phase::Start, ..) | (_, false, true) => {}
        (Phase::Shutdown, true, true) => return Slot::LastWithReport,
        (Phase::Shutdown, true, false) => return Slot::Last,
        (Phase::Shutdown, false, false) => return Slot::Ordered,
    }
    if step.takes_report() {
        errors.push(PlanError::NoReportYet { step: who() });
    }
    if step.phase == Phase::Start { Slot::Start } else { Slot::Ordered }
}

/// Makes the plan, or says everything that keeps it from being made.
pub(crate) fn plan(input: &Input<'_>) -> Result<Plan, PlanErrors> {
    let mut errors = Vec::new();
    let model = Model::new(input, &mut errors);
    attempts::check(&model, &mut errors);
    let flow = resources::trace(&model, &mut errors);
    let mut written = written::trace(&model, &mut errors);
    let mut edges = std::mem::take(&mut written.edges);
    edges.extend_from_slice(&flow.edges);
    edges.sort_unstable();
    // One between any two steps.
    edges.dedup_by_key(|edge| (edge.from, edge.to));
    let all = edges.len();
    let order = cycle::sort(&model, &mut edges, &mut errors);
    if edges.len() < all {
        written.retain(&edges);
    }
    let ranks = rank::derive(&model, &written, &edges, &order, &mut errors);
    if !errors.is_empty() {
        // A step may have the same wrong argument twice.
        errors.dedup();
        return Err(PlanErrors(errors));
    }
    let graph = |slot: Slot| {
        let runs = |step: &usize| model.slots[*step] == slot && flow.skipped[*step].is_none();
        let steps: Vec<usize> = (0..model.steps.len()).filter(runs).collect();
        let silent: Vec<usize> = match slot {
            Slot::Start | Slot::Ordered => {
                let phase = if slot == Slot::Start { Phase::Start } else { Phase::Shutdown };
                let silent = |step: &usize| !model.is_on(*step) || flow.skipped[*step].is_some();
                let here = |step: &usize| model.steps[*step].phase == phase && model.is_ranked(*step);
                (0..model.steps.len()).filter(silent).filter(here).collect()
            }
            _ => Vec::new(),
        };
        Graph::build(&steps, &silent, &ranks, &edges, slot == Slot::Ordered)
    };
    let [mut start, mut shutdown, mut last_with_report, mut last] =
        [Slot::Start, Slot::Ordered, Slot::LastWithReport, Slot::Last].map(graph);
    let worst = budget::worst(&shutdown, &model, input.settings);
    let mut warnings = Vec::new();
    if let Some(over) = budget::over(&worst, &shutdown, &model, input.settings) {
        match input.settings.budget.value {
            crate::Budget::Deny => return Err(PlanErrors(vec![PlanError::Budget(over)])),
            crate::Budget::Warn => warnings.push(over),
        }
    }
    for graph in [&mut start, &mut shutdown, &mut last_with_report, &mut last] {
        graph.rename(&model.original);
    }
    let steps = places(&model, &flow, &ranks);
    let providers = flow.providers.into_iter().map(|(key, step)| (key, model.original[step])).collect();
    let providers = Arc::new(providers);
    Ok(Plan { start, shutdown, last_with_report, last, steps, worst, warnings, providers })
}

/// By the caller's indices.
fn places(model: &Model<'_>, flow: &Flow, ranks: &[Rank]) -> Vec<Placed> {
    let mut canonical = vec![0; model.steps.len()];
    for (index, &original) in model.original.iter().enumerate() {
        canonical[original] = index;
    }
    let placed = |index: usize| {
        let place = match (&flow.skipped[index], model.slots[index]) {
            (Some(why), _) => Place::Skipped(why.clone()),
            (None, Slot::Off) => Place::Off(model.steps[index].off.clone().unwrap_or_default()),
            (None, Slot::LastWithReport) => Place::LastWithReport,
            (None, Slot::Last) => Place::Last,
            (None, Slot::Start | Slot::Ordered) => Place::Ranked(ranks[index].renamed(&model.original)),
        };
        Placed { place, limit: model.limit(index) }
    };
    canonical.into_iter().map(placed).collect()
}
