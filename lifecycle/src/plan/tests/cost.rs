//! Planning is linear in steps and edges: what it looks at is counted, since times depend on the machine.

use super::super::visits;
use super::world::{DB, Draft, World, group, start, stop};

/// A shape of a plan, by its size, with the edges that it has beside its steps.
type Shape = (&'static str, fn(usize) -> Vec<Draft>);

fn all(count: usize, draft: impl Fn(usize, Draft) -> Draft) -> Vec<Draft> {
    (0..count).map(|n| draft(n, stop(&format!("s{n}")))).collect()
}

fn and(mut steps: Vec<Draft>, one: Draft) -> Vec<Draft> {
    steps.push(one);
    steps
}

/// In which only one step is named, so that there is a type for it however many there are.
const MANY: [Shape; 7] = [
    ("of one order", |count| all(count, |_, step| step)),
    ("of many orders", |count| all(count, |n, step| step.order(n as i32 / 2 - 50))),
    ("beside many", |count| all(count, |n, step| step.order((n % 2) as i32))),
    ("before one", |count| and(all(count, |_, step| step.before("hub")), stop("hub"))),
    ("after one", |count| and(all(count, |_, step| step.after("hub")), stop("hub"))),
    ("users of one resource", |count| {
        let users = and(all(count, |_, step| step.shares(DB)), stop("close").takes(DB));
        let starts = (0..count).map(|n| start(&format!("t{n}")).shares(DB));
        and(users, start("open").gives(DB)).into_iter().chain(starts).collect()
    }),
    ("groups beside steps", |count| {
        (0..count)
            .map(|n| if n % 2 == 0 { group(&format!("s{n}")) } else { stop(&format!("s{n}")) })
            .collect()
    }),
];

const NAMED: [Shape; 4] = [
    ("one after all", |count| {
        let hub = (0..count).fold(stop("hub"), |hub, n| hub.after(&format!("s{n}")));
        and(all(count, |_, step| step), hub)
    }),
    ("one before all", |count| {
        let hub = (0..count).fold(stop("hub"), |hub, n| hub.before(&format!("s{n}")));
        and(all(count, |_, step| step), hub)
    }),
    ("a chain", |count| {
        let next = |n: usize| format!("s{}", n + 1);
        all(count, |n, step| if n + 1 < count { step.after(&next(n)) } else { step })
    }),
    ("steps that are off", |count| {
        all(count, |n, step| {
            step.off_if(n % 2 == 0).before(&format!("s{}", (n + 1).min(count - 1))).off_if(n + 1 == count)
        })
    }),
];

/// What is looked at for each step and each edge; in all but the first rounds of a search for cycles it is about ten.
const EACH: usize = 16;

fn check((name, shape): Shape, sizes: [usize; 3]) {
    let per_part = sizes.map(|size| {
        let world = World::new(shape(size));
        let edges = |step: &crate::hook::StepSpec| {
            step.edges.after.len()
                + step.edges.before.len()
                + step.signature.takes.len()
                + step.signature.gives.len()
        };
        let parts: usize = world.steps.iter().map(|step| 1 + edges(step)).sum();
        let visits = visits::of(|| _ = world.plan());
        assert!(visits > size, "{name}: nothing is counted");
        assert!(visits <= EACH * parts, "{name}: {visits} visits for {parts} steps and edges");
        visits as f64 / parts as f64
    });
    // The more there are, the less do those count that are always there.
    assert!(per_part[2] <= per_part[0] * 1.05, "{name}: {per_part:?} visits for each step and edge");
}

#[test]
fn every_step_and_edge_is_looked_at_a_few_times_however_many_there_are() {
    for shape in MANY {
        check(shape, [100, 1_000, 10_000]);
    }
    for shape in NAMED {
        check(shape, [100, 300, 1_000]);
    }
}
