//! `after` and `before`: whom they lead to, and whom they cannot lead to.

use std::any::TypeId;

use super::error::{PlanError, Way, Who};
use super::resources::{Edge, EdgeSource};
use super::{Model, Slot, visits};
use crate::by_type::ByType;
use crate::edge::{At, Target};
use crate::group::Requests;

/// What the steps' own keys come to.
pub(super) struct Written {
    pub(super) edges: Vec<Edge>,
    /// By step.
    pub(super) own: Vec<Own>,
}

impl Written {
    /// Forgets whom a step comes after or before if that edge was taken out.
    pub(super) fn retain(&mut self, edges: &[Edge]) {
        for (step, own) in self.own.iter_mut().enumerate() {
            visits::add(1 + own.after.len() + own.before.len());
            let stays =
                |from, to| edges.binary_search_by_key(&(from, to), |edge| (edge.from, edge.to)).is_ok();
            own.after.retain(|&from| stays(from, step));
            own.before.retain(|&(to, _)| stays(step, to));
        }
    }
}

/// What one step's keys say of its place, its order apart.
#[derive(Clone, Default)]
pub(super) struct Own {
    /// The steps it comes after.
    pub(super) after: Vec<usize>,
    /// Where it says that it comes after [`Requests`].
    pub(super) after_requests: Option<At>,
    /// The steps it comes before, and where it says so.
    pub(super) before: Vec<(usize, At)>,
    /// As with `after_requests`.
    pub(super) before_requests: Option<At>,
}

impl Own {
    /// It says whom it comes after.
    pub(super) fn says_after(&self) -> bool {
        self.after_requests.is_some() || !self.after.is_empty()
    }

    /// It says whom it comes before, and nothing else.
    pub(super) fn only_before(&self) -> bool {
        !self.says_after() && (self.before_requests.is_some() || !self.before.is_empty())
    }
}

/// A step that is off keeps its edges: what is on both sides of it stays in order.
pub(super) fn trace(model: &Model<'_>, errors: &mut Vec<PlanError>) -> Written {
    let ids = model.steps.iter().enumerate().filter_map(|(index, step)| Some((step.id?, index)));
    let mut trace = Trace {
        model,
        by_id: ids.collect(),
        written: Written { edges: Vec::new(), own: vec![Own::default(); model.steps.len()] },
        errors,
    };
    for step in 0..model.steps.len() {
        trace.step(step);
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
        let own = &mut self.written.own[step];
        if target.id == TypeId::of::<Requests>() {
            if model.steps[step].phase == crate::Phase::Start {
                refuse(PlanError::OtherPhase { step: who(), way, target: Who::Requests, at: target.at });
                return;
            }
            match way {
                Way::After => own.after_requests = Some(target.at),
                Way::Before => own.before_requests = Some(target.at),
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
                own.after.push(other);
                self.written.edges.push(Edge { from: other, to: step, source: EdgeSource::After(target.at) });
            }
            (Way::Before, true) => {
                own.before.push((other, target.at));
                self.written.edges.push(Edge {
                    from: step,
                    to: other,
                    source: EdgeSource::Before(target.at),
                });
            }
            (Way::After, false) if model.slots[other] != Slot::Off => {
                refuse(PlanError::AfterLast { step: who(), last: model.who(other), at: target.at });
            }
            // Everything comes before a last step.
            (_, false) => {}
        }
    }
}
