//! A shutdown hook that goes wrong in the way that the scenario says, with others behind it.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::fmt;
use std::future::pending;
use std::panic::panic_any;
use std::thread;
use std::time::Duration;

use lifecycle::{CancellationToken, Report, Settings, on_shutdown};
use lifecycle_tests::scene::{Loud, block_on, plays, scenario};

/// Shows its causes in `{:#}` alone, as `anyhow::Error` does.
struct Chained;

impl fmt::Display for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { "cancel orders: venue: connection lost" } else { "cancel orders" })
    }
}

/// A panic's payload that panics again when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("the payload panics too");
    }
}

#[on_shutdown(timeout = "400ms")]
async fn async_hook(token: CancellationToken) -> Result<(), Chained> {
    let _held = Loud("what async_hook holds");
    match scenario().as_str() {
        "hang" => {
            let stopped = token.clone();
            // Of its own, so that it lives on when the hook is dropped.
            tokio::spawn(async move {
                stopped.cancelled().await;
                println!("async_hook is told to stop");
            });
            pending::<()>().await;
            println!("async_hook goes on");
        }
        // Blocks the thread that polls it: there is no await to drop it at.
        "block" => {
            thread::park_timeout(Duration::from_secs(20));
            println!("async_hook goes on");
        }
        "panic" => panic!("the venue is {}", "on fire"),
        "grenade" => panic_any(Grenade),
        "error" => return Err(Chained),
        "partial" => {
            lifecycle::note("orders", 3);
            lifecycle::item("order 1", Ok::<(), Chained>(()));
            lifecycle::item("order 2", Err::<(), _>(Chained));
            lifecycle::item("order 3", Ok::<(), Chained>(()));
        }
        "notes then error" => {
            lifecycle::note("rows", 7);
            tokio::task::yield_now().await;
            lifecycle::note("rows left", 1);
            return Err(Chained);
        }
        "total" => {
            let left = lifecycle::time_left().unwrap();
            println!("async_hook knows of the total: {}", left < Duration::from_secs(2));
            pending::<()>().await;
        }
        _ => {}
    }
    Ok(())
}

#[on_shutdown(order = 1, timeout = "400ms")]
fn sync_hook(token: CancellationToken) -> Result<(), String> {
    let left = lifecycle::time_left().unwrap();
    println!("sync_hook has its time: {}", !left.is_zero() && left <= Duration::from_millis(400));
    match scenario().as_str() {
        "sync hang" => loop {
            thread::park();
        },
        "sync stops" => {
            block_on(token.cancelled());
            println!("sync_hook stops by its token");
        }
        "sync stops with error" => {
            block_on(token.cancelled());
            return Err("2 files left".into());
        }
        "sync panic" => panic!("disk full"),
        "sync error" => return Err("disk full".into()),
        _ => {}
    }
    Ok(())
}

#[on_shutdown(order = 2)]
async fn afterwards() {
    println!("afterwards");
}

#[on_shutdown(last)]
fn alert(report: &Report) {
    for step in &report.steps {
        println!("alert: {} {}", step.name, step.outcome);
    }
    if plays("last fails") {
        panic!("no alert today");
    }
}

#[on_shutdown(last)]
async fn flush_telemetry() -> Result<(), &'static str> {
    println!("flush_telemetry");
    if plays("telemetry fails") { Err("no collector") } else { Ok(()) }
}

fn setup(settings: &mut Settings) {
    if plays("telemetry fails") {
        tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    }
    if plays("total") {
        settings.grace(Duration::from_millis(1500)).reserve(Duration::from_millis(1000));
        settings.step::<async_hook>().timeout(Duration::from_secs(10));
    }
}

#[lifecycle::main(setup = setup)]
async fn main() {
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}
