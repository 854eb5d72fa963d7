//! tokio-graceful-shutdown, before.

use std::time::Duration;

use lifecycle_stacks::shop::{Db, Queue};
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn write_orders(db: Db, queue: Queue, subsystem: &mut SubsystemHandle) -> Result<(), Error> {
    loop {
        tokio::select! {
            biased;
            () = subsystem.on_shutdown_requested() => return Ok(()),
            Some(order) = queue.next() => db.write(order).await,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (db, queue) = (Db::open().await, Queue::of(&["tea"]));
    let orders = db.clone();
    Toplevel::new(async move |top: &mut SubsystemHandle| {
        top.start(SubsystemBuilder::new("write_orders", async move |subsystem: &mut SubsystemHandle| {
            write_orders(orders, queue, subsystem).await
        }));
    })
    .catch_signals()
    .handle_shutdown_requests(Duration::from_secs(15))
    .await?;
    db.close().await;
    Ok(())
}
