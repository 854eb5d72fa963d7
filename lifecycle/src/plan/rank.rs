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
    let mut ranks: Vec<Rank> = (0..count)
        .map(|step| {
            let derived = |value, source| Rank { value, early: false, source };
            match (explicit[step], floor[step], ceiling[step]) {
                (Some((order, _)), ..) => derived(order, RankSource::Order),
                (None, Some((floor, by)), _) if floor > 0 => derived(floor, RankSource::After(by)),
                (None, _, Some((ceiling, by))) if ceiling < 0 => derived(ceiling, RankSource::Before(by)),
                _ => derived(0, RankSource::Default),
            }
        })
        .collect();
    early(&mut ranks, edges, order, |step| model.steps[step].is_group());
    ranks
}

/// A group that nothing places comes right after `Requests`, and with it what is there for its sake; unless it must
/// follow another step of rank 0.
fn early(ranks: &mut [Rank], edges: &[Edge], order: &super::cycle::Sorted, is_group: impl Fn(usize) -> bool) {
    for &step in order.steps.iter().rev() {
        let early = match ranks[step].source {
            RankSource::Default => is_group(step),
            RankSource::Before(other) => ranks[other].early,
            RankSource::Order | RankSource::After(_) => false,
        };
        ranks[step].early = early && ranks[step].value == 0;
    }
    for &step in &order.steps {
        if ranks[step].value == 0 && !ranks[step].early {
            order.outgoing[step].iter().for_each(|&edge| ranks[edges[edge].to].early = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cycle::Sorted;
    use super::super::resources::EdgeSource;
    use super::*;

    /// By step: whether it is early, of steps that are already sorted.
    fn early_of(steps: &[(RankSource, bool)], edges: &[(usize, usize)]) -> Vec<bool> {
        let rank = |source| Rank { value: 0, early: false, source };
        let mut ranks: Vec<Rank> = steps.iter().map(|step| rank(step.0)).collect();
        let edges: Vec<Edge> =
            edges.iter().map(|&(from, to)| Edge { from, to, source: EdgeSource::Takes("") }).collect();
        let outgoing =
            (0..steps.len()).map(|step| (0..edges.len()).filter(|&edge| edges[edge].from == step).collect());
        let order = Sorted { steps: (0..steps.len()).collect(), outgoing: outgoing.collect() };
        early(&mut ranks, &edges, &order, |step| steps[step].1);
        ranks.iter().map(|rank| rank.early).collect()
    }

    const GROUP: (RankSource, bool) = (RankSource::Default, true);
    const HOOK: (RankSource, bool) = (RankSource::Default, false);

    #[test]
    fn a_group_is_early_unless_it_follows_what_is_not() {
        assert_eq!(early_of(&[HOOK, GROUP, GROUP], &[(0, 1)]), [false, false, true]);
        assert_eq!(early_of(&[GROUP, GROUP, HOOK], &[(0, 1), (1, 2)]), [true, true, false]);
        assert_eq!(early_of(&[HOOK, GROUP, GROUP], &[(0, 1), (1, 2)]), [false; 3], "nor what follows that");
        assert_eq!(early_of(&[(RankSource::Order, true)], &[]), [false]);
    }

    #[test]
    fn what_only_precedes_a_group_is_as_early_as_that() {
        let before = |group| (RankSource::Before(group), false);
        assert_eq!(early_of(&[before(1), GROUP], &[(0, 1)]), [true, true]);
        assert_eq!(early_of(&[HOOK, before(2), GROUP], &[(0, 1), (1, 2)]), [false; 3]);
        assert_eq!(early_of(&[before(1), HOOK], &[(0, 1)]), [false, false]);
    }
}
