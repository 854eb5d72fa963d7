use lifecycle::tracked;

#[tracked(rejcet = ())]
fn near() {}

#[tracked(reject = (), timeout = "5s")]
fn of_steps() {}

#[tracked(reject = (), skip(order))]
fn of_another_library() {}

fn main() {}
