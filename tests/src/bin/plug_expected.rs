//! Takes in a library by a step that must be there.

lifecycle::expect_hooks![lifecycle_fixture_plug::deep::close_plug];

#[lifecycle::on_shutdown]
fn own() {}

#[lifecycle::main]
async fn main() {}
