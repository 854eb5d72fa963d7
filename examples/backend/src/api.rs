//! What clients can ask for. Nothing here knows of a lifecycle.

use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::feed::{Feed, talk};
use crate::store::{self, Order};

#[derive(Clone)]
struct Shop {
    db: PgPool,
    feed: Feed,
    stop: CancellationToken,
}

/// Whoever would stay for ever is sent away when `stop` is cancelled.
pub(crate) fn router(db: PgPool, feed: Feed, stop: CancellationToken) -> Router {
    Router::new()
        .route("/orders", get(count).post(place))
        .route("/orders/export", get(export))
        .route("/orders/feed", get(follow))
        .with_state(Shop { db, feed, stop })
}

async fn place(State(shop): State<Shop>, Json(order): Json<Order>) -> Result<Json<Value>, Failed> {
    let id = store::place(&shop.db, &order).await?;
    Ok(Json(json!({ "id": id })))
}

async fn count(State(shop): State<Shop>) -> Result<String, Failed> {
    Ok(format!("{}\n", store::count(&shop.db).await?))
}

async fn export(State(shop): State<Shop>) -> Response {
    ([(CONTENT_TYPE, "text/tab-separated-values")], Body::from_stream(store::export(shop.db))).into_response()
}

async fn follow(State(shop): State<Shop>, upgrade: WebSocketUpgrade) -> Response {
    let orders = shop.feed.0.subscribe();
    upgrade.on_upgrade(move |socket| talk(socket, orders, shop.stop))
}

struct Failed(sqlx::Error);

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Failed(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        error!("the database: {}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, "the database has failed\n").into_response()
    }
}
