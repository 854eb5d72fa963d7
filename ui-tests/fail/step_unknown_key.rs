//! An unknown key, a near one, and one that belongs to another attribute.
use lifecycle::{on_shutdown, on_start};

#[on_start(ordr = 1)]
fn near() {}

#[on_shutdown(priority = 1)]
fn far() {}

#[on_start(last)]
fn of_shutdown() {}

#[on_shutdown(grace = "5s")]
fn of_main() {}

#[on_start(reject = ())]
fn of_tracked() {}

fn main() {}
