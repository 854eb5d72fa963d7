//! The code of README.md that needs these stacks. A test of `examples/quickstart` holds the two together.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use lifecycle::tower::TrackLayer;
use tokio::net::TcpListener;

async fn orders() -> &'static str {
    "none"
}

#[lifecycle::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/orders", get(orders))
        .route("/chat", get(chat))
        .layer(TrackLayer::new()) // each request above it is a tracked call
        .merge(lifecycle::axum::probes()); // /ready and /live
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    lifecycle::axum::serve(listener, app).await
}

async fn chat(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(talk)
}

async fn talk(mut socket: WebSocket) {
    let mut stopping = std::pin::pin!(lifecycle::stopping());
    loop {
        tokio::select! {
            () = &mut stopping => break drop(socket.send(Message::Close(None)).await),
            Some(Ok(message)) = socket.recv() => println!("{message:?}"),
            else => break,
        }
    }
}
