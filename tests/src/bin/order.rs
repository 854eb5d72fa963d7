//! A step in every kind of place, each alone at its own, so that there is one order of all lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifecycle::{Report, Take, on_shutdown, on_start};
use lifecycle_tests::scene::told;

struct Config;
#[derive(Clone)]
struct Db;

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Stays long enough for whoever should still wait to be seen beside it.
async fn step(name: &str) {
    let beside = RUNNING.fetch_add(1, Ordering::SeqCst);
    println!("{name}: {:?}, beside {beside}", lifecycle::state());
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
}

#[on_start(order = -3)]
async fn warm_up() {
    step("warm_up").await;
}

#[on_start]
async fn z_config() -> Config {
    step("z_config").await;
    Config
}

// Before its provider by name, so that only the resource can put it after.
#[on_start]
async fn a_open_db(_: &Config) -> Db {
    step("a_open_db").await;
    Db
}

#[on_start(order = 4)]
async fn a_preload() {
    step("a_preload").await;
}

#[on_shutdown(order = -7)]
async fn y_announce() {
    step("y_announce").await;
}

#[on_shutdown(order = -1)]
async fn x_deregister(_: &Config) {
    step("x_deregister").await;
}

#[on_shutdown]
async fn w_flush(_: &Db) {
    step("w_flush").await;
}

#[on_shutdown(order = 2)]
async fn v_usage(_: Arc<Db>) {
    step("v_usage").await;
}

// No order of its own: behind the last user, wherever that is.
#[on_shutdown]
async fn a_close_db(Take(_): Take<Db>) {
    step("a_close_db").await;
}

#[on_shutdown(order = 5)]
fn a_sync() {
    println!("a_sync: {:?}, beside {}", lifecycle::state(), RUNNING.load(Ordering::SeqCst));
}

#[on_shutdown(order = 2_147_483_647)]
async fn a_highest() {
    step("a_highest").await;
}

#[on_shutdown(last)]
async fn z_alert(report: &Report) {
    step("z_alert").await;
    println!("the alert knows of {} steps", report.steps.len());
}

#[on_shutdown(last)]
async fn a_flush_telemetry() {
    step("a_flush_telemetry").await;
    told("the report is out").await;
    println!("telemetry is flushed");
}

#[lifecycle::main]
async fn main(_: Db) {
    let stopping = lifecycle::stopping();
    println!("main: {:?}", lifecycle::state());
    stopping.await;
    step("main stops").await;
}
