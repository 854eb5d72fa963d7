use lifecycle::{on_shutdown, on_start};

#[on_start]
struct Db;

#[on_start]
impl Db {
    fn open() {}
}

#[on_shutdown]
mod closing {}

#[on_shutdown]
const CLOSE: fn() = || {};

#[on_shutdown]
use std::mem::drop;

fn main() {
    Db::open();
    drop(CLOSE);
}
