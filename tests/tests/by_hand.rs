//! The same lifecycle without attributes.

use std::thread;
use std::time::{Duration, Instant};

use lifecycle_tests::child::{Child, PATIENCE, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_by_hand"), &[scenario]))
}

#[test]
fn hooks_are_registered_and_taken_back_before_and_after_the_start() {
    for scenario in ["builder", "builder, current_thread"] {
        let child = start(scenario);
        child.wait_for("serving");
        let ended = child.terminate();
        ended.assert_any_order(
            1,
            &[
                ("open", "done"),
                ("early", "done"),
                ("Requests", "done"),
                ("first", "done"),
                ("first #2", "done"),
                ("second", "done"),
                ("slow", "timed out"),
                ("fails", "failed"),
                ("late", "done"),
            ],
        );
        assert_eq!(
            ended.stdout,
            [
                "removed: true",
                "removed: true",
                "open",
                "7 shutdown steps",
                "removed: true",
                "removed: false",
                "serving",
                "early",
                "removed: false",
                "first",
                "first",
                "second",
                "what slow holds is dropped",
                "late",
                "goodbye",
            ]
        );
        let fails = ended.step("fails");
        assert_eq!((&fails["error"], &fails["order"]), (&json!("no disk"), &json!(3)));
        assert_eq!(fails["file"], "tests/src/bin/by_hand.rs");
        assert_eq!(fails["module"], "by_hand::builder");
    }
}

#[test]
fn a_future_is_a_service_too() {
    let ended = start("a future").wait(PATIENCE);
    ended.assert(0, &[("Requests", "done")]);
    assert_eq!(ended.stdout, ["serving"]);
    assert_eq!(ended.report()["reason"], "service_ended");
}

#[test]
fn who_asks_for_the_shutdown_is_told_what_it_did_and_there_is_one() {
    let child = start("shutdown");
    child.wait_for("serving");
    child.say("shut down");
    let ended = child.wait(PATIENCE);
    ended.assert(0, &[("Requests", "done"), ("flush", "done")]);
    let summary = "shutdown(\"deploy\"), exit 0: Requests done, flush done";
    assert_eq!(
        ended.stdout,
        [
            "before: no lifecycle runs in this process",
            "serving",
            "the service ends",
            "flush",
            &format!("told: {summary}"),
            "the same: true",
            &format!("run: {summary}"),
            "state Stopped",
            "again: exit 78, a lifecycle runs in this process already, or has run: there is one for the whole \
             process, so call run once",
            "still here",
        ]
    );
}

#[test]
fn inside_a_runtime_that_exists_the_process_is_the_callers() {
    let child = start("inside");
    child.wait_for("serving");
    child.signal(libc::SIGTERM);
    child.wait_for("run: SIGTERM, exit 1: Requests done, fails failed");
    child.say("leave");
    let ended = child.wait(PATIENCE);
    ended.assert(1, &[("Requests", "done"), ("fails", "failed")]);
    ended.line("still here");
}

#[test]
fn inside_a_runtime_that_exists_a_second_signal_kills_by_the_signal() {
    let mut child = start("stuck");
    child.wait_for("serving");
    let began = Instant::now();
    child.signal(libc::SIGTERM);
    child.wait_for("the hook hangs");
    // The debounce is a time; when it is over shows in nothing but the effect of the next signal.
    while child.is_running() && began.elapsed() < Duration::from_secs(10) {
        child.signal(libc::SIGTERM);
        thread::sleep(Duration::from_millis(20));
    }
    let lived = began.elapsed();
    let ended = child.wait(PATIENCE);
    assert_eq!((ended.signal, ended.code), (Some(libc::SIGTERM), None));
    assert!(lived >= Duration::from_millis(500), "within the debounce it is one signal: {lived:?}");
    assert_eq!(ended.stdout, ["serving", "the hook hangs"]);
    assert!(ended.stderr.iter().any(|line| line == "lifecycle: a second SIGTERM: leaving at once"));
}

#[test]
fn a_run_that_is_dropped_takes_the_service_with_it_and_the_hooks_still_come() {
    let child = start("dropped");
    child.wait_for("serving");
    child.say("drop");
    let ended = child.wait(PATIENCE);
    ended.assert(0, &[("Requests", "done"), ("flush", "done")]);
    assert_eq!(ended.report()["reason"], "service_ended");
    for line in ["run is dropped", "what the service holds is dropped", "flush"] {
        ended.line(line);
    }
    ended.line("told: the service ended, exit 0: Requests done, flush done");
    ended.line("service: the service was dropped");
}

#[test]
fn events_tell_everything_in_order() {
    let child = start("events");
    child.wait_for("it is ready");
    let ended = child.terminate();
    ended.assert(1, &[("open", "done"), ("early", "done"), ("Requests", "done"), ("fails", "failed")]);
    ended.line("state Idle");
    let line = &ended.stdout[ended.line("events: ")];
    let events: Vec<&str> = line.strip_prefix("events: ").unwrap().split(", ").collect();
    assert_eq!(
        events,
        [
            "State(Starting)",
            "open begins",
            "open done None",
            "State(Running)",
            "Ready",
            "State(LameDuck)",
            "early begins",
            "early done None",
            "State(Draining)",
            "Requests begins",
            "Requests done None",
            "State(Stopping)",
            "fails begins",
            "fails failed Some(\"no disk\")",
            "goodbye begins",
            "goodbye done None",
            "State(Stopped)",
        ]
    );
}

#[test]
fn it_is_ready_once_it_waits_and_no_more_once_it_is_a_lame_duck() {
    let child = start("ready = auto");
    child.wait_for("Ready: ");
    let ended = child.terminate();
    ended.assert(0, &[("open", "done"), ("early", "done"), ("Requests", "done"), ("flush", "done")]);
    assert_eq!(
        ended.stdout,
        [
            "before: Idle, ready false, shutting down false, draining false",
            "start: Starting, ready false, shutting down false, draining false",
            "main: Running, ready false, shutting down false, draining false",
            "Ready: Running, ready true, shutting down false, draining false",
            "LameDuck: LameDuck, ready false, shutting down true, draining false",
            "ready() in vain: LameDuck, ready false, shutting down true, draining false",
            "a call is admitted: true",
            "refused so far: 0",
            "since: true",
            "early: LameDuck, ready false, shutting down true, draining false",
            "Draining: Draining, ready false, shutting down true, draining true",
            "flush: Stopping, ready false, shutting down true, draining false",
        ]
    );
    // The lame-duck time comes before everything else.
    assert!(ended.report()["took_ms"].as_f64().unwrap() >= 700.0);
    let early = ended.step("early");
    assert!(early["began_ms"].as_f64().unwrap() >= 700.0, "since the signal: {early}");
    assert!(
        early["waited_ms"].as_f64().unwrap() < early["began_ms"].as_f64().unwrap(),
        "since the first step: {early}"
    );
}

#[test]
fn with_ready_manual_it_is_ready_when_it_says_so() {
    let child = start("ready = manual");
    child.wait_for("main: Running, ready false");
    child.say("be ready");
    child.wait_for("ready(): ");
    let ended = child.terminate();
    ended.assert(0, &[("open", "done"), ("early", "done"), ("Requests", "done"), ("flush", "done")]);
    ended.line("not yet: Running, ready false");
    ended.line("ready(): Running, ready true");
    ended.line("LameDuck: LameDuck, ready false");
    assert!(ended.line("not yet: ") < ended.line("Ready: "), "only once it said so");
}
