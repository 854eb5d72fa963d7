use lifecycle::tracked;

struct Order {
    id: u32,
}

#[tracked(id = order, reject = ())]
async fn cannot_be_shown(order: Order) {
    drop(order.id);
}

#[tracked(id = order.number, reject = ())]
fn no_such_field(order: Order) {
    drop(order.id);
}

#[tracked(id = ordr.id, reject = ())]
async fn no_such_argument(order: Order) {
    drop(order.id);
}

#[tracked(id = shown(order), reject = ())]
fn moves_the_argument(order: Order) {
    drop(order.id);
}

fn shown(order: Order) -> u32 {
    order.id
}

fn main() {}
