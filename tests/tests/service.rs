//! The service future is awaited if it knows of the shutdown, cut off or dropped if not, and need not be Send.

use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_service"), &[scenario]))
}

const ALL_DONE: &[(&str, &str)] = &[("early", "done"), ("Requests", "done"), ("flush", "done")];

#[track_caller]
fn assert_dropped_and_not_resumed(ended: &Ended) {
    ended.line("what the service holds is dropped");
    assert!(!ended.stdout.iter().any(|line| line.contains("it was held") || line.contains("goes on")));
}

#[test]
fn one_that_awaits_stopping_or_its_token_is_awaited() {
    for scenario in ["stopping", "stop token"] {
        let child = start(scenario);
        child.wait_for("serving");
        child.signal(libc::SIGTERM);
        child.wait_for("the service stops");
        child.say("end");
        let ended = child.wait(PATIENCE);
        assert_eq!(
            ended.stdout,
            [
                "serving",
                "the service stops",
                "the service ends",
                "it was held 1 time",
                "what the service holds is dropped",
                "flush"
            ]
        );
        ended.assert(0, ALL_DONE);
        assert_eq!(ended.report()["service"], "ended");
        assert_eq!(ended.report()["reason"], json!({ "signal": libc::SIGTERM }));
    }
}

#[test]
fn one_that_awaits_drained_ends_after_the_last_call() {
    let child = start("drained");
    child.wait_for("serving");
    child.wait_for("the request runs");
    child.signal(libc::SIGTERM);
    child.say("finish the request");
    let ended = child.wait(PATIENCE);
    ended.assert(0, ALL_DONE);
    assert_eq!(ended.report()["service"], "ended");
    assert!(ended.line("the request ends") < ended.line("the service knows"));
    assert!(ended.line("the service knows") < ended.line("flush"));
}

#[test]
fn one_that_knows_and_does_not_end_is_cut_off_at_the_end_of_the_drain() {
    let child = start("aware and stuck");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(1, &[("early", "done"), ("Requests", "cut off"), ("flush", "done")]);
    assert_dropped_and_not_resumed(&ended);
    assert!(ended.line("what the service holds is dropped") < ended.line("flush"));
    assert_eq!(ended.report()["service"], "cut_off");
    assert_eq!(ended.step("Requests")["error"], "still running: the service future");
    // drain and cut.
    assert!(ended.step("Requests")["ran_ms"].as_f64().unwrap() >= 500.0);
}

#[test]
fn one_that_ends_when_told_that_its_time_is_up_has_timed_out() {
    let child = start("aware and late");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(1, &[("early", "done"), ("Requests", "timed out"), ("flush", "done")]);
    ended.line("the service was told that its time is up");
    ended.line("it was held 1 time");
    assert_eq!(ended.report()["service"], "ended");
}

#[test]
fn one_that_cannot_know_is_dropped_once_the_calls_are_done() {
    let child = start("unaware");
    child.wait_for("the request runs");
    child.signal(libc::SIGTERM);
    child.say("finish the request");
    let ended = child.wait(PATIENCE);
    ended.assert(0, ALL_DONE);
    assert_dropped_and_not_resumed(&ended);
    assert!(ended.line("the request ends") < ended.line("what the service holds is dropped"));
    assert!(ended.line("what the service holds is dropped") < ended.line("flush"));
    assert_eq!(ended.report()["service"], "dropped");
}

