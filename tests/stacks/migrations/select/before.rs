//! A hand-written `select!` with `ctrl_c`, before.

use lifecycle_stacks::shop::{Db, Queue};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (db, queue) = (Db::open().await, Queue::of(&["tea"]));
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
            Some(order) = queue.next() => db.write(order).await,
        }
    }
    db.close().await;
    Ok(())
}
