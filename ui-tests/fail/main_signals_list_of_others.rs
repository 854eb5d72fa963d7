#[lifecycle::main(signals = [15, 2])]
async fn main() {}
