use std::cell::Cell;
use std::rc::Rc;

use lifecycle::{on_shutdown, on_start};

struct NotClone;

#[on_shutdown]
fn by_value(db: NotClone) {
    let _ = db;
}

#[on_shutdown]
async fn not_sync(counter: &Cell<u8>) {
    let _ = counter;
}

#[on_shutdown]
fn not_send(name: Rc<str>) {
    let _ = name;
}

#[on_start]
fn optional(db: Option<NotClone>) {
    let _ = db;
}

fn main() {}
