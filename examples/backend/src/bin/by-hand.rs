//! The same backend without the library, for comparison: README.md has the counts, `tests/e2e/by_hand.rs` holds it to the same.
//!
//! Missing all the same: an order of steps that is checked before anything runs, the plan and its worst case, a way past a
//! runtime whose threads are stuck, requests refused with a word once it drains, connections answered that the kernel has
//! accepted and the server has not, requests that are on their way when a connection ends, which calls were
//! cut off, an exit code that tells a bad configuration from a bad run, and a report that programs can read.

#[path = "../api.rs"]
mod api;
#[path = "../config.rs"]
mod config;
#[path = "../feed.rs"]
mod feed;
#[path = "../store.rs"]
mod store;

use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header::CONNECTION};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Router, routing::get};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use config::Config;
use feed::Feed;

const DEBOUNCE: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const RETRIES: u32 = 5;

static READY: AtomicBool = AtomicBool::new(false);
static LEAVING: AtomicBool = AtomicBool::new(false);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).init();
    match run().await {
        Ok(degraded) => ExitCode::from(u8::from(degraded)),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether anything went wrong at the end.
async fn run() -> anyhow::Result<bool> {
    let config = Config::read()?;
    let began = CancellationToken::new();
    listen(config.shutdown.grace, &began)?;
    let opened = timeout(config.database.connect_timeout, open(&config));
    let Some(db) = began.run_until_cancelled(opened).await else { return Ok(true) };
    let (db, feed) = (db??, Feed::new());

    let (stop_hearing, stop_probes) = (CancellationToken::new(), CancellationToken::new());
    let hearing = hear_of_orders(&db, &feed, &stop_hearing, &began);
    let probes = Router::new().route("/ready", get(ready)).route("/live", get(|| async { "live\n" }));
    let probes = axum::serve(TcpListener::bind(config.probes).await?, probes);
    let probes = probes.with_graceful_shutdown(stop_probes.clone().cancelled_owned()).into_future();
    let probes = tokio::spawn(probes);

    let stop = CancellationToken::new();
    let app = api::router(db.clone(), feed.clone(), stop.clone()).layer(from_fn(send_elsewhere));
    let listener = TcpListener::bind(config.listen).await?;
    info!("listening on {}", config.listen);
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    let server = tokio::spawn(server.into_future());
    READY.store(true, Ordering::Release);

    began.cancelled().await;
    sleep(config.shutdown.lameduck).await;
    stop.cancel();
    let drained = async {
        server.await??;
        // The server does not wait for connections that were upgraded.
        feed.0.closed().await;
        Ok(())
    };
    let mut degraded = !step("drain", config.shutdown.drain, drained).await;
    stop_hearing.cancel();
    degraded |= !step("hear_of_orders", config.shutdown.stop, async { hearing.await? }).await;
    if let Some(why) = &config.shutdown.keep_open {
        info!("close_db: off, {why}");
    } else {
        let closed = async {
            db.close().await;
            Ok(())
        };
        degraded |= !step("close_db", config.shutdown.close, closed).await;
    }
    stop_probes.cancel();
    degraded |= !step("probes", config.shutdown.stop, async { Ok(probes.await??) }).await;
    Ok(degraded)
}

/// One that fails, or takes too long, keeps none of the others.
async fn step(name: &str, limit: Duration, work: impl Future<Output = anyhow::Result<()>>) -> bool {
    let began = Instant::now();
    match timeout(limit, work).await.unwrap_or_else(|late| Err(late.into())) {
        Ok(()) => {
            info!("{name}: done, {:.1?}", began.elapsed());
            true
        }
        Err(error) => {
            error!("{name}: {error:#}, {:.1?}", began.elapsed());
            false
        }
    }
}

/// The first signal begins the shutdown, a second one forces it. A thread sees that it ends even if the runtime is stuck.
fn listen(grace: Duration, began: &CancellationToken) -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let began = began.clone();
    tokio::spawn(async move {
        let mut first = None::<Instant>;
        loop {
            let (name, number) = tokio::select! {
                _ = term.recv() => ("SIGTERM", 15),
                _ = int.recv() => ("SIGINT", 2),
            };
            match first {
                None => {
                    info!("{name}: shutting down");
                    first = Some(Instant::now());
                    READY.store(false, Ordering::Release);
                    LEAVING.store(true, Ordering::Release);
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

/// The database may come up after us.
async fn open(config: &Config) -> sqlx::Result<PgPool> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..RETRIES {
        match store::open(&config.database).await {
            Ok(db) => return Ok(db),
            Err(error) => warn!("open_db: {error}"),
        }
        sleep(pause).await;
        pause *= 2;
    }
    store::open(&config.database).await
}

/// Begun again when it fails; past the limit the backend ends.
fn hear_of_orders(
    db: &PgPool,
    feed: &Feed,
    stop: &CancellationToken,
    began: &CancellationToken,
) -> JoinHandle<anyhow::Result<()>> {
    let (db, feed, stop, began) = (db.clone(), feed.clone(), stop.clone(), began.clone());
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match feed.follow(&db, stop.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => error!("hear_of_orders: {error}"),
            }
            stop.run_until_cancelled(sleep(pause)).await;
            pause *= 2;
        }
        began.cancel();
        Ok(feed.follow(&db, stop).await?)
    })
}

async fn ready() -> (StatusCode, &'static str) {
    match READY.load(Ordering::Acquire) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

/// Clients that keep their connection come back on another one, to another instance.
async fn send_elsewhere(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if LEAVING.load(Ordering::Acquire) && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
