//! Workers and health checks, with every key.
#![deny(warnings)]

use std::time::Duration;

use lifecycle::{CancellationToken, Node, Settings, health_check, on_shutdown, on_start, worker};

struct Db;

#[on_start]
fn open() -> Db {
    Db
}

mod named {
    use super::*;

    #[worker(order = 3, timeout = "2s", restart = always, retry = 1, backoff = "10ms", when = true, label = Feed)]
    pub(crate) async fn feed(_: &Db, token: CancellationToken) -> Result<(), String> {
        token.cancelled().await;
        Ok(())
    }
}

#[worker(restart = never, after = named::Feed, before = close)]
fn plain(_: &Db, _: CancellationToken) {}

#[worker(restart = on_failure, crate = lifecycle)]
async fn r#loop() {}

#[on_shutdown(order = 3, after = plain)]
fn close() {}

const OFTEN: Duration = Duration::from_secs(1);

#[health_check(interval = OFTEN, timeout = "1s", recover = reconnect, retry = 4, delay = "0s", when = |db: &Db| {
    let _ = db;
    true
}, label = DbAnswers, crate = lifecycle)]
async fn db_answers(_: &Db) -> Result<(), String> {
    Ok(())
}

fn reconnect(_: &Db) -> Result<(), String> {
    Ok(())
}

/// Whether it is full.
#[health_check]
pub fn disk() {}

fn is_node<N: Node>() {}

fn main() {
    is_node::<r#loop>();
    let set = |settings: &mut Settings| {
        settings.step::<plain>().timeout(OFTEN);
        settings.health_check::<DbAnswers>().retry(1);
        settings.health_check::<disk>().off("no disk");
    };
    let _ = set;
    let plan = lifecycle::plan().map_err(|errors| errors.to_string()).unwrap();
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    for name in ["Feed", "plain", "loop"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let checks: Vec<&str> = plan.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(checks, ["DbAnswers", "disk"]);
}
