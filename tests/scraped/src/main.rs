//! A service whose figures are scraped until its very end: the exporter has a thread and a runtime of its own.

use std::net::SocketAddr;

use lifecycle::{Rejected, Settings, health_check, on_shutdown, on_start, tracked, worker};
use lifecycle_tests::scene::{plays, told};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

#[on_start]
async fn open_db() {}

#[health_check(interval = "1h")]
async fn disk() {}

#[tracked]
async fn place_order() -> Result<(), Rejected> {
    told("fill").await;
    Ok(())
}

#[tracked]
async fn late_order() -> Result<(), Rejected> {
    Ok(())
}

#[worker(retry = 2, backoff = "10ms")]
async fn feed(token: lifecycle::CancellationToken) -> Result<(), &'static str> {
    static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
        return Err("no feed yet");
    }
    token.cancelled().await;
    Ok(())
}

#[on_shutdown(retry = 1, backoff = "1ms")]
async fn close_db() -> Result<(), &'static str> {
    told("close").await;
    Err("the disk is full")
}

#[on_shutdown(after = close_db)]
async fn wait_for_the_scrape() {
    told("scraped").await;
}

fn setup(_: &mut Settings) -> Result<(), BuildError> {
    let address = std::env::var("METRICS").ok().and_then(|address| address.parse().ok());
    let address = address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    PrometheusBuilder::new().with_http_listener(address).install()
}

#[lifecycle::main(setup = setup, grace = "60s", drain = "30s")]
async fn main() {
    let _orders = [tokio::spawn(place_order()), tokio::spawn(place_order())];
    tokio::spawn(async {
        lifecycle::stopping().await;
        // The gate closes a moment after that.
        while late_order().await.is_ok() {
            tokio::task::yield_now().await;
        }
        println!("refused");
    });
    if plays("idle") {
        println!("idle");
    }
    lifecycle::stopping().await;
}
