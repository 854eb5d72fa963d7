#[lifecycle::main(pause = SIGSTOP, resume = SIGCONT)]
async fn main() {}
