//! tokio-graceful, after.

use lifecycle::{Take, admitting, on_shutdown, on_start, tracked, worker};
use lifecycle_stacks::shop::{Db, Queue};

#[on_start]
async fn open_db() -> (Db, Queue) {
    (Db::open().await, Queue::of(&["tea", "milk"]))
}

#[tracked(admit = always)] // what was taken from the queue is written
async fn write(db: Db, order: &'static str) {
    db.write(order).await
}

#[worker(before = lifecycle::Requests)] // takes no more, and only then the calls are awaited
async fn take_orders(db: &Db, queue: &Queue) {
    while let Some(Some(order)) = admitting().next(queue.next()).await {
        tokio::spawn(write(db.clone(), order));
    }
}

#[on_shutdown]
async fn close_db(Take(db): Take<Db>) {
    db.close().await
}

#[lifecycle::main(drain = "15s")]
async fn main() {
    lifecycle::stopping().await;
}
