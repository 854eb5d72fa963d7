//! The rank of each step, written or derived from its edges.

use super::error::{Bound, PlanError};
use super::resources::Edge;
use super::{Model, Slot};

/// A step waits for every step of lower rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) value: i32,
    /// Of rank 0: right after `Requests`, before the others.
    pub(crate) early: bool,
    pub(crate) source: RankSource,
}

/// Why a step has its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RankSource {
    /// `order = N`.
    Order,
    /// Nothing says anything else.
    Default,
    /// It must follow this step, whose `order` it is.
    After(usize),
    /// It must come before this step, whose `order` it is.
    Before(usize),
}

impl Rank {
    /// What ranks compare by.
    pub(super) fn level(&self) -> (i32, bool) {
        (self.value, !self.early)
    }

    pub(super) fn renamed(self, original: &[usize]) -> Self {
        let source = match self.source {
            RankSource::After(step) => RankSource::After(original[step]),
            RankSource::Before(step) => RankSource::Before(original[step]),
            other => other,
        };
        Rank { source, ..self }
    }
}

/// An `order` that reaches a step along edges, and the step that has it.
type Reach = Option<(i32, usize)>;

/// `order` is a topological order of the steps along those edges that are in no cycle.
pub(super) fn derive(
    model: &Model<'_>,
    edges: &[Edge],
    order: &super::cycle::Sorted,
    errors: &mut Vec<PlanError>,
) -> Vec<Rank> {
    let count = model.steps.len();
    // Last steps have no rank.
    let ranked = |step: usize| matches!(model.slots[step], Slot::Start | Slot::Ordered);
    let explicit: Vec<Reach> = (0..count)
        .map(|step| model.steps[step].keys.order.filter(|_| ranked(step)).map(|order| (order, step)))
        .collect();
    // What the edges alone say: the highest `order` a step must follow, the lowest that must follow it. An `order` of its
    // own hides what lies behind it, since a contradiction there is reported there.
    let (mut floor, mut ceiling): (Vec<Reach>, Vec<Reach>) = (vec![None; count], vec![None; count]);
    for &step in &order.steps {
        for &edge in &order.outgoing[step] {
            let from = explicit[step].or(floor[step]);
            let to = &mut floor[edges[edge].to];
            *to = from.into_iter().chain(*to).max();
        }
    }
    for &step in order.steps.iter().rev() {
        for &edge in &order.outgoing[step] {
            let to = edges[edge].to;
            let to = explicit[to].or(ceiling[to]);
            ceiling[step] = to.into_iter().chain(ceiling[step]).min();
        }
    }
    for (from, outgoing) in order.outgoing.iter().enumerate() {
        for &edge in outgoing {
            let edge = &edges[edge];
            let (Some((order, _)), Some((bound, by))) = (explicit[edge.to], explicit[from].or(floor[from]))
            else {
                continue;
            };
            if bound > order {
                errors.push(PlanError::Contradiction {
                    step: model.who(edge.to),
                    order,
                    follows: model.who(from),
                    bound: Bound { order: bound, of: model.who(by) },
                    why: edge.source,
                });
            }
        }
    }
    (0..count)
        .map(|step| {
            let derived = |value, source| Rank { value, early: false, source };
            match (explicit[step], floor[step], ceiling[step]) {
                (Some((order, _)), ..) => derived(order, RankSource::Order),
                (None, Some((floor, by)), _) if floor > 0 => derived(floor, RankSource::After(by)),
                (None, _, Some((ceiling, by))) if ceiling < 0 => derived(ceiling, RankSource::Before(by)),
                _ => Rank { early: model.steps[step].is_group(), ..derived(0, RankSource::Default) },
            }
        })
        .collect()
}
