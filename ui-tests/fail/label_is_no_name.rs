use lifecycle::{on_shutdown, on_start};

#[on_start(label = "OpenDb")]
fn quoted() {}

#[on_shutdown(label = db::Close)]
fn a_path() {}

#[on_shutdown(label = 5)]
fn a_number() {}

fn main() {}
