use lifecycle::on_shutdown;

#[on_shutdown(last)]
fn alert() {}

#[on_shutdown(after = alert)]
fn close_db() {}

// True without it, and no error.
#[on_shutdown(before = alert)]
fn flush() {}

fn main() {}
