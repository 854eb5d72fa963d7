//! An MCP server that runs a project's commands, for the client that has started it or for those that come by HTTP.

mod commands;
mod config;
mod telemetry;
mod tools;

use std::io;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::Method;
use lifecycle::tower::TrackLayer;
use lifecycle::{CancellationToken, Limit, Settings, Take, on_shutdown, on_start, signals, worker};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tracing::info;

use commands::Commands;
use config::{Config, Part, Shutdown};
use telemetry::Log;
use tools::Tools;

fn setup(settings: &mut Settings) -> anyhow::Result<(Config, Log, PrometheusHandle)> {
    let config = Config::read()?;
    configure(settings, &config.shutdown)?;
    let log = Log::begin(&config.log)?;
    Ok((config, log, PrometheusBuilder::new().install_recorder()?))
}

fn configure(settings: &mut Settings, shutdown: &Shutdown) -> anyhow::Result<()> {
    let number = |name: &String| signals::number(name).with_context(|| format!("there is no signal {name}"));
    let signals: anyhow::Result<Vec<i32>> = shutdown.signals.iter().map(number).collect();
    settings.signals(&signals?);
    if shutdown.force_after_timeout {
        settings.drain(shutdown.request_timeout).grace(shutdown.grace);
    } else {
        settings.drain(Limit::Never).grace(Limit::Never);
    }
    settings.step::<Responses>().timeout(shutdown.close_timeout);
    settings.step::<serve_http>().timeout(shutdown.close_timeout);
    settings.step::<serve_stdio>().timeout(shutdown.close_timeout);
    settings.step::<clean_up>().timeout(shutdown.cleanup_timeout);
    settings.step::<save_history>().timeout(shutdown.cleanup_timeout);
    for part in &shutdown.off {
        let step = match part {
            Part::SaveHistory => settings.step::<save_history>(),
            Part::PushMetrics => settings.step::<push_metrics>(),
            Part::FlushLog => settings.step::<flush_log>(),
        };
        step.off("the configuration says so");
    }
    Ok(())
}

#[on_start]
fn open_commands(config: &Config) -> anyhow::Result<Commands> {
    Commands::open(config)
}

#[on_start(when = |config: &Config| config.http.is_some())]
async fn listen(config: &Config) -> io::Result<TcpListener> {
    TcpListener::bind(config.http.as_slice()).await
}

/// Responses over HTTP that are not yet written to their end. While calls are awaited others are still let in here: their
/// tools refuse them, in words of the protocol.
#[lifecycle::group]
struct Responses;

/// rmcp drops its calls and cuts its streams when it is told to stop, so it is told after both have ended.
#[worker(after = Responses, restart = never)]
async fn serve_http(
    Take(listener): Take<TcpListener>,
    commands: Arc<Commands>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mcp = StreamableHttpService::new(
        move || Ok(Tools(Arc::clone(&commands))),
        Arc::<LocalSessionManager>::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(stop.clone()),
    );
    // A stream that a client asks for by itself has no end of its own.
    let track = TrackLayer::group::<Responses>().exempt_if(|request| request.method == Method::GET);
    let app = Router::new().nest_service("/mcp", mcp).layer(track).merge(lifecycle::axum::probes());
    lifecycle::axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

#[worker(when = |config: &Config| config.http.is_none(), restart = never)]
async fn serve_stdio(commands: Arc<Commands>, stop: CancellationToken) -> anyhow::Result<()> {
    match Tools(commands).serve_with_ct(stdio_pipes(), stop).await {
        Ok(client) => info!("the client: {:?}", client.waiting().await?),
        Err(ServerInitializeError::Cancelled) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    lifecycle::shutdown("the client has gone");
    Ok(())
}

#[on_shutdown(when = |config: &Config| !config.shutdown.cleanup.is_empty())]
async fn clean_up(config: &Config) -> anyhow::Result<()> {
    commands::clean_up(&config.shutdown.cleanup).await
}

#[on_shutdown]
fn save_history(commands: &Commands) -> anyhow::Result<()> {
    commands.save()
}

#[on_shutdown(last)]
fn push_metrics(config: &Config, metrics: &PrometheusHandle) -> anyhow::Result<()> {
    match &config.pushgateway {
        Some(gateway) => telemetry::push(gateway, &metrics.render()),
        None => Ok(()),
    }
}

#[on_shutdown(last)]
fn flush_log(log: &Log) -> io::Result<()> {
    log.flush()
}

#[lifecycle::main(setup = setup, budget = deny)]
async fn main() {
    lifecycle::stopping().await;
}
