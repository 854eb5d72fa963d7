use lifecycle::{on_shutdown, on_start, tracked};

#[on_start(crate = "lifecycle")]
fn quoted() {}

#[on_shutdown(crate = 5)]
fn a_number() {}

#[tracked(reject = (), crate)]
fn nothing() {}

fn main() {}
