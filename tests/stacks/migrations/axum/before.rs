//! axum's `with_graceful_shutdown`, before.

use axum::{Router, extract::State, routing::post};
use lifecycle_stacks::shop::Db;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

async fn order(State(db): State<Db>) -> &'static str {
    db.write("tea").await;
    "written\n"
}

async fn terminated(mut terminate: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let db = Db::open().await;
    let app = Router::new().route("/orders", post(order)).with_state(db.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, app).with_graceful_shutdown(terminated(terminate)).await?;
    db.close().await;
    Ok(())
}
