//! One way to end for each row of the exit table. `SCENARIO` names it.

use std::sync::Arc;
use std::time::Duration;

use lifecycle::{Exit, Settings, on_shutdown, on_start, tracked};

/// Nothing provides it but `main`, in one scenario.
struct Late;
struct Config;

fn scenario() -> String {
    std::env::var("SCENARIO").unwrap_or_default()
}

fn setup(settings: &mut Settings) -> Result<Config, String> {
    match &*scenario() {
        "setup error" => return Err("no config file".into()),
        "setup panic" => panic!("config file with a hole"),
        "reraise" => drop(settings.exit(Exit::Reraise)),
        "bad settings" => {
            settings.signals(&[libc::SIGKILL]).worker_threads(0).lameduck(Duration::MAX);
        }
        "timed out" | "abandoned" => drop(settings.step::<unlucky>().timeout(Duration::from_millis(200))),
        "not reached" | "blocked main" | "blocked for ever" => {
            settings.grace(Duration::from_millis(1200)).reserve(Duration::from_millis(400));
            settings.drain(Duration::from_millis(200)).cut(Duration::ZERO);
        }
        "cut off" | "service cut off" => {
            settings.drain(Duration::from_millis(100)).cut(Duration::from_millis(50));
        }
        _ => {}
    }
    Ok(Config)
}

#[on_start]
async fn booted(_: &Config) {
    println!("booted");
}

/// Fails in the way that the scenario says.
#[on_shutdown]
async fn unlucky(_: &Config) -> Result<(), String> {
    println!("unlucky");
    match &*scenario() {
        "failed" => Err("disk full".into()),
        "panicked" => panic!("disk gone"),
        "partial" => {
            lifecycle::item("order 1", Ok::<(), String>(()));
            lifecycle::item("order 2", Err::<(), _>("unknown order"));
            Ok(())
        }
        "timed out" => std::future::pending().await,
        "abandoned" => loop {
            std::thread::park();
        },
        _ => Ok(()),
    }
}

#[on_shutdown(order = 1)]
async fn after(late: Option<&Late>) {
    println!("after {}", late.is_some());
}

#[on_shutdown(order = 2)]
async fn needs_late(_: &Late) {
    println!("needs_late");
}

#[on_shutdown(order = 3, timeout = "20s")]
async fn slow() {
    if scenario() == "not reached" {
        std::future::pending::<()>().await;
    }
}

#[on_shutdown(order = 4)]
fn end() {
    println!("end");
}

#[tracked(reject = ())]
async fn call() {
    println!("call");
    std::future::pending::<()>().await;
}

#[lifecycle::main(grace = "20s", drain = "5s", reserve = "1s", setup = setup)]
async fn main() -> Result<(), String> {
    let scenario = scenario();
    if scenario != "missing" {
        lifecycle::provide(Arc::new(Late)).map_err(|error| error.to_string())?;
    }
    // Asked for before it says so: a signal may come right then, and must find that it knows of the end.
    let stopping = (scenario != "blocked for ever").then(lifecycle::stopping);
    let stopping = async move {
        if let Some(stopping) = stopping {
            stopping.await;
        }
    };
    println!("serving");
    match &*scenario {
        "service failed" => return Err("port taken".into()),
        "service panicked" => panic!("port gone"),
        "ended" => return Ok(()),
        "second run" => {
            let report = lifecycle::run(async {}).await;
            println!("second run: {} {:?}", report.exit_code, report.errors);
            return Ok(());
        }
        "cut off" => {
            let calling = tokio::spawn(call());
            stopping.await;
            let _ = calling.await;
        }
        "service cut off" => {
            stopping.await;
            std::future::pending::<()>().await;
        }
        "blocked main" => {
            stopping.await;
            loop {
                std::thread::park();
            }
        }
        "blocked for ever" => loop {
            std::thread::park();
        },
        _ => stopping.await,
    }
    Ok(())
}
