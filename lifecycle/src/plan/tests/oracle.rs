//! The plan's rules, applied as they read: by looking at every pair of steps, without graphs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use super::world::{Relation, TYPES, World, index_of, need};
use crate::edge::Target;
use crate::hook::Use;
use crate::worker::Restart;

pub(super) fn gives(step: &StepSpec, of: usize) -> bool {
    step.signature.gives.iter().any(|gift| need(of, Use::Share).keys.contains(&gift.key))
}

/// The rules, read literally.
pub(super) struct Oracle<'a> {
    world: &'a World,
    pub(super) skipped: BTreeSet<usize>,
    /// By `after`, as (from, to).
    after: BTreeSet<(usize, usize)>,
    /// By `before`.
    before: BTreeSet<(usize, usize)>,
    pub(super) edges: BTreeSet<(usize, usize)>,
    reach: BTreeSet<(usize, usize)>,
}

/// A group cannot be: who says so of one is told, and it keeps its place.
fn is_last(step: &StepSpec) -> bool {
    step.keys.last && !step.is_group()
}

/// Later ones come later: start, the service, ordered, last with the report, last.
fn stage(step: &StepSpec) -> u8 {
    match (step.phase, is_last(step), step.signature.takes_report) {
        (Phase::Start, ..) => 0,
        (_, false, _) => 2,
        (_, true, true) => 3,
        (_, true, false) => 4,
    }
}

fn names(targets: &[Target], name: &str) -> bool {
    targets.iter().any(|target| target.path == name)
}

/// Whether an edge can stand between them.
fn may_stand(one: &StepSpec, other: &StepSpec) -> bool {
    one.phase == other.phase && !is_last(one) && !is_last(other)
}

