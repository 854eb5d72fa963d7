//! tokio-graceful, before.

use std::time::Duration;

use lifecycle_stacks::shop::{Db, Queue};
use tokio_graceful::{Shutdown, ShutdownGuard};

async fn take_orders(db: Db, queue: Queue, guard: ShutdownGuard) {
    loop {
        tokio::select! {
            biased;
            () = guard.cancelled() => return,
            Some(order) = queue.next() => {
                let db = db.clone();
                guard.spawn_task(async move { db.write(order).await });
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (db, queue) = (Db::open().await, Queue::of(&["tea", "milk"]));
    let orders = db.clone();
    let shutdown = Shutdown::default();
    shutdown.spawn_task_fn(move |guard| take_orders(orders, queue, guard));
    shutdown.shutdown_with_limit(Duration::from_secs(15)).await?;
    db.close().await;
    Ok(())
}
