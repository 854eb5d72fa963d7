use lifecycle::{on_shutdown, on_start};

#[on_start(order)]
fn no_value() {}

#[on_start(timeout =)]
fn nothing_after_the_sign() {}

#[on_shutdown(label, timeout = "5s")]
fn no_value_before_a_comma() {}

#[on_shutdown(timeout("5s"))]
fn as_a_call() {}

#[on_shutdown(order: 5)]
fn with_a_colon() {}

fn main() {}
