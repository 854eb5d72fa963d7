//! The keys that `settings` does not have.

use lifecycle::on_shutdown;
use tokio::runtime::{Handle, RuntimeFlavor};

#[on_shutdown]
async fn close() {}

#[lifecycle::main(
    flavor = "current_thread",
    signals = [SIGTERM, SIGUSR1],
    exit = reraise,
    ready = manual,
    report = json,
    grace = "never",
    drain = "never"
)]
async fn main() {
    let current = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    tokio::task::yield_now().await;
    let before = lifecycle::is_ready();
    lifecycle::ready();
    let stopping = lifecycle::stopping();
    println!("serving, current_thread {current}, ready {before} {}", lifecycle::is_ready());
    stopping.await;
}
