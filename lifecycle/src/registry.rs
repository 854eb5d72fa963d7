//! Every step that the attributes have left in this program.

use crate::group::GroupDef;
use crate::health::{CheckDef, CheckSpec};
use crate::hook::{Phase, StepDef, StepSpec};

/// Registers itself as the steps do.
#[cfg(feature = "macros")]
struct Canary;

#[cfg(feature = "macros")]
inventory::collect!(Canary);
#[cfg(feature = "macros")]
inventory::submit!(Canary);

/// Says if nothing that attributes leave behind can be found here: there are platforms where registrations before
/// `main` are dropped without a word.
#[cfg(feature = "macros")]
pub(crate) fn fault() -> Option<String> {
    let found = inventory::iter::<Canary>.into_iter().next().is_some();
    let fault = "nothing that #[on_start], #[on_shutdown] and expect_hooks! have registered is in this program: its \
                 linker or its platform drops what runs before `main`. See PLATFORMS.md, or build without the feature \
                 `macros` and register every step by hand";
    (!found).then(|| fault.to_owned())
}

#[cfg(not(feature = "macros"))]
pub(crate) fn fault() -> Option<String> {
    None
}

/// All steps, in an order that does not depend on the linker's.
pub(crate) fn collect() -> Vec<StepSpec> {
    let mut steps = sorted(inventory::iter::<StepDef>.into_iter());
    let mut groups: Vec<&GroupDef> = inventory::iter::<GroupDef>.into_iter().collect();
    groups.sort_by_key(|group| group.place());
    steps.extend(groups.into_iter().map(StepSpec::from));
    steps
}

/// All health checks, in an order that does not depend on the linker's, each with a name of its own.
pub(crate) fn checks() -> Vec<CheckSpec> {
    named(inventory::iter::<CheckDef>.into_iter().map(CheckSpec::from).collect())
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

fn sorted(steps: impl Iterator<Item = &'static StepDef>) -> Vec<StepSpec> {
    let mut steps: Vec<&StepDef> = steps.collect();
    steps.sort_by_key(|step| {
        (step.node.phase == Phase::Shutdown, step.module, step.node.name, step.file, step.line)
    });
    steps.into_iter().map(StepSpec::from).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Step;
    use crate::edge::{EdgeDef, Edges, Node, NodeDef, PlaceDef, Target};
    use crate::group::Requests;
    use crate::health::Check;
    use crate::hook::{Call, Function};
    use crate::resource::Inputs;
    use std::any::TypeId;
    use std::sync::Arc;
    use std::time::Duration;

    struct Marker;
    impl Step for Marker {}
    static AFTER: EdgeDef = Requests::NODE.after("lifecycle::Requests");
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

    const fn def(node: &'static NodeDef, module: &'static str, line: u32) -> StepDef {
        StepDef {
            node,
            module,
            file: "src/it.rs",
            line,
            timeout: Some(Duration::from_secs(3)),
            function: || {
                let begin = |_: &mut Inputs<'_>| Ok(Call::Sync(Box::new(|| Ok(Vec::new()))));
                Function::new(|signature| signature.takes_report = true, Arc::new(begin))
            },
            extra: None,
        }
    }

    static STEPS: [StepDef; 5] = [
        def(&SHUTDOWN_X, "a", 1),
        def(&START_Y, "b", 2),
        def(&START_X, "b", 2),
        def(&START_X, "b", 1),
        def(&START_Z, "a", 9),
    ];
    inventory::submit! { def(&NODE, "lifecycle::registry::tests", 5) }

    #[test]
    fn the_order_is_not_the_linkers() {
        let names = |steps: Vec<StepSpec>| -> Vec<String> {
            steps.iter().map(|step| format!("{}::{}:{}", step.module, step.name, step.line)).collect()
        };
        let forth = names(sorted(STEPS.iter()));
        assert_eq!(forth, ["a::z:9", "b::x:1", "b::x:2", "b::y:2", "a::x:1"]);
        assert_eq!(forth, names(sorted(STEPS.iter().rev())));
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
        assert_eq!((step.phase, &*step.file, step.line), (Phase::Start, "src/it.rs", 5));
        assert_eq!(step.id, Some(TypeId::of::<Marker>()));
        assert_eq!(step.keys.order, Some(4));
        let at = AFTER.at;
        let requests = Target { id: TypeId::of::<Requests>(), path: "lifecycle::Requests", at };
        assert_eq!(step.edges, Edges { after: vec![requests], before: vec![] });
        assert!(step.signature.takes_report && step.off.is_none());
    }
}
