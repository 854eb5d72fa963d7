#[lifecycle::main(grace = "5s", drain = "1s", grace = "6s")]
async fn main() {}
