//! The rank of each step, written or derived from its edges.
//!
//! A step's own keys say where it stands: its order, else the highest of what it names in `after`, else the lowest of what
//! it names in `before`, else 0. What others say of it, and what it takes, can only move it to where it follows them; a
//! step that says nothing of itself also goes down to where it precedes those who take away what it uses.

use super::Model;
use super::cycle::{Network, Sorted};
use super::error::{Bound, BoundBy, PlanError, Who};
use super::resources::{Edge, EdgeSource};
use super::written::Written;
use crate::edge::At;

/// A step waits for every step of lower rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) value: i32,
    /// Of rank 0: right after `Requests`, before the others.
    pub(crate) early: bool,
    pub(crate) source: RankSource,
    /// Where the edge is written that it comes from.
    pub(crate) at: Option<At>,
}

/// Why a step has its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RankSource {
    /// `order = N`.
    Order,
    /// Nothing says anything else.
    Default,
    /// It must follow this step, whose rank it is.
    After(usize),
    /// It must come before this step, whose rank it is.
    Before(usize),
    /// It names `Requests`: 0 after them, -1 before them.
    Requests,
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

/// Whose a rank is that reaches a step along edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    Requests,
    Step(usize),
}

impl Holder {
    pub(super) fn step(self) -> Option<usize> {
        match self {
            Holder::Requests => None,
            Holder::Step(step) => Some(step),
        }
    }
}

/// Twice a rank, so that there is a place between two: right before rank 0 for what is early.
type Level = i64;
/// With the place of the edge by which it is reached.
type Reach = (Level, Holder, Option<At>);

const EARLY: Level = -1;
const AFTER_REQUESTS: Level = 0;
const BEFORE_REQUESTS: Level = -2;

const fn level(order: i32) -> Level {
    order as Level * 2
}

/// The rank as it is written; an early one counts as 0.
fn written(level: Level) -> i32 {
    i32::try_from((level + 1).div_euclid(2)).unwrap_or(i32::MAX)
}

/// Where a step stands, and why.
#[derive(Clone, Copy)]
struct Stand {
    level: Level,
    source: RankSource,
    at: Option<At>,
}

impl Stand {
    fn new(level: Level, source: RankSource) -> Self {
        Stand { level, source, at: None }
    }
}

impl From<Stand> for Rank {
    fn from(Stand { level, source, at }: Stand) -> Self {
        Rank { value: written(level), early: level == EARLY, source, at }
    }
}

struct Derive<'a> {
    network: Network<'a>,
    order: &'a Sorted,
    written: &'a Written,
    /// The orders as written.
    orders: Vec<Option<Level>>,
    /// Where a step stands that nothing moves: a group or a worker comes early.
    unmoved: Vec<Level>,
    /// Those that nothing moves: not of a step that is off, which only stands between others.
    fixed: Vec<bool>,
    /// The lowest order that must follow a step by what is taken or by `before`, and whose it is; none if there is no such
    /// edge at all.
    ceilings: Vec<Option<Reach>>,
}

/// `edges` are sorted and in no cycle, and `order` is a topological order of the steps along them.
pub(super) fn derive(
    model: &Model<'_>,
    written: &Written,
    edges: &[Edge],
    order: &Sorted,
    errors: &mut Vec<PlanError>,
) -> Vec<Rank> {
    let count = model.steps.len();
    let orders: Vec<Option<Level>> = (0..count)
        .map(|step| model.steps[step].keys.order.filter(|_| model.is_ranked(step)).map(level))
        .collect();
    let unmoved =
        model.steps.iter().map(|step| if step.is_early() { EARLY } else { AFTER_REQUESTS }).collect();
    let fixed = (0..count).map(|step| orders[step].is_some() && model.is_on(step)).collect();
    let mut derive = Derive {
        network: Network::new(count, edges),
        order,
        written,
        orders,
        unmoved,
        fixed,
        ceilings: Vec::new(),
    };
    let says_before = (0..count).any(|step| written.says_before(step));
    if says_before || edges.iter().any(is_bound) {
        derive.find_ceilings();
    }
    // First without those that only say `before`, since it is the others' ranks that they go by.
    let mut reached = derive.forward(|step| derive.start(step));
    let mut by_before = Vec::new();
    if says_before {
        by_before = derive.starts_by_before(&reached);
        reached = derive.forward(|step| by_before[step].or_else(|| derive.start(step)));
    }
    let start = |step: usize| by_before.get(step).copied().flatten().or_else(|| derive.start(step));
    let ranks: Vec<Rank> = (0..count).map(|step| derive.rank(start(step), reached[step])).collect();
    derive.contradictions(model, &reached, &ranks, errors);
    ranks
}

