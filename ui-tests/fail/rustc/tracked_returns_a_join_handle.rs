use std::future::Ready;

use lifecycle::tracked;
use tokio::task::JoinHandle;

#[tracked(reject = tokio::spawn(async {}))]
fn spawned() -> JoinHandle<()> {
    tokio::spawn(async {})
}

#[tracked(admit = always)]
fn ready() -> Ready<u8> {
    std::future::ready(1)
}

fn main() {
    spawned();
    drop(ready());
}
