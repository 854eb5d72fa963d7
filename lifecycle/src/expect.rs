//! Steps that must be in the program, whatever the linker thinks.

use std::any::TypeId;
use std::collections::HashSet;

use crate::collect::{Left, collected};
use crate::edge::NodeDef;
use crate::group::Requests;
use crate::hook::StepSpec;

/// What `expect_hooks!` leaves behind.
#[derive(Debug)]
pub struct ExpectDef {
    /// Each with its path as written. By a function of the step's crate: what it returns may have been copied into this
    /// one, and would not have the linker take that one in.
    pub steps: &'static [Expected],
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
}

/// A step's path, and how its crate tells of it.
pub(crate) type Expected = (&'static str, fn() -> &'static NodeDef);

/// Names steps without which the program must not start: `lifecycle::expect_hooks![db::close_db, cache::flush];`
///
/// Steps of another crate are in the program only if that crate is linked, and a dependency that no code mentions is
/// not, without a word. Naming a step here has the compiler check the name, links its crate, and makes the start fail
/// with exit code 78 if it is missing all the same. Write it beside `main`, or as a statement in the function that runs
/// the lifecycle.
///
/// ```
/// mod db {
///     #[lifecycle::on_shutdown]
///     pub async fn close_db() {}
/// }
///
/// lifecycle::expect_hooks![db::close_db];
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! expect_hooks {
    ($($step:ty),+ $(,)?) => {
        const _: () = {
            struct Expected;
            impl $crate::__private::Collected for Expected {
                const LEFT: $crate::__private::Left =
                    $crate::__private::Left::Expected(&$crate::__private::ExpectDef {
                        steps: {
                            #[allow(unused_imports)]
                            use $crate::__private::AnyNode as _;
                            &[$(($crate::__private::stringify!($step), <$step>::lifecycle_node)),+]
                        },
                        file: $crate::__private::file!(),
                        line: $crate::__private::line!(),
                    });
            }
            $crate::__private::collected!(Expected);
        };
    };
}

/// One text for each step that is expected and not there, in a stable order.
pub(crate) fn missing(steps: &[StepSpec]) -> Vec<String> {
    let expected = collected(|left| match left {
        Left::Expected(def) => Some(*def),
        _ => None,
    });
    missing_of(expected.into_iter(), steps)
}

fn missing_of<'a>(expected: impl Iterator<Item = &'a ExpectDef>, steps: &[StepSpec]) -> Vec<String> {
    let mut expected = expected.peekable();
    if expected.peek().is_none() {
        return Vec::new();
    }
    let there: HashSet<TypeId> =
        steps.iter().filter_map(|step| step.id).chain([TypeId::of::<Requests>()]).collect();
    let mut missing: Vec<(&str, u32, &str)> = expected
        .flat_map(|def| def.steps.iter().map(move |(path, node)| (def.file, def.line, *path, (node().id)())))
        .filter(|(.., id)| !there.contains(id))
        .map(|(file, line, path, _)| (file, line, path))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
        .into_iter()
        .map(|(file, line, path)| {
            format!(
                "`{path}` is not in this program, and expect_hooks! ({file}:{line}) names it: the compiler knew the \
                 step, but the linker left its registration out. {LINKING}"
            )
        })
        .collect()
}

/// What to do about it.
pub(crate) const LINKING: &str = "A static library has to be linked whole (--whole-archive, -force_load); a library \
                                  that is loaded at run time has steps of its own: see PLATFORMS.md";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::PlaceDef;
    use crate::hook::Phase;

    struct Ghost;
    static GHOST: NodeDef = NodeDef {
        name: "ghost",
        phase: Phase::Start,
        id: TypeId::of::<Ghost>,
        place: PlaceDef::Free,
        after: &[],
        before: &[],
    };

    type Steps = [Expected];
    static GHOSTS: &Steps = &[("a::ghost", || &GHOST)];
    static OTHERS: &Steps = &[("Requests", Requests::lifecycle_node), ("b::ghost", || &GHOST)];
    static THERE: &Steps = &[("marker", || &crate::registry::tests::NODE)];

    const fn def(steps: &'static Steps, line: u32) -> ExpectDef {
        ExpectDef { steps, file: "src/main.rs", line }
    }

    #[test]
    fn what_is_not_there_is_named_once_for_each_place() {
        let defs = [def(GHOSTS, 9), def(OTHERS, 2), def(GHOSTS, 9)];
        let texts = missing_of(defs.iter(), &crate::registry::collect());
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].starts_with("`b::ghost` is not in this program, and expect_hooks! (src/main.rs:2)"));
        assert!(texts[1].starts_with("`a::ghost` is not in this program, and expect_hooks! (src/main.rs:9)"));
    }

    #[test]
    fn what_is_there_is_not_named() {
        assert_eq!(missing_of([def(THERE, 1)].iter(), &crate::registry::collect()), [""; 0]);
    }
}
