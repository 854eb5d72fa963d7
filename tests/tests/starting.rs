//! A start that is interrupted or fails takes down what came up, on a fresh time, and exits 1.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::process::Command;

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use lifecycle_tests::posix;

fn command(scenario: &str) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_starting"), &[]);
    command.env("SCENARIO", scenario);
    command
}

/// The steps when `connect` or `connect_sync` ended so.
fn steps<'a>(off: &'a str, connected: &'a str, outcome: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        (off, "off"),
        ("config", "done"),
        ("open_db", "done"),
        (connected, outcome),
        ("warm", "not reached"),
        ("drop_cache", "skipped"),
        ("Requests", "done"),
        ("disconnect", "skipped"),
        ("flush", "done"),
        ("close_db", "done"),
    ]
}

/// As above, where the connecting thread is abandoned with the database in its hands.
fn abandoned<'a>(off: &'a str, connected: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut steps = steps(off, connected, "abandoned");
    *steps.last_mut().unwrap() = ("close_db", "missing");
    steps
}

fn assert_taken_down(ended: &Ended, steps: &[(&str, &str)]) {
    ended.assert_any_order(1, steps);
    let report = ended.report();
    assert_eq!(report["service"], "never_started");
    let times = |step: &str| ended.stdout.iter().filter(|line| *line == step).count();
    for (step, outcome) in steps {
        let expected = if matches!(*outcome, "done") && *step != "Requests" { 1 } else { 0 };
        assert!(step.starts_with("connect") || times(step) == expected, "{step}: {:#?}", ended.stdout);
    }
    assert_eq!(times("serving"), 0);
    if steps.contains(&("close_db", "missing")) {
        let error = ended.step("close_db")["error"].to_string();
        assert!(
            error.contains("no Db was provided (it was, but 1 other(s) still hold an Arc of it)"),
            "{error}"
        );
    } else {
        assert!(ended.line("flush") < ended.line("close_db"));
    }
    let of = |name: &str, field: &str| ended.step(name)[field].as_str().unwrap_or_default().to_owned();
    assert!(of("disconnect", "error").contains("connect"), "it says whose fault: {report:#}");
    assert!(of("drop_cache", "error").contains("warm"), "it says whose fault: {report:#}");
}

#[test]
fn a_start_that_goes_well_is_the_control() {
    for (scenario, off, connected) in [("", "connect_sync", "connect"), ("sync-", "connect", "connect_sync")]
    {
        let child = Child::start(command(scenario));
        child.wait_for("serving");
        let ended = child.terminate();
        ended.assert_any_order(
            0,
            &[
                (off, "off"),
                ("config", "done"),
                ("open_db", "done"),
                (connected, "done"),
                ("warm", "done"),
                ("drop_cache", "done"),
                ("Requests", "done"),
                ("disconnect", "done"),
                ("flush", "done"),
                ("close_db", "done"),
            ],
        );
    }
}

#[test]
fn sigterm_during_an_async_start_hook() {
    let child = Child::start(command("hang"));
    child.wait_for("connecting");
    let ended = child.terminate();
    assert_taken_down(&ended, &steps("connect_sync", "connect", "cut off"));
    assert_eq!(ended.report()["reason"]["signal"], 15);
}

#[test]
fn sigterm_during_a_sync_start_hook_that_does_not_return() {
    let child = Child::start(command("sync-hang"));
    child.wait_for("connecting");
    let ended = child.terminate();
    assert_taken_down(&ended, &abandoned("connect", "connect_sync"));
}

#[test]
fn a_failed_start_hook() {
    for (scenario, off, connected) in
        [("error", "connect_sync", "connect"), ("sync-error", "connect", "connect_sync")]
    {
        let ended = Child::start(command(scenario)).wait(PATIENCE);
        assert_taken_down(&ended, &steps(off, connected, "failed"));
        assert_eq!(ended.report()["reason"], "start_failed");
        assert_eq!(ended.step(connected)["error"], "connection refused");
    }
}

#[test]
fn a_partial_start_hook_begins_nothing_after_it_and_what_it_gave_is_taken_down() {
    let ended = Child::start(command("partial")).wait(PATIENCE);
    let mut steps = steps("connect_sync", "connect", "partial");
    steps.iter_mut().filter(|(step, _)| *step == "disconnect").for_each(|step| step.1 = "done");
    ended.assert_any_order(1, &steps);
    assert_eq!(ended.report()["reason"], "start_failed");
    assert_eq!(ended.step("connect")["error"], "1 of 1 items failed");
}

#[test]
fn a_start_hook_that_panics() {
    for (scenario, off, connected) in
        [("panic", "connect_sync", "connect"), ("sync-panic", "connect", "connect_sync")]
    {
        let ended = Child::start(command(scenario)).wait(PATIENCE);
        assert_taken_down(&ended, &steps(off, connected, "panicked"));
        assert_eq!(ended.report()["reason"], "start_failed");
        assert_eq!(ended.step(connected)["error"], "no venue");
    }
}

#[test]
fn a_start_hook_past_its_time() {
    for (scenario, steps) in [
        ("timeout", steps("connect_sync", "connect", "timed out")),
        ("sync-timeout", abandoned("connect", "connect_sync")),
    ] {
        let ended = Child::start(command(scenario)).wait(PATIENCE);
        assert_taken_down(&ended, &steps);
        assert_eq!(ended.report()["reason"], "start_failed");
    }
}

#[test]
fn what_comes_down_has_a_time_of_its_own() {
    // The start takes longer than `grace`, the flush 400 ms of it.
    let ended = Child::start(command("late-error")).wait(PATIENCE);
    assert_taken_down(&ended, &steps("connect_sync", "connect", "failed"));
    assert_eq!(ended.report()["grace_ms"], 1000.0);
    assert!(ended.step("connect")["ran_ms"].as_f64().unwrap() >= 1200.0);
}

#[test]
fn sigterm_before_the_start_has_begun() {
    // It pends when the program begins, and is heard before the runtime with its many threads is built.
    let mut command = command("early");
    posix::block(&mut command, &[libc::SIGTERM]);
    posix::pend(&mut command, libc::SIGTERM);
    let ended = Child::start(command).wait(PATIENCE);
    ended.assert_any_order(
        1,
        &[
            ("connect_sync", "off"),
            ("config", "not reached"),
            ("open_db", "not reached"),
            ("connect", "not reached"),
            ("warm", "not reached"),
            ("drop_cache", "skipped"),
            ("Requests", "done"),
            ("disconnect", "skipped"),
            ("flush", "skipped"),
            ("close_db", "skipped"),
        ],
    );
    assert_eq!(ended.stdout, ["setup"]);
    assert_eq!(ended.report()["service"], "never_started");
    assert_eq!(ended.report()["reason"]["signal"], 15);
}
