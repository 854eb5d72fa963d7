const THREADS: u32 = 4;

#[lifecycle::main(worker_threads = THREADS)]
async fn main() {}
