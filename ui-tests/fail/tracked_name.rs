use lifecycle::tracked;

const NAME: &str = "orders";

#[tracked(reject = (), name = orders)]
fn unquoted() {}

#[tracked(reject = (), name = 5)]
fn a_number() {}

#[tracked(reject = (), name = "")]
fn empty() {}

#[tracked(reject = (), name = concat!("a", "b"))]
fn a_macro() {}

#[tracked(reject = (), name = NAME)]
fn a_constant() {}

fn main() {
    let _ = NAME;
}
