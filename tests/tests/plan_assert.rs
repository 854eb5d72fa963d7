//! `assert_plan!` as a service uses it, beside the file `plan_assert.plan`, which is committed.

use lifecycle::{Take, on_shutdown, on_start};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

struct Db;

#[on_start]
async fn open_db() -> Db {
    Db
}

#[on_shutdown(timeout = "2s", retry = 1)]
async fn flush(_: &Db) {}

#[on_shutdown]
async fn close_db(Take(_db): Take<Db>) {}

#[lifecycle::main(drain = "10s")]
async fn main() {}

#[test]
fn the_plan_is_the_committed_one_and_fits() {
    lifecycle::assert_plan!(fits = "25s", file = "tests/plan_assert.plan");
    lifecycle::assert_plan!(file = "tests/plan_assert.plan", fits = Duration::from_millis(19_500),);
    lifecycle::assert_plan!(fits = "20s");
    lifecycle::assert_plan!();
}

#[test]
#[should_panic(
    expected = "the shutdown does not fit 19s 499ms: it may take 17s 500ms and 2s of reserve after it"
)]
fn it_does_not_fit_less() {
    lifecycle::assert_plan!(fits = "19s 499ms");
}

#[test]
#[ignore = "run by the tests below, with a file of theirs"]
fn compared_with_a_file() {
    lifecycle::assert_plan!(file = std::env::var("TEST_PLAN_FILE").unwrap());
}

fn compared_with(file: &Path, bless: bool) -> std::io::Result<Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "--ignored", "compared_with_a_file"])
        .env("TEST_PLAN_FILE", file)
        .env_remove("LIFECYCLE_BLESS");
    if bless {
        command.env("LIFECYCLE_BLESS", "1");
    }
    command.output()
}

#[test]
fn a_changed_plan_is_shown_as_a_difference_and_one_command_writes_it() {
    let file = std::env::temp_dir().join(format!("lifecycle-assert-{}.plan", std::process::id()));
    let committed = std::fs::read_to_string("tests/plan_assert.plan").unwrap();
    let was = committed.replace("flush: order 0 default, limit 2s", "flush: order 0 default, limit 1s");
    assert_ne!(was, committed);
    std::fs::write(&file, &was).unwrap();

    let refused = compared_with(&file, false).unwrap();
    let said = String::from_utf8_lossy(&refused.stdout) + String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("-   flush: order 0 default, limit 1s, retry 1, backoff 100ms, after Requests\n"),
        "{said}"
    );
    assert!(
        said.contains("+   flush: order 0 default, limit 2s, retry 1, backoff 100ms, after Requests\n"),
        "{said}"
    );
    assert!(said.contains("LIFECYCLE_BLESS=1 cargo test"), "{said}");
    assert!(said.contains("tests/tests/plan_assert.rs:"), "the panic is at the user's line: {said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), was);

    assert!(compared_with(&file, true).unwrap().status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), committed);
    assert!(compared_with(&file, false).unwrap().status.success());
    std::fs::remove_file(&file).unwrap();
}
