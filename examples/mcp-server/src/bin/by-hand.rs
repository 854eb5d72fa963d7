//! The same server without the library, for comparison: README.md has the counts, `tests/e2e/by_hand.rs` holds it to the same.
//!
//! Missing all the same: an order of steps that is checked before anything runs, the plan and its worst case, a way past a
//! runtime whose threads are stuck, connections that wait to be accepted when the listener is closed, parts that are
//! left out, and a report.

#[path = "../commands.rs"]
mod commands;
#[path = "../config.rs"]
#[expect(dead_code, reason = "no part of the shutdown can be left out")]
mod config;
#[path = "../telemetry.rs"]
mod telemetry;

use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock, ErrorCode, ErrorData};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{error, info, instrument};

use commands::Commands;
use config::{Config, Shutdown};
use telemetry::Log;

const DEBOUNCE: Duration = Duration::from_millis(500);
const CUT: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(2);
const STEPS: usize = 4;

/// How far the shutdown has come.
#[derive(Clone, Default)]
struct Life {
    began: Arc<OnceLock<Instant>>,
    begun: CancellationToken,
    refusing: Arc<AtomicBool>,
    calls: TaskTracker,
    responses: TaskTracker,
    cut_off: CancellationToken,
    stop: CancellationToken,
}

impl Life {
    fn begin(&self) {
        self.began.get_or_init(Instant::now);
        self.begun.cancel();
    }

    /// Counted before it looks, so that a call is refused or awaited.
    fn enter(&self) -> Result<TaskTrackerToken, ErrorData> {
        let call = self.calls.token();
        match self.refusing.load(Ordering::SeqCst) {
            true => Err(ErrorData::new(ErrorCode(-32000), "the service is shutting down", None)),
            false => Ok(call),
        }
    }

    /// Past the time that calls have, their clients are told so.
    async fn unless_cut_off(&self, work: impl Future<Output = anyhow::Result<String>>) -> Answer {
        tokio::select! {
            ended = work => Ok(answer(ended)),
            () = self.cut_off.cancelled() => {
                Err(ErrorData::new(ErrorCode(-32000), "the service has shut down before the command ended", None))
            }
        }
    }
}

#[derive(Clone)]
struct Tools {
    commands: Arc<Commands>,
    life: Life,
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// Its name in the server's configuration.
    command: String,
}

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
    #[tool]
    #[instrument(skip_all, fields(id = ?correlation(&context)))]
    async fn run(&self, Parameters(which): Parameters<Which>, context: RequestContext<RoleServer>) -> Answer {
        let _call = self.life.enter()?;
        self.life.unless_cut_off(self.commands.run(&which.command)).await
    }

    /// Runs all of the server's commands, one after the other, until one fails; returns what they print.
    #[tool]
    #[instrument(skip_all, fields(id = ?correlation(&context)))]
    async fn run_all(&self, context: RequestContext<RoleServer>) -> Answer {
        let _call = self.life.enter()?;
        let all = async {
            let mut printed = String::new();
            for name in self.commands.names() {
                printed += &self.commands.run(name).await?;
            }
            Ok(printed)
        };
        self.life.unless_cut_off(all).await
    }

    /// Which commands were run, a line of JSON for each.
    #[tool]
    async fn history(&self) -> Answer {
        let _call = self.life.enter()?;
        let lines: Result<Vec<String>, _> = self.commands.runs().iter().map(serde_json::to_string).collect();
        Ok(answer(lines.map(|lines| lines.join("\n")).map_err(Into::into)))
    }

    /// How far the shutdown has come, if there is one. Answered to the end.
    #[tool]
    async fn shutdown_stats(&self) -> Json<ShutdownStats> {
        let began = self.life.began.get();
        Json(ShutdownStats {
            shutdown_initiated: began.is_some(),
            accepting_calls: !self.life.refusing.load(Ordering::SeqCst),
            active_requests: self.life.calls.len(),
            cleanup_tasks_registered: STEPS,
            shutdown_duration: began.map(|began| began.elapsed().as_secs_f64()),
        })
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

fn answer(ended: anyhow::Result<String>) -> CallToolResult {
    match ended {
        Ok(printed) => CallToolResult::success(vec![ContentBlock::text(printed)]),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(format!("{error:#}"))]),
    }
}

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

fn main() -> ExitCode {
    let started = Config::read().and_then(|config| {
        let log = Log::begin(&config.log)?;
        Ok((config, log, PrometheusBuilder::new().install_recorder()?))
    });
    let (config, log, metrics) = match started {
        Ok(started) => started,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(78);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(config, log, metrics));
    // Somebody may still read from stdin.
    runtime.shutdown_background();
    code
}

