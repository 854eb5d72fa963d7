use lifecycle::tracked;

#[tracked(admit = always, reject = ())]
async fn both() {}

fn main() {}
