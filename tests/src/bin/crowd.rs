//! Many steps that need a thread each, all of one order.

use lifecycle::{Hook, register};

const MANY: usize = 600;

fn setup(_: &mut lifecycle::Settings) {
    for _ in 0..MANY {
        register(Hook::on_shutdown("asked", || async {}).when(|| true));
    }
}

#[lifecycle::main(setup = setup, worker_threads = 2)]
async fn main() {
    println!("serving");
    lifecycle::stopping().await;
}
