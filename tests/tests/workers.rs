//! Workers: begun after the start, begun again when they fail, told to stop at their place.

use lifecycle_tests::child::{Child, Ended, PATIENCE, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_workers"), &[scenario]))
}

/// Its state is on stdout, then SIGTERM.
fn terminated(scenario: &str, state: &str) -> Ended {
    let child = start(scenario);
    child.wait_for("serving");
    child.wait_for(state);
    child.terminate()
}

#[track_caller]
fn assert_order(ended: &Ended, lines: &[&str]) {
    let found: Vec<usize> = lines.iter().map(|line| ended.line(line)).collect();
    assert!(found.is_sorted(), "{lines:?} are at {found:?}: {:#?}", ended.stdout);
}

#[test]
fn each_is_told_at_its_place_goes_on_until_then_and_is_awaited() {
    let child = start("order");
    for state in ["serving", "first runs", "second runs"] {
        child.wait_for(state);
    }
    child.signal(libc::SIGTERM);
    child.wait_for("first is told");
    child.say("end first");
    let ended = child.wait(PATIENCE);
    ended.assert(
        0,
        &[
            ("early", "done"),
            ("Requests", "done"),
            ("first", "done"),
            ("between", "done"),
            ("second", "done"),
            ("after", "done"),
        ],
    );
    assert_order(
        &ended,
        &[
            "early",
            "first is told, requests are refused: true",
            "a call in a worker is admitted: true",
            "first ends",
            "between: second goes on",
            "second ends, within true",
            "after",
            "goodbye",
        ],
    );
    let second = ended.step("second");
    assert_eq!((&second["kind"], &second["order"]), (&json!("worker"), &json!(1)));
    assert_eq!((&second["limit_ms"], &second["file"]), (&json!(7000.0), &json!("tests/src/bin/workers.rs")));
    assert_eq!(second["worker"], json!({"restarts": 0, "last_error": null}));
    // Right after the requests, which no number says.
    assert_eq!(ended.step("first")["order"], json!(null));
}

#[test]
fn one_that_does_not_end_in_time_is_aborted_and_named() {
    let ended = terminated("deaf", "deaf runs");
    ended.assert(1, &[("Requests", "done"), ("deaf", "timed out"), ("after", "done")]);
    assert_order(&ended, &["deaf runs", "what deaf holds is dropped", "after"]);
}

#[test]
fn a_sync_one_that_does_not_end_is_abandoned_and_named() {
    let ended = terminated("stuck", "stuck runs");
    ended.assert(1, &[("Requests", "done"), ("stuck", "abandoned"), ("after", "done")]);
}

#[test]
fn a_sync_one_can_drive_a_future_that_is_not_send() {
    for scenario in ["not send", "not send, current_thread"] {
        let ended = terminated(scenario, "local runs");
        ended.assert(0, &[("Requests", "done"), ("local", "done")]);
        ended.line("local ends, on one thread: true, Some(\"lifecycle: local\")");
    }
}

#[test]
fn past_its_restarts_a_failure_ends_the_service_and_says_why() {
    let ended = start("gives up").wait(PATIENCE);
    ended.assert(1, &[("Requests", "done"), ("fails", "panicked"), ("after", "done")]);
    let report = ended.report();
    assert_eq!(
        report["reason"],
        json!({"worker_failed": {"worker": "fails", "error": "it panicked: run 3 panics"}})
    );
    assert_eq!(ended.step("fails")["worker"], json!({"restarts": 2, "last_error": "run 3 panics"}));
    assert_eq!(ended.stdout.iter().filter(|line| line.starts_with("run ")).count(), 3, "{:?}", ended.stdout);
    let events: Vec<&str> =
        ended.stdout.iter().filter_map(|line| line.strip_prefix("event: fails ")).collect();
    assert_eq!(
        events,
        [
            "started",
            "restarts, 1, \"no broker\", true",
            "started",
            "restarts, 2, \"it panicked: run 2 panics\", true",
            "started",
            "failed, \"it panicked: run 3 panics\"",
        ]
    );
}

#[test]
fn one_that_recovers_is_a_good_one_and_its_failures_are_told() {
    let ended = terminated("recovers", "it runs");
    ended.assert(0, &[("Requests", "done"), ("fails", "done")]);
    assert_eq!(ended.step("fails")["worker"], json!({"restarts": 2, "last_error": "run 2 panics"}));
    ended.line("it ends");
}

#[test]
fn one_that_is_never_begun_again_ends_the_service_at_its_first_failure() {
    let ended = start("never").wait(PATIENCE);
    ended.assert(1, &[("Requests", "done"), ("fails", "failed")]);
    let reason = &ended.report()["reason"];
    assert_eq!(*reason, json!({"worker_failed": {"worker": "fails", "error": "no broker"}}));
    assert_eq!(ended.step("fails")["worker"], json!({"restarts": 0, "last_error": "no broker"}));
}

#[test]
fn one_that_is_always_begun_again_is_so_after_a_good_end() {
    let ended = terminated("always", "run 8");
    ended.assert(0, &[("Requests", "done"), ("again", "done")]);
    assert_eq!(ended.step("again")["worker"], json!({"restarts": 7, "last_error": null}));
}