#[test]
fn what_other_tasks_ask_does_not_make_it_know() {
    let child = start("asked elsewhere");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(0, ALL_DONE);
    assert_dropped_and_not_resumed(&ended);
    assert_eq!(ended.report()["service"], "dropped");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[test]
fn one_that_awaits_the_report_is_dropped_once_the_calls_are_done() {
    let child = start("shutdown inside");
    child.wait_for("the request runs");
    child.say("shut down");
    child.say("finish the request");
    let ended = child.wait(PATIENCE);
    ended.assert(0, ALL_DONE);
    assert_dropped_and_not_resumed(&ended);
    assert_eq!(ended.report()["service"], "dropped");
    assert_eq!(ended.report()["reason"], json!({ "requested": "main has enough" }));

    // Also one that knew of the shutdown before.
    let child = start("stopping, then the report");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(0, ALL_DONE);
    assert_dropped_and_not_resumed(&ended);
    assert_eq!(ended.report()["reason"], json!({ "signal": libc::SIGTERM }), "the first reason wins");
}

#[test]
fn its_own_end_is_the_reason_for_the_shutdown() {
    let ended = start("ends").wait(PATIENCE);
    ended.assert(0, ALL_DONE);
    assert_eq!(ended.stdout, ["it was held 1 time", "what the service holds is dropped", "flush"]);
    assert_eq!(ended.report()["reason"], "service_ended");
    assert_eq!(ended.report()["service"], "ended");
}

#[test]
fn its_error_is_printed_as_plain_rust_would_and_exits_1() {
    let ended = start("error").wait(PATIENCE);
    ended.assert(1, ALL_DONE);
    assert_eq!(ended.report()["reason"], "service_failed");
    assert_eq!(
        ended.report()["service"],
        json!({ "failed": { "error": "Broken because the port is taken" } })
    );
    let errors = ended.stderr.iter().filter(|line| *line == "Error: Broken because the port is taken");
    assert_eq!(errors.count(), 1, "{:#?}", ended.stderr);

    let child = start("error while stopping");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(1, ALL_DONE);
    assert_eq!(ended.report()["reason"], json!({ "signal": libc::SIGTERM }));
    assert!(ended.stderr.iter().any(|line| line == "Error: Broken because the last flush failed"));
}

#[test]
fn its_panic_shuts_down_in_order_and_exits_1() {
    let ended = start("panic").wait(PATIENCE);
    ended.assert(1, ALL_DONE);
    assert_eq!(ended.stdout, ["what the service holds is dropped", "flush"]);
    assert_eq!(ended.report()["reason"], "service_failed");
    assert_eq!(ended.report()["service"], json!({ "failed": { "error": "it panicked: no route to host" } }));
    let words =
        ended.stderr.iter().filter(|line| line.contains("no route to host") && !line.starts_with('{'));
    assert_eq!(words.count(), 1, "as plain Rust would, once: {:#?}", ended.stderr);
}

#[test]
fn where_the_time_is_over_before_the_drain_it_is_cut_off_all_the_same() {
    let child = start("not reached");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(1, &[("early", "cut off"), ("Requests", "not reached"), ("flush", "not reached")]);
    assert_dropped_and_not_resumed(&ended);
    assert_eq!(ended.report()["service"], "cut_off");
    assert!(ended.took < Duration::from_secs(2), "the reserve is not used up: {:?}", ended.took);
}

#[test]
fn where_the_total_ends_within_the_drain_it_is_told_and_cut_off() {
    let child = start("total");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(1, &[("early", "done"), ("Requests", "cut off"), ("flush", "done")]);
    assert_dropped_and_not_resumed(&ended);
    assert_eq!(ended.report()["service"], "cut_off");
    assert!(ended.took < Duration::from_millis(3500), "{:?}", ended.took);
}

#[test]
fn one_that_does_not_let_go_of_its_thread_is_left_to_the_watchdog_after_everything_else() {
    let child = start("blocked");
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(124));
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| (&step["name"], &step["outcome"])).collect();
    let text = |text: &str| json!(text);
    assert_eq!(
        steps,
        [
            (&text("early"), &text("done")),
            (&text("Requests"), &text("cut off")),
            (&text("flush"), &text("done"))
        ]
    );
    assert_eq!(report["service"], "abandoned");
    assert_eq!(ended.step("Requests")["error"], "still running: the service future, whose thread is stuck");
    ended.line("flush");
    assert!(ended.took >= Duration::from_millis(2400), "{:?}", ended.took);
    assert!(ended.took < Duration::from_millis(3500), "{:?}", ended.took);
}

#[test]
fn it_takes_every_form_of_argument_and_a_token_makes_it_know() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_service_arguments"), &[]));
    child.wait_for("serving 7");
    child.signal(libc::SIGTERM);
    child.wait_for("the token is cancelled");
    child.say("end");
    let ended = child.wait(PATIENCE);
    assert_eq!(
        ended.stdout,
        ["orders 7 16 fix false", "serving 7", "the token is cancelled", "the service ends", "close 7"]
    );
    ended.assert(0, &[("open", "done"), ("venue", "done"), ("Requests", "done"), ("close", "done")]);
    assert_eq!(ended.report()["service"], "ended");
}
