fn setup(_: &str) {}

#[lifecycle::main(setup = setup)]
async fn main() {}
