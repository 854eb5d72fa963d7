//! `after` and `before` of groups, by every path that names a step, and of steps that name groups.
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use lifecycle::{Outcome, Report, Requests, on_shutdown};
use queue::is_empty as nothing_waits;

mod queue {
    pub(crate) use self::inner::{Sessions as Renamed, is_empty};

    mod inner {
        #[lifecycle::on_shutdown(order = 2)]
        pub(crate) fn is_empty() {}

        #[lifecycle::group(after = super::is_empty)]
        pub(crate) struct Sessions;

        #[lifecycle::group(after = [Sessions, self::is_empty])]
        pub(in crate::queue) struct ByPath;
    }

    #[lifecycle::group(after = inner::ByPath, before = crate::z_end)]
    pub(super) struct OfModule;
}

#[lifecycle::group(after = [nothing_waits, queue::OfModule])]
struct r#Jobs;

#[on_shutdown(after = r#Jobs)]
fn r#move() {}

#[lifecycle::group(after = r#move, before = [z_end, lifecycle_ui_tests::steps::Later])]
struct AfterRaw;

type Alias = AfterRaw;

#[on_shutdown(order = 2, after = [Alias, queue::Renamed])]
fn z_end() {}

#[lifecycle::group(before = Requests)]
struct WhileServing;

#[lifecycle::group(order = 4, after = lifecycle_ui_tests::steps::Later, timeout = "1s")]
struct AfterAnotherCrate;

macro_rules! group {
    ($name:ident after $($path:path),*) => {
        #[lifecycle::group(order = 8, after = [$($path),*])]
        struct $name;
    };
}
group!(ByMacro after z_end, queue::Renamed);

const fn in_a_function() {
    #[lifecycle::group(order = 10)]
    struct Local;

    #[lifecycle::group(order = 10, after = Local)]
    struct AfterLocal;
}

const NODE: i32 = 11;
const GATE: std::time::Duration = std::time::Duration::from_secs(1);

#[lifecycle::group(order = NODE, timeout = GATE, after = ByMacro)]
struct Constants;

#[on_shutdown(last)]
fn alert(report: &Report) {
    let found: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.outcome)).collect();
    let expected = [
        "WhileServing",
        "Requests",
        "reexported",
        "is_empty",
        "Sessions",
        "ByPath",
        "OfModule",
        "Jobs",
        "move",
        "AfterRaw",
        "z_end",
        "Later",
        "AfterAnotherCrate",
        "ByMacro",
        "Local",
        "AfterLocal",
        "Constants",
    ];
    let expected: Vec<_> = expected.into_iter().map(|name| (name, Outcome::Done)).collect();
    assert_eq!(found, expected, "{report}");
}

#[lifecycle::main(report = off)]
async fn main() {
    in_a_function();
}
