use lifecycle::{health_check, on_shutdown, on_start, tracked, worker};

#[on_start(crate = "lifecycle")]
fn quoted() {}

#[on_shutdown(crate = 5)]
fn a_number() {}

#[tracked(reject = (), crate)]
fn nothing() {}

#[worker(crate = lifecycle::)]
fn no_end() {}

#[health_check(crate = [lifecycle])]
fn a_list() {}

#[lifecycle::group(crate = lifecycle())]
struct Called;

struct Pool;

#[lifecycle::component(crate = "lifecycle")]
impl Pool {}

#[lifecycle::test(crate = 5)]
async fn tested() {}

#[lifecycle::main(crate = 'l')]
async fn main() {}