#[test]
fn a_good_end_is_no_end_of_the_service_and_nothing_is_left_to_stop() {
    let ended = terminated("ends", "event: import ended");
    ended.assert(0, &[("Requests", "done"), ("import", "done")]);
    assert_eq!(ended.report()["reason"], json!({"signal": 15}));
}

#[test]
fn one_that_waits_to_be_begun_again_ends_as_it_last_ended() {
    let ended = terminated("pending restart", "event: fails restarts, 1");
    ended.assert(1, &[("Requests", "done"), ("fails", "failed"), ("after", "done")]);
    assert_eq!(ended.step("fails")["error"], "no broker");
    assert_eq!(ended.stdout.iter().filter(|line| line.starts_with("run ")).count(), 1);
}

#[test]
fn one_that_fails_before_its_place_is_still_begun_again() {
    let child = start("fails before its place");
    child.wait_for("run 1");
    child.signal(libc::SIGTERM);
    child.wait_for("run 2");
    child.say("it runs again");
    let ended = child.wait(PATIENCE);
    ended.assert(0, &[("early", "done"), ("Requests", "done"), ("again", "done")]);
    assert_eq!(ended.step("again")["worker"], json!({"restarts": 1, "last_error": "asked to"}));
}

#[test]
fn its_when_is_asked_before_it_begins() {
    let child = start("when");
    for state in ["serving", "yes runs", "event: no is skipped, not the leader"] {
        child.wait_for(state);
    }
    let ended = child.terminate();
    ended.assert_any_order(0, &[("Requests", "done"), ("yes", "done"), ("no", "skipped")]);
    assert_eq!(ended.step("no")["error"], "not the leader");
    assert!(!ended.stdout.iter().any(|line| line == "no runs"), "{:?}", ended.stdout);

    let ended = start("when panics").wait(PATIENCE);
    ended.assert(1, &[("Requests", "done"), ("asks", "panicked")]);
    assert_eq!(ended.step("asks")["error"], "its `when`: no idea");

    let ended = terminated("when hangs", "it is asked");
    ended.assert(0, &[("Requests", "done"), ("asks", "skipped")]);
    assert_eq!(ended.step("asks")["error"], "the shutdown came before it could begin");
}

#[test]
fn a_failure_while_it_stops_degrades_the_shutdown() {
    let ended = terminated("fails when told", "fails runs");
    ended.assert(1, &[("Requests", "done"), ("fails", "failed")]);
    assert_eq!(ended.step("fails")["error"], "cannot commit");
    assert_eq!(ended.report()["reason"], json!({"signal": 15}));
}

#[test]
fn notes_are_kept_by_key_and_items_from_when_it_was_told() {
    let ended = terminated("items", "items runs");
    ended.assert(1, &[("Requests", "done"), ("items", "partial")]);
    let step = ended.step("items");
    assert_eq!(step["notes"], json!([["progress", "2"]]));
    assert_eq!(
        step["items"],
        json!([{"name": "order 7", "error": null}, {"name": "order 8", "error": "gone"}])
    );
}

#[test]
fn no_item_is_lost_and_none_is_taken_once_the_token_has_fired() {
    for _ in 0..5 {
        let ended = terminated("queue", "a hundred are taken");
        ended.assert(0, &[("offers", "done"), ("Requests", "done"), ("takes", "done"), ("counts", "done")]);
        for line in ["none is lost: true", "what was taken is finished: true", "taken after it was told: 0"] {
            ended.line(line);
        }
    }
}

#[test]
fn a_start_that_fails_begins_none() {
    let ended = start("start fails").wait(PATIENCE);
    ended.assert(1, &[("open", "failed"), ("Requests", "done"), ("worker", "skipped")]);
    assert_eq!(ended.step("worker")["error"], "the shutdown came before it could begin");
    assert!(!ended.stdout.iter().any(|line| line == "worker runs"), "{:?}", ended.stdout);
}

#[test]
fn one_whose_turn_does_not_come_is_aborted_when_the_time_is_up() {
    let child = start("not reached");
    child.wait_for("worker runs");
    child.signal(libc::SIGTERM);
    child.wait_for("what the worker holds is dropped");
    child.say("all is seen");
    let ended = child.wait(PATIENCE);
    let outcomes = |name: &str| ended.step(name)["outcome"].clone();
    assert_eq!((outcomes("hangs"), outcomes("worker")), (json!("cut off"), json!("not reached")));
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_runtime_that_is_stuck_keeps_no_worker_from_being_named_nor_the_deadline() {
    for scenario in ["wedged", "wedged, endless"] {
        let child = start(scenario);
        child.wait_for("worker runs");
        child.say("wedge");
        child.wait_for_nth("blocked", 2);
        let ended = child.terminate();
        let mut steps = vec![("Requests", "done"), ("worker", "abandoned"), ("after", "done")];
        steps.extend((scenario == "wedged, endless").then_some(("endless", "abandoned")));
        if scenario == "wedged, endless" {
            steps.retain(|(name, _)| *name != "after");
            steps.push(("after", "not reached"));
        }
        ended.assert_any_order(1, &steps);
    }
}
