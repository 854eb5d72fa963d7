//! `retry`, `attempt`, `backoff`, `fallback` and `when` on real processes; the instants are held by unit tests.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use serde_json::{Value, json};

fn run(scenario: &str) -> Ended {
    let child = Child::start(program(env!("CARGO_BIN_EXE_attempts"), &[scenario]));
    child.wait_for("serving");
    child.terminate()
}

/// Plays a scenario of the step `flush` to its outcome.
fn play(scenario: &str, flush: &str) -> Ended {
    let ended = run(scenario);
    let code = i32::from(flush != "done");
    ended.assert(code, &[("Requests", "done"), ("flush", flush), ("afterwards", "done"), ("close", "done")]);
    ended
}

fn attempts(ended: &Ended) -> usize {
    ended.stdout.iter().filter(|line| line.starts_with("attempt ")).count()
}

/// Outcome and error of each attempt that failed.
fn failed(ended: &Ended, step: &str) -> Vec<(String, Value)> {
    let step = ended.step(step);
    let attempts = step["attempts"].as_array().unwrap();
    attempts.iter().map(|it| (it["outcome"].as_str().unwrap().to_owned(), it["error"].clone())).collect()
}

#[test]
fn an_error_and_a_panic_are_tried_again_until_it_is_done() {
    let ended = play("third time", "done");
    assert_eq!(attempts(&ended), 3);
    assert_eq!(
        failed(&ended, "flush"),
        [("failed".to_owned(), json!("busy")), ("panicked".to_owned(), json!("lost"))]
    );
    let step = ended.step("flush");
    assert_eq!((&step["error"], &step["fallback"]), (&Value::Null, &json!(false)));
    // Each attempt has figures of its own.
    assert_eq!(step["notes"], json!([["call", "3"]]));
    assert_eq!(step["attempts"][0]["notes"], json!([["call", "1"]]));
    assert!(ended.stdout.iter().filter(|line| line.contains("is dropped")).count() == 3);
}

#[test]
fn retry_is_that_many_more_attempts_and_the_last_one_decides() {
    let ended = play("never", "failed");
    assert_eq!(attempts(&ended), 3);
    assert_eq!(failed(&ended, "flush").len(), 2);
    assert_eq!(ended.step("flush")["error"], "busy");
}

#[test]
fn where_the_pause_would_take_the_rest_of_the_time_it_ends_before_its_time_is_up() {
    let ended = play("no time", "failed");
    // The first pause is 200 ms or more and may fit, the second cannot.
    assert!((1..=2).contains(&attempts(&ended)), "{:#?}", ended.stdout);
    assert_eq!(ended.step("flush")["error"], "busy; not tried again, for want of time");
}

#[test]
fn an_attempt_that_hangs_is_dropped_and_tried_again() {
    let ended = play("hangs once", "done");
    assert_eq!(attempts(&ended), 2);
    assert_eq!(failed(&ended, "flush"), [("timed out".to_owned(), Value::Null)]);
    assert!(ended.line("what flush holds is dropped") < ended.line("attempt 2"));
    let ran = ended.step("flush")["attempts"][0]["ran_ms"].as_f64().unwrap();
    assert!(ran >= 200.0, "{ran}");
}

#[test]
fn one_that_does_not_let_go_is_abandoned_and_not_tried_beside_itself() {
    let ended = play("blocks", "abandoned");
    assert_eq!(attempts(&ended), 1);
    let why = "not tried again, since it still runs: two attempts must not run at once";
    assert_eq!(ended.step("flush")["error"], why);
}

#[test]
fn the_late_end_of_one_that_was_abandoned_is_not_taken_for_the_fallbacks() {
    let ended = play("late end", "done");
    ended.line("the fallback is overtaken: false");
    let step = ended.step("flush");
    assert_eq!((&step["fallback"], &step["error"]), (&json!(true), &Value::Null));
    let why = "not tried again, since it still runs: two attempts must not run at once";
    assert_eq!(failed(&ended, "flush"), [("abandoned".to_owned(), json!(why))]);
}

#[test]
fn saved_by_its_fallback_it_is_done_and_the_report_says_so() {
    let ended = play("saved", "done");
    assert_eq!(attempts(&ended), 2);
    assert_eq!(failed(&ended, "flush"), vec![("failed".to_owned(), json!("busy")); 2]);
    let step = ended.step("flush");
    assert_eq!((&step["fallback"], &step["notes"]), (&json!(true), &json!([["rows", "3"]])));
    ended.line("on disk, with time left: true");

    let mut command = program(env!("CARGO_BIN_EXE_attempts"), &["saved"]);
    command.env("LIFECYCLE_REPORT", "table");
    let child = Child::start(command);
    child.wait_for("serving");
    let table = child.terminate().stderr.join("\n");
    for line in ["attempt 1: failed after", "attempt 2: failed after", "saved by its fallback", "rows: 3"] {
        assert!(table.contains(line), "{line}: {table}");
    }
}

