//! Attribute, then setup, then environment: each overrides the ones before it.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::process::Command;

use lifecycle_tests::child::{Child, Ended, program};
use lifecycle_tests::posix;

const STEPS: &[(&str, &str)] =
    &[("booted", "done"), ("Requests", "done"), ("first", "done"), ("second", "done"), ("third", "done")];

fn command(setup: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_settings"), &[]);
    command.env_remove("LIFECYCLE_REPORT").env("SETUP", setup).envs(environment.iter().copied());
    command
}

fn run(setup: &str, environment: &[(&str, &str)]) -> Ended {
    let child = Child::start(command(setup, environment));
    child.wait_for("serving");
    child.terminate()
}

/// Grace, drain, and the least and the most that lame duck can have been, in milliseconds.
fn assert_times(ended: &Ended, grace: f64, drain: f64, (least, most): (f64, f64)) {
    ended.assert(0, STEPS);
    let report = ended.report();
    assert_eq!(report["grace_ms"], grace);
    assert_eq!(ended.step("Requests")["limit_ms"], drain);
    let took = report["took_ms"].as_f64().unwrap();
    assert!(took >= least && took < most, "{took}: {report:#}");
}

const JSON: (&str, &str) = ("LIFECYCLE_REPORT", "json");

#[test]
fn an_attribute_s_constants_count() {
    assert_times(&run("", &[JSON]), 9000.0, 4000.0, (120.0, 2000.0));
}

#[test]
fn setup_overrides_the_attribute() {
    assert_times(&run("times", &[JSON]), 8000.0, 3000.0, (240.0, 2000.0));
}

#[test]
fn the_environment_overrides_both() {
    let environment =
        [JSON, ("LIFECYCLE_GRACE", "7s"), ("LIFECYCLE_DRAIN", "2s 500ms"), ("LIFECYCLE_LAMEDUCK", "480ms")];
    for setup in ["", "times"] {
        assert_times(&run(setup, &environment), 7000.0, 2500.0, (480.0, 2000.0));
    }
    // Also with less than the others say.
    let ended = run("times", &[JSON, ("LIFECYCLE_LAMEDUCK", "0s")]);
    assert_times(&ended, 8000.0, 3000.0, (0.0, 240.0));
}

#[test]
fn never_is_no_limit() {
    let ended = run("never", &[JSON]);
    ended.assert(0, STEPS);
    assert!(ended.report()["grace_ms"].is_null());
    assert!(ended.step("Requests")["limit_ms"].is_null());
    let ended = run("", &[JSON, ("LIFECYCLE_GRACE", "never"), ("LIFECYCLE_DRAIN", "never")]);
    ended.assert(0, STEPS);
    assert!(ended.report()["grace_ms"].is_null());
}

#[test]
fn so_it_is_with_the_report() {
    // The attribute: off.
    let ended = run("", &[]);
    assert_eq!((ended.code, &ended.stderr[..]), (Some(0), &[][..]));
    // Setup: json.
    run("json", &[]).assert(0, STEPS);
    // The environment: a table.
    let ended = run("json", &[("LIFECYCLE_REPORT", "table")]);
    assert!(ended.stderr[0].starts_with("shutdown: SIGTERM, took "), "{:#?}", ended.stderr);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn setup_changes_single_steps() {
    let ended = run("steps", &[JSON]);
    ended.assert(
        0,
        &[("booted", "done"), ("Requests", "done"), ("second", "done"), ("first", "done"), ("third", "off")],
    );
    assert_eq!(ended.step("first")["order"], 5);
    assert_eq!(ended.step("first")["limit_ms"], 1500.0, "what it does not change stays");
    assert_eq!(ended.step("second")["limit_ms"], 700.0);
    assert_eq!(ended.step("booted")["limit_ms"], 2000.0);
    assert_eq!(ended.step("third")["error"], "nobody needs it");
    assert!(!ended.stdout.iter().any(|line| line == "third"));
    // And the control.
    let ended = run("", &[JSON]);
    assert_eq!(ended.step("first")["order"], 3);
    assert_eq!(ended.step("second")["limit_ms"], 5000.0);
    assert_eq!(ended.step("booted")["limit_ms"], 1500.0);
}

#[test]
fn what_setup_returns_is_a_resource() {
    let ended = run("its value", &[JSON]);
    ended.assert(0, STEPS);
    ended.line("serving its value on multi_thread with 3");
    ended.line("second its value");
}

#[test]
fn a_worst_case_over_grace_is_a_warning() {
    let ended = run("over, tracing", &[JSON]);
    ended.assert(0, STEPS);
    let warning = &ended.stdout[ended.line(" WARN lifecycle: ")];
    for words in [
        "the shutdown may take",
        "grace = 9s (from #[lifecycle::main])",
        "reserve = 1s (from #[lifecycle::main])",
        "leaves 8s",
        "lameduck 120ms, then drain 4s, then cut 500ms, then first 1s 500ms, then second 30s, then third 5s",
    ] {
        assert!(warning.contains(words), "{words:?} in {warning}");
    }
    assert!(ended.line(" WARN lifecycle: ") < ended.line(" starting "), "before anything begins");

    let control = run("tracing", &[JSON, ("LIFECYCLE_GRACE", "1m")]);
    assert!(!control.stdout.iter().any(|line| line.contains(" WARN ")), "{:#?}", control.stdout);
}

#[test]
fn worker_threads_and_flavor() {
    run("", &[JSON]).line("serving  on multi_thread with 3");
    run("workers", &[JSON]).line("serving workers on multi_thread with 1");

    for signal in [libc::SIGTERM, libc::SIGUSR1] {
        let mut command = program(env!("CARGO_BIN_EXE_settings_current"), &[]);
        command.env_remove("LIFECYCLE_REPORT");
        let child = Child::start(command);
        assert_eq!(child.wait_for("serving"), "serving, current_thread true, ready false true");
        child.signal(signal);
        let ended = child.wait(lifecycle_tests::child::PATIENCE);
        assert_eq!((ended.code, ended.signal), (None, Some(signal)));
        assert_eq!(posix::steps(&ended), posix::named(&[("Requests", "done"), ("close", "done")]));
        assert!(ended.report()["grace_ms"].is_null());
    }
}
