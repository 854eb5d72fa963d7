//! What the view says of a plan, held against the plan itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::example::{self, Db, Draft, group, plan, planned, start, stop};
use super::*;
use crate::gate::Gate;
use crate::hook::StepSpec;
use crate::plan::{Graph, NodeKind, Place};

struct Cache;

/// The same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn random_steps(seed: u64) -> Vec<Draft> {
    let mut random = Random(seed);
    let mut steps = vec![start("load").gives::<Cache>().millis(1 + random.below(9_000))];
    for n in 0..random.below(30) {
        let (name, millis) = (format!("s{n}"), 1 + random.below(9_000));
        let rank = i32::try_from(random.below(4)).unwrap() - 2;
        steps.push(
            if random.below(4) == 0 {
                match random.below(3) {
                    0 => start(&name).shares::<Cache>(),
                    1 => start(&name).order(rank),
                    _ => start(&name),
                }
            } else {
                let ranked = |draft: Draft| if rank < 0 { draft } else { draft.order(rank) };
                match random.below(8) {
                    0 | 1 => ranked(stop(&name).shares::<Db>()),
                    2 => ranked(stop(&name).shares::<Cache>()),
                    3 => stop(&name).order(rank),
                    4 => stop(&name).order(1),
                    _ => stop(&name),
                }
            }
            .millis(millis),
        );
    }
    if random.below(2) == 0 {
        steps.push(stop("close_db").takes::<Db>());
    }
    if random.below(2) == 0 {
        steps.push(stop("close_cache").takes::<Cache>().shares::<Db>());
    }
    steps
}

/// By id, everything that a graph's step comes after.
fn relation(graph: &Graph, ids: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let name = |node: usize| match graph.node(node).kind {
        NodeKind::Step(step) => Some(ids[step].clone()),
        NodeKind::Requests => Some("Requests".to_owned()),
        NodeKind::Barrier => None,
    };
    let before = |node: usize| {
        let (mut seen, mut open) = (BTreeSet::new(), graph.node(node).after.to_vec());
        while let Some(it) = open.pop() {
            if seen.insert(it) {
                open.extend(graph.node(it).after);
            }
        }
        seen.into_iter().filter_map(name).collect()
    };
    (0..graph.len()).filter_map(|node| Some((name(node)?, before(node)))).collect()
}

/// The same as the view tells it.
fn told(steps: &[&PlanStep]) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in steps {
        let mut before = BTreeSet::new();
        for follows in &step.after {
            let names: Vec<&str> = match follows {
                Follows::Step(id) => vec![id],
                Follows::Order { order, steps: count } => {
                    let of_order = steps.iter().filter(|step| step.order == Some(*order));
                    let names: Vec<&str> = of_order.map(|step| step.id.as_str()).collect();
                    assert_eq!(names.len(), *count);
                    names
                }
                Follows::Ordered | Follows::Report => Vec::new(),
            };
            for name in names {
                before.extend(told[name].iter().cloned());
                before.insert(name.to_owned());
            }
        }
        told.insert(step.id.clone(), before);
    }
    told
}

#[test]
fn what_a_step_waits_for_is_what_the_graph_says() {
    let mut compressed = 0;
    for seed in 0..600 {
        let (inner, steps, settings) = planned(random_steps(seed), |_| ());
        let plan = Plan::new(&inner, &steps, &[], &settings);
        let ids: Vec<String> = steps.iter().map(|step| step.name.to_string()).collect();
        for (graph, kind) in [(&inner.start, StepKind::Start), (&inner.shutdown, StepKind::Shutdown)] {
            let steps: Vec<&PlanStep> = plan.section(kind).collect();
            // Each step comes after all that it names, or `told` finds none.
            assert_eq!(told(&steps), relation(graph, &ids), "seed {seed}");
        }
        let orders = plan.steps.iter().flat_map(|step| &step.after);
        compressed += orders.filter(|follows| matches!(follows, Follows::Order { .. })).count();
    }
    assert!(compressed > 100, "the worlds have ranks of many: {compressed}");
}

