#[lifecycle::main(grace = 25s, drain = never, cut = "never", lameduck = "3", reserve = 2)]
async fn main() {}
