use lifecycle::on_shutdown;

#[on_shutdown(order = 100, last)]
fn flush() {}

fn main() {}
