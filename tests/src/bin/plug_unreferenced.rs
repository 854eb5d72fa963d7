//! Its manifest names `lifecycle-fixture-plug`, its code does not.

#[lifecycle::on_shutdown]
fn own() {}

#[lifecycle::main]
async fn main() {}
