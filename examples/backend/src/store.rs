//! The orders in PostgreSQL. Nothing here knows of a lifecycle.

use std::str::FromStr;

use futures_util::stream::{self, Stream};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::config::Database;

/// What instances tell each other of, as PostgreSQL's `NOTIFY` names it.
pub(crate) const CHANNEL: &str = "orders";

/// How many orders are read at a time.
const PAGE: i64 = 500;

#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    item: String,
    quantity: i32,
}

/// Connects, and makes the table if it is the first to do so. Of two instances that start together one waits.
pub(crate) async fn open(config: &Database) -> sqlx::Result<PgPool> {
    let limit = config.statement_timeout.as_millis().to_string();
    let options = PgConnectOptions::from_str(&config.url)?.options([("statement_timeout", limit)]);
    let pool = PgPoolOptions::new()
        .max_connections(config.connections)
        .acquire_timeout(config.acquire_timeout)
        .connect_with(options)
        .await?;
    let table = "BEGIN; SELECT pg_advisory_xact_lock(1);
        CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item text NOT NULL, quantity integer NOT NULL);
        COMMIT";
    sqlx::raw_sql(table).execute(&pool).await?;
    Ok(pool)
}

/// Keeps it, and tells all instances of it.
pub(crate) async fn place(db: &PgPool, order: &Order) -> sqlx::Result<i64> {
    let place = "WITH placed AS (INSERT INTO orders (item, quantity) VALUES ($1, $2) RETURNING *)
        SELECT id, pg_notify($3, row_to_json(placed)::text) FROM placed";
    sqlx::query_scalar(place).bind(&order.item).bind(order.quantity).bind(CHANNEL).fetch_one(db).await
}

pub(crate) async fn count(db: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(db).await
}

/// Every order on a line of its own, read as fast as somebody takes them.
pub(crate) fn export(db: PgPool) -> impl Stream<Item = sqlx::Result<String>> {
    stream::try_unfold((db, 0), async |(db, last): (PgPool, i64)| {
        let page = "SELECT id, item, quantity FROM orders WHERE id > $1 ORDER BY id LIMIT $2";
        let page = sqlx::query_as::<_, (i64, String, i32)>(page).bind(last).bind(PAGE).fetch_all(&db).await?;
        let Some(&(last, ..)) = page.last() else { return Ok(None) };
        let lines = page.iter().map(|(id, item, quantity)| format!("{id}\t{quantity}\t{item}\n")).collect();
        Ok(Some((lines, (db, last))))
    })
}