async fn run(config: Config, log: Log, metrics: PrometheusHandle) -> ExitCode {
    let life = Life::default();
    let serving = match start(&config, &life).await {
        Ok(serving) => serving,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let Serving { commands, mut server } = serving;
    let mut steps = Steps::default();
    let server = tokio::select! {
        () = life.begun.cancelled() => Some(server),
        ended = &mut server => {
            steps.note("serve", ended.map_err(Into::into).flatten());
            life.begin();
            None
        }
    };

    let Shutdown { request_timeout, close_timeout, cleanup_timeout, force_after_timeout, .. } =
        config.shutdown;
    life.refusing.store(true, Ordering::SeqCst);
    life.calls.close();
    if force_after_timeout {
        if timeout(request_timeout, life.calls.wait()).await.is_err() {
            steps.note("calls", Err(anyhow::anyhow!("{} are cut off", life.calls.len())));
            life.cut_off.cancel();
            // Those that do not hear it are dropped with the runtime.
            let _ = timeout(CUT, life.calls.wait()).await;
        }
    } else {
        life.calls.wait().await;
    }
    life.responses.close();
    let responses = life.responses.clone();
    let written = async move {
        responses.wait().await;
        Ok(())
    };
    steps.run("responses", close_timeout, written).await;
    life.stop.cancel();
    if let Some(server) = server {
        steps.run("serve", close_timeout, async { server.await? }).await;
    }
    let cleanup = config.shutdown.cleanup.clone();
    let clean_up = async move {
        match cleanup.is_empty() {
            true => Ok(()),
            false => commands::clean_up(&cleanup).await,
        }
    };
    let save_history = async move { spawn_blocking(move || commands.save()).await? };
    let both = tokio::join!(limited(cleanup_timeout, clean_up), limited(cleanup_timeout, save_history));
    steps.note("clean_up", both.0);
    steps.note("save_history", both.1);
    if let Some(gateway) = config.pushgateway {
        let push = async { spawn_blocking(move || telemetry::push(&gateway, &metrics.render())).await? };
        steps.run("push_metrics", LAST, push).await;
    }
    info!("over, failed: {}", steps.failed);
    steps.run("flush_log", LAST, async { Ok(spawn_blocking(move || log.flush()).await??) }).await;
    ExitCode::from(u8::from(steps.failed))
}

/// How the shutdown went.
#[derive(Default)]
struct Steps {
    failed: bool,
}

impl Steps {
    async fn run<F>(&mut self, name: &str, limit: Duration, step: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let ended = limited(limit, step).await;
        self.note(name, ended);
    }

    fn note(&mut self, name: &str, ended: anyhow::Result<()>) {
        if let Err(error) = ended {
            error!("{name}: {error:#}");
            eprintln!("{name}: {error:#}");
            self.failed = true;
        }
    }
}

/// In a task of its own, so that a panic ends it alone.
async fn limited<F>(limit: Duration, step: F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut task = tokio::spawn(step);
    match timeout(limit, &mut task).await {
        Ok(ended) => ended?,
        Err(_) => {
            task.abort();
            bail!("timed out after {limit:?}")
        }
    }
}

struct Serving {
    commands: Arc<Commands>,
    server: JoinHandle<anyhow::Result<()>>,
}

async fn start(config: &Config, life: &Life) -> anyhow::Result<Serving> {
    listen_to_signals(&config.shutdown, life)?;
    let commands = Arc::new(Commands::open(config)?);
    let tools = Tools { commands: Arc::clone(&commands), life: life.clone() };
    let server = match config.http {
        Some(address) => tokio::spawn(serve_http(TcpListener::bind(address).await?, tools)),
        None => tokio::spawn(serve_stdio(tools)),
    };
    Ok(Serving { commands, server })
}

/// The first begins the shutdown, a later one forces it. A thread sees that it ends even if the runtime is stuck.
fn listen_to_signals(shutdown: &Shutdown, life: &Life) -> anyhow::Result<()> {
    let grace = shutdown.force_after_timeout.then_some(shutdown.grace);
    for name in &shutdown.signals {
        let kind = match &**name {
            "SIGTERM" => SignalKind::terminate(),
            "SIGINT" => SignalKind::interrupt(),
            "SIGHUP" => SignalKind::hangup(),
            "SIGQUIT" => SignalKind::quit(),
            "SIGUSR1" => SignalKind::user_defined1(),
            "SIGUSR2" => SignalKind::user_defined2(),
            _ => bail!("there is no signal {name}"),
        };
        let mut coming = signal(kind).with_context(|| name.clone())?;
        let (life, name) = (life.clone(), name.clone());
        tokio::spawn(async move {
            while coming.recv().await.is_some() {
                match life.began.get() {
                    None => {
                        info!("{name}: shutting down");
                        life.begin();
                        if let Some(grace) = grace {
                            thread::spawn(move || {
                                thread::sleep(grace);
                                exit(124);
                            });
                        }
                    }
                    Some(began) if began.elapsed() > DEBOUNCE => exit(128 + kind.as_raw_value()),
                    Some(_) => {}
                }
            }
        });
    }
    Ok(())
}

/// rmcp drops its calls and cuts its streams when it is told to stop, so it is told after both have ended.
async fn serve_http(listener: TcpListener, tools: Tools) -> anyhow::Result<()> {
    let life = tools.life.clone();
    let mcp = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::<LocalSessionManager>::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(life.stop.clone()),
    );
    let ready = |State(life): State<Life>| async move {
        match life.began.get() {
            None => StatusCode::OK,
            Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let app = Router::new()
        .nest_service("/mcp", mcp)
        .layer(from_fn_with_state(life.responses.clone(), track))
        .route("/ready", get(ready))
        .route("/live", get(|| async {}))
        .with_state(life.clone());
    Ok(axum::serve(listener, app).with_graceful_shutdown(life.stop.cancelled_owned()).await?)
}

/// A request counts until its response is written to the end. A stream that a client asks for by itself has none.
async fn track(State(responses): State<TaskTracker>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    let token = responses.token();
    let (parts, body) = next.run(request).await.into_parts();
    let body = body.into_data_stream().map(move |part| {
        let _ = &token;
        part
    });
    Response::from_parts(parts, Body::from_stream(body))
}

async fn serve_stdio(tools: Tools) -> anyhow::Result<()> {
    let stop = tools.life.stop.clone();
    match tools.serve_with_ct(stdio_pipes(), stop).await {
        Ok(client) => info!("the client: {:?}", client.waiting().await?),
        Err(ServerInitializeError::Cancelled) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
