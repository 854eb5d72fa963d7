//! Takes in a library by a step that another comes after.

#[lifecycle::on_shutdown(after = lifecycle_fixture_plug::deep::close_plug)]
fn own() {}

#[lifecycle::main]
async fn main() {}
