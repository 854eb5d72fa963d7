use lifecycle::on_shutdown;

#[on_shutdown(crate = lifecycles)]
fn close() {}

fn main() {}
