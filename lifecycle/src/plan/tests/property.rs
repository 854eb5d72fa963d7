//! Random worlds, planned and held against an oracle that works by the rules' words, step by step and without graphs.
//!
//! `PLAN_WORLDS=100000` tries more of them; a failure prints the seed of its world.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::graph::Node;
use super::super::rank::RankSource;
use super::super::*;
use super::oracle::{Oracle, gives};
use super::world::{Draft, TYPES, World, group, index_of, need, start, stop, worker};
use crate::hook::Use;
use crate::settings::Limit;
use crate::worker::Restart;

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
    let named: Vec<(bool, String)> = (0..count)
        .map(|n| (random.percent(40), format!("{}{n}", ["b", "a", "c"][random.below(3)])))
        .collect();
    let edges = [0, 0, 20, 50][random.below(4)];
    let mut drafts = Vec::new();
    for (n, (starts, name)) in named.iter().enumerate() {
        let starts = *starts;
        let is_group = !starts && random.percent(10);
        let is_worker = !starts && !is_group && random.percent(12);
        let mut step = match (starts, is_group, is_worker) {
            (true, ..) => start(name),
            (false, true, _) => group(name),
            (false, false, true) if random.percent(40) => worker(name).restart(Restart::Never),
            (false, false, true) => worker(name),
            (false, false, false) => stop(name),
        };
        let last = !starts && !is_worker && random.percent(if is_group { trouble } else { 15 });
        let unranked = last && !is_group;
        if random.percent(if unranked { trouble } else { 50 - edges / 2 }) {
            step = step.order(random.below(6) as i32 - 3);
        }
        step = if last { step.last() } else { step };
        if !is_group && random.percent(if last { 40 } else { trouble / 3 }) {
            step = step.report();
        }
        if random.percent(50) {
            step = step.timeout(Duration::from_millis(1 + random.below(4000) as u64));
        }
        if edges > 0 {
            step = random_edges(random, step, &named, n, if unranked { trouble / 2 } else { edges }, trouble);
        }
        for _ in 0..if is_group { 0 } else { random.below(3) } {
            step = step.needs(random_need(random, types, 8 + 2 * trouble));
        }
        if starts && random.percent(50) {
            let of = random.below(types);
            let again = drafts.iter().any(|draft: &Draft| gives(&draft.0, of));
            if again && !random.percent(5 * trouble) {
                drafts.push(step);
                continue;
            }
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

fn random_edges(
    random: &mut Random,
    mut step: Draft,
    named: &[(bool, String)],
    at: usize,
    percent: usize,
    trouble: usize,
) -> Draft {
    for after in [true, false] {
        let mut targets = std::collections::BTreeSet::new();
        // Those that lead from lower to higher numbers make no cycle.
        let there = if after { 0..at } else { at + 1..named.len() };
        for (other, (starts, name)) in named.iter().enumerate() {
            let fits = there.contains(&other) && *starts == named[at].0;
            if random.percent(if fits { percent } else { trouble / 4 }) {
                targets.insert(name.as_str());
            }
        }
        if random.percent(if named[at].0 { trouble / 4 } else { percent / 5 }) {
            targets.insert("Requests");
        }
        if random.percent(trouble / 4) {
            targets.insert("ghost");
        }
        for name in targets {
            step = if after { step.after(name) } else { step.before(name) };
        }
    }
    step
}

fn random_need(random: &mut Random, types: usize, takes: usize) -> crate::hook::Need {
    let of = random.below(types);
    let need = need(of, if random.percent(takes) { Use::Take } else { Use::Share });
    if random.percent(20) { need.optional() } else { need }
}

/// The plan's errors in the oracle's words, cycles apart.
fn label(error: &PlanError) -> Option<String> {
    let name = |who: &Who| match who {
        Who::Step { name, .. } => name.clone(),
        Who::Main => "main".into(),
        Who::Given => "given".into(),
        Who::Requests => "Requests".into(),
    };
    let of =
        |type_name: &str| (0..TYPES.len()).find(|of| need(*of, Use::Share).type_name == type_name).unwrap();
    Some(match error {
        PlanError::LastWithOrder { step, .. } => format!("last with order {}", name(step)),
        PlanError::LastGroup { step } => format!("last group {}", name(step)),
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
        PlanError::RestartTakes { step, type_name, .. } => {
            format!("taken at each run {} {}", name(step), of(type_name))
        }
        PlanError::UsedAfterTake { type_name, user, taker } => {
            format!("used after take {} {} {}", name(user), name(taker), of(type_name))
        }
        PlanError::Contradiction { step, follows, .. } => {
            format!("contradiction {} {}", name(step), name(follows))
        }
        PlanError::LastWithEdges { step, .. } => format!("last with edges {}", name(step)),
        PlanError::AfterLast { step, last, .. } => format!("after last {} {}", name(step), name(last)),
        PlanError::OtherPhase { step, way, target, .. } => {
            format!("other phase {} {way} {}", name(step), name(target))
        }
        PlanError::NotLinked { step, way, target } => {
            format!("not linked {} {way} {}", name(step), target.path)
        }
        PlanError::NotBeforeRequests { step, .. } => format!("not before requests {}", name(step)),
        PlanError::Cycle { .. } => return None,
        other => panic!("not generated: {other}"),
    })
}

const KINDS: [&str; 17] = [
    "last group",
    "taken at each run",
    "last with edges",
    "after last",
    "other phase",
    "not linked",
    "not before requests",
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
    let kind = |node: Node<'_>| match node.kind {
        NodeKind::Step(step) => world.steps[step].name.to_string(),
        other => format!("{other:?}"),
    };
    graph.nodes().map(|node| (kind(node), node.after.to_vec(), node.next.to_vec())).collect()
}

fn placed(world: &World, plan: &Plan) -> BTreeMap<String, String> {
    let text = |placed: &Placed| match &placed.place {
        Place::Ranked(rank) => {
            let source = match rank.source {
                RankSource::After(step) | RankSource::Before(step) => &world.steps[step].name,
                _ => "",
            };
            format!("{:?} {source} {:?}", rank.level(), placed.limit)
        }
        other => format!("{other:?} {:?}", placed.limit),
    };
    world.steps.iter().zip(&plan.steps).map(|(step, placed)| (step.name.to_string(), text(placed))).collect()
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
                let forward = |(at, node): (usize, Node<'_>)| node.after.iter().all(|&before| before < at);
                assert!(graph.nodes().enumerate().all(forward), "in order");
            }
            assert_eq!(plan.worst.total, Limit::Within(oracle.worst()));
            let again = again.unwrap();
            for (ours, theirs) in graphs(&plan).iter().zip(&graphs(&again)) {
                assert_eq!(named(world, ours), named(&shuffled, theirs), "shuffled");
            }
            assert_eq!(placed(world, &plan), placed(&shuffled, &again), "shuffled");
            assert_eq!((&plan.worst, &plan.warnings), (&again.worst, &again.warnings), "shuffled");
            saw("plan");
            if let Some(warning) = plan.warnings.first() {
                check_advice(world, warning);
                saw("plan over its time");
            }
            if !oracle.edges.is_empty() {
                saw("plan with edges");
            }
            let ranked = |source: fn(RankSource) -> bool| {
                plan.steps.iter().any(|step| matches!(step.place, Place::Ranked(rank) if source(rank.source)))
            };
            if ranked(|source| matches!(source, RankSource::After(_))) {
                saw("plan with rank by after");
            }
            if ranked(|source| matches!(source, RankSource::Before(_))) {
                saw("plan with rank by before");
            }
            if ranked(|source| matches!(source, RankSource::Requests)) {
                saw("plan with rank by requests");
            }
            let runs = |step: usize| plan.start.holds(step) || plan.shutdown.holds(step);
            let off = |step: &usize| world.steps[*step].off.is_some();
            let through = (0..world.steps.len()).filter(off).any(|step| oracle.keeps_apart(step, &runs));
            if through {
                saw("plan with order kept by a step that is off");
            }
            if !oracle.skipped.is_empty() {
                saw("plan with skipped");
            }
            let ranks = oracle.ranks();
            if ranks.contains(&-1) {
                saw("plan with an early group");
            }
            let derived = |(step, rank): (usize, &i32)| {
                !world.steps[step].is_early() && oracle.explicit(step).unwrap_or(0) != *rank
            };
            if ranks.iter().enumerate().any(derived) {
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

/// Each thing that the warning says to write is enough.
fn check_advice(world: &World, warning: &str) {
    let (_, advice) = warning.split_once("It fits with ").unwrap();
    for way in advice.split(", or with ").filter(|way| way.contains('"')) {
        let mut better = world.clone();
        let time: Vec<&str> = way.split('"').collect();
        let (key, time) = (time[0], crate::settings::duration::parse(time[1]).unwrap());
        match key {
            "grace = " => _ = better.settings.grace(time),
            "drain = " => _ = better.settings.drain(time),
            "timeout = " => {
                let step = world.index(way.split('`').nth(1).unwrap());
                better.steps[step].keys.timeout = Some(time);
            }
            other => panic!("{other} in {warning}"),
        }
        assert_eq!(better.try_plan().map(|plan| plan.warnings), Ok(vec![]), "{way}");
    }
}

#[test]
fn random_worlds_are_planned_as_the_rules_say() {
    let worlds = std::env::var("PLAN_WORLDS").map_or(10_000, |count| count.parse().unwrap());
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
    let plans = [
        "plan",
        "plan over its time",
        "plan with an early group",
        "plan with edges",
        "plan with skipped",
        "plan with derived ranks",
        "plan with rank by after",
        "plan with rank by before",
        "plan with rank by requests",
        "plan with order kept by a step that is off",
        "cycle",
    ];
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
        let path = |targets: &[crate::edge::Target]| -> Vec<&str> {
            targets.iter().map(|target| target.path).collect()
        };
        let (after, before) = (path(&step.edges.after), path(&step.edges.before));
        format!(
            "{name} {:?} {keys:?} after {after:?} before {before:?} off {off:?}:{}{gives}\n",
            step.phase,
            needs(&step.signature)
        )
    });
    let given: Vec<_> = world.given.iter().map(|gift| gift.type_name).collect();
    steps.collect::<String>() + &format!("main:{} given: {given:?}", needs(&world.main))
}
