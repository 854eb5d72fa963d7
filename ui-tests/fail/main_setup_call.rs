fn setup(_: &mut lifecycle::Settings) {}

#[lifecycle::main(setup = setup())]
async fn main() {}
