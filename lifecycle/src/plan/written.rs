//! `after` and `before`: whom they lead to, and whom they cannot lead to.

use std::any::TypeId;
use std::hash::BuildHasherDefault;

use super::error::{PlanError, Way, Who};
use super::lists::Lists;
use super::rank::Holder;
use super::resources::{Edge, EdgeSource};
use super::{Model, Slot, visits};
use crate::by_type::ByType;
use crate::edge::{At, Target};
use crate::group::Requests;

/// What the steps' own keys come to, their orders apart.
pub(super) struct Written {
    /// Taken out by who puts all edges together.
    pub(super) edges: Vec<Edge>,
    /// By step, whom it says that it comes after, and where.
    after: Lists<Named>,
    /// The same of whom it comes before.
    before: Lists<Named>,
}

/// Whom a step names, and where.
pub(super) type Named = (Holder, At);

impl Written {
    /// Forgets whom a step comes after or before if that edge was taken out.
    pub(super) fn retain(&mut self, edges: &[Edge]) {
        let stays = |from, to| {
            visits::add(1);
            edges.binary_search_by_key(&(from, to), |edge| (edge.from, edge.to)).is_ok()
        };
        self.after.retain(|step, (of, _)| of.step().is_none_or(|from| stays(from, step)));
        self.before.retain(|step, (of, _)| of.step().is_none_or(|to| stays(step, to)));
    }

    pub(super) fn before(&self, step: usize) -> &[Named] {
        let before = self.before.of(step);
        visits::add(before.len());
        before
    }

    /// Where it says that it comes after [`Requests`].
    pub(super) fn after_requests(&self, step: usize) -> Option<At> {
        requests(self.after.of(step))
    }

    /// As with `after_requests`.
    pub(super) fn before_requests(&self, step: usize) -> Option<At> {
        requests(self.before.of(step))
    }

    /// It says whom it comes after.
    pub(super) fn says_after(&self, step: usize) -> bool {
        !self.after.of(step).is_empty()
    }

    /// It says whom it comes before.
    pub(super) fn says_before(&self, step: usize) -> bool {
        !self.before.of(step).is_empty()
    }

    /// It says nothing else.
    pub(super) fn only_before(&self, step: usize) -> bool {
        !self.says_after(step) && self.says_before(step)
    }
}

/// Of several places, the last.
fn requests(named: &[Named]) -> Option<At> {
    visits::add(named.len());
    named.iter().rev().find(|(of, _)| *of == Holder::Requests).map(|&(_, at)| at)
}

/// A step that is off keeps its edges: what is on both sides of it stays in order.
pub(super) fn trace(model: &Model<'_>, errors: &mut Vec<PlanError>) -> Written {
    let ids = model.steps.iter().enumerate().filter_map(|(index, step)| Some((step.id?, index)));
    // With room for all at once: what grows by and by touches more memory than it keeps.
    let (after, before) = model.steps.iter().fold((0, 0), |(after, before), step| {
        (after + step.edges.after.len(), before + step.edges.before.len())
    });
    let mut by_id = ByType::with_capacity_and_hasher(model.steps.len(), BuildHasherDefault::default());
    by_id.extend(ids);
    let mut trace = Trace {
        model,
        by_id,
        written: Written {
            edges: Vec::with_capacity(after + before),
            after: Lists::with_capacity(model.steps.len(), after),
            before: Lists::with_capacity(model.steps.len(), before),
        },
        errors,
    };
    for step in 0..model.steps.len() {
        trace.step(step);
        trace.written.after.end();
        trace.written.before.end();
    }
    trace.written
}

struct Trace<'a, 'b> {
    model: &'a Model<'b>,
    by_id: ByType<usize>,
    written: Written,
    errors: &'a mut Vec<PlanError>,
}

impl Trace<'_, '_> {
    fn step(&mut self, step: usize) {
        let model = self.model;
        let edges = &model.steps[step].edges;
        if !model.is_ranked(step) {
            if let Some(edge) = edges.after.iter().chain(&edges.before).next() {
                if model.is_on(step) {
                    self.errors.push(PlanError::LastWithEdges { step: model.who(step), at: edge.at });
                }
            }
            return;
        }
        for target in &edges.after {
            self.target(step, Way::After, target);
        }
        for target in &edges.before {
            self.target(step, Way::Before, target);
        }
    }

    fn target(&mut self, step: usize, way: Way, target: &Target) {
        visits::add(1);
        let model = self.model;
        let off = model.slots[step] == Slot::Off;
        let mut refuse = |error: PlanError| {
            // A step that is off may be wrong.
            if !off {
                self.errors.push(error);
            }
        };
        let who = || model.who(step);
        let written = &mut self.written;
        if target.id == TypeId::of::<Requests>() {
            if model.steps[step].phase == crate::Phase::Start {
                refuse(PlanError::OtherPhase { step: who(), way, target: Who::Requests, at: target.at });
                return;
            }
            match way {
                Way::After => written.after.push((Holder::Requests, target.at)),
                Way::Before => written.before.push((Holder::Requests, target.at)),
            }
            return;
        }
        let Some(&other) = self.by_id.get(&target.id) else {
            refuse(PlanError::NotLinked { step: who(), way, target: *target });
            return;
        };
        if model.steps[step].phase != model.steps[other].phase {
            refuse(PlanError::OtherPhase { step: who(), way, target: model.who(other), at: target.at });
            return;
        }
        match (way, model.is_ranked(other)) {
            (Way::After, true) => {
                written.after.push((Holder::Step(other), target.at));
                written.edges.push(Edge { from: other, to: step, source: EdgeSource::After(target.at) });
            }
            (Way::Before, true) => {
                written.before.push((Holder::Step(other), target.at));
                written.edges.push(Edge { from: step, to: other, source: EdgeSource::Before(target.at) });
            }
            (Way::After, false) if model.slots[other] != Slot::Off => {
                refuse(PlanError::AfterLast { step: who(), last: model.who(other), at: target.at });
            }
            // Everything comes before a last step.
            (_, false) => {}
        }
    }
}
