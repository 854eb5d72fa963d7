//! What only says `before` has no rank that the compiler could hold against others.
use lifecycle::{Requests, on_shutdown};

#[on_shutdown(before = Requests)]
fn announce() {}

#[on_shutdown(order = -1, after = announce)]
fn deregister() {}

#[on_shutdown(order = -4)]
fn earliest() {}

#[on_shutdown(before = earliest)]
fn first() {}

#[on_shutdown(order = -4, after = first, before = unordered)]
fn second() {}

#[on_shutdown(before = earliest)]
fn unordered() {}

#[lifecycle::main]
async fn main() {}
