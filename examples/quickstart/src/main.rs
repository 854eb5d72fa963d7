//! An order service: `POST /orders` writes a row, `GET /orders` counts them.

use std::{env, time::Duration};

use axum::extract::State;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use lifecycle::{Rejected, Settings, Take, on_shutdown, on_start, tracked};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tokio::net::TcpListener;

struct Config {
    listen: String,
    database: String,
    keep_open: bool,
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
    Stopping(Rejected),
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        Self::Stopping(rejected)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
            Self::Stopping(rejected) => {
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], rejected.to_string()).into_response()
            }
        }
    }
}

fn setup(settings: &mut Settings) -> Config {
    let var = |name, default: &str| env::var(name).unwrap_or_else(|_| default.into());
    let keep_open = env::var_os("QUICKSTART_KEEP_OPEN").is_some();
    if keep_open {
        settings.step::<close_db>().off("QUICKSTART_KEEP_OPEN is set");
    }
    Config { listen: var("LISTEN", "127.0.0.1:8080"), database: var("DATABASE", "orders.db"), keep_open }
}

#[on_start]
async fn open_db(config: &Config) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new().filename(&config.database).create_if_missing(true);
    // In WAL mode new rows live in `orders.db-wal` until the database is closed.
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(15));
    let db = SqlitePool::connect_with(options).await?;
    let table = "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT, quantity INTEGER)";
    sqlx::query(table).execute(&db).await?;
    if config.keep_open {
        // Dropping the last pool would close the file as well, but only if that wins a race with the exit.
        std::mem::forget(db.clone());
    }
    Ok(db)
}

#[tracked]
async fn create_order(State(db): State<SqlitePool>, Json(o): Json<Order>) -> Result<Json<Receipt>, ApiError> {
    let insert = sqlx::query("INSERT INTO orders (item, quantity) VALUES (?, ?)");
    let done = insert.bind(o.item).bind(o.quantity).execute(&db).await.map_err(ApiError::Database)?;
    Ok(Json(Receipt { id: done.last_insert_rowid() }))
}

#[tracked]
async fn count_orders(State(db): State<SqlitePool>) -> Result<String, ApiError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM orders");
    let count: i64 = count.fetch_one(&db).await.map_err(ApiError::Database)?;
    Ok(format!("{count} orders\n"))
}

async fn health() -> String {
    format!("ready: {}, in flight: {}\n", lifecycle::is_ready(), lifecycle::in_flight())
}

#[on_shutdown(timeout = "5s")]
async fn close_db(Take(db): Take<SqlitePool>) {
    db.close().await;
}

#[on_shutdown(after = close_db)] // before that, the file alone lacks the rows in `orders.db-wal`
fn back_up(config: &Config) -> std::io::Result<()> {
    std::fs::copy(&config.database, format!("{}.bak", config.database)).map(drop)
}

fn app(db: SqlitePool) -> Router {
    let orders = get(count_orders).post(create_order);
    Router::new().route("/orders", orders).route("/health", get(health)).with_state(db)
}

#[lifecycle::main(setup = setup)]
async fn main(config: &Config, db: SqlitePool) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&config.listen).await?;
    let at = listener.local_addr()?;
    let order = r#"{"item":"tea","quantity":2}"#;
    println!("Place an order:  curl -i http://{at}/orders -H 'content-type: application/json' -d '{order}'");
    println!("Stop:            press Ctrl-C, or kill -TERM {}", std::process::id());
    axum::serve(listener, app(db)).with_graceful_shutdown(lifecycle::stopping()).await?;
    Ok(())
}
