//! From a graph of the plan to one that is executed: what each kind of node does, and what is known of it beforehand.

use std::sync::Arc;
use std::time::Instant;

use super::coordinator::Coordinator;
use super::drain::{DrainWork, Stage};
use super::executor::{AfterFailure, Execution, MaybeWork, Work};
use super::hook_task::{Excuse, HookTask, Hooks};
use super::message::Address;
use super::shared::Shared;
use super::track::{Kind, Track, TrackedNode, draft};
use super::workers::WorkerStop;
use crate::clock;
use crate::gate::{Gate, REQUESTS};
use crate::hook::{Begin, StepSpec, Task};
use crate::plan::{Graph, NodeKind, Place};
use crate::report::{Report, StepKind, StepReport};

impl Coordinator {
    /// Begins a graph, which is cut at `deadline`.
    pub(super) fn launch(
        &mut self,
        graph: &Graph,
        deadline: Option<Instant>,
        after_failure: AfterFailure,
        report: Option<&Arc<Report>>,
    ) -> Track {
        let made = self.make(graph, report);
        self.begin(made, deadline, after_failure)
    }

    /// Makes the shutdown's graph while there is time for it.
    pub(super) fn make_ready(&mut self) {
        // A test's is another one: without the steps that the test has run.
        if !clock::in_test() {
            let graph = self.order.plan.shutdown.clone();
            self.ready = Some(self.make(&graph, None));
        }
    }

    /// Begins it.
    pub(super) fn launch_shutdown(&mut self, deadline: Option<Instant>) -> Track {
        let made = self.ready.take().unwrap_or_else(|| {
            let graph = self.order.plan.shutdown.clone();
            self.make(&graph, None)
        });
        self.begin(made, deadline, AfterFailure::GoOn)
    }

    fn begin(&self, made: Made, deadline: Option<Instant>, after_failure: AfterFailure) -> Track {
        let Made { number, mut execution, nodes, drafts } = made;
        let began = clock::now();
        execution.begin(deadline, after_failure, began);
        let before = self.order.life.triggered().map(|trigger| began.saturating_duration_since(trigger.at));
        Track { graph: number, execution, nodes, drafts, began, before: before.unwrap_or_default() }
    }

    fn make(&mut self, graph: &Graph, report: Option<&Arc<Report>>) -> Made {
        self.graphs += 1;
        let number = self.graphs;
        let hooks = Arc::new(self.hooks(report));
        let mut nodes = Vec::with_capacity(graph.len());
        let mut drafts = Vec::with_capacity(self.reports.len() + graph.len());
        let execution = Execution::new(graph.nodes().enumerate().map(|(index, node)| {
            let at = Address { graph: number, node: index, turn: 0 };
            let (draft, step, kind, work) = match node.kind {
                // Quietly: it is planned all the same, so that others can wait for it.
                NodeKind::Step(step) if self.owes_nothing(&self.order.steps[step]) => joint(),
                NodeKind::Step(step) => {
                    let (kind, work) = match &self.order.steps[step].task {
                        Task::Hook(begin) => self.hook(step, begin, at, &hooks),
                        Task::Worker(_) => self.worker(step, at, &hooks),
                        Task::Group(gate) => self.group(step, gate, at),
                    };
                    (Some(self.placed_draft(step)), Some(step), kind, Some(work))
                }
                NodeKind::Requests => self.requests(at),
                NodeKind::Barrier => joint(),
            };
            let name = draft.as_ref().map_or("", |draft| &*draft.name).into();
            nodes.push(TrackedNode { draft: draft.as_ref().map(|_| drafts.len()), name, step, kind });
            drafts.extend(draft);
            (work, node.next.to_vec())
        }));
        Made { number, execution, nodes, drafts }
    }

    /// The trigger came before the graph's first step.
    pub(super) fn reach_none(&mut self, graph: &Graph) {
        for node in graph.nodes() {
            let NodeKind::Step(step) = node.kind else { continue };
            if self.owes_nothing(&self.order.steps[step]) {
                continue;
            }
            let report = self.placed_draft(step);
            self.excuse_takers_of(step, &report);
            self.reports.push(report);
        }
    }

    fn hook(&self, index: usize, begin: &Begin, at: Address, hooks: &Arc<Hooks>) -> (Kind, Box<dyn Work>) {
        let spec = &self.order.steps[index];
        let limit = self.order.plan.steps[index].limit;
        let (task, facts) =
            HookTask::new(spec.clone(), begin.clone(), at, limit, self.record_of(spec), hooks);
        (Kind::Hook(facts), Box::new(task))
    }