impl<'a> Oracle<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let mut oracle = Oracle {
            world,
            skipped: BTreeSet::new(),
            after: BTreeSet::new(),
            before: BTreeSet::new(),
            edges: BTreeSet::new(),
            reach: BTreeSet::new(),
        };
        while let Some(step) = oracle.next_skipped() {
            oracle.skipped.insert(step);
        }
        for step in 0..world.steps.len() {
            let others = |named: &[Target]| -> Vec<usize> {
                let is = |other: usize, name: &str| world.steps[other].name == name;
                let all = 0..world.steps.len();
                let named = |other: &usize| named.iter().any(|target| is(*other, target.path));
                all.filter(named)
                    .filter(|&other| may_stand(&world.steps[step], &world.steps[other]))
                    .collect()
            };
            let edges = &world.steps[step].edges;
            oracle.after.extend(others(&edges.after).into_iter().map(|other| (other, step)));
            oracle.before.extend(others(&edges.before).into_iter().map(|other| (step, other)));
        }
        oracle.edges = oracle.all_edges();
        oracle.edges.extend(oracle.after.union(&oracle.before));
        oracle.close();
        let off = |step: usize| world.steps[step].off.is_some();
        let like = |a, b| a == b || oracle.reach.contains(&(a, b)) && oracle.reach.contains(&(b, a));
        let alone = |step: usize| (0..world.steps.len()).filter(|&other| like(step, other)).all(off);
        let idle = |edge: &(usize, usize)| oracle.in_cycle(*edge) && alone(edge.0);
        let idle: BTreeSet<_> = oracle.edges.iter().copied().filter(idle).collect();
        oracle.edges.retain(|edge| !idle.contains(edge));
        oracle.after.retain(|edge| !idle.contains(edge));
        oracle.before.retain(|edge| !idle.contains(edge));
        oracle.close();
        oracle
    }

    /// What can be reached over edges.
    fn close(&mut self) {
        self.reach = self.edges.clone();
        let count = self.world.steps.len();
        for via in 0..count {
            for from in 0..count {
                for to in 0..count {
                    if self.reach.contains(&(from, via)) && self.reach.contains(&(via, to)) {
                        self.reach.insert((from, to));
                    }
                }
            }
        }
    }

    fn next_skipped(&self) -> Option<usize> {
        self.alive().find(|&step| {
            let spec = &self.world.steps[step];
            spec.phase == Phase::Start
                && spec.signature.takes.iter().any(|need| {
                    let of = index_of(need);
                    !need.optional
                        && self.world.steps.iter().any(|other| gives(other, of))
                        && self.givers(of) == 0
                })
        })
    }

    fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.world.steps.len())
            .filter(|step| self.world.steps[*step].off.is_none() && !self.skipped.contains(step))
    }

    fn given(&self, of: usize) -> usize {
        self.world.given.iter().filter(|gift| need(of, Use::Share).keys.contains(&gift.key)).count()
    }

    fn givers(&self, of: usize) -> usize {
        self.given(of) + self.alive().filter(|&step| gives(&self.world.steps[step], of)).count()
    }

    fn uses(&self, step: usize, of: usize) -> impl Iterator<Item = &crate::hook::Need> {
        self.world.steps[step].signature.takes.iter().filter(move |need| index_of(need) == of)
    }

    fn takers(&self, of: usize) -> BTreeSet<Option<usize>> {
        let takes = |need: &crate::hook::Need| need.usage == Use::Take;
        let mut takers: BTreeSet<_> =
            self.alive().filter(|&step| self.uses(step, of).any(takes)).map(Some).collect();
        if self.world.main.takes.iter().any(|need| index_of(need) == of && takes(need)) {
            takers.insert(None);
        }
        takers
    }

    fn stage(&self, step: Option<usize>) -> u8 {
        step.map_or(1, |step| stage(&self.world.steps[step]))
    }

    fn all_edges(&self) -> BTreeSet<(usize, usize)> {
        let mut edges = BTreeSet::new();
        let steps = &self.world.steps;
        for from in self.alive() {
            for to in self.alive().filter(|&to| to != from) {
                for of in 0..TYPES.len() {
                    let provides = steps[from].phase == Phase::Start
                        && steps[to].phase == Phase::Start
                        && gives(&steps[from], of)
                        && self.uses(to, of).next().is_some();
                    let takes = self.takers(of) == BTreeSet::from([Some(to)])
                        && !steps[to].is_worker()
                        && self.uses(from, of).next().is_some()
                        && stage(&steps[from]) == stage(&steps[to]);
                    if provides || takes {
                        edges.insert((from, to));
                    }
                }
            }
        }
        edges
    }

    pub(super) fn explicit(&self, step: usize) -> Option<i32> {
        self.world.steps[step]
            .keys
            .order
            .filter(|_| stage(&self.world.steps[step]) <= 2)
            .map(|order| 2 * order)
    }

    pub(super) fn in_cycle(&self, (from, to): (usize, usize)) -> bool {
        self.reach.contains(&(to, from))
    }

    fn is_off(&self, step: usize) -> bool {
        self.world.steps[step].off.is_some()
    }

    /// It stands between two of these that are of one rank.
    pub(super) fn keeps_apart(&self, step: usize, these: &dyn Fn(usize) -> bool) -> bool {
        let rank = self.rank(step);
        let like = |before: bool| self.beside(step, before).any(|it| these(it) && self.rank(it) == rank);
        like(true) && like(false)
    }

    /// An order that nothing moves.
    fn fixed(&self, step: usize) -> Option<i32> {
        self.explicit(step).filter(|_| !self.is_off(step))
    }

    /// Whoever comes directly before or after it, along no cycle.
    fn beside(&self, step: usize, before: bool) -> impl Iterator<Item = usize> + '_ {
        let edges = self.edges.iter().filter(|edge| !self.in_cycle(**edge));
        edges.filter_map(move |&(from, to)| match before {
            true => (to == step).then_some(from),
            false => (from == step).then_some(to),
        })
    }

    fn asks(&self, step: usize, after: bool, of_requests: bool) -> bool {
        let edges = &self.world.steps[step].edges;
        let named = if after { &edges.after } else { &edges.before };
        let written = match after {
            true => self.after.iter().any(|edge| edge.1 == step),
            false => self.before.iter().any(|edge| edge.0 == step),
        };
        let requests = names(named, "Requests") && stage(&self.world.steps[step]) == 2;
        requests || (!of_requests && written)
    }

    /// It says whom it comes before, and nothing else of its place.
    fn goes_by_before(&self, step: usize) -> bool {
        self.explicit(step).is_none() && !self.asks(step, true, false) && self.asks(step, false, false)
    }

    /// Where it stands if nothing is said of it.
    fn unmoved(&self, step: usize) -> i32 {
        -i32::from(self.world.steps[step].is_early())
    }

    /// The lowest order that follows it by `before` or by what is taken.
    fn ceiling(&self, step: usize) -> Option<i32> {
        let next = self.beside(step, false).filter(|&next| !self.after.contains(&(step, next)));
        let orders = next.filter_map(|next| self.fixed(next).or_else(|| self.ceiling(next)));
        orders.chain(self.asks(step, false, true).then_some(-2)).min()
    }

    /// Where it stands by what it says itself.
    fn start(&self, step: usize) -> Option<i32> {
        let cyclic = self.edges.iter().any(|edge| edge.1 == step && self.in_cycle(*edge));
        match self.explicit(step) {
            Some(order) => Some(order),
            None if self.asks(step, true, true) => Some(0),
            None if self.asks(step, true, false) || self.goes_by_before(step) || cyclic => None,
            None => Some(self.ceiling(step).unwrap_or(0).min(self.unmoved(step))),
        }
    }

    /// The lowest of those it says it comes before, not counting where that itself puts them.
    fn lowest_after(&self, step: usize) -> Option<i32> {
        if self.edges.iter().any(|edge| edge.1 == step && self.in_cycle(*edge)) {
            return None;
        }
        let named = self.before.iter().filter(|edge| edge.0 == step).map(|edge| edge.1);
        let value = |to| if self.goes_by_before(to) { self.lowest_after(to) } else { self.raised(to, false) };
        let named = named.filter_map(value).chain(self.asks(step, false, true).then_some(-2)).min();
        let named = named.unwrap_or(self.unmoved(step));
        Some(self.ceiling(step).map_or(named, |ceiling| ceiling.min(named)))
    }

    /// What it says itself, raised to the highest that it follows.
    fn raised(&self, step: usize, all: bool) -> Option<i32> {
        let floor = || self.beside(step, true).filter_map(|before| self.raised(before, all)).max();
        let start = match all && self.goes_by_before(step) {
            true => self.lowest_after(step),
            false => self.start(step),
        };
        self.fixed(step).or_else(|| start.max(floor()))
    }

    fn rank(&self, step: usize) -> Option<i32> {
        self.raised(step, true)
    }

    pub(super) fn errors(&self) -> BTreeSet<String> {
        let mut errors = BTreeSet::new();
        let steps = &self.world.steps;
        let name = |step: Option<usize>| step.map_or("main", |step| &steps[step].name);
        let needs = |step: Option<usize>| match step {
            Some(step) => &steps[step].signature.takes,
            None => &self.world.main.takes,
        };
        let everyone: Vec<Option<usize>> = self.alive().map(Some).chain([None]).collect();
        for step in self.world.steps.iter().filter(|step| step.off.is_none()) {
            if step.keys.last && step.is_group() {
                errors.insert(format!("last group {}", step.name));
            } else if step.keys.last && step.keys.order.is_some() {
                errors.insert(format!("last with order {}", step.name));
            }
            if step.signature.takes_report && !step.keys.last {
                errors.insert(format!("no report yet {}", step.name));
            }
        }
        for of in 0..TYPES.len() {
            let needed =
                steps.iter().filter(|step| step.off.is_none()).flat_map(|step| &step.signature.takes);
            let linked = needed.chain(&self.world.main.takes).any(|need| index_of(need) == of);
            let mut by_key: BTreeMap<_, usize> = BTreeMap::new();
            let gifts = self.alive().flat_map(|step| &steps[step].signature.gives).chain(&self.world.given);
            for gift in gifts.filter(|gift| need(of, Use::Share).keys.contains(&gift.key)) {
                *by_key.entry(linked.then_some(0).ok_or(gift.key)).or_default() += 1;
            }
            if by_key.values().any(|count| *count > 1) {
                errors.insert(format!("two providers {of}"));
            }
            let takers = self.takers(of);
            if takers.len() > 1 {
                errors.insert(format!("two takes {of}"));
            }
            for &user in &everyone {
                for need in needs(user).iter().filter(|need| index_of(need) == of) {
                    let alone = user.is_some_and(|user| gives(&steps[user], of)) && self.givers(of) == 1;
                    let must = !need.optional && self.stage(user) <= 1;
                    if must && alone {
                        errors.insert(format!("provides itself {} {of}", name(user)));
                    } else if must && self.givers(of) == 0 {
                        let gone = steps.iter().any(|step| gives(step, of));
                        let what = if gone { "provider gone" } else { "not provided" };
                        errors.insert(format!("{what} {} {of}", name(user)));
                    }
                    let taker = takers.iter().next().filter(|_| takers.len() == 1);
                    let Some(&taker) = taker else { continue };
                    if taker == user && needs(user).iter().filter(|need| index_of(need) == of).count() > 1 {
                        errors.insert(format!("takes twice {} {of}", name(user)));
                    }
                    // A worker has it before the service begins, and uses it until its stop.
                    let takes_early = taker.is_some_and(|taker| steps[taker].is_worker());
                    let after = match takes_early {
                        true => user != taker && self.stage(user) > 0,
                        false => self.stage(user) > self.stage(taker),
                    };
                    let again = |taker: usize| steps[taker].extra.restart != Some(Restart::Never);
                    if takes_early && taker.is_some_and(again) {
                        errors.insert(format!("taken at each run {} {of}", name(taker)));
                    }
                    if after && !need.optional {
                        errors.insert(format!("used after take {} {} {of}", name(user), name(taker)));
                    }
                }
            }
        }
        for &(from, to) in self.edges.iter().filter(|edge| !self.in_cycle(**edge)) {
            if let (Some(bound), Some(order)) = (self.rank(from), self.fixed(to)) {
                if bound > order {
                    errors.insert(format!("contradiction {} {}", name(Some(to)), name(Some(from))));
                }
            }
        }
        for step in (0..steps.len()).filter(|&step| !self.is_off(step)) {
            let spec = &steps[step];
            if is_last(spec) {
                if !spec.edges.after.is_empty() || !spec.edges.before.is_empty() {
                    errors.insert(format!("last with edges {}", spec.name));
                }
                continue;
            }
            if self.asks(step, true, true) && self.fixed(step).is_some_and(|order| order < 0) {
                errors.insert(format!("contradiction {} Requests", spec.name));
            }
            if self.asks(step, false, true) && self.rank(step).is_some_and(|rank| rank > -2) {
                errors.insert(format!("not before requests {}", spec.name));
            }
            let after = spec.edges.after.iter().map(|target| (true, target.path));
            for (after, path) in after.chain(spec.edges.before.iter().map(|target| (false, target.path))) {
                let way = if after { "after" } else { "before" };
                match steps.iter().find(|other| other.name == path) {
                    None if path == "Requests" => {
                        if spec.phase == Phase::Start {
                            errors.insert(format!("other phase {} {way} Requests", spec.name));
                        }
                    }
                    None => _ = errors.insert(format!("not linked {} {way} {path}", spec.name)),
                    Some(other) if other.phase != spec.phase => {
                        errors.insert(format!("other phase {} {way} {path}", spec.name));
                    }
                    Some(other) if after && is_last(other) && other.off.is_none() => {
                        errors.insert(format!("after last {} {path}", spec.name));
                    }
                    Some(_) => {}
                }
            }
        }
        errors
    }

    /// Twice the rank, since a group without an order stands between the requests and 0: at -1.
    pub(super) fn ranks(&self) -> Vec<i32> {
        (0..self.world.steps.len()).map(|step| self.rank(step).unwrap_or(0)).collect()
    }

    pub(super) fn relation(&self, of_stage: u8) -> Relation {
        let ranks = self.ranks();
        let steps = &self.world.steps;
        let members: Vec<usize> = self.alive().filter(|&step| stage(&steps[step]) == of_stage).collect();
        let mut relation = Relation::default();
        let mut before_requests = BTreeSet::new();
        for &step in &members {
            let waits =
                |other: &&usize| ranks[**other] < ranks[step] || self.reach.contains(&(**other, step));
            let mut before: BTreeSet<String> =
                members.iter().filter(waits).map(|&other| steps[other].name.to_string()).collect();
            if of_stage == 2 && ranks[step] >= -1 {
                before.insert("Requests".into());
            } else {
                before_requests.insert(steps[step].name.to_string());
            }
            relation.0.insert(steps[step].name.to_string(), before);
        }
        if of_stage == 2 {
            relation.0.insert("Requests".into(), before_requests);
        }
        relation
    }

    /// The longest chain of the shutdown's relation.
    pub(super) fn worst(&self) -> Duration {
        let settings = &self.world.settings;
        let relation = self.relation(2);
        let cost = |name: &str| match self.world.steps.iter().find(|step| step.name == name) {
            Some(step) if step.is_group() => step.keys.timeout.unwrap_or(GROUP_TIMEOUT) + settings.cut.value,
            Some(step) => step.keys.timeout.unwrap_or(SHUTDOWN_TIMEOUT),
            None => settings.drain.value.within().unwrap() + settings.cut.value,
        };
        fn ends(name: &str, relation: &Relation, cost: &dyn Fn(&str) -> Duration) -> Duration {
            let before = relation.0[name].iter().map(|before| ends(before, relation, cost));
            before.max().unwrap_or_default() + cost(name)
        }
        let longest = relation.0.keys().map(|name| ends(name, &relation, &cost)).max().unwrap();
        longest + settings.lameduck.value
    }
}
