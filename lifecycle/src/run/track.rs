//! A graph of steps being executed, and what is known of each node beside its state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::executor::{End, Execution, Record};
use super::hook_task::Facts;
use super::message::Address;
use super::shared::Shared;
use super::workers::Member;
use crate::context;
use crate::gate::Gate;
use crate::report::{Outcome, StepKind, StepReport};

/// What stands at a node.
pub(super) struct TrackedNode {
    /// Which of the drafts is its report's; `None` joins others.
    pub(super) draft: Option<usize>,
    /// For all who are told of it.
    pub(super) name: Arc<str>,
    /// The index among all steps; `Requests` is none of them.
    pub(super) step: Option<usize>,
    pub(super) kind: Kind,
}

/// What is known of a node beside its state, by what it does.
pub(super) enum Kind {
    /// Joins others.
    Join,
    Hook(Shared<Facts>),
    Worker(Shared<Member>),
    Group(&'static Gate),
}

impl TrackedNode {
    pub(super) fn is_requests(&self) -> bool {
        matches!(self.kind, Kind::Group(_)) && self.step.is_none()
    }

    /// An attempt was told to stop: what it gives is no more wanted.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(&self.kind, Kind::Hook(facts) if facts.borrow().stopping)
    }
}

/// See the module's words.
pub(super) struct Track {
    /// Which graph this is, in addresses.
    pub(super) graph: u32,
    pub(super) execution: Execution,
    pub(super) nodes: Vec<TrackedNode>,
    /// The steps' reports as far as they are known before they run. They become the shutdown's report where they are: they
    /// are large, and of a thousand steps a copy is half a megabyte of memory touched for the first time.
    pub(super) drafts: Vec<StepReport>,
    pub(super) began: Instant,
    /// How long the start, or the shutdown, had been on its way by then.
    pub(super) before: Duration,
}

impl Track {
    /// Whether an end from there still changes anything.
    pub(super) fn awaits(&self, at: Address) -> bool {
        at.graph == self.graph
            && self.execution.record(at.node).is_none()
            && match &self.nodes[at.node].kind {
                Kind::Hook(facts) => facts.borrow().turn == at.turn,
                Kind::Join | Kind::Group(_) | Kind::Worker(_) => true,
            }
    }

    /// How long a node ran, and how it ended, once it has.
    pub(super) fn end(&self, node: usize) -> Option<(Duration, &End)> {
        let Record { began, ended, end } = self.execution.record(node)?;
        let ran = began.map_or(Duration::ZERO, |began| ended.saturating_duration_since(began));
        Some((ran, end))
    }

    /// The draft of a node; `None` where it joins others.
    pub(super) fn draft(&self, node: usize) -> Option<&StepReport> {
        self.drafts.get(self.nodes[node].draft?)
    }

    /// The same with everything that is known by now.
    #[cfg(feature = "testing")]
    pub(super) fn report(&self, node: usize) -> Option<StepReport> {
        let mut report = self.draft(node)?.clone();
        self.complete(node, &mut report);
        Some(report)
    }

    fn complete(&self, node: usize, report: &mut StepReport) {
        let noted = match &self.nodes[node].kind {
            Kind::Hook(facts) => {
                let facts = facts.borrow();
                report.rescued = facts.rescued;
                report.attempts.clone_from(&facts.attempts);
                report.fallback = facts.fallback;
                facts.context.record()
            }
            Kind::Worker(member) => {
                let member = member.borrow();
                report.worker = Some(member.report());
                member.context().record()
            }
            Kind::Join | Kind::Group(_) => context::Record::default(),
        };
        (report.notes, report.items) = (noted.notes, noted.items);
        if let Some(Record { began, ended, .. }) = self.execution.record(node) {
            report.waited = began.unwrap_or(*ended).saturating_duration_since(self.began);
            report.began = self.before + report.waited;
        }
        if let Some((ran, end)) = self.end(node) {
            report.ran = ran;
            report.outcome = end.outcome;
            report.error.clone_from(&end.why);
        }
    }

    /// The reports of all nodes that are steps, in the order in which they came to their turn. Hands each to `see` with the
    /// step's index.
    pub(super) fn take_reports(
        &mut self,
        mut see: impl FnMut(Option<usize>, &StepReport),
    ) -> Vec<StepReport> {
        let mut reports = std::mem::take(&mut self.drafts);
        for (node, tracked) in self.nodes.iter().enumerate() {
            if let Some(report) = tracked.draft.and_then(|draft| reports.get_mut(draft)) {
                self.complete(node, report);
                see(tracked.step, report);
            }
        }
        reports.sort_by_key(|report| (report.outcome == Outcome::NotReached, report.waited));
        reports
    }
}

/// What a report says of a step before it has run.
pub(super) fn draft(name: &str, module: &str, kind: StepKind, place: (&str, u32)) -> StepReport {
    StepReport {
        name: name.to_owned(),
        module: module.to_owned(),
        kind,
        file: place.0.to_owned(),
        line: place.1,
        order: None,
        outcome: Outcome::NotReached,
        error: None,
        attempts: Vec::new(),
        fallback: false,
        began: Duration::ZERO,
        waited: Duration::ZERO,
        ran: Duration::ZERO,
        limit: None,
        rescued: false,
        notes: Vec::new(),
        items: Vec::new(),
        calls: None,
        worker: None,
    }
}
