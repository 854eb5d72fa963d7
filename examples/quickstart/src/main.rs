//! An order service: `POST /orders` writes a row, `GET /orders` counts them.

use std::env;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

struct Config {
    listen: String,
    database: String,
}

#[derive(Deserialize)]
struct Order {
    item: String,
    quantity: u32,
}

#[derive(Serialize)]
struct Receipt {
    id: i64,
}

enum ApiError {
    Database(sqlx::Error),
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

fn config() -> Config {
    let var = |name, default: &str| env::var(name).unwrap_or_else(|_| default.into());
    Config { listen: var("LISTEN", "127.0.0.1:8080"), database: var("DATABASE", "orders.db") }
}

async fn open_db(config: &Config) -> sqlx::Result<SqlitePool> {
    // In WAL mode new rows live in `orders.db-wal` until the database is closed.
    let options = SqliteConnectOptions::new()
        .filename(&config.database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let db = SqlitePool::connect_with(options).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT, quantity INTEGER)")
        .execute(&db)
        .await?;
    Ok(db)
}

async fn create_order(
    State(db): State<SqlitePool>,
    Json(order): Json<Order>,
) -> Result<Json<Receipt>, ApiError> {
    let done = sqlx::query("INSERT INTO orders (item, quantity) VALUES (?, ?)")
        .bind(order.item)
        .bind(order.quantity)
        .execute(&db)
        .await?;
    Ok(Json(Receipt { id: done.last_insert_rowid() }))
}

async fn count_orders(State(db): State<SqlitePool>) -> Result<String, ApiError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&db).await?;
    Ok(format!("{count} orders\n"))
}

async fn close_db(db: SqlitePool) {
    db.close().await;
}

fn app(db: SqlitePool) -> Router {
    Router::new().route("/orders", get(count_orders).post(create_order)).with_state(db)
}

async fn stopping() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config();
    let db = open_db(&config).await.with_context(|| format!("cannot open {}", config.database))?;
    let listener = TcpListener::bind(&config.listen).await?;
    let at = listener.local_addr()?;
    let order = r#"{"item":"tea","quantity":2}"#;
    println!("Place an order:  curl -i http://{at}/orders -H 'content-type: application/json' -d '{order}'");
    println!("Count them:      curl http://{at}/orders");
    println!("Stop:            press Ctrl-C, or kill -TERM {}", std::process::id());
    axum::serve(listener, app(db.clone())).with_graceful_shutdown(stopping()).await?;
    close_db(db).await;
    Ok(())
}
