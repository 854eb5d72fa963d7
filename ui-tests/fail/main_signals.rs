#[lifecycle::main(signals = [SIGTREM, SIGFOO, SIGKILL, SIGSEGV, SIGINT, SIGINT])]
async fn main() {}
