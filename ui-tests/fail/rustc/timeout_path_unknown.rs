use std::time::Duration;

use lifecycle::on_start;

const TIMEOUT: Duration = Duration::from_secs(5);

#[on_start(timeout = TIMEOT)]
fn misspelt() {}

#[on_start(timeout = TIMEOUT)]
fn right() {}

fn main() {}
