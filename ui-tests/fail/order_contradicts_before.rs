//! An `order` above that of what the step names in `before`.
use lifecycle::{Requests, on_shutdown};

#[on_shutdown(order = 1)]
fn close_db() {}

#[on_shutdown(order = 3, before = close_db)]
fn stop_workers() {}

#[on_shutdown(after = stop_workers, before = close_db)]
fn torn() {}

#[on_shutdown(order = 0, before = Requests)]
fn announce() {}

#[on_shutdown(after = close_db, before = lifecycle::Requests)]
fn deregister() {}

// It follows by itself.
#[on_shutdown(order = 9, before = without_order)]
fn fine() {}

#[on_shutdown]
fn without_order() {}

fn main() {}
