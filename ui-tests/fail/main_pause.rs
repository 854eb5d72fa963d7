#[lifecycle::main(pause = [SIGUSR1], resume = "SIGUSR2")]
async fn main() {}
