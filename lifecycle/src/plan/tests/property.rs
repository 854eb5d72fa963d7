//! Random worlds, planned and held against an oracle that works by the rules' words, step by step and without graphs.
//!
//! `PLAN_WORLDS=10000` tries more of them; a failure prints the seed of its world.

use super::super::graph::Node;
use super::super::rank::RankSource;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use super::world::{Relation, TYPES, World, index_of, need, start, stop};
use crate::hook::Use;
use crate::settings::Limit;

struct Random(u64);

impl Random {
    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

fn world(seed: u64) -> World {
    let random = &mut Random(seed);
    // From worlds where little can go wrong to such where everything does.
    let (types, trouble) = (1 + random.below(TYPES.len()), random.below(12));
    let count = 1 + random.below(10);
    let mut drafts = Vec::new();
    for n in 0..count {
        let starts = random.percent(40);
        let name = format!("{}{n}", ["b", "a", "c"][random.below(3)]);
        let mut step = if starts { start(&name) } else { stop(&name) };
        let last = !starts && random.percent(15);
        if random.percent(if last { trouble } else { 50 }) {
            step = step.order(random.below(6) as i32 - 3);
        }
        step = if last { step.last() } else { step };
        if random.percent(if last { 40 } else { trouble / 3 }) {
            step = step.report();
        }
        if random.percent(50) {
            step = step.timeout(Duration::from_millis(1 + random.below(4000) as u64));
        }
        for _ in 0..random.below(3) {
            step = step.needs(random_need(random, types, 8 + 2 * trouble));
        }
        if starts && random.percent(30) {
            let of = random.below(types);
            step = if random.percent(20) { step.gives_arc(of) } else { step.gives(of) };
        }
        drafts.push(if random.percent(6 + trouble) { step.off("why not") } else { step });
    }
    let mut world = World::new(drafts);
    for of in 0..types {
        if random.percent(98 - 4 * trouble) && !world.steps.iter().any(|step| gives(step, of)) {
            world = world.given(of);
        }
    }
    if random.percent(30) {
        world = world.main_needs(random_need(random, types, trouble));
    }
    world.settings(|settings| {
        settings.drain(Duration::from_millis(random.below(20_000) as u64));
        settings.lameduck(Duration::from_millis(random.below(3_000) as u64));
    })
}

fn random_need(random: &mut Random, types: usize, takes: usize) -> crate::hook::Need {
    let of = random.below(types);
    let need = need(of, if random.percent(takes) { Use::Take } else { Use::Share });
    if random.percent(20) { need.optional() } else { need }
}

fn gives(step: &StepSpec, of: usize) -> bool {
    step.signature.gives.iter().any(|gift| need(of, Use::Share).keys.contains(&gift.key))
}

/// The rules, read literally.
struct Oracle<'a> {
    world: &'a World,
    skipped: BTreeSet<usize>,
    edges: BTreeSet<(usize, usize)>,
    reach: BTreeSet<(usize, usize)>,
}

/// Later ones come later: start, the service, ordered, last with the report, last.
fn stage(step: &StepSpec) -> u8 {
    match (step.phase, step.keys.last, step.signature.takes_report) {
        (Phase::Start, ..) => 0,
        (_, false, _) => 2,
        (_, true, true) => 3,
        (_, true, false) => 4,
    }
}