#[test]
fn a_hang_leaves_its_fallback_half_of_the_time() {
    let ended = play("hangs", "done");
    assert_eq!(failed(&ended, "flush"), [("timed out".to_owned(), Value::Null)]);
    let ran = ended.step("flush")["attempts"][0]["ran_ms"].as_f64().unwrap();
    assert!(ran >= 300.0, "{ran}");
}

#[test]
fn a_fallback_that_fails_too_is_the_steps_failure() {
    let ended = play("lost", "failed");
    let step = ended.step("flush");
    assert_eq!((&step["error"], &step["fallback"]), (&json!("the disk is full"), &json!(true)));
    assert_eq!(failed(&ended, "flush"), [("failed".to_owned(), json!("busy"))]);
}

#[test]
fn items_of_an_attempt_that_failed_do_not_make_the_next_one_partial() {
    let ended = play("items", "done");
    let step = ended.step("flush");
    assert_eq!(step["items"], json!([{ "name": "order 1", "error": null }]));
    assert_eq!(step["attempts"][0]["items"], json!([{ "name": "order 1", "error": "no" }]));
}

#[test]
fn where_when_says_no_it_is_skipped_with_the_reason_and_nothing_is_degraded() {
    let ended = run("skipped");
    ended.assert_any_order(
        0,
        &[
            ("Requests", "done"),
            ("flush", "skipped"),
            ("quiet", "skipped"),
            ("loud", "done"),
            ("afterwards", "done"),
            ("close", "done"),
        ],
    );
    assert_eq!(ended.step("flush")["error"], "not the leader");
    assert_eq!(ended.step("quiet")["error"], "its `when` is false");
    // Not where it could hold up everything else.
    ended.line("asked on lifecycle: flush");
    ended.line("loud");
    assert_eq!(attempts(&ended), 0);
    assert!(!ended.stdout.iter().any(|line| line.contains("never")), "{:#?}", ended.stdout);
}

#[test]
fn a_start_step_is_tried_again_before_the_start_fails() {
    let after = [("Requests", "done"), ("afterwards", "done"), ("close", "done")];
    let ended = run("start");
    ended.assert(0, &[&[("connect", "done")], &after[..]].concat());
    assert_eq!(attempts(&ended), 3);
    assert!(ended.line("attempt 3") < ended.line("serving"));

    let child = Child::start(program(env!("CARGO_BIN_EXE_attempts"), &["start fails"]));
    let ended = child.wait(PATIENCE);
    ended.assert(1, &[&[("connect", "failed")], &after[..]].concat());
    assert_eq!(failed(&ended, "connect"), vec![("failed".to_owned(), json!("refused")); 2]);
    assert_eq!(ended.report()["reason"], "start_failed");
    // A closure may do more than make a future, and must not hold up everything else.
    ended.line("afterwards is made on a thread of the runtime");
}

#[test]
fn what_an_attempt_gives_after_its_time_is_not_taken_for_the_next_ones() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_attempts_given"), &[]));
    // On a busy machine a later attempt may be told to stop as well.
    let serving = child.wait_for("serving with ");
    let used: usize = serving.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(used > 1, "{serving}");
    child.wait_for("connection 1 is dropped");
    let ended = child.terminate();
    ended.assert(0, &[("connect", "done"), ("Requests", "done")]);
    assert_eq!(failed(&ended, "connect"), vec![("timed out".to_owned(), Value::Null); used - 1]);
}

#[test]
fn a_pause_does_not_keep_the_process() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_attempts"), &["start is interrupted"]));
    child.wait_for("connect waits");
    let ended = child.terminate();
    let steps = [
        ("connect", "cut off"),
        ("witness", "cut off"),
        ("Requests", "done"),
        ("afterwards", "done"),
        ("close", "done"),
    ];
    ended.assert_any_order(1, &steps);
    assert_eq!(ended.step("connect")["error"], "it was waiting for its next attempt");
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    // The time of everything is no other: one that does not fit into it is not begun.
    let ended = play("longer than all", "failed");
    assert_eq!(ended.step("flush")["error"], "busy; not tried again, for want of time");
}

#[test]
fn settings_say_how_a_step_is_tried() {
    let ended = run("settings");
    ended.assert(0, &[("Requests", "done"), ("afterwards", "done"), ("close", "done")]);
    assert_eq!(attempts(&ended), 2);
    assert_eq!(ended.step("close")["fallback"], true);
    let ended = run("settings, skipped");
    ended.assert(0, &[("Requests", "done"), ("afterwards", "done"), ("close", "skipped")]);
    assert_eq!(ended.step("close")["error"], "this binary has nothing to close");
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let ended = Child::start(program(env!("CARGO_BIN_EXE_attempts"), &["nonsense"])).wait(PATIENCE);
    assert_eq!(ended.code, Some(78), "{:#?}", ended.stderr);
    let said = ended.stderr.join("\n");
    for text in [
        "has attempt = 9s, but timeout = 5s, which bounds all attempts together",
        "has backoff, the pause between attempts, but no retry",
        "is a start step and cannot have a fallback",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
}
