const BOTH: (i32, i32) = (15, 2);

#[lifecycle::main(signals = BOTH)]
async fn main() {}
