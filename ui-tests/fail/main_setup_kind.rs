#[lifecycle::main(setup = "setup")]
async fn main() {}
