//! Steps of every kind of order, around one service.
use std::sync::Arc;

use lifecycle::{Report, Take, on_shutdown, on_start, tracked};

struct Config {
    name: &'static str,
}

#[derive(Clone)]
struct Db(Arc<str>);

#[on_start]
fn config() -> Config {
    println!("config");
    Config { name: "orders" }
}

#[on_start]
async fn open_db(config: &Config) -> Result<Db, std::io::Error> {
    println!("open_db {}", config.name);
    Ok(Db(Arc::from("s3cret")))
}

#[on_shutdown(order = -1)]
async fn deregister(config: &Config) {
    println!("deregister {} draining={}", config.name, lifecycle::is_draining());
}

#[on_shutdown]
async fn flush(db: &Db) {
    println!("flush {}", db.0);
    lifecycle::note("rows", 3);
}

#[on_shutdown]
async fn close_db(Take(db): Take<Db>) {
    println!("close_db {}", db.0);
}

#[on_shutdown(order = 2)]
fn sync_last() -> Result<(), String> {
    println!("sync_last");
    Ok(())
}

#[on_shutdown(last)]
fn alert(report: &Report) {
    println!("alert after {} steps", report.steps.len());
}

#[on_shutdown(last)]
async fn flush_telemetry() {
    println!("flush_telemetry");
}

#[tracked(reject = Err("refused"))]
async fn call(db: &Db) -> Result<usize, &'static str> {
    tokio::task::yield_now().await;
    Ok(db.0.len())
}

#[lifecycle::main(grace = "10s")]
async fn main(db: Db) {
    println!("call {:?}", call(&db).await);
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
    println!("call {:?}", call(&db).await);
    println!("service ends");
}
