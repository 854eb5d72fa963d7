//! Every step that the attributes have left in this program.

use crate::collect::{Left, collected};
use crate::group::GroupDef;
use crate::health::CheckSpec;
use crate::hook::{Phase, StepSpec};
use crate::run::MainDef;

/// Says if nothing that attributes leave behind can be found here: there are platforms where registrations before
/// `main` are dropped without a word.
#[cfg(feature = "macros")]
pub(crate) fn fault() -> Option<String> {
    let canaries = collected(|left| matches!(left, Left::Canary).then_some(()));
    let fault = "nothing that #[on_start], #[on_shutdown] and expect_hooks! have registered is in this program: its \
                 linker or its platform drops what runs before `main`. See PLATFORMS.md, or build without the feature \
                 `macros` and register every step by hand";
    canaries.is_empty().then(|| fault.to_owned())
}

#[cfg(not(feature = "macros"))]
pub(crate) fn fault() -> Option<String> {
    None
}

/// All steps, in an order that does not depend on the linker's.
pub(crate) fn collect() -> Vec<StepSpec> {
    let asked = collected(|left| match left {
        Left::Step(asked) => Some(*asked),
        _ => None,
    });
    let groups = groups();
    // Many and large: room for all of them at once, or they would be moved again and again.
    let mut steps = Vec::with_capacity(asked.len() + groups.len());
    steps.extend(asked.into_iter().filter_map(StepSpec::of));
    sort(&mut steps);
    steps.extend(groups.into_iter().map(StepSpec::from));
    steps
}

/// The groups, in an order that does not depend on the linker's.
pub(crate) fn groups() -> Vec<&'static GroupDef> {
    let mut groups = collected(|left| match left {
        Left::Group(def) => Some(*def),
        _ => None,
    });
    groups.sort_by_key(|group| group.place());
    groups
}

/// The `main`s of this program, for [`plan`](crate::plan()), which is not called by one.
pub(crate) fn mains() -> Vec<&'static MainDef> {
    collected(|left| match left {
        Left::Main(def) => Some(*def),
        _ => None,
    })
}

/// All health checks, in an order that does not depend on the linker's, each with a name of its own.
pub(crate) fn checks() -> Vec<CheckSpec> {
    let checks = collected(|left| match left {
        Left::Check(def) => Some(*def),
        _ => None,
    });
    named(checks.into_iter().map(CheckSpec::from).collect())
}

fn named(mut checks: Vec<CheckSpec>) -> Vec<CheckSpec> {
    let place =
        |check: &CheckSpec| (check.module.clone(), check.name.clone(), check.file.clone(), check.line);
    checks.sort_by_key(place);
    let names: Vec<String> = checks.iter().map(|check| check.name.clone()).collect();
    for check in &mut checks {
        if names.iter().filter(|name| **name == check.name).count() > 1 {
            check.name = format!("{}::{}", check.module, check.name);
        }
    }
    checks
}