impl Derive<'_> {
    fn find_ceilings(&mut self) {
        self.ceilings = vec![None; self.orders.len()];
        for &step in self.order.steps.iter().rev() {
            let mut lowest = self.before_requests(step);
            for edge in self.network.from(step) {
                if is_bound(edge) {
                    let to = match self.orders[edge.to] {
                        Some(order) if self.fixed[edge.to] => Some((order, Holder::Step(edge.to))),
                        _ => self.ceiling(edge.to).map(|(level, by, _)| (level, by)),
                    };
                    let to = to.map(|(level, by)| (level, by, edge.source.at()));
                    lowest = to.into_iter().chain(lowest).min();
                }
            }
            self.ceilings[step] = lowest;
        }
    }

    fn ceiling(&self, step: usize) -> Option<Reach> {
        self.ceilings.get(step).copied().flatten()
    }

    fn before_requests(&self, step: usize) -> Option<Reach> {
        self.written.before_requests(step).map(|at| (BEFORE_REQUESTS, Holder::Requests, Some(at)))
    }

    /// Where a step stands by itself; nowhere if it goes by others.
    fn start(&self, step: usize) -> Option<Stand> {
        if let Some(level) = self.orders[step] {
            return Some(Stand::new(level, RankSource::Order));
        }
        if let at @ Some(_) = self.written.after_requests(step) {
            return Some(Stand { level: AFTER_REQUESTS, source: RankSource::Requests, at });
        }
        if self.written.says_after(step) || self.written.only_before(step) || self.order.cyclic[step] {
            return None;
        }
        Some(match self.ceiling(step) {
            Some((level, by, at)) if level < self.unmoved[step] => Stand { level, source: before(by), at },
            _ => Stand::new(self.unmoved[step], RankSource::Default),
        })
    }

    /// It says nothing but whom it comes before.
    fn goes_by_before(&self, step: usize) -> bool {
        self.orders[step].is_none() && self.written.only_before(step)
    }

    /// The starts of those that only say `before`: the lowest of what they name.
    fn starts_by_before(&self, firm: &[Option<Reach>]) -> Vec<Option<Stand>> {
        let mut starts: Vec<Option<Stand>> = vec![None; firm.len()];
        for &step in self.order.steps.iter().rev() {
            if !self.goes_by_before(step) || self.order.cyclic[step] {
                continue;
            }
            let value = |to: usize| match self.goes_by_before(to) {
                true => starts[to].map(|stand| stand.level),
                false => firm[to].map(|(value, ..)| value),
            };
            let named = self.written.before(step).iter();
            let named = named.filter_map(|&(of, at)| Some((value(of.step()?)?, of, Some(at))));
            let lowest = named.chain(self.before_requests(step)).min();
            let ceiling =
                self.ceiling(step).filter(|ceiling| ceiling.0 < lowest.map_or(0, |lowest| lowest.0));
            starts[step] = Some(match ceiling.or(lowest) {
                Some((level, by, at)) => Stand { level, source: before(by), at },
                None => Stand::new(self.unmoved[step], RankSource::Default),
            });
        }
        starts
    }

    /// Each step's start, raised to the highest that it follows.
    fn forward(&self, start: impl Fn(usize) -> Option<Stand>) -> Vec<Option<Reach>> {
        let mut reached: Vec<Option<Reach>> = vec![None; self.orders.len()];
        for &step in &self.order.steps {
            let start = start(step).map(|stand| match stand.source {
                RankSource::Requests if stand.level == AFTER_REQUESTS => {
                    (stand.level, Holder::Requests, stand.at)
                }
                _ => (stand.level, Holder::Step(step), stand.at),
            });
            reached[step] = match (start, reached[step]) {
                (Some(start), Some(floor)) if !self.fixed[step] && floor.0 > start.0 => Some(floor),
                (None, floor) => floor,
                (start, _) => start,
            };
            for edge in self.network.from(step) {
                let here = reached[step].map(|(level, by, _)| (level, by, edge.source.at()));
                // Whatever there is comes after nothing.
                reached[edge.to] = reached[edge.to].max(here);
            }
        }
        reached
    }

    fn rank(&self, start: Option<Stand>, reached: Option<Reach>) -> Rank {
        let stand = match (start, reached) {
            (Some(start), Some((level, ..))) if start.level == level => start,
            (_, Some((level, Holder::Step(by), at))) => Stand { level, source: RankSource::After(by), at },
            (_, Some((level, Holder::Requests, at))) => Stand { level, source: RankSource::Requests, at },
            // In a cycle.
            (_, None) => Stand::new(AFTER_REQUESTS, RankSource::Default),
        };
        stand.into()
    }

    fn contradictions(
        &self,
        model: &Model<'_>,
        reached: &[Option<Reach>],
        ranks: &[Rank],
        errors: &mut Vec<PlanError>,
    ) {
        let bound = |level: Level, holder: Holder| {
            let (of, by) = match holder {
                Holder::Requests => (Who::Requests, BoundBy::Requests),
                Holder::Step(step) => {
                    let by = match ranks[step].source {
                        RankSource::Default if ranks[step].early => BoundBy::Early,
                        RankSource::Default => BoundBy::Default,
                        RankSource::Before(other) => BoundBy::Before(model.who(other)),
                        RankSource::Requests => BoundBy::Before(Who::Requests),
                        RankSource::Order | RankSource::After(_) => BoundBy::Order,
                    };
                    (model.who(step), by)
                }
            };
            Bound { order: written(level), of, by }
        };
        for (step, &reach) in reached.iter().enumerate() {
            let fixed = self.orders[step].filter(|_| self.fixed[step]);
            let early = fixed.filter(|order| *order < AFTER_REQUESTS);
            if let Some((order, at)) = early.zip(self.written.after_requests(step)) {
                errors.push(PlanError::Contradiction {
                    step: model.who(step),
                    order: written(order),
                    follows: Who::Requests,
                    bound: bound(AFTER_REQUESTS, Holder::Requests),
                    why: EdgeSource::After(at),
                });
            }
            let late = reach.filter(|reach| reach.0 > BEFORE_REQUESTS && model.is_on(step));
            if let Some(((level, by, _), at)) = late.zip(self.written.before_requests(step)) {
                let bound = bound(level, by);
                errors.push(PlanError::NotBeforeRequests { step: model.who(step), bound, at });
            }
        }
        for (from, reach) in reached.iter().enumerate() {
            for edge in self.network.from(from) {
                let Some(order) = self.orders[edge.to].filter(|_| self.fixed[edge.to]) else { continue };
                if let Some((level, by, _)) = reach.filter(|reach| reach.0 > order) {
                    errors.push(PlanError::Contradiction {
                        step: model.who(edge.to),
                        order: written(order),
                        follows: model.who(from),
                        bound: bound(level, by),
                        why: edge.source,
                    });
                }
            }
        }
    }
}

/// Whether its first step must not come later than the second's order: `after` alone moves the second.
fn is_bound(edge: &Edge) -> bool {
    !matches!(edge.source, EdgeSource::After(_))
}

fn before(by: Holder) -> RankSource {
    match by {
        Holder::Step(step) => RankSource::Before(step),
        Holder::Requests => RankSource::Requests,
    }
}
