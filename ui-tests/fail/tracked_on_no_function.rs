use lifecycle::tracked;

#[tracked(reject = ())]
struct Orders;

#[tracked]
impl Orders {
    fn create(&self) {}
}

#[tracked]
trait Creates {}

#[tracked]
static COUNT: u8 = 1;

fn main() {
    Orders.create();
    let _ = COUNT;
}
