use lifecycle::tracked;

#[tracked(reject = (), name = "a", reject = ())]
fn twice() {}

fn main() {}
