//! A refused call would look like a finished one.
use lifecycle::tracked;

struct Orders;

#[tracked]
async fn asynchronous() {}

#[tracked]
fn synchronous() {}

impl Orders {
    #[tracked]
    async fn method(&self) {}
}

fn main() {
    synchronous();
    drop(asynchronous());
    drop(Orders.method());
}
