//! `POST /jobs` adds a job, `GET /jobs/{id}` waits for its result.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::queue::Intake;
use crate::store::Store;

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) intake: Arc<Intake>,
    /// Nobody waits for a result any longer than this.
    pub(crate) stopping: CancellationToken,
}

pub(crate) fn routes(api: Api) -> Router {
    Router::new().route("/jobs", post(add)).route("/jobs/{id}", get(result)).with_state(api)
}

type Answer = Result<(StatusCode, Json<Value>), (StatusCode, String)>;

fn failed(error: sqlx::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn add(State(api): State<Api>, Json(instruction): Json<Value>) -> Answer {
    let job = api.intake.post(&instruction).await.map_err(failed)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job }))))
}

async fn result(State(api): State<Api>, Path(job): Path<String>) -> Answer {
    info!("somebody waits for {job}");
    let output = match api.stopping.run_until_cancelled(api.store.wait_for(&job)).await {
        Some(output) => output.map(Some),
        None => api.store.output(&job).await,
    };
    Ok((StatusCode::OK, Json(json!({ "job": job, "output": output.map_err(failed)? }))))
}