    /// What the hooks of a graph share.
    fn hooks(&self, report: Option<&Arc<Report>>) -> Hooks {
        Hooks {
            mailbox: self.mailbox.clone(),
            runtime: self.runtime(),
            rescue: Arc::clone(&self.rescue),
            crew: Arc::clone(&self.crew),
            resources: &self.order.life.resources,
            report: report.cloned(),
            narrator: self.order.narrator.clone(),
            id: Arc::clone(&self.id),
            excuse: self.excuse(),
        }
    }

    /// By what became of who should have provided.
    fn excuse(&self) -> Excuse {
        let fates = Shared::clone(&self.fates);
        let provider = self.order.plan.providers();
        Arc::new(move |missing| fates.borrow().excuse(provider.get(&missing.key).copied()))
    }

    /// A worker's stop.
    fn worker(&mut self, index: usize, at: Address, hooks: &Hooks) -> (Kind, Box<dyn Work>) {
        let limit = self.order.plan.steps[index].limit;
        let member = self.background.workers.member(&self.order.steps[index], limit);
        let work = WorkerStop {
            member: Shared::clone(&member),
            at,
            deadline: None,
            resources: &self.order.life.resources,
            excuse: Arc::clone(&hooks.excuse),
        };
        (Kind::Worker(member), Box::new(work))
    }

    /// The start has ended well: the workers begin, those with all their resources at once.
    pub(super) fn open_workers(&mut self) {
        let means = self.background.means(
            self.order.life,
            self.mailbox.clone(),
            self.runtime(),
            Arc::clone(&self.crew),
        );
        for (step, placed) in self.order.steps.iter().zip(&self.order.plan.steps) {
            if step.is_worker() && matches!(placed.place, Place::Ranked(_)) {
                self.background.workers.member(step, placed.limit);
            }
        }
        self.background.workers.open(means);
        self.background.workers.begin_ready(clock::now());
    }

    fn group(&self, index: usize, gate: &'static Gate, at: Address) -> (Kind, Box<dyn Work>) {
        (Kind::Group(gate), Box::new(self.drain_work(gate, Some(index), at)))
    }

    fn requests(&self, at: Address) -> Parts {
        let work = self.drain_work(&REQUESTS, None, at);
        let limit = work.within;
        let draft = StepReport { limit, ..draft("Requests", "lifecycle", StepKind::Group, ("", 0)) };
        (Some(draft), None, Kind::Group(&REQUESTS), Some(Box::new(work)))
    }

    /// A step's gate, or that of `Requests`.
    pub(super) fn drain_work(&self, gate: &'static Gate, step: Option<usize>, at: Address) -> DrainWork {
        let settings = &self.order.settings;
        DrainWork {
            life: self.order.life,
            gate,
            tally: self.tallies.borrow_mut().of(gate),
            service: step.is_none().then(|| Shared::clone(&self.seen)),
            mailbox: self.mailbox.clone(),
            at,
            within: match step {
                Some(step) => Some(self.order.plan.steps[step].limit),
                None => settings.drain.value.within(),
            },
            cut: settings.cut.value,
            deadline: None,
            stage: Stage::NotBegun,
        }
    }

    /// What is known of a step before it has run.
    fn placed_draft(&self, step: usize) -> StepReport {
        let placed = &self.order.plan.steps[step];
        let order = match &placed.place {
            // None of the numbers says when an early one has its turn.
            Place::Ranked(rank) => Some(rank.value).filter(|_| !rank.early),
            _ => None,
        };
        StepReport { order, limit: Some(placed.limit), ..step_draft(&self.order.steps[step]) }
    }
}

/// A graph whose works have not begun.
pub(super) struct Made {
    number: u32,
    execution: Execution,
    nodes: Vec<TrackedNode>,
    drafts: Vec<StepReport>,
}

/// The draft of a node's report, the index of its step, what it is, and what it does.
type Parts = (Option<StepReport>, Option<usize>, Kind, MaybeWork);

/// Does nothing but join others.
fn joint() -> Parts {
    (None, None, Kind::Join, None)
}

pub(super) fn step_draft(spec: &StepSpec) -> StepReport {
    draft(&spec.name, &spec.module, spec.kind(), (&spec.file, spec.line))
}
