#[lifecycle::main(signals = [SIGTERM, SIGHUP], pause = SIGHUP, resume = SIGHUP)]
async fn main() {}