impl<'a> Oracle<'a> {
    fn new(world: &'a World) -> Self {
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

    fn explicit(&self, step: usize) -> Option<i32> {
        self.world.steps[step].keys.order.filter(|_| stage(&self.world.steps[step]) <= 2)
    }

    fn in_cycle(&self, (from, to): (usize, usize)) -> bool {
        self.reach.contains(&(to, from))
    }

    /// The highest `order` found on the way back from a step, over such that have none.
    fn bound(&self, step: usize) -> Option<i32> {
        let before = self.edges.iter().filter(|edge| edge.1 == step && !self.in_cycle(**edge));
        self.explicit(step).or_else(|| before.filter_map(|edge| self.bound(edge.0)).max())
    }

    fn errors(&self) -> BTreeSet<String> {
        let mut errors = BTreeSet::new();
        let steps = &self.world.steps;
        let name = |step: Option<usize>| step.map_or("main", |step| &steps[step].name);
        let needs = |step: Option<usize>| match step {
            Some(step) => &steps[step].signature.takes,
            None => &self.world.main.takes,
        };
        let everyone: Vec<Option<usize>> = self.alive().map(Some).chain([None]).collect();
        for step in self.world.steps.iter().filter(|step| step.off.is_none()) {
            if step.keys.last && step.keys.order.is_some() {
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

    /// 0, raised to the highest of what it must follow, else lowered to the lowest of what must follow it.
    fn ranks(&self) -> Vec<i32> {
        let count = self.world.steps.len();
        let mut ranks: Vec<i32> = (0..count).map(|step| self.explicit(step).unwrap_or(0)).collect();
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

    fn relation(&self, of_stage: u8) -> Relation {
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
            if of_stage == 2 && ranks[step] >= 0 {
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
    fn worst(&self) -> Duration {
        let settings = &self.world.settings;
        let relation = self.relation(2);
        let cost = |name: &str| match self.world.steps.iter().find(|step| step.name == name) {
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

/// The plan's errors in the oracle's words, cycles apart.
fn label(error: &PlanError) -> Option<String> {
    let name = |who: &Who| match who {
        Who::Step { name, .. } => name.clone(),
        Who::Main => "main".into(),
        Who::Given => "given".into(),
    };
    let of =
        |type_name: &str| (0..TYPES.len()).find(|of| need(*of, Use::Share).type_name == type_name).unwrap();
    Some(match error {
        PlanError::LastWithOrder { step, .. } => format!("last with order {}", name(step)),
        PlanError::NoReportYet { step } => format!("no report yet {}", name(step)),
        PlanError::TwoProviders { by } => {
            let of = (0..TYPES.len()).find(|of| by[0].1.contains(need(*of, Use::Share).type_name));
            format!("two providers {}", of.unwrap())
        }
        PlanError::NotProvided { user, missing } => {
            format!("not provided {} {}", name(user), of(missing.type_name))
        }
        PlanError::ProviderGone { user, type_name, .. } => {
            format!("provider gone {} {}", name(user), of(type_name))
        }
        PlanError::ProvidesItself { step, type_name } => {
            format!("provides itself {} {}", name(step), of(type_name))
        }
        PlanError::TwoTakes { type_name, .. } => format!("two takes {}", of(type_name)),
        PlanError::TakesTwice { step, type_name } => format!("takes twice {} {}", name(step), of(type_name)),
        PlanError::UsedAfterTake { type_name, user, taker } => {
            format!("used after take {} {} {}", name(user), name(taker), of(type_name))
        }
        PlanError::Contradiction { step, follows, .. } => {
            format!("contradiction {} {}", name(step), name(follows))
        }
        PlanError::Cycle { .. } => return None,
        other => panic!("not generated: {other}"),
    })
}

const KINDS: [&str; 10] = [
    "last with order",
    "no report yet",
    "two providers",
    "not provided",
    "provider gone",
    "provides itself",
    "two takes",
    "takes twice",
    "used after take",
    "contradiction",
];

/// Each named cycle is one, no two share an edge, and with their edges gone there is none left.
fn check_cycles(world: &World, oracle: &Oracle<'_>, errors: &[PlanError]) -> usize {
    let index = |who: &Who| match who {
        Who::Step { name, .. } => world.index(name),
        other => panic!("{other} in a cycle"),
    };
    let mut left = oracle.edges.clone();
    let mut count = 0;
    for error in errors {
        let PlanError::Cycle { links } = error else { continue };
        count += 1;
        for (link, next) in links.iter().zip(links.iter().cycle().skip(1)) {
            assert_eq!(link.step, next.follows, "the links meet");
            assert!(left.remove(&(index(&link.follows), index(&link.step))), "an edge of its own");
        }
    }
    while let Some(&edge) = left.iter().find(|(from, _)| left.iter().all(|(_, to)| to != from)) {
        left.remove(&edge);
    }
    assert!(left.is_empty(), "a cycle nobody named: {left:?}");
    count
}

/// A graph with names for indices.
fn named(world: &World, graph: &Graph) -> Vec<(String, Vec<usize>, Vec<usize>)> {
    let kind = |node: &Node| match node.kind {
        NodeKind::Step(step) => world.steps[step].name.clone(),
        other => format!("{other:?}"),
    };
    graph.nodes.iter().map(|node| (kind(node), node.after.clone(), node.next.clone())).collect()
}

fn placed(world: &World, plan: &Plan) -> BTreeMap<String, String> {
    let text = |placed: &Placed| match &placed.place {
        Place::Ranked(rank) => {
            let source = match rank.source {
                RankSource::After(step) | RankSource::Before(step) => &world.steps[step].name,
                _ => "",
            };
            format!("{} {source} {:?}", rank.value, placed.limit)
        }
        other => format!("{other:?} {:?}", placed.limit),
    };
    world.steps.iter().zip(&plan.steps).map(|(step, placed)| (step.name.clone(), text(placed))).collect()
}

fn check(world: &World, seed: u64, seen: &mut BTreeMap<String, usize>) {
    let oracle = Oracle::new(world);
    let expected: Vec<String> = oracle.errors().into_iter().collect();
    let mut shuffled = world.clone();
    let random = &mut Random(!seed);
    for at in (1..shuffled.steps.len()).rev() {
        shuffled.steps.swap(at, random.below(at + 1));
    }
    shuffled.given.reverse();
    let again = shuffled.try_plan();
    let mut saw = |what: &str| *seen.entry(what.to_owned()).or_default() += 1;
    match world.try_plan() {
        Ok(plan) => {
            assert_eq!(expected, [""; 0], "the oracle sees errors");
            assert!(oracle.edges.iter().all(|edge| !oracle.in_cycle(*edge)), "the oracle sees a cycle");
            let graphs = |plan: &Plan| {
                [&plan.start, &plan.shutdown, &plan.last_with_report, &plan.last].map(Clone::clone)
            };
            for (graph, stage) in graphs(&plan).iter().zip([0, 2, 3, 4]) {
                assert_eq!(world.relation(graph), oracle.relation(stage), "stage {stage}");
            }
            assert_eq!(plan.worst.total, Limit::Within(oracle.worst()));
            let again = again.unwrap();
            for (ours, theirs) in graphs(&plan).iter().zip(&graphs(&again)) {
                assert_eq!(named(world, ours), named(&shuffled, theirs), "shuffled");
            }
            assert_eq!(placed(world, &plan), placed(&shuffled, &again), "shuffled");
            assert_eq!((plan.worst, plan.warnings), (again.worst, again.warnings), "shuffled");
            saw("plan");
            if !oracle.edges.is_empty() {
                saw("plan with edges");
            }
            if !oracle.skipped.is_empty() {
                saw("plan with skipped");
            }
            if oracle
                .ranks()
                .iter()
                .enumerate()
                .any(|(step, rank)| oracle.explicit(step).unwrap_or(0) != *rank)
            {
                saw("plan with derived ranks");
            }
        }
        Err(PlanErrors(errors)) => {
            let mut labels: Vec<String> = errors.iter().filter_map(label).collect();
            labels.sort();
            assert_eq!(labels, expected);
            for label in &labels {
                saw(KINDS.iter().find(|kind| label.starts_with(**kind)).unwrap());
            }
            let cycles = check_cycles(world, &oracle, &errors);
            (0..cycles).for_each(|_| saw("cycle"));
            assert_eq!(again, Err(PlanErrors(errors)), "shuffled");
        }
    }
}

#[test]
fn random_worlds_are_planned_as_the_rules_say() {
    let worlds = std::env::var("PLAN_WORLDS").map_or(2_000, |count| count.parse().unwrap());
    let mut seen = BTreeMap::new();
    for seed in 0..worlds {
        let world = world(seed);
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&world, seed, &mut seen)));
        if let Err(panic) = outcome {
            eprintln!("world {seed}:\n{}", describe(&world));
            std::panic::resume_unwind(panic);
        }
    }
    println!("{seen:?}");
    let plans = ["plan", "plan with edges", "plan with skipped", "plan with derived ranks", "cycle"];
    for what in plans.iter().chain(&KINDS) {
        assert!(seen.get(*what).is_some_and(|count| *count >= 5), "too few worlds with a {what}: {seen:?}");
    }
}

fn describe(world: &World) -> String {
    let needs = |signature: &Signature| -> String {
        let each = signature.takes.iter().map(|need| {
            let optional = if need.optional { "?" } else { "" };
            format!(" {:?}{optional} {}", need.usage, index_of(need))
        });
        each.collect()
    };
    let steps = world.steps.iter().map(|step| {
        let gives: String =
            step.signature.gives.iter().map(|gift| format!(" gives {}", gift.type_name)).collect();
        let (name, keys, off) = (&step.name, &step.keys, &step.off);
        format!("{name} {:?} {keys:?} off {off:?}:{}{gives}\n", step.phase, needs(&step.signature))
    });
    let given: Vec<_> = world.given.iter().map(|gift| gift.type_name).collect();
    steps.collect::<String>() + &format!("main:{} given: {given:?}", needs(&world.main))
}
