//! A start that comes to nothing. `SCENARIO` names how; the step `connect…` says what it does when it is at work.

use std::time::Duration;

use lifecycle::{Settings, Take, on_shutdown, on_start};

struct Config;
#[derive(Clone)]
struct Db;
struct Exchange;
struct Cache;

fn scenario() -> String {
    std::env::var("SCENARIO").unwrap_or_default()
}

fn setup(settings: &mut Settings) {
    println!("setup");
    let scenario = scenario();
    match scenario.strip_prefix("sync-") {
        Some(_) => settings.step::<connect>().off("the sync one runs"),
        None => settings.step::<connect_sync>().off("the async one runs"),
    };
    match &*scenario {
        "timeout" => drop(settings.step::<connect>().timeout(Duration::from_millis(200))),
        "sync-timeout" => drop(settings.step::<connect_sync>().timeout(Duration::from_millis(200))),
        "late-error" => {
            settings.grace(Duration::from_millis(1000)).reserve(Duration::from_millis(100));
        }
        "early" => {
            settings.worker_threads(512);
        }
        _ => {}
    }
}

#[on_start]
fn config() -> Config {
    println!("config");
    Config
}

#[on_start]
async fn open_db(_: &Config) -> Db {
    println!("open_db");
    Db
}

/// Waits as long as it is let.
#[on_start]
async fn connect(_: &Db) -> Result<Exchange, String> {
    println!("connecting");
    match &*scenario() {
        "hang" | "timeout" => std::future::pending().await,
        "late-error" => {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            Err("connection refused".into())
        }
        "error" => Err("connection refused".into()),
        "panic" => panic!("no venue"),
        "partial" => {
            lifecycle::item("one of two venues", Err("connection refused"));
            Ok(Exchange)
        }
        _ => Ok(Exchange),
    }
}

#[on_start]
fn connect_sync(_: &Db) -> Result<Exchange, String> {
    println!("connecting");
    match &*scenario() {
        "sync-hang" | "sync-timeout" => loop {
            std::thread::park();
        },
        "sync-error" => Err("connection refused".into()),
        "sync-panic" => panic!("no venue"),
        _ => Ok(Exchange),
    }
}

#[on_start]
async fn warm(_: &Exchange) -> Cache {
    println!("warm");
    Cache
}

#[on_shutdown(order = -1)]
async fn drop_cache(_: &Cache) {
    println!("drop_cache");
}

#[on_shutdown]
async fn disconnect(_: Take<Exchange>) {
    println!("disconnect");
}

/// Takes a good part of what the short `grace` of one scenario leaves.
#[on_shutdown]
async fn flush(_: &Config) {
    if scenario() == "late-error" {
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    println!("flush");
}

#[on_shutdown(order = 1)]
async fn close_db(_: Take<Db>) {
    println!("close_db");
}

#[lifecycle::main(grace = "20s", drain = "5s", setup = setup)]
async fn main(_: Db) {
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}
