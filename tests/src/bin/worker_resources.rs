//! Workers that take resources. Until the attribute is there, what it would leave behind is written by hand.
#![allow(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lifecycle::{CancellationToken, Restart, Settings, Take, on_shutdown, on_start, provide};
use lifecycle_tests::scene::{plays, scenario, told};

/// What `main` provides.
struct Exchange(u32);
/// What a start hook provides, unless it fails.
struct Db;
/// What a worker takes away.
struct Feed(&'static str);

/// As `#[worker(restart = …)]` of an async function.
macro_rules! worker {
    ($name:ident($($argument:ident: $kind:ty),*), restart: $restart:expr) => {
        #[allow(non_camel_case_types)]
        struct $name {}
        const _: () = {
            use lifecycle::__private as p;
            impl p::Step for $name {}
            static NODE: p::NodeDef = p::NodeDef {
                name: stringify!($name),
                phase: p::Phase::Shutdown,
                id: p::TypeId::of::<$name>,
                place: p::PlaceDef::Free,
                after: &[],
                before: &[],
            };
            impl p::Node for $name {
                const NODE: &'static p::NodeDef = &NODE;
            }
            p::inventory::submit! {
                p::StepDef {
                    node: &NODE,
                    module: module_path!(),
                    file: file!(),
                    line: line!(),
                    timeout: None,
                    function: || p::function::asynchronous(
                        worker!(@kinds $($kind,)*),
                        p::outcome::Return::<Result<(), String>>::NEW.lifecycle_end(),
                        |held, end| {
                            let worker!(@held $($argument,)*) = p::function::lend(held);
                            p::function::pending($name($($argument),*), end)
                        },
                    ),
                    extra: Some(&p::StepExtra {
                        worker: Some(p::WorkerDef { restart: $restart }),
                        ..p::StepExtra::NONE
                    }),
                }
            }
        };
    };
    (@kinds) => { () };
    (@kinds $kind:ty, $($rest:ty,)*) => {
        (p::argument::Arg::<$kind>::NEW.lifecycle_kind(), worker!(@kinds $($rest,)*))
    };
    (@held) => { () };
    (@held $argument:ident, $($rest:ident,)*) => { ($argument, worker!(@held $($rest,)*)) };
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Begins when `main` has provided its exchange; fails the first time.
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
worker!(consume(a: &'_ Exchange, b: Option<&'_ u8>, c: CancellationToken), restart: None);

async fn query(_: &Db, token: CancellationToken) -> Result<(), String> {
    println!("query runs");
    token.cancelled().await;
    println!("query ends");
    Ok(())
}
worker!(query(a: &'_ Db, b: CancellationToken), restart: None);

async fn read(Take(feed): Take<Feed>, token: CancellationToken) -> Result<(), String> {
    println!("read has {}", feed.0);
    token.cancelled().await;
    Ok(())
}
worker!(read(a: Take<Feed>, b: CancellationToken), restart: Some(Restart::Never));

#[on_start]
async fn open_db() -> Result<Db, String> {
    if plays("provider fails") { Err("no disk".to_owned()) } else { Ok(Db) }
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
    settings.step::<consume>().backoff(Duration::from_millis(10));
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
    stopping.await;
}
