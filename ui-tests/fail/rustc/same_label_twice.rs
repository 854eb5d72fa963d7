use lifecycle::on_shutdown;

#[on_shutdown(label = Close)]
fn close_db() {}

#[on_shutdown(label = Close)]
fn close_cache() {}

fn main() {}
