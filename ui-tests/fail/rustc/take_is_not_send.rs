use std::rc::Rc;

use lifecycle::{Take, on_shutdown};

#[on_shutdown]
fn close(Take(name): Take<Rc<str>>) {
    let _ = name;
}

fn main() {}
