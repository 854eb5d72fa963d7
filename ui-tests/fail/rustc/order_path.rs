//! A path is typed by rustc: of another type, not there, not constant.
use lifecycle::on_shutdown;

const FIRST: i64 = 1;

fn second() -> i32 {
    2
}

#[on_shutdown(order = FIRST)]
fn of_another_type() {}

#[on_shutdown(order = THIRD)]
fn not_there() {}

#[on_shutdown(order = second)]
fn a_function() {}

fn main() {
    second();
}
