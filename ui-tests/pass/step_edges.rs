//! `after` and `before` by every path that names a step.
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use db::shut as close_it;
use lifecycle::{Outcome, Report, Requests, on_shutdown, on_start};

mod db {
    pub(crate) use self::inner::shut;

    mod inner {
        #[lifecycle::on_shutdown(order = 1)]
        pub(in crate::db) fn by_path() {}

        #[lifecycle::on_shutdown(after = super::of_module)]
        pub(crate) fn shut() {}
    }

    #[lifecycle::on_shutdown(after = [inner::by_path, self::inner::by_path,])]
    pub(super) fn of_module() {}
}

#[on_shutdown(after = close_it)]
fn r#move() {}

#[on_shutdown(after = [r#move, crate::db::of_module], label = Labelled)]
fn has_a_label() {}

#[on_shutdown(after = Labelled, before = [z_end, lifecycle_ui_tests::steps::renamed])]
fn a_before() {}

#[on_shutdown(order = 2, after = lifecycle_ui_tests::steps::renamed)]
fn z_end() {}

#[on_shutdown(before = Requests)]
fn still_serving() {}

#[on_shutdown(after = lifecycle::Requests, timeout = "1s")]
fn served() {}

macro_rules! closing {
    ($name:ident after $($path:path),*) => {
        #[on_shutdown(order = 8, after = [$($path),*])]
        fn $name() {}
    };
}
closing!(by_macro after z_end, db::shut);

type Alias = Labelled;

#[on_shutdown(order = 9, after = Alias)]
fn by_alias() {}

const fn in_a_function() {
    #[on_shutdown(order = 10)]
    fn local() {}

    #[on_shutdown(order = 10, after = local)]
    fn after_local() {}
}

#[allow(non_upper_case_globals)]
const NODE_OF_z_end: i32 = 11;

#[on_shutdown(order = NODE_OF_z_end, after = by_alias)]
fn order_by_a_path() {}

#[on_start(after = a_second)]
fn a_first() {}

#[on_start(before = a_first)]
fn a_second() {}

#[on_shutdown(last)]
fn alert(report: &Report) {
    let found: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.outcome)).collect();
    let expected = [
        "a_second",
        "a_first",
        "still_serving",
        "Requests",
        "served",
        "by_path",
        "of_module",
        "shut",
        "move",
        "Labelled",
        "a_before",
        "reexported",
        "z_end",
        "Later",
        "by_macro",
        "by_alias",
        "local",
        "after_local",
        "order_by_a_path",
    ];
    let expected: Vec<_> = expected.into_iter().map(|name| (name, Outcome::Done)).collect();
    assert_eq!(found, expected, "{report}");
}

#[lifecycle::main]
async fn main() {
    in_a_function();
}
