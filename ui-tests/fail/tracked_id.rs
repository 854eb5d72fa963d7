use lifecycle::tracked;

#[tracked(id = "checkout", reject = ())]
async fn the_same_for_all(order: u32) {
    drop(order);
}

#[tracked(id = |order: &u32| *order, reject = ())]
async fn a_closure(order: u32) {
    drop(order);
}

#[tracked(id = number().await, reject = ())]
async fn waits() {}

#[tracked(id, reject = ())]
async fn without_a_value(order: u32) {
    drop(order);
}

#[tracked(id = , span, reject = ())]
async fn nothing_after_it(order: u32) {
    drop(order);
}

#[tracked(id = order, id = order, reject = ())]
async fn twice(order: u32) {
    drop(order);
}

#[tracked(id = order order, reject = ())]
async fn two(order: u32) {
    drop(order);
}

#[tracked(ids = order, reject = ())]
async fn misspelled(order: u32) {
    drop(order);
}

#[tracked(span = "checkout", reject = ())]
async fn a_span_with_a_value() {}

#[tracked(span(order), reject = ())]
async fn a_span_with_fields(order: u32) {
    drop(order);
}

async fn number() -> u32 {
    1
}

fn main() {
    drop((number(), waits()));
}
