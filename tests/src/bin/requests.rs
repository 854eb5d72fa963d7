//! Tracked calls before, during and after the drain.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::future::pending;
use std::sync::LazyLock;
use std::time::Duration;

use lifecycle::{Flavor, Rejected, Settings, on_shutdown, tracked};
use lifecycle_tests::scene::{Loud, plays, scenario, told, told_blocking};
use tokio::sync::Notify;

static CLIENT: LazyLock<(Notify, Notify)> = LazyLock::new(Default::default);

#[tracked]
async fn probe() -> Result<(), Rejected> {
    tokio::task::yield_now().await;
    Ok(())
}

#[tracked]
fn probe_sync() -> Result<(), Rejected> {
    Ok(())
}

/// Whether a call was admitted.
fn word<T>(result: Result<T, Rejected>) -> &'static str {
    if result.is_ok() { "admitted" } else { "refused" }
}

#[tracked]
async fn order() -> Result<(), Rejected> {
    println!("the order runs");
    told("go on").await;
    println!("nested: {}", word(probe().await));
    tokio::task::yield_now().await;
    println!("nested, sync, after an await: {}", word(probe_sync()));
    let task = lifecycle::spawn(async {
        let own = word(probe().await);
        (own, word(lifecycle::spawn(probe()).await.unwrap()))
    });
    println!("spawn: {:?}", task.await.unwrap());
    println!("spawn_blocking: {}", word(lifecycle::spawn_blocking(probe_sync).await.unwrap()));
    println!("inherit: {}", word(tokio::spawn(lifecycle::inherit(probe())).await.unwrap()));
    println!("tokio::spawn: {}", word(tokio::spawn(probe()).await.unwrap()));
    println!("tokio's spawn_blocking: {}", word(tokio::task::spawn_blocking(probe_sync).await.unwrap()));
    drop(lifecycle::spawn(async {
        println!("the task that the order leaves runs");
        told("end the task").await;
        println!("the task that the order left ends: {:?}", lifecycle::state());
    }));
    println!("the order ends");
    Ok(())
}

#[tracked(admit = always)]
async fn heartbeat() {
    println!("the heartbeat runs: {:?}", lifecycle::state());
    told("end the heartbeat").await;
    println!("the heartbeat ends: {:?}", lifecycle::state());
}

/// Ends when it is told that the time is up, if it is the last one.
#[tracked]
async fn stream(number: u8) -> Result<(), Rejected> {
    let _held = Loud(if number == 3 { "the listening stream" } else { "a deaf stream" });
    println!("stream {number} runs");
    let cut_off = lifecycle::cut_off();
    if number == 3 || plays("ends in time") {
        cut_off.await;
        println!("stream {number} is told that the time is up");
        return Ok(());
    }
    cut_off.await;
    loop {
        // Polled again and again.
        tokio::time::sleep(Duration::from_millis(10)).await;
        if lifecycle::state() == lifecycle::State::Stopping {
            println!("a deaf stream goes on");
        }
    }
}

#[tracked(name = "orders.upload")]
async fn upload() -> Result<(), Rejected> {
    let _held = Loud("the upload");
    println!("upload runs");
    // Polled again only when the test wants it.
    told("wake the upload").await;
    println!("the upload goes on");
    pending().await
}

#[tracked]
fn grind() -> Result<(), Rejected> {
    println!("grind runs");
    told_blocking("never");
    Ok(())
}

#[on_shutdown(order = -1)]
async fn early() {
    CLIENT.0.notify_one();
    CLIENT.1.notified().await;
}

#[on_shutdown(timeout = "20s")]
async fn flush() {
    println!("flush: {} in flight, {:?}", lifecycle::in_flight(), lifecycle::state());
    if plays("drain") {
        println!("from a hook: {}", word(probe().await));
        println!("from a hook's task: {}", word(lifecycle::spawn(probe()).await.unwrap()));
        println!("from a stray task: {}", word(tokio::spawn(probe()).await.unwrap()));
    } else if plays("times out") {
        told("enough").await;
    }
}

#[on_shutdown(order = 1)]
fn flush_sync() {
    if plays("drain") {
        println!("from a sync hook: {}", word(probe_sync()));
        println!("from a thread: {}", word(std::thread::spawn(probe_sync).join().unwrap()));
    }
}

fn setup(settings: &mut Settings) {
    match scenario().as_str() {
        "times out" | "ends in time" | "sync" => {
            settings.drain(Duration::from_millis(200)).cut(Duration::from_millis(200));
        }
        "turns" => {
            settings.flavor(Flavor::CurrentThread);
        }
        _ => {}
    }
}

/// Calls from outside until one is refused.
async fn until_refused() -> Rejected {
    loop {
        if let Err(rejected) = probe().await {
            return rejected;
        }
    }
}

/// Calls from outside, once the gate is closed. Returns how many were refused.
async fn stranger() -> usize {
    let mut refused = 0;
    for _ in 0..50 {
        refused += usize::from(probe().await.is_err());
        tokio::task::yield_now().await;
    }
    refused
}

#[lifecycle::main(setup = setup)]
async fn main() {
    // Somebody who still calls while the early hook runs.
    tokio::spawn(async {
        CLIENT.0.notified().await;
        println!("beside the early hook: {}, {:?}", word(probe().await), lifecycle::state());
        CLIENT.1.notify_one();
    });
    let (drained, cut_off) = (lifecycle::drained(), lifecycle::cut_off());
    tokio::spawn(async {
        cut_off.await;
        println!("cut_off() fires");
    });
    match scenario().as_str() {
        "drain" | "always" => {
            tokio::spawn(order());
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
            let rejected = until_refused().await;
            let mut refused = 1;
            for _ in 0..10 {
                refused += usize::from(probe().await.is_err()) + usize::from(probe_sync().is_err());
            }
            println!("{rejected}: refused {refused}, {:?}", lifecycle::state());
            let stats = lifecycle::stats();
            let order = stats.calls.iter().find(|site| site.name == "order").map(|site| site.in_flight);
            let (state, in_flight, refused) = (stats.state, stats.in_flight, stats.refused);
            println!(
                "stats: {state:?}, {in_flight} in flight, order {}, refused {refused}",
                order.unwrap_or(0)
            );
            if plays("always") {
                tokio::spawn(heartbeat());
            }
        }
        "turns" => {
            // All on one thread: the call and the stranger take turns at every await.
            // Beside a stranger in the same task, too.
            tokio::spawn(async {
                let (_, refused) = tokio::join!(turns(), async {
                    lifecycle::stopping().await;
                    until_refused().await;
                    stranger().await
                });
                println!("a stranger in the call's task was refused {refused}");
            });
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
            until_refused().await;
            println!("a strange task was refused {}", tokio::spawn(stranger()).await.unwrap());
        }
        "times out" => {
            for number in 1..=3 {
                tokio::spawn(stream(number));
            }
            tokio::spawn(upload());
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
        }
        "ends in time" => {
            tokio::spawn(stream(1));
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
        }
        "sync" => {
            tokio::task::spawn_blocking(grind);
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
        }
        other => println!("what is {other:?}?"),
    }
    drained.await;
    println!("drained: {} in flight, {:?}", lifecycle::in_flight(), lifecycle::state());
}

/// A call that calls others all the time.
#[tracked]
async fn turns() -> Result<(), Rejected> {
    println!("turns runs");
    lifecycle::stopping().await;
    let mut admitted = 0;
    for _ in 0..1000 {
        admitted += usize::from(probe().await.is_ok());
        tokio::task::yield_now().await;
    }
    println!("the call's own were admitted {admitted}");
    Ok(())
}
