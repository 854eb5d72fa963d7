//! Whatever a step does, it is held to its time and recorded, and the next one runs.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, program};

/// Plays one scenario; the steps are async_hook's and sync_hook's outcome.
fn play(scenario: &str, async_hook: &str, sync_hook: &str) -> Ended {
    let child = Child::start(program(env!("CARGO_BIN_EXE_failures"), &[scenario]));
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(
        i32::from((async_hook, sync_hook) != ("done", "done")),
        &[
            ("Requests", "done"),
            ("async_hook", async_hook),
            ("sync_hook", sync_hook),
            ("afterwards", "done"),
            ("alert", if scenario == "last fails" { "panicked" } else { "done" }),
        ],
    );
    // What the report tells, the alert was told too; and the last hook comes whatever happened.
    ended.line(&format!("alert: async_hook {async_hook}"));
    ended.line(&format!("alert: sync_hook {sync_hook}"));
    assert!(ended.line("afterwards") < ended.line("alert:"));
    assert!(ended.line("alert:") < ended.line("flush_telemetry"));
    ended.line("sync_hook has its time: true");
    assert!(!ended.stdout.iter().any(|line| line.contains("goes on")), "{:#?}", ended.stdout);
    ended
}

#[track_caller]
fn ran(ended: &Ended, step: &str) -> Duration {
    Duration::from_secs_f64(ended.step(step)["ran_ms"].as_f64().unwrap() / 1e3)
}

#[test]
fn nothing_goes_wrong() {
    let ended = play("", "done", "done");
    assert_eq!(ended.step("async_hook")["error"], serde_json::Value::Null);
}

#[test]
fn an_async_hook_is_dropped_where_it_waits_when_its_time_is_up() {
    let ended = play("hang", "timed out", "done");
    // The future is gone before the next step begins.
    assert!(ended.line("what async_hook holds is dropped") < ended.line("sync_hook has"));
    ended.line("async_hook is told to stop");
    assert!(ran(&ended, "async_hook") >= Duration::from_millis(400));
    assert_eq!(ended.step("async_hook")["limit_ms"], 400.0);
}

#[test]
fn a_hook_that_does_not_let_go_of_its_thread_is_abandoned() {
    let ended = play("block", "abandoned", "done");
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    assert!(!ended.stdout.iter().any(|line| line.contains("is dropped")));
}

#[test]
fn a_hung_sync_hook_is_abandoned() {
    let ended = play("sync hang", "done", "abandoned");
    assert!(ran(&ended, "sync_hook") >= Duration::from_millis(400));
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
}

#[test]
fn a_sync_hook_that_stops_by_its_token_has_timed_out() {
    let ended = play("sync stops", "done", "timed out");
    assert!(ended.line("sync_hook stops by its token") < ended.line("afterwards"));
}

#[test]
fn what_a_hook_says_when_it_was_stopped_is_kept() {
    let ended = play("sync stops with error", "done", "timed out");
    assert_eq!(ended.step("sync_hook")["error"], "2 files left");
}

#[test]
fn a_panic_is_recorded_with_its_words() {
    let ended = play("panic", "panicked", "done");
    assert_eq!(ended.step("async_hook")["error"], "the venue is on fire");
    assert!(ended.line("what async_hook holds is dropped") < ended.line("sync_hook has"));
    let ended = play("sync panic", "done", "panicked");
    assert_eq!(ended.step("sync_hook")["error"], "disk full");
}

#[test]
fn a_panic_whose_payload_panics_too_ends_nothing_else() {
    let ended = play("grenade", "panicked", "done");
    assert_eq!(ended.step("async_hook")["error"], "a value that is no text");
}

#[test]
fn an_error_is_recorded_with_its_causes() {
    let ended = play("error", "failed", "done");
    assert_eq!(ended.step("async_hook")["error"], "cancel orders: venue: connection lost");
    let ended = play("sync error", "done", "failed");
    assert_eq!(ended.step("sync_hook")["error"], "disk full");
}

#[test]
fn a_failed_item_makes_a_step_partial() {
    let ended = play("partial", "partial", "done");
    let step = ended.step("async_hook");
    assert_eq!(step["error"], "1 of 3 items failed");
    assert_eq!(step["notes"], serde_json::json!([["orders", "3"]]));
    assert_eq!(
        step["items"],
        serde_json::json!([
            { "name": "order 1", "error": null },
            { "name": "order 2", "error": "cancel orders: venue: connection lost" },
            { "name": "order 3", "error": null },
        ])
    );
}

#[test]
fn what_a_failed_step_noted_is_kept() {
    let ended = play("notes then error", "failed", "done");
    assert_eq!(ended.step("async_hook")["notes"], serde_json::json!([["rows", "7"], ["rows left", "1"]]));
}

#[test]
fn a_last_step_that_fails_degrades_nothing() {
    let ended = play("last fails", "done", "done");
    assert_eq!(ended.step("alert")["error"], "no alert today");
}

#[test]
fn a_last_step_that_fails_when_the_report_is_out_is_logged() {
    let ended = play("telemetry fails", "done", "done");
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["name"] != "flush_telemetry"), "the report was printed before");
    let logged = ended.stdout.iter().find(|line| line.contains("no collector"));
    assert!(logged.is_some_and(|line| line.contains("flush_telemetry")), "{:#?}", ended.stdout);
}

#[test]
fn at_the_end_of_the_total_the_rest_is_not_reached_and_the_last_steps_have_their_reserve() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_failures"), &["total"]));
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(
        1,
        &[
            ("Requests", "done"),
            ("async_hook", "cut off"),
            ("sync_hook", "not reached"),
            ("afterwards", "not reached"),
            ("alert", "done"),
        ],
    );
    assert_eq!(
        ended.stdout,
        [
            "serving",
            "async_hook knows of the total: true",
            "what async_hook holds is dropped",
            "alert: Requests done",
            "alert: async_hook cut off",
            "alert: sync_hook not reached",
            "alert: afterwards not reached",
            "flush_telemetry",
        ]
    );
    // Cut at grace − reserve and not before.
    assert!(ran(&ended, "async_hook") >= Duration::from_millis(450), "{:?}", ran(&ended, "async_hook"));
    assert!(ended.took < Duration::from_millis(1600), "{:?}", ended.took);
}
