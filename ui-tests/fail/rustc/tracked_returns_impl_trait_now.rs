//! Whether it is a future is seen by its type only.
use std::fmt::Display;
use std::future::Future;

use lifecycle::tracked;

#[tracked]
fn name() -> impl Display {
    "orders"
}

#[tracked]
fn find() -> impl Future<Output = Option<u8>> {
    async { None }
}

fn main() {
    name();
    drop(find());
}
