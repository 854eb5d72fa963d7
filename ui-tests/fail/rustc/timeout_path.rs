use lifecycle::on_start;

const SOON: u64 = 5;

#[on_start(timeout = SOON)]
fn of_another_type() {}

fn main() {}