/// By their indices, so that each is moved once.
fn sort(steps: &mut [StepSpec]) {
    fn place(step: &StepSpec) -> (bool, &str, &str, &str, u32) {
        (step.phase == Phase::Shutdown, &step.module, &step.name, &step.file, step.line)
    }
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by(|&one, &other| place(&steps[one]).cmp(&place(&steps[other])));
    for to in 0..order.len() {
        // What was there when `order` was made may have had to make room.
        let mut from = order[to];
        while from < to {
            from = order[from];
        }
        order[to] = from;
        steps.swap(to, from);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::edge::{EdgeDef, Edges, NodeDef, PlaceDef, Target};
    use crate::group::Requests;
    use crate::health::Check;
    use crate::hook::{Answer, Asked, Query};
    use std::any::TypeId;
    use std::time::Duration;

    struct Marker;
    static AFTER: EdgeDef = Requests::lifecycle_node().after("lifecycle::Requests");
    static AFTER_REQUESTS: [&EdgeDef; 1] = [&AFTER];
    const fn node(phase: Phase, name: &'static str) -> NodeDef {
        NodeDef {
            name,
            phase,
            id: TypeId::of::<Marker>,
            place: PlaceDef::Order(4),
            after: &AFTER_REQUESTS,
            before: &[],
        }
    }
    pub(crate) static NODE: NodeDef = node(Phase::Start, "registered");
    static START_X: NodeDef = node(Phase::Start, "x");
    static START_Y: NodeDef = node(Phase::Start, "y");
    static START_Z: NodeDef = node(Phase::Start, "z");
    static SHUTDOWN_X: NodeDef = node(Phase::Shutdown, "x");

    /// Answers as the function of a step with this node.
    fn answer<'a>(
        query: Query<'a, '_>,
        node: &'static NodeDef,
        module: &'static str,
        line: u32,
    ) -> Answer<'a> {
        match query.of(node, module).line(line).timeout(Duration::from_secs(3)) {
            Query::Describe(description) => {
                description.signature.takes_report = true;
                Answer::Described
            }
            Query::Hold(_) => Answer::Held(Ok(Box::new(())), false),
            Query::Call(_) => Answer::Ended(Ok(Vec::new())),
        }
    }

    const STEPS: [Asked; 5] = [
        |query| answer(query, &SHUTDOWN_X, "a", 1),
        |query| answer(query, &START_Y, "b", 2),
        |query| answer(query, &START_X, "b", 2),
        |query| answer(query, &START_X, "b", 1),
        |query| answer(query, &START_Z, "a", 9),
    ];
    #[expect(
        unsafe_code,
        unused_imports,
        unused_braces,
        unreachable_pub,
        reason = "lints of a macro are for its own crate"
    )]
    const _: () = {
        crate::__step! { Marker query { answer(query, &NODE, "lifecycle::registry::tests", 5) } = NODE }
    };

    #[test]
    fn the_order_is_not_the_linkers() {
        let names = |steps: Vec<StepSpec>| -> Vec<String> {
            steps.iter().map(|step| format!("{}::{}:{}", step.module, step.name, step.line)).collect()
        };
        let sorted = ["a::z:9", "b::x:1", "b::x:2", "b::y:2", "a::x:1"];
        for turn in 0..STEPS.len() {
            let mut asked = STEPS;
            asked.rotate_left(turn);
            for _ in 0..2 {
                let mut steps: Vec<StepSpec> = asked.into_iter().filter_map(StepSpec::of).collect();
                sort(&mut steps);
                assert_eq!(names(steps), sorted);
                asked.reverse();
            }
        }
    }

    #[test]
    fn of_one_name_each_check_is_told_by_its_module() {
        let check = |module: &str, name: &str| {
            let mut spec = Check::new(name, || async {}).spec;
            spec.module = module.to_owned();
            spec
        };
        let of = |checks: Vec<CheckSpec>| -> Vec<String> {
            named(checks).into_iter().map(|check| check.name).collect()
        };
        let forth = of(vec![check("b", "db"), check("a", "disk"), check("a", "db")]);
        assert_eq!(forth, ["a::db", "disk", "b::db"]);
        assert_eq!(forth, of(vec![check("a", "db"), check("a", "disk"), check("b", "db")]));
    }

    #[test]
    fn what_is_submitted_is_collected_whole() {
        let steps = collect();
        let step = steps.iter().find(|step| step.name == "registered").unwrap();
        assert_eq!((step.phase, &*step.file, step.line), (Phase::Start, file!(), 5));
        assert_eq!(step.id, Some(TypeId::of::<Marker>()));
        assert_eq!(step.keys.order, Some(4));
        let at = AFTER.at;
        let requests = Target { id: TypeId::of::<Requests>(), path: "lifecycle::Requests", at };
        assert_eq!(step.edges, Edges { after: vec![requests], before: vec![] });
        assert!(step.signature.takes_report && step.off.is_none());
    }
}
