const USR1: &str = "SIGUSR1";

#[lifecycle::main(pause = self::USR1)]
async fn main() {}
