use lifecycle::on_shutdown;

#[on_shutdown]
fn flush() {}

#[on_shutdown(last, after = flush)]
fn alert() {}

#[on_shutdown(before = flush, last)]
fn upload() {}

fn main() {}
