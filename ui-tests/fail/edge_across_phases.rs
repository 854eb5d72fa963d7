//! Start and shutdown have separate orders.
use lifecycle::{Requests, on_shutdown, on_start};

#[on_start]
fn open_db() {}

#[on_shutdown(after = open_db)]
fn close_db() {}

#[on_start(before = [open_db, close_db])]
fn migrate() {}

#[on_start(after = Requests)]
fn late() {}

fn main() {}
