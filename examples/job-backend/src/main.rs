//! A job backend that ends in seven steps, one after the other.

mod config;
mod daemons;
mod http;
mod queue;
mod store;

use std::future::ready;
use std::sync::Arc;

use lifecycle::tower::TrackLayer;
use lifecycle::{CancellationToken, Check, Event, Settings, StepSettings, Take};
use lifecycle::{Requests, health_check, on_shutdown, on_start, register, worker};
use serde_json::json;
use socketioxide::extract::SocketRef;
use socketioxide::layer::SocketIoLayer;
use socketioxide::{BroadcastError, SocketIo};
use tokio::net::TcpListener;
use tracing::{info, warn};

use config::{Config, Step};
use daemons::Daemons;
use queue::Intake;
use store::Store;

const NAMESPACE: &str = "/claude-daemon";

fn setup(settings: &mut Settings) -> anyhow::Result<Config> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = Config::read()?;
    let Config { jobs, health, steps, .. } = &config;
    settings.grace(config.grace).drain(config.drain);
    settings.step::<work_off_jobs>().timeout(jobs.finish + jobs.hand_back);
    configure(settings.step::<tell_health>(), &steps.tell_health);
    configure(settings.step::<stop_daemons>(), &steps.stop_daemons);
    configure(settings.step::<close_queue>(), &steps.close_queue);
    configure(settings.step::<close_socket_io>(), &steps.close_socket_io);
    configure(settings.step::<close_db>(), &steps.close_db);
    settings.health_check::<redis>().interval(health.interval).retry(health.attempts).delay(health.delay);
    Ok(config)
}

fn configure(step: StepSettings<'_>, config: &Step) {
    let step = step.timeout(config.timeout);
    if let Some(why) = &config.off {
        step.off(why);
    }
}

#[on_start]
async fn open_db(config: &Config) -> sqlx::Result<Store> {
    Store::open(&config.database).await
}

#[on_start(retry = 5, backoff = "200ms")]
async fn open_queue(config: &Config, store: Store) -> anyhow::Result<Intake> {
    Intake::open(&config.redis, store).await
}

/// Each has a health check, which puts another one in its place.
#[on_start]
async fn start_daemons(config: &Config) -> anyhow::Result<Daemons> {
    let (daemons, health) = (Daemons::start(&config.daemons)?, &config.health);
    for daemon in daemons.each() {
        let (checked, respawned) = (Arc::clone(daemon), Arc::clone(daemon));
        let check = Check::new(daemon.name(), move || ready(checked.check()));
        let check = check.recover(move || Arc::clone(&respawned).respawn());
        register(check.interval(health.interval).retry(health.attempts).delay(health.delay));
    }
    Ok(daemons)
}

#[on_start]
fn open_socket_io() -> (SocketIo, SocketIoLayer) {
    let (layer, io) = SocketIo::new_layer();
    io.ns(NAMESPACE, async |socket: SocketRef| {
        if let Err(error) = socket.emit("health", &lifecycle::health()) {
            warn!("{error}");
        }
    });
    (io, layer)
}

#[health_check]
async fn redis(intake: &Intake) -> anyhow::Result<()> {
    intake.check().await
}

/// Step 1. No check runs any more from the signal on; here ends who tells of them.
#[worker(before = work_off_jobs)]
async fn tell_health(io: &SocketIo, stop: CancellationToken) {
    let mut events = lifecycle::events();
    while let Some(Some(event)) = stop.run_until_cancelled(events.recv()).await {
        let (name, what) = match event {
            Event::Healthy { .. } => ("health", json!(lifecycle::health())),
            Event::Recovering { check, attempt, of, error } => {
                ("recovering", json!({"check": check, "attempt": attempt, "of": of, "error": error}))
            }
            Event::Recovered { check } => ("recovered", json!({"check": check})),
            Event::RecoveryFailed { check, error } => {
                ("recovery_failed", json!({"check": check, "error": error}))
            }
            _ => continue,
        };
        if let Some(namespace) = io.of(NAMESPACE)
            && let Err(error) = namespace.emit(name, &what).await
        {
            warn!("somebody has not heard of {name} {what}: {error}");
        }
    }
    info!("1/7: the health monitors have stopped");
}

/// Step 2.
#[worker(before = stop_daemons)]
async fn work_off_jobs(
    config: &Config,
    daemons: Arc<Daemons>,
    store: Store,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let worker = queue::work_off(config, daemons, store).await?;
    stop.cancelled().await;
    queue::finish(&worker, &config.jobs).await?;
    info!("2/7: the workers have finished");
    Ok(())
}

/// Step 3. It waits for processes, and so is not async: it has a thread of its own.
#[on_shutdown(before = close_queue)]
fn stop_daemons(daemons: &Daemons) -> anyhow::Result<()> {
    let ended = daemons.stop();
    for (name, how) in &ended {
        lifecycle::item(*name, how.as_ref().copied());
    }
    daemons.write_log(&ended)?;
    info!("3/7: the daemons have ended");
    Ok(())
}

/// Step 4. What is posted from here on is for the next run.
#[on_shutdown(before = close_socket_io)]
async fn close_queue(intake: &Intake) {
    intake.close().await;
    info!("4/7: the queue is closed");
}

/// Step 5.
#[on_shutdown(before = Requests)]
async fn close_socket_io(io: &SocketIo) -> Result<(), BroadcastError> {
    // Told so, clients do not try to come back to this process.
    if let Some(namespace) = io.of(NAMESPACE) {
        namespace.disconnect().await?;
    }
    io.close().await;
    info!("5/7: Socket.IO is closed");
    Ok(())
}

/// Step 7, after the requests.
#[on_shutdown]
async fn close_db(Take(store): Take<Store>) {
    store.close().await;
    info!("7/7: SQLite is closed");
}

#[lifecycle::main(setup = setup, budget = deny)]
async fn main(
    config: &Config,
    store: Store,
    intake: Arc<Intake>,
    sockets: SocketIoLayer,
) -> anyhow::Result<()> {
    let app = http::routes(http::Api { store, intake, stopping: lifecycle::stop_token() });
    let app = app.layer(TrackLayer::new()).merge(lifecycle::axum::probes()).layer(sockets);
    let listener = TcpListener::bind(&config.listen).await?;
    info!("listening on {}", listener.local_addr()?);
    lifecycle::axum::serve(listener, app).await?;
    info!("6/7: HTTP has ended");
    Ok(())
}
