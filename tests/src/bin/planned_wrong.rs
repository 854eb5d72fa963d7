//! A service with three faults at once.

use lifecycle::{Take, on_shutdown, on_start};

struct Db;
struct Venue;

#[on_start]
async fn connect(_: &Venue) {
    println!("STARTED");
}

#[on_shutdown(order = 1)]
async fn close_db(Take(_db): Take<Db>) {}

#[on_shutdown(order = 2)]
async fn flush(_: &Db) {}

#[lifecycle::main(grace = "1s")]
async fn main() {
    println!("SERVED");
}
