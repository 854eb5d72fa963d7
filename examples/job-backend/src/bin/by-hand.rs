//! The same backend without the library, for comparison: README.md has the counts, `tests/e2e/by_hand.rs` holds it to the same.
//!
//! Missing all the same: an order of steps that is checked before anything runs, the plan and its worst case, requests that are
//! counted and refused, a way past a runtime whose threads are stuck, workers that are begun again, and a report.

#[path = "../config.rs"]
#[expect(dead_code, reason = "nothing is to be bounded where health checks are stopped")]
mod config;
#[path = "../daemons.rs"]
mod daemons;
#[path = "../http.rs"]
mod http;
#[path = "../queue.rs"]
mod queue;
#[path = "../store.rs"]
mod store;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use config::{Config, Step};
use daemons::{Daemon, Daemons};
use queue::Intake;
use store::Store;

const NAMESPACE: &str = "/claude-daemon";
const PATIENCE: Duration = Duration::from_secs(5);
const DEBOUNCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = match Config::read() {
        Ok(config) => config,
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
    let ended = runtime.block_on(run(config));
    // A blocking call that does not return must not keep us.
    runtime.shutdown_background();
    match ended {
        Ok(degraded) => ExitCode::from(u8::from(degraded)),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the shutdown was degraded.
async fn run(config: Config) -> anyhow::Result<bool> {
    let (began, stopping) = (CancellationToken::new(), CancellationToken::new());
    listen(config.grace, began.clone())?;

    let store = Store::open(&config.database).await?;
    let intake = match began.run_until_cancelled(open_queue(&config, &store)).await {
        Some(intake) => Arc::new(intake?),
        None => bail!("ended before it had begun"),
    };
    let daemons = Arc::new(Daemons::start(&config.daemons)?);
    let (sockets, io) = SocketIo::new_layer();
    let health = Health { io: io.clone(), status: Arc::default() };
    let shown = health.clone();
    io.ns(NAMESPACE, async move |socket: SocketRef| {
        if let Err(error) = socket.emit("health", &shown.shown()) {
            warn!("{error}");
        }
    });
    let redis = Checked::Redis(Arc::clone(&intake));
    let checked = daemons.each().iter().map(Arc::clone).map(Checked::Daemon).chain([redis]);
    let watch = |checked| tokio::spawn(health.clone().watch(checked, config.health.clone()));
    let monitors: Vec<_> = checked.map(watch).collect();
    let worker = queue::work_off(&config, Arc::clone(&daemons), store.clone()).await?;

    let api = http::Api { store: store.clone(), intake: Arc::clone(&intake), stopping: stopping.clone() };
    let (ready, ending) = (health.clone(), began.clone());
    let is_ready = move || {
        let is_ready = !ending.is_cancelled() && ready.is_good();
        async move { if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let app = http::routes(api)
        .route("/ready", get(is_ready))
        .route("/live", get(async || "live\n"))
        .layer(sockets);
    let listener = TcpListener::bind(&config.listen).await?;
    info!("listening on {}", listener.local_addr()?);
    let server = axum::serve(listener, app).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let server = tokio::spawn(server.into_future());
    began.cancelled().await;

    let (jobs, steps) = (&config.jobs, &config.steps);
    for monitor in &monitors {
        monitor.abort();
    }
    info!("1/7: the health monitors have stopped");

    let limit = jobs.finish + jobs.hand_back;
    let mut degraded = !ended("work_off_jobs", timeout(limit, queue::finish(&worker, jobs)).await);
    drop(worker);
    info!("2/7: the workers have finished");

    degraded |= !step("stop_daemons", &steps.stop_daemons, stop_daemons(Arc::clone(&daemons))).await;
    info!("3/7: the daemons have ended");

    let close = async || {
        intake.close().await;
        anyhow::Ok(())
    };
    degraded |= !step("close_queue", &steps.close_queue, close()).await;
    info!("4/7: the queue is closed");

    degraded |= !step("close_socket_io", &steps.close_socket_io, close_socket_io(&io)).await;
    info!("5/7: Socket.IO is closed");

    stopping.cancel();
    let served = async { anyhow::Ok(server.await??) };
    degraded |= !ended("http", timeout(config.drain, served).await);
    info!("6/7: HTTP has ended");

    let close = async || {
        store.close().await;
        anyhow::Ok(())
    };
    degraded |= !step("close_db", &steps.close_db, close()).await;
    info!("7/7: SQLite is closed");
    Ok(degraded)
}

/// A step of the shutdown, within its time.
async fn step(name: &str, config: &Step, step: impl Future<Output = anyhow::Result<()>>) -> bool {
    match &config.off {
        Some(why) => {
            info!("{name} is off: {why}");
            true
        }
        None => ended(name, timeout(config.timeout, step).await),
    }
}

/// Logs how a step has ended. Returns whether it has ended well.
fn ended(name: &str, how: Result<anyhow::Result<()>, impl Display>) -> bool {
    match how {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error!("{name}: {error:#}"),
        Err(_) => error!("{name}: timed out"),
    }
    false
}

/// A signal begins the shutdown, and another one forces it. A thread sees that it ends even if the runtime is stuck.
fn listen(grace: Duration, began: CancellationToken) -> std::io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        let mut first = None::<Instant>;
        loop {
            let number = tokio::select! {
                _ = term.recv() => 15,
                _ = int.recv() => 2,
            };
            match first {
                None => {
                    info!("signal {number}: shutting down");
                    first = Some(Instant::now());
                    thread::spawn(move || {
                        thread::sleep(grace);
                        exit(124);
                    });
                    began.cancel();
                }
                Some(at) if at.elapsed() > DEBOUNCE => exit(128 + number),
                Some(_) => {}
            }
        }
    });
    Ok(())
}

/// Redis may not be up yet.
async fn open_queue(config: &Config, store: &Store) -> anyhow::Result<Intake> {
    let mut pause = Duration::from_millis(200);
    for _ in 0..5 {
        match Intake::open(&config.redis, store.clone()).await {
            Ok(intake) => return Ok(intake),
            Err(error) => warn!("open_queue: {error:#}"),
        }
        sleep(pause).await;
        pause *= 2;
    }
    Intake::open(&config.redis, store.clone()).await
}

async fn stop_daemons(daemons: Arc<Daemons>) -> anyhow::Result<()> {
    let stop = tokio::task::spawn_blocking(move || {
        let ended = daemons.stop();
        daemons.write_log(&ended)?;
        let failed = ended.iter().filter_map(|(name, how)| Some(format!("{name} {}", how.as_ref().err()?)));
        match failed.collect::<Vec<_>>() {
            failed if failed.is_empty() => Ok(()),
            failed => bail!(failed.join(", ")),
        }
    });
    stop.await?
}

async fn close_socket_io(io: &SocketIo) -> anyhow::Result<()> {
    // Told so, clients do not try to come back to this process.
    if let Some(namespace) = io.of(NAMESPACE) {
        namespace.disconnect().await.map_err(|error| anyhow!("{error}"))?;
    }
    io.close().await;
    Ok(())
}

/// What is checked again and again.
enum Checked {
    Daemon(Arc<Daemon>),
    Redis(Arc<Intake>),
}

impl Checked {
    fn name(&self) -> &str {
        match self {
            Checked::Daemon(daemon) => daemon.name(),
            Checked::Redis(_) => "redis",
        }
    }

    async fn check(&self) -> anyhow::Result<()> {
        let check = async {
            match self {
                Checked::Daemon(daemon) => daemon.check(),
                Checked::Redis(intake) => intake.check().await,
            }
        };
        timeout(PATIENCE, check).await?
    }

    async fn recover(&self) -> anyhow::Result<()> {
        match self {
            Checked::Daemon(daemon) => timeout(PATIENCE, Arc::clone(daemon).respawn()).await?,
            Checked::Redis(_) => Ok(()),
        }
    }
}

/// How each check stands, and who is told.
#[derive(Clone)]
struct Health {
    io: SocketIo,
    status: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

impl Health {
    fn status(&self) -> MutexGuard<'_, BTreeMap<String, &'static str>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how it stood before.
    fn set(&self, check: &Checked, status: &'static str) -> Option<&'static str> {
        self.status().insert(check.name().to_owned(), status)
    }

    fn is_good(&self) -> bool {
        self.status().values().all(|status| *status == "healthy")
    }

    fn shown(&self) -> Value {
        let checks: Vec<_> =
            self.status().iter().map(|(name, status)| json!({"name": name, "status": status})).collect();
        json!({"healthy": self.is_good(), "checks": checks})
    }

    async fn tell(&self, event: &str, what: Value) {
        let Some(namespace) = self.io.of(NAMESPACE) else { return };
        if let Err(error) = namespace.emit(event, &what).await {
            warn!("somebody has not heard of {event} {what}: {error}");
        }
    }

    async fn watch(self, checked: Checked, config: config::Health) {
        loop {
            match checked.check().await {
                Ok(()) => {
                    if self.set(&checked, "healthy") != Some("healthy") {
                        self.tell("health", self.shown()).await;
                    }
                }
                Err(error) => self.recover(&checked, &config, error).await,
            }
            sleep(config.interval).await;
        }
    }

    async fn recover(&self, checked: &Checked, config: &config::Health, mut error: anyhow::Error) {
        let check = checked.name();
        self.set(checked, "recovering");
        for attempt in 1..=config.attempts {
            let why = format!("{error:#}");
            error!("{check}: {why}");
            let what = json!({"check": check, "attempt": attempt, "of": config.attempts, "error": why});
            self.tell("recovering", what).await;
            if let Err(error) = checked.recover().await {
                error!("{check} cannot be recovered: {error:#}");
            }
            sleep(config.delay).await;
            match checked.check().await {
                Ok(()) => {
                    self.set(checked, "healthy");
                    return self.tell("recovered", json!({ "check": check })).await;
                }
                Err(again) => error = again,
            }
        }
        self.set(checked, "recovery failed");
        self.tell("recovery_failed", json!({"check": check, "error": format!("{error:#}")})).await;
    }
}
