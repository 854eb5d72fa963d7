//! tokio-graceful-shutdown, after.

use lifecycle::{Take, admitting, on_shutdown, on_start, worker};
use lifecycle_stacks::shop::{Db, Queue};

#[on_start]
async fn open_db() -> (Db, Queue) {
    (Db::open().await, Queue::of(&["tea"]))
}

#[worker(timeout = "15s")]
async fn write_orders(db: &Db, queue: &Queue) {
    while let Some(Some(order)) = admitting().next(queue.next()).await {
        db.write(order).await;
    }
}

#[on_shutdown]
async fn close_db(Take(db): Take<Db>) {
    db.close().await
}

#[lifecycle::main]
async fn main() {
    lifecycle::stopping().await;
}
