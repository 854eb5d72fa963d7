#[lifecycle::main(pause = SIGUSER1, resum = SIGUSR2)]
async fn main() {}
