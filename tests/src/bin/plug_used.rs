//! Takes in all steps of a library.

use lifecycle_fixture_plug as _;

#[lifecycle::on_shutdown]
fn own() {}

#[lifecycle::main]
async fn main() {}
