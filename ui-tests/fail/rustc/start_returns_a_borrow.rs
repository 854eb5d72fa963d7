//! Seen by type only: a lifetime in an alias.
use lifecycle::on_start;

type Name<'a> = &'a str;

#[on_start]
fn name(config: &String) -> Name<'_> {
    config
}

fn main() {}
