//! `lifecycle::plan()` in the program of `#[lifecycle::main]`: its keys, its resources by their types, nothing run.

use lifecycle::{Settings, Take, on_shutdown, on_start};
use std::time::Duration;

struct Config;
struct Db;

#[derive(Debug)]
struct Broken;
impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

/// Takes less than it could, and gives through a `Result` and a tuple.
fn setup(_: &Settings) -> Result<(Config, u16), Broken> {
    panic!("plan() runs no setup")
}

#[on_start]
async fn open_db(_: &Config, _: &u16) -> Db {
    Db
}

#[on_shutdown(timeout = "7s")]
async fn close_db(Take(_db): Take<Db>) {}

#[lifecycle::main(grace = "31s", drain = "3s", lameduck = "1s", setup = setup, signals = [SIGTERM])]
async fn main(_: &Config, _: Option<&u32>) {}

#[test]
fn it_has_the_keys_of_main_and_the_types_of_setup() {
    let plan = lifecycle::plan().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.grace, Some(Duration::from_secs(31)));
    assert_eq!(plan.phases.drain, Some(Duration::from_secs(3)));
    assert_eq!(plan.signals, [lifecycle::signals::SIGTERM]);
    assert_eq!(plan.worst.total, Some(Duration::from_millis(11_500)));
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["open_db", "Requests", "close_db"]);
}

/// Tests of one program share its environment, so this is a program of its own.
#[test]
fn the_environment_has_no_say() {
    let exe = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(exe);
    command.args(["--exact", "it_has_the_keys_of_main_and_the_types_of_setup"]);
    command.envs([("LIFECYCLE_GRACE", "nonsense"), ("LIFECYCLE_DRAIN", "9s"), ("LIFECYCLE_PLAN", "json")]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

/// A step that is registered at run time changes nothing that a test of the linked ones says.
#[test]
fn what_is_registered_at_run_time_is_not_in_it() {
    lifecycle::register(lifecycle::Hook::on_shutdown("late", || async {}));
    let plan = lifecycle::plan().unwrap();
    assert!(plan.steps.iter().all(|step| step.name != "late"), "{plan}");
}
