//! `TaskTracker` and `CancellationToken`, before.

use lifecycle_stacks::shop::{Db, Queue};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

async fn take_orders(db: Db, queue: Queue, token: CancellationToken, tracker: TaskTracker) {
    while let Some(Some(order)) = token.run_until_cancelled(queue.next()).await {
        let db = db.clone();
        tracker.spawn(async move { db.write(order).await });
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let db = Db::open().await;
    let (token, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(take_orders(db.clone(), Queue::of(&["tea", "milk"]), token.clone(), tracker.clone()));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    token.cancel();
    tracker.close();
    tracker.wait().await;
    db.close().await;
    Ok(())
}
