#[lifecycle::main(grace, setup =, signals, flavor("current_thread"))]
async fn main() {}
