use lifecycle::tracked;

struct Order;

#[tracked]
async fn find() -> Option<Order> {
    Some(Order)
}

#[tracked]
fn count() -> usize {
    1
}

#[tracked]
async fn none() -> () {}

fn main() {
    count();
    drop((find(), none()));
}
