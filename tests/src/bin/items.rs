//! Figures and single outcomes of steps, told from every place that a step's code runs in.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::time::Duration;

use lifecycle::{inherit, item, note, on_shutdown, on_start, spawn, spawn_blocking, time_left};
use lifecycle_tests::scene::{block_on, plays, told};

fn ok() -> Result<(), &'static str> {
    Ok(())
}

#[on_start]
async fn warm_up() {
    note("entries", 12);
    // `main` starts all the same: what fails is the test's choice.
    item("cache", if plays("start") { Err("cold") } else { ok() });
}

/// The step's own task, and all that it begins with us.
#[on_shutdown(order = 1, timeout = "20s")]
async fn cancel_orders() {
    note("own task", 1);
    item("order 1", ok());
    tokio::task::yield_now().await;
    spawn(async {
        note("spawn", time_left().is_some());
        item("order 2", if plays("spawned") { Err("gone") } else { ok() });
    })
    .await
    .unwrap();
    spawn_blocking(|| item("order 3", if plays("blocking") { Err("locked") } else { ok() })).await.unwrap();
    tokio::spawn(inherit(async { item("order 4", ok()) })).await.unwrap();
    // Without us it is nobody's.
    tokio::spawn(async {
        note("stranger", 1);
        item("stranger", Err("not counted"));
        println!("a stranger has time: {:?}", time_left());
    })
    .await
    .unwrap();
}

/// An OS thread of its own.
#[on_shutdown(order = 2)]
fn remove_files() {
    let left = time_left().unwrap();
    println!("remove_files has its time: {}", !left.is_zero() && left <= Duration::from_secs(5));
    note("files", 2);
    item("a.tmp", ok());
    item("b.tmp", if plays("thread") { Err(format!("{} is open", "b.tmp")) } else { Ok(()) });
}

/// What it has begun goes on after it.
#[on_shutdown(order = 3)]
async fn leave() {
    if !plays("late") {
        return;
    }
    spawn(async {
        told("go on").await;
        note("late", 1);
        item("late", Err("nobody waited for it"));
        println!("late");
    });
}

#[on_shutdown(order = 4, timeout = "20s")]
fn wait_for_late() {
    if plays("late") {
        println!("leave is over");
        block_on(told("go on"));
        block_on(told("said"));
    }
}

#[lifecycle::main]
async fn main() {
    let stopping = lifecycle::stopping();
    note("outside", 1);
    item("outside", Err("of every step"));
    println!("outside there is no time: {:?}", time_left());
    println!("serving");
    stopping.await;
}
