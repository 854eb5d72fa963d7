#[lifecycle::on_shutdown(after = crate::close_db)]
fn close_db() {}

fn main() {}
