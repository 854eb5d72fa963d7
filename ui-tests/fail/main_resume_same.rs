#[lifecycle::main(pause = SIGUSR1, resume = SIGUSR1)]
async fn main() {}