#[test]
fn times_follow_from_what_is_waited_for() {
    for seed in 0..300 {
        let lameduck = Duration::from_millis(seed);
        let (inner, steps, settings) = planned(random_steps(seed), |settings| {
            settings.lameduck(lameduck);
        });
        let plan = Plan::new(&inner, &steps, &[], &settings);
        for kind in [StepKind::Start, StepKind::Shutdown] {
            let base = if kind == StepKind::Start { Duration::ZERO } else { lameduck };
            let steps: Vec<&PlanStep> = plan.section(kind).collect();
            let ends: HashMap<&str, Duration> =
                steps.iter().map(|step| (&*step.id, step.ends.unwrap())).collect();
            for (id, before) in told(&steps) {
                let step = steps.iter().find(|step| step.id == id).unwrap();
                let begins = before.iter().map(|id| ends[&**id]).max().unwrap_or(base);
                assert_eq!(step.begins, Some(begins), "seed {seed}, {id}");
                assert_eq!(step.ends, Some(begins + step.limit.unwrap()), "seed {seed}, {id}");
            }
        }
        let ends = plan.section(StepKind::Shutdown).map(|step| step.ends.unwrap()).max();
        assert_eq!(plan.worst.total, ends, "seed {seed}");
        let chain: Duration = plan.worst.chain.iter().map(|link| link.cost.unwrap()).sum();
        assert_eq!(plan.worst.total, Some(chain), "seed {seed}");
        // The steps that are marked are those of the chain, and end to end.
        let marked: Vec<&PlanStep> = plan.steps.iter().filter(|step| step.critical).collect();
        let names: Vec<&str> = plan.worst.chain.iter().map(|link| &*link.name).collect();
        let expected: Vec<&str> = marked
            .iter()
            .flat_map(
                |step| if step.kind == StepKind::Group { vec!["drain", "cut"] } else { vec![&*step.id] },
            )
            .collect();
        assert_eq!(
            names.into_iter().filter(|&name| name != "lameduck").collect::<Vec<_>>(),
            expected,
            "seed {seed}"
        );
        assert!(marked.windows(2).all(|two| two[0].ends == two[1].begins), "seed {seed}");
    }
}

#[test]
fn the_linkers_order_shows_nowhere() {
    for seed in 0..40 {
        let steps = random_steps(seed);
        let (forth, back) = (plan(steps.clone(), |_| ()), plan(steps.into_iter().rev(), |_| ()));
        assert_eq!(forth, back, "seed {seed}");
        assert_eq!(committed::text(&forth), committed::text(&back));
    }
    let mut steps = example::small_steps();
    steps.extend(["b", "a", "c"].map(|name| stop(name).off("not here")));
    let there = plan(steps.clone(), |_| ());
    steps.reverse();
    steps.rotate_left(5);
    assert_eq!(plan(steps, |_| ()), there);
}

#[test]
fn many_beside_many_are_told_in_few_words() {
    let steps = (0..2_000).map(|n| stop(&format!("s{n}")).order(n / 1_000 + 1));
    let plan = plan(steps, |_| ());
    let words: usize = plan.steps.iter().map(|step| step.after.len()).sum();
    assert!(words <= 2_001, "{words}");
    assert_eq!(plan.steps.last().unwrap().waits_for(), "all 1000 of order 1");
    assert!(plan.to_dot().matches(" -> ").count() <= 4_001);
}

