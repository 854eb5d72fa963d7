use lifecycle::on_shutdown;

#[on_shutdown(last = true)]
fn assigned() {}

#[on_shutdown(last(true))]
fn called() {}

fn main() {}
