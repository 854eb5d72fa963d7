//! What clients may call.

use std::sync::Arc;

use axum::http::request::Parts;
use lifecycle::tracked;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock, ErrorCode, ErrorData};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

use crate::commands::Commands;

#[derive(Clone)]
pub(crate) struct Tools(pub(crate) Arc<Commands>);

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// Its name in the server's configuration.
    command: String,
}

/// How far the shutdown has come.
#[derive(Serialize, JsonSchema)]
struct ShutdownStats {
    shutdown_initiated: bool,
    accepting_calls: bool,
    active_requests: usize,
    cleanup_tasks_registered: usize,
    /// In seconds, so far.
    shutdown_duration: Option<f64>,
}

type Answer = Result<CallToolResult, ErrorData>;

#[tool_router]
impl Tools {
    /// Runs one of the server's commands, and returns what it prints.
    #[tracked(id = correlation(&context), span)]
    #[tool]
    async fn run(&self, Parameters(which): Parameters<Which>, context: RequestContext<RoleServer>) -> Answer {
        unless_cut_off(self.0.run(&which.command)).await
    }

    /// Runs all of the server's commands, one after the other, until one fails; returns what they print.
    #[tool]
    #[tracked(id = correlation(&context), span)]
    async fn run_all(&self, context: RequestContext<RoleServer>) -> Answer {
        let all = async {
            let mut printed = String::new();
            for name in self.0.names() {
                printed += &self.0.run(name).await?;
            }
            Ok(printed)
        };
        unless_cut_off(all).await
    }

    /// Which commands were run, a line of JSON for each.
    #[tool]
    #[tracked]
    async fn history(&self) -> Answer {
        let lines: Result<Vec<String>, _> = self.0.runs().iter().map(serde_json::to_string).collect();
        Ok(answer(lines.map(|lines| lines.join("\n")).map_err(Into::into)))
    }

    /// How far the shutdown has come, if there is one. Answered to the end.
    #[tool]
    async fn shutdown_stats(&self) -> Json<ShutdownStats> {
        let stats = lifecycle::stats();
        let calls = stats.groups.iter().find(|group| group.name == "Requests");
        Json(ShutdownStats {
            shutdown_initiated: stats.shutting_down_for.is_some(),
            accepting_calls: calls.is_none_or(|calls| !calls.closed),
            active_requests: calls.map_or(0, |calls| calls.in_flight),
            cleanup_tasks_registered: stats.shutdown_steps,
            shutdown_duration: stats.shutting_down_for.map(|time| time.as_secs_f64()),
        })
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

/// A client can do something with the error of a command; it could do nothing with one of the protocol.
fn answer(ended: anyhow::Result<String>) -> CallToolResult {
    match ended {
        Ok(printed) => CallToolResult::success(vec![ContentBlock::text(printed)]),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(format!("{error:#}"))]),
    }
}

/// Past the time that calls have, their clients are told so.
async fn unless_cut_off(work: impl Future<Output = anyhow::Result<String>>) -> Answer {
    tokio::select! {
        ended = work => Ok(answer(ended)),
        () = lifecycle::cut_off() => {
            Err(ErrorData::new(ErrorCode(-32000), "the service has shut down before the command ended", None))
        }
    }
}

/// What the client names the call, or else its session and its number there.
fn correlation(context: &RequestContext<RoleServer>) -> String {
    if let Some(given) = context.meta.get("correlationId").and_then(|id| id.as_str()) {
        return given.to_owned();
    }
    let request = context.extensions.get::<Parts>();
    match request.and_then(|request| request.headers.get("mcp-session-id")?.to_str().ok()) {
        Some(session) => format!("{session}/{}", context.id),
        None => context.id.to_string(),
    }
}