fn step<'a>(plan: &'a Plan, id: &str) -> &'a PlanStep {
    plan.steps.iter().find(|step| step.id == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn a_rank_says_where_it_comes_from() {
    let plan = example::small();
    let ranks: Vec<String> = plan.steps.iter().map(|step| format!("{}: {}", step.id, step.rank())).collect();
    assert_eq!(
        ranks,
        [
            "connect: 0 default",
            "open_db: 0 default",
            "warm_cache: 0 default",
            "migrate: 1",
            "deregister: -1",
            "Requests: between -1 and 0",
            "cancel_open_orders: 0 default",
            "disconnect: 0 default",
            "flush: 0 default",
            "archive: 2",
            "close_db: 2 via archive",
            "alert: last",
            "flush_telemetry: last",
        ]
    );
    assert_eq!(step(&plan, "migrate").waits_for(), "connect, warm_cache");
    assert_eq!(step(&plan, "warm_cache").waits_for(), "open_db");
    assert_eq!(step(&plan, "close_db").waits_for(), "archive");
    assert_eq!(step(&plan, "alert").waits_for(), "all ordered steps");
    assert_eq!(step(&plan, "flush_telemetry").waits_for(), "the report");
    assert_eq!(step(&plan, "deregister").begins, Some(plan.phases.lameduck));
}

#[test]
fn namesakes_have_their_modules_and_nobody_else() {
    let plan = plan(
        [
            stop("close"),
            stop("close").module("cache"),
            stop("flush").module("cache"),
            stop("Requests"),
            stop("later").order(1).shares::<Db>(),
            stop("drop_db").takes::<Db>(),
        ],
        |_| (),
    );
    let ids: Vec<&str> = plan.steps.iter().map(|step| &*step.id).collect();
    assert_eq!(
        ids,
        [
            "Requests",
            "cache::close",
            "flush",
            "shop::orders::Requests",
            "shop::orders::close",
            "later",
            "drop_db"
        ]
    );
    assert_eq!(step(&plan, "drop_db").rank(), "1 via later");
    assert_eq!(step(&plan, "drop_db").waits_for(), "later");
}

#[test]
fn last_steps_share_what_is_left() {
    let last = |grace: u64, timeout: u64| {
        let plan = plan(
            [
                stop("long").millis(grace * 1_000),
                stop("alert").last().report().millis(timeout),
                stop("flush").last().millis(timeout),
            ],
            |settings| {
                settings.grace(Duration::from_secs(grace)).drain(Duration::ZERO).cut(Duration::ZERO);
            },
        );
        let times = |id: &str| {
            let step = step(&plan, id);
            [step.begins, step.ends].map(|time| time.unwrap().as_millis())
        };
        (times("alert"), times("flush"))
    };
    // Of the reserve of 2s, 250ms are for the exit, and a half is for those before the report.
    assert_eq!(last(10, 5_000), ([8_000, 8_875], [8_875, 9_750]));
    assert_eq!(last(10, 500), ([8_000, 8_500], [8_500, 9_000]));
}

#[test]
fn what_never_ends_has_no_end() {
    let endless = example::endless();
    assert_eq!(
        (step(&endless, "Requests").begins, step(&endless, "Requests").ends),
        (Some(Duration::from_secs(5)), None)
    );
    assert_eq!((step(&endless, "close").begins, step(&endless, "flush").ends), (None, None));
    assert!(endless.worst.fits());
    let drain = example::endless_drain();
    assert!(!drain.worst.fits());
    assert_eq!(step(&drain, "flush").begins, Some(Duration::from_secs(23)));
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let plan = example::small();
    assert_eq!(plan.left_out.len(), 1);
    let step = &plan.left_out[0];
    assert_eq!((&*step.name, step.outcome, &*step.why), ("notify", Outcome::Off, "not in this binary"));
    assert_eq!(step.kind, StepKind::Shutdown);
}

#[test]
fn every_step_is_either_listed_or_left_out() {
    for seed in 0..50 {
        let (inner, steps, settings): (_, Vec<StepSpec>, _) = planned(random_steps(seed), |_| ());
        let plan = Plan::new(&inner, &steps, &[], &settings);
        let off =
            inner.steps.iter().filter(|it| matches!(it.place, Place::Off(_) | Place::Skipped(_))).count();
        assert_eq!((plan.steps.len(), plan.left_out.len()), (steps.len() - off + 1, off));
    }
}

#[test]
fn two_mains_in_one_program_have_no_one_plan() {
    const fn main(file: &'static str) -> MainDef {
        MainDef { file, line: 3, signature: |_| (), keys: |_| (), setup: None }
    }
    let (a, b) = (main("src/a.rs"), main("src/b.rs"));
    assert!(the_one(&[]).unwrap().is_none());
    assert_eq!(the_one(&[&a]).unwrap().unwrap().file, "src/a.rs");
    let forth = the_one(&[&a, &b]).err().unwrap();
    assert!(forth.to_string().contains("several #[lifecycle::main]"), "{forth}");
    assert!(forth.to_string().contains("src/a.rs:3, src/b.rs:3"), "{forth}");
    assert_eq!(Some(forth), the_one(&[&b, &a]).err());
}

#[test]
fn errors_are_a_numbered_list() {
    let errors = PlanErrors { messages: vec!["first".into(), "second".into()] };
    assert_eq!(errors.to_string(), "1. first\n2. second");
    assert_eq!(errors.messages().collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn a_group_ends_after_its_time_and_the_cut_and_is_not_among_those_of_order_0() {
    static JOBS: Gate = Gate::new("Jobs");
    let hooks = ["a", "b", "c", "d"].map(stop);
    let drafts: Vec<Draft> =
        [group("Jobs", &JOBS), stop("close").order(1)].into_iter().chain(hooks).collect();
    let (inner, steps, settings) = planned(drafts, |_| {});
    let plan = Plan::new(&inner, &steps, &[], &settings);
    let jobs = step(&plan, "Jobs");
    assert_eq!(jobs.limit, Some(Duration::from_millis(15_500)));
    assert_eq!(plan.worst.total, plan.section(StepKind::Shutdown).map(|step| step.ends.unwrap()).max());
    let told = format!("{:?}", step(&plan, "close").after);
    assert!(told.contains("Order { order: 0, steps: 4 }"), "{told}");
}
