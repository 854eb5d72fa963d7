#[lifecycle::main(flavor = "current")]
async fn main() {}
