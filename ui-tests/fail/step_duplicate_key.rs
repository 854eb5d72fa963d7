use lifecycle::{on_shutdown, on_start};

#[on_start(order = 1, timeout = "5s", order = 2)]
fn start() {}

#[on_shutdown(last, last)]
fn end() {}

fn main() {}
