//! `note`, `item` and `time_left`: into the report of the step that runs, from wherever its code does.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use lifecycle_tests::child::{Child, Ended, PATIENCE, program, talkative};
use serde_json::{Value, json};

const STEPS: [&str; 6] = ["warm_up", "Requests", "cancel_orders", "remove_files", "leave", "wait_for_late"];

/// Plays a scenario in which this step, if any, is partial.
fn play(scenario: &str, partial: Option<&str>) -> Ended {
    let child = Child::start(program(env!("CARGO_BIN_EXE_items"), &[scenario]));
    child.wait_for("serving");
    let ended = child.terminate();
    assert_steps(&ended, partial);
    ended
}

fn assert_steps(ended: &Ended, partial: Option<&str>) {
    let outcome = |step: &str| if Some(step) == partial { "partial" } else { "done" };
    let steps = STEPS.map(|step| (step, outcome(step)));
    ended.assert(i32::from(partial.is_some()), &steps);
}

fn items(ended: &Ended, step: &str) -> Vec<(String, Value)> {
    let step = ended.step(step);
    let items = step["items"].as_array().unwrap();
    items.iter().map(|item| (item["name"].as_str().unwrap().to_owned(), item["error"].clone())).collect()
}

fn fine(names: &[&str]) -> Vec<(String, Value)> {
    names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
}

#[test]
fn they_are_found_from_the_steps_task_and_from_what_it_begins_with_us() {
    let ended = play("", None);
    assert_eq!(
        items(&ended, "cancel_orders"),
        fine(&["order 1", "order 2", "order 3", "order 4"]),
        "and no stranger"
    );
    assert_eq!(ended.step("cancel_orders")["notes"], json!([["own task", "1"], ["spawn", "true"]]));
    ended.line("a stranger has time: None");
}

#[test]
fn they_are_found_from_a_sync_steps_thread_and_at_the_start() {
    let ended = play("", None);
    assert_eq!(items(&ended, "remove_files"), fine(&["a.tmp", "b.tmp"]));
    assert_eq!(ended.step("remove_files")["notes"], json!([["files", "2"]]));
    ended.line("remove_files has its time: true");
    assert_eq!(ended.step("warm_up")["notes"], json!([["entries", "12"]]));
}

#[test]
fn outside_of_every_step_they_do_nothing() {
    let ended = play("", None);
    ended.line("outside there is no time: None");
    assert!(!ended.report().to_string().contains("outside"), "{:#}", ended.report());
}

#[test]
fn one_failed_item_makes_the_step_partial_wherever_it_was_told() {
    for (scenario, step, failed) in [
        ("spawned", "cancel_orders", ("order 2", "gone")),
        ("blocking", "cancel_orders", ("order 3", "locked")),
        ("thread", "remove_files", ("b.tmp", "b.tmp is open")),
    ] {
        let ended = play(scenario, Some(step));
        let items = items(&ended, step);
        assert!(items.contains(&(failed.0.to_owned(), json!(failed.1))), "{scenario}: {items:?}");
        assert_eq!(ended.step(step)["error"], format!("1 of {} items failed", items.len()));
    }
}

#[test]
fn a_start_step_that_is_partial_fails_the_start() {
    let ended = Child::start(program(env!("CARGO_BIN_EXE_items"), &["start"])).wait(PATIENCE);
    assert_steps(&ended, Some("warm_up"));
    assert_eq!(ended.report()["reason"], "start_failed");
    assert_eq!(ended.step("warm_up")["error"], "1 of 1 items failed");
}

#[test]
fn what_a_task_tells_after_its_step_has_ended_does_not_contradict_the_report() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_items"), &["late"]));
    child.wait_for("serving");
    child.signal(libc::SIGTERM);
    child.wait_for("leave is over");
    child.say("go on");
    child.wait_for("late");
    child.say("said");
    let ended = child.wait(PATIENCE);
    assert_steps(&ended, None);
    assert_eq!(items(&ended, "leave"), []);
    assert_eq!(ended.step("leave")["notes"], json!([]));
}
