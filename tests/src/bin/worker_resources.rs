//! Workers that take resources.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::sync::atomic::{AtomicU32, Ordering};

use lifecycle::{
    CancellationToken, Event, Restart, Settings, Take, WorkerEvent, on_shutdown, on_start, provide, worker,
};
use lifecycle_tests::scene::{plays, scenario, told};

/// What `main` provides.
struct Exchange(u32);
/// What nobody provides, but to who wants a mirror.
struct Mirror;
/// What a start hook provides, unless it fails.
struct Db;
/// What a worker takes away.
struct Feed(&'static str);

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Begins when `main` has provided its exchange; fails the first time.
#[worker(backoff = "10ms")]
async fn consume(exchange: &Exchange, none: Option<&u8>, token: CancellationToken) -> Result<(), String> {
    let run = RUNS.fetch_add(1, Ordering::SeqCst) + 1;
    println!("consume has exchange {}, {none:?}, run {run}", exchange.0);
    if run == 1 && plays("late") {
        return Err("once".to_owned());
    }
    token.cancelled().await;
    println!("consume ends");
    Ok(())
}
#[worker]
async fn query(_: &Db, token: CancellationToken) -> Result<(), String> {
    println!("query runs");
    token.cancelled().await;
    println!("query ends");
    Ok(())
}
/// Wants what is there, takes what need not be.
#[worker(when = |_: &Db| plays("mirrored"))]
async fn copy(_: &Mirror, token: CancellationToken) -> Result<(), String> {
    println!("copy runs");
    token.cancelled().await;
    Ok(())
}
#[worker(restart = never)]
async fn read(Take(feed): Take<Feed>, token: CancellationToken) -> Result<(), String> {
    println!("read has {}", feed.0);
    token.cancelled().await;
    Ok(())
}
#[on_start]
async fn open_db() -> Result<Db, String> {
    if plays("provider fails") { Err("no disk".to_owned()) } else { Ok(Db) }
}

/// Who is skipped: asked for before a worker begins.
#[on_start]
async fn follow() {
    let mut events = lifecycle::events();
    lifecycle::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Worker { worker, what: WorkerEvent::Skipped { why } } = event {
                println!("{worker} is skipped: {why}");
            }
        }
    });
}

#[on_start]
async fn open_feed() -> Feed {
    println!("the feed is open");
    Feed("the feed")
}

/// Follows, by itself, the worker that uses it.
#[on_shutdown]
async fn close_exchange(Take(exchange): Take<Exchange>) {
    println!("exchange {} is closed", exchange.0);
}

#[on_shutdown]
async fn close_db(_: Take<Db>) {
    println!("the database is closed");
}

fn setup(settings: &mut Settings) {
    match scenario().as_str() {
        "taken and restarted" => {
            settings.step::<read>().restart(Restart::OnFailure);
        }
        "last" => {
            settings.step::<query>().last();
        }
        "off" => {
            settings.step::<query>().off("not in this binary");
        }
        "placed" => {
            settings.step::<consume>().order(-1);
            settings.step::<close_exchange>().order(-1);
        }
        _ => {}
    }
}

#[lifecycle::main(setup = setup)]
async fn main() {
    let stopping = lifecycle::stopping();
    println!("serving");
    if plays("late") || plays("placed") {
        told("provide").await;
        println!("main provides");
        provide(Exchange(7)).unwrap();
    }
    if plays("mirrored") {
        told("provide").await;
        provide(Mirror).unwrap();
        provide(Exchange(7)).unwrap();
    }
    stopping.await;
}
