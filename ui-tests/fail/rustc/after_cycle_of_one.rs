#[lifecycle::on_shutdown(after = self::close_db)]
fn close_db() {}

fn main() {}
