//! The plan's rules, applied as they read: by looking at every pair of steps, without graphs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use super::world::{Relation, TYPES, World, index_of, need};
use crate::hook::Use;

pub(super) fn gives(step: &StepSpec, of: usize) -> bool {
    step.signature.gives.iter().any(|gift| need(of, Use::Share).keys.contains(&gift.key))
}

/// The rules, read literally.
pub(super) struct Oracle<'a> {
    world: &'a World,
    pub(super) skipped: BTreeSet<usize>,
    pub(super) edges: BTreeSet<(usize, usize)>,
    reach: BTreeSet<(usize, usize)>,
}

/// Later ones come later: start, the service, ordered, last with the report, last.
fn stage(step: &StepSpec) -> u8 {
    match (step.phase, step.keys.last && !step.is_group(), step.signature.takes_report) {
        (Phase::Start, ..) => 0,
        (_, false, _) => 2,
        (_, true, true) => 3,
        (_, true, false) => 4,
    }
}

impl<'a> Oracle<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let mut oracle =
            Oracle { world, skipped: BTreeSet::new(), edges: BTreeSet::new(), reach: BTreeSet::new() };
        while let Some(step) = oracle.next_skipped() {
            oracle.skipped.insert(step);
        }
        oracle.edges = oracle.all_edges();
        oracle.reach = oracle.edges.clone();
        let count = world.steps.len();
        for via in 0..count {
            for from in 0..count {
                for to in 0..count {
                    if oracle.reach.contains(&(from, via)) && oracle.reach.contains(&(via, to)) {
                        oracle.reach.insert((from, to));
                    }
                }
            }
        }
        oracle
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
        self.world.steps[step].keys.order.filter(|_| stage(&self.world.steps[step]) <= 2)
    }

    pub(super) fn in_cycle(&self, (from, to): (usize, usize)) -> bool {
        self.reach.contains(&(to, from))
    }

    /// The highest `order` found on the way back from a step, over such that have none.
    fn bound(&self, step: usize) -> Option<i32> {
        let before = self.edges.iter().filter(|edge| edge.1 == step && !self.in_cycle(**edge));
        self.explicit(step).or_else(|| before.filter_map(|edge| self.bound(edge.0)).max())
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
                    if self.stage(user) > self.stage(taker) && !need.optional {
                        errors.insert(format!("used after take {} {} {of}", name(user), name(taker)));
                    }
                }
            }
        }
        for &(from, to) in self.edges.iter().filter(|edge| !self.in_cycle(**edge)) {
            if let (Some(bound), Some(order)) = (self.bound(from), self.explicit(to)) {
                if bound > order {
                    errors.insert(format!("contradiction {} {}", name(Some(to)), name(Some(from))));
                }
            }
        }
        errors
    }

    /// 0, raised to the highest of what it must follow, else lowered to the lowest of what must follow it. Twice that,
    /// since a group without an order stands between the requests and 0: at −1.
    pub(super) fn ranks(&self) -> Vec<i32> {
        let count = self.world.steps.len();
        let rank = |step: usize| match self.explicit(step) {
            Some(order) => 2 * order,
            None => -i32::from(self.world.steps[step].is_group()),
        };
        let mut ranks: Vec<i32> = (0..count).map(rank).collect();
        for _ in 0..count {
            for &(from, to) in &self.edges {
                if self.explicit(to).is_none() {
                    ranks[to] = ranks[to].max(ranks[from]);
                }
            }
        }
        for _ in 0..count {
            for &(from, to) in &self.edges {
                if self.explicit(from).is_none() {
                    ranks[from] = ranks[from].min(ranks[to]);
                }
            }
        }
        ranks
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
                members.iter().filter(waits).map(|&other| steps[other].name.clone()).collect();
            if of_stage == 2 && ranks[step] >= -1 {
                before.insert("Requests".into());
            } else {
                before_requests.insert(steps[step].name.clone());
            }
            relation.0.insert(steps[step].name.clone(), before);
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
