use lifecycle::on_start;

#[on_start(timeout = std::time::Duration::from_secs(5))]
fn a_call() {}

#[on_start(timeout = [5])]
fn a_list() {}

#[on_start(timeout = 's')]
fn a_char() {}

#[on_start(timeout = "never")]
fn never() {}

#[on_start(timeout = never)]
fn never_unquoted() {}

fn main() {}
