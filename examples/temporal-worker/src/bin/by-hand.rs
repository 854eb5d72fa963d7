//! The same worker without the library, for comparison: README.md has the counts, `tests/e2e/by_hand.rs` holds it to the same.
//!
//! Missing all the same: an order of steps that is checked before anything runs, a plan that is held to the grace period, steps that
//! cannot bring the process down by a panic, a way past a runtime whose threads are stuck, and a report that programs can read.

#[path = "../config.rs"]
mod config;
#[path = "../orders.rs"]
mod orders;

use std::fmt::Write;
use std::fs;
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::PgPool;
use temporalio_client::Client;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use config::{Config, Start};

const DEBOUNCE: Duration = Duration::from_millis(500);

/// How the shutdown went.
struct Steps {
    ended: Vec<(&'static str, Result<(), String>, Duration)>,
    deadline: Instant,
}

impl Steps {
    /// Runs a step within its time and the whole's.
    async fn run(
        &mut self,
        name: &'static str,
        limit: Duration,
        step: impl Future<Output = anyhow::Result<()>>,
    ) {
        let began = Instant::now();
        let limit = limit.min(self.deadline.saturating_duration_since(began));
        let result = match timeout(limit, step).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err(format!("timed out after {:?}", began.elapsed())),
        };
        if let Err(why) = &result {
            error!("{name}: {why}");
        }
        self.ended.push((name, result, began.elapsed()));
    }

    fn is_degraded(&self) -> bool {
        self.ended.iter().any(|(_, result, _)| result.is_err())
    }

    fn report(&self) -> String {
        let mut text = String::new();
        for (name, result, ran) in &self.ended {
            // A String takes everything.
            let _ =
                writeln!(text, "{name:12} {ran:10.1?} {}", result.as_ref().err().map_or("done", |why| why));
        }
        text
    }
}

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
    let code = runtime.block_on(run(Arc::new(config)));
    // A blocking call that does not return must not keep us.
    runtime.shutdown_background();
    code
}

async fn run(config: Arc<Config>) -> ExitCode {
    let stop = watch::Sender::new(false);
    if let Err(error) = listen(config.grace, stop.clone()) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let mut stopping = stop.subscribe();
    let started = tokio::select! {
        started = start(&config) => started,
        _ = stopping.wait_for(|stop| *stop) => return ExitCode::FAILURE,
    };
    let (pool, client) = match started {
        Ok(started) => started,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };

    let worker = supervise(&config, &client, &pool, &stop);
    info!("queue {}", config.temporal.task_queue);
    // The sender is ours: it is not gone.
    let _ = stopping.wait_for(|stop| *stop).await;

    let deadline = Instant::now() + config.grace.saturating_sub(config.reserve);
    let mut steps = Steps { ended: Vec::new(), deadline };
    steps.run("work", config.worker.finish + config.worker.hand_back, async { worker.await? }).await;
    drop(client);
    if config.database.left_open.is_none() {
        let close = async {
            pool.close().await;
            Ok(())
        };
        steps.run("close_pool", config.database.close, close).await;
    }
    let (text, degraded) = (steps.report(), steps.is_degraded());
    eprint!("{text}");
    steps.deadline += config.reserve;
    let file = config.report.clone();
    info!("keeps the report");
    let keep = async { Ok(tokio::task::spawn_blocking(move || fs::write(file, text)).await??) };
    steps.run("keep_report", config.reserve, keep).await;
    ExitCode::from(u8::from(degraded || steps.is_degraded()))
}

/// Signals begin the shutdown and force it. A thread sees that it ends even if the runtime is stuck.
fn listen(grace: Duration, stop: watch::Sender<bool>) -> std::io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let first = Mutex::new(None::<Instant>);
    let end = move |name: &str, number: i32| {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match *first {
            None => {
                info!("{name}: shutting down");
                *first = Some(Instant::now());
                thread::spawn(move || {
                    thread::sleep(grace);
                    exit(124);
                });
                stop.send_replace(true);
            }
            Some(at) if at.elapsed() > DEBOUNCE => exit(128 + number),
            Some(_) => {}
        }
    };
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => end("SIGTERM", 15),
                _ = int.recv() => end("SIGINT", 2),
            }
        }
    });
    Ok(())
}

async fn start(config: &Config) -> anyhow::Result<(PgPool, Client)> {
    let pool = again("open_pool", &config.start, async || Ok(orders::open_pool(config).await?));
    let client = again("connect", &config.start, async || orders::connect(config).await);
    tokio::try_join!(pool, client)
}

/// Tries until it is there.
async fn again<T>(
    name: &str,
    limits: &Start,
    attempt: impl AsyncFn() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let attempts = async {
        let mut pause = limits.backoff;
        let mut failures = 0;
        loop {
            match attempt().await {
                Err(error) if failures < limits.retry => warn!("{name}: {error:#}"),
                ended => return ended,
            }
            failures += 1;
            sleep(pause).await;
            pause *= 2;
        }
    };
    let ended = timeout(limits.timeout, attempts).await;
    ended.unwrap_or_else(|late| Err(late.into())).with_context(|| name.to_owned())
}

/// Begins it again when it fails; past the limit the process ends. What runs workflows is not `Send`, hence the thread.
fn supervise(
    config: &Arc<Config>,
    client: &Client,
    pool: &PgPool,
    stop: &watch::Sender<bool>,
) -> oneshot::Receiver<anyhow::Result<()>> {
    let (ended, hears) = oneshot::channel();
    let (config, client, pool, stop) = (Arc::clone(config), client.clone(), pool.clone(), stop.clone());
    let runtime = Handle::current();
    thread::spawn(move || {
        let result = runtime.block_on(async {
            let mut stopping = stop.subscribe();
            let mut pause = config.worker.backoff;
            let mut failures = 0;
            loop {
                let told = async { drop(stopping.wait_for(|stop| *stop).await) };
                let Err(error) = orders::work(&config, client.clone(), pool.clone(), told).await else {
                    return Ok(());
                };
                if *stopping.borrow() || failures == config.worker.retry {
                    return Err(error);
                }
                error!("work: {error:#}");
                failures += 1;
                let _ = timeout(pause, stopping.wait_for(|stop| *stop)).await;
                pause *= 2;
            }
        });
        // These go before the end is told: the next step counts on it.
        drop((client, pool));
        let failed = result.is_err();
        // The receiver is gone if this has come too late.
        let _ = ended.send(result);
        if failed {
            stop.send_replace(true);
        }
    });
    hears
}
