//! axum's `with_graceful_shutdown`, after.

use axum::{Router, extract::State, routing::post};
use lifecycle::{Take, on_shutdown, on_start, tower::TrackLayer};
use lifecycle_stacks::shop::Db;
use tokio::net::TcpListener;

async fn order(State(db): State<Db>) -> &'static str {
    db.write("tea").await;
    "written\n"
}

#[on_start]
async fn open_db() -> Db {
    Db::open().await
}

#[on_shutdown]
async fn close_db(Take(db): Take<Db>) {
    db.close().await
}

#[lifecycle::main]
async fn main(db: Db) -> std::io::Result<()> {
    let app = Router::new().route("/orders", post(order)).layer(TrackLayer::new()).with_state(db);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    lifecycle::axum::serve(listener, app).await
}
