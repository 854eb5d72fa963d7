//! New orders, told to whoever listens. Nothing here knows of a lifecycle.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::store::CHANNEL;

/// Who falls behind further than this misses some.
const BACKLOG: usize = 1024;

#[derive(Clone)]
pub(crate) struct Feed(pub(crate) broadcast::Sender<Utf8Bytes>);

impl Feed {
    pub(crate) fn new() -> Self {
        Feed(broadcast::Sender::new(BACKLOG))
    }

    /// Passes on what any instance tells of, until it is told to stop.
    pub(crate) async fn follow(&self, db: &PgPool, stop: CancellationToken) -> sqlx::Result<()> {
        let mut told = PgListener::connect_with(db).await?;
        told.listen(CHANNEL).await?;
        info!("hearing of orders");
        while let Some(order) = stop.run_until_cancelled(told.recv()).await {
            // An error says that nobody listens.
            let _ = self.0.send(order?.payload().into());
        }
        Ok(())
    }
}

/// Tells one client of the orders, until it goes or is sent elsewhere.
pub(crate) async fn talk(
    mut socket: WebSocket,
    mut orders: broadcast::Receiver<Utf8Bytes>,
    stop: CancellationToken,
) {
    loop {
        let order = tokio::select! {
            () = stop.cancelled() => break,
            said = socket.recv() => match said {
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            order = orders.recv() => order,
        };
        match order {
            Ok(order) => {
                if socket.send(Message::Text(order)).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
    let bye = CloseFrame { code: close_code::RESTART, reason: "restarting".into() };
    // An error says that it is gone already; else its answer is the last that comes.
    let _ = socket.send(Message::Close(Some(bye))).await;
    while let Some(Ok(_)) = socket.recv().await {}
}
