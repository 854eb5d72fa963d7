//! Whatever the orders say.
use lifecycle::on_shutdown;

#[on_shutdown(order = 2, after = close_db)]
fn flush() {}

#[on_shutdown(order = 2, after = [beside, flush])]
fn close_db() {}

#[on_shutdown]
fn beside() {}

fn main() {}
