//! signal-mod, before.

use std::time::Duration;

use lifecycle_stacks::shop::{Db, Queue};
use signal_mod::{Coordinator, ShutdownReason, SignalSet, hook_from_fn};

#[tokio::main]
async fn main() -> signal_mod::Result<()> {
    let (db, queue) = (Db::open().await, Queue::of(&["tea"]));
    let (runtime, orders) = (tokio::runtime::Handle::current(), db.clone());
    let coordinator = Coordinator::builder()
        .signals(SignalSet::graceful())
        .graceful_timeout(Duration::from_secs(20))
        .force_timeout(Duration::from_secs(25))
        .hook(hook_from_fn("close_db", 100, move |_| runtime.block_on(db.clone().close())))
        .build();
    coordinator.install()?;
    let token = coordinator.token();
    let stopping = token.clone();
    let writer = tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = stopping.wait() => return,
                Some(order) = queue.next() => orders.write(order).await,
            }
        }
    });
    token.wait().await;
    drop(tokio::time::timeout(Duration::from_secs(15), writer).await);
    let report = coordinator.run_hooks_async(token.reason().unwrap_or(ShutdownReason::Requested)).await;
    eprintln!("{report}");
    Ok(())
}
