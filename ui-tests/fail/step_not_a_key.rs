use lifecycle::{on_shutdown, on_start};

#[on_start("5s")]
fn a_string() {}

#[on_start(5)]
fn a_number() {}

#[on_shutdown(order = 1 timeout = "5s")]
fn no_comma() {}

#[on_shutdown(, last)]
fn a_comma_too_many() {}

#[on_shutdown(= 5)]
fn no_key() {}

fn main() {}
