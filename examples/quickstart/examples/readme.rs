//! The README's code, compiled. `tests/readme.rs` compares the two.

use anyhow::Context;
use axum::extract::State;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use tokio::net::TcpListener;

use lifecycle::{Take, on_shutdown, on_start, tracked};

#[on_start] // what it returns becomes a resource, found by its type
async fn open_db() -> sqlx::Result<SqlitePool> {
    SqlitePool::connect("sqlite:orders.db?mode=rwc").await
}

#[on_start(timeout = "10s")]
async fn connect(config: &Config) -> anyhow::Result<Exchange> {
    Exchange::connect(&config.exchange).await
}

#[tracked] // counted while it runs, refused once draining
async fn create_order(State(db): State<SqlitePool>, Json(o): Json<Order>) -> Result<Json<Receipt>, ApiError> {
    let insert = sqlx::query("INSERT INTO orders (item) VALUES (?)").bind(o.item);
    Ok(Json(Receipt { id: insert.execute(&db).await?.last_insert_rowid() }))
}

#[on_shutdown(timeout = "3s")] // resources are its arguments
async fn cancel_open_orders(exchange: &Exchange) -> anyhow::Result<()> {
    exchange.cancel_all().await
}

#[on_shutdown(after = cancel_open_orders, timeout = "2s")]
async fn close_db(Take(db): Take<SqlitePool>) {
    db.close().await
}

fn setup(_: &mut lifecycle::Settings) -> anyhow::Result<Config> {
    Config::from_env() // before anything else
}

#[lifecycle::main(grace = "25s", setup = setup)]
async fn main(db: SqlitePool) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app(db)).with_graceful_shutdown(lifecycle::stopping()).await?;
    Ok(())
}

impl From<lifecycle::Rejected> for ApiError {
    fn from(rejected: lifecycle::Rejected) -> Self {
        ApiError::Stopping(rejected)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            ApiError::Stopping(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], why.to_string()).into_response()
            }
            ApiError::Database(error) => {
                (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
            }
        }
    }
}

struct Config {
    exchange: String,
}

impl Config {
    fn from_env() -> anyhow::Result<Self> {
        Ok(Config { exchange: std::env::var("EXCHANGE").context("EXCHANGE is not set")? })
    }
}

struct Exchange {
    open_orders: u32,
}

impl Exchange {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let _ = address;
        Ok(Exchange { open_orders: 0 })
    }

    async fn cancel_all(&self) -> anyhow::Result<()> {
        lifecycle::note("cancelled", self.open_orders);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Order {
    item: String,
}

#[derive(Serialize)]
struct Receipt {
    id: i64,
}

enum ApiError {
    Database(sqlx::Error),
    Stopping(lifecycle::Rejected),
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        ApiError::Database(error)
    }
}

fn app(db: SqlitePool) -> Router {
    Router::new().route("/orders", post(create_order)).with_state(db)
}
