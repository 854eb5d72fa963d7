use lifecycle::on_start;

mod db {}

#[on_start]
fn db() {}

fn main() {}
