//! `register`, before the start, during it and after it, and what is taken back.

use lifecycle_tests::child::{Child, PATIENCE, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_registered"), &[scenario]));
    child.wait_for("serving");
    child
}

#[test]
fn workers_come_at_any_time_in_any_order_and_go() {
    let child = start("order");
    for state in ["last of all runs in Running", "first of all runs", "of the start runs in Running"] {
        child.wait_for(state);
    }
    child.wait_for_nth("shard runs in Running", 2);
    child.say("register nothing");
    child.wait_for("shard to go runs");
    child.say("remove");
    child.wait_for("shard to go ends");
    let ended = child.terminate();
    let mut expected = vec![
        ("open", "done"),
        ("Requests", "done"),
        ("of the start", "done"),
        ("shard", "done"),
        ("shard #2", "done"),
        ("first of all", "done"),
        ("between", "done"),
        ("last of all", "done"),
    ];
    ended.assert_any_order(0, &expected);
    expected.retain(|(name, _)| ["first of all", "between", "last of all"].contains(name));
    let found: Vec<usize> =
        ["first of all ends", "between", "last of all ends"].iter().map(|line| ended.line(line)).collect();
    assert!(found.is_sorted(), "{:#?}", ended.stdout);
    for line in ["gone: true", "gone at the start: true", "removed: true", "too late: false", "kept: None"] {
        ended.line(line);
    }
    for never in ["gone runs", "gone at the start runs", "too late runs"] {
        assert!(!ended.stdout.iter().any(|line| line.starts_with(never)), "{:#?}", ended.stdout);
    }
    assert_eq!(ended.step("shard #2")["limit_ms"], json!(9000.0));
}

#[test]
fn no_two_have_one_name_whichever_went_before() {
    let child = start("namesakes");
    child.wait_for("all registered");
    let ended = child.terminate();
    let names = ["Requests", "flush", "flush #2", "flush #3", "flush #4"];
    ended.assert_any_order(0, &names.map(|name| (name, "done")));
    ended.line("removed: true, true");
}

#[test]
fn one_that_is_taken_back_has_its_time_and_is_aborted_then() {
    let child = start("stubborn");
    child.wait_for("stubborn runs");
    child.say("remove");
    child.wait_for("removed: true");
    child.wait_for("what stubborn holds is dropped");
    let ended = child.terminate();
    // It is no step any more, was not begun again, and its end is nobody's failure.
    ended.assert(0, &[("Requests", "done")]);
    assert_eq!(ended.stdout.iter().filter(|line| *line == "stubborn runs").count(), 1);
    assert!(ended.line("stubborn is told") < ended.line("what stubborn holds is dropped"));
    assert!(!ended.stdout.iter().any(|line| line.starts_with("event:")), "{:#?}", ended.stdout);
}

#[test]
fn one_that_makes_the_plan_invalid_is_left_out_alone() {
    let child = start("invalid");
    child.wait_for("possible runs");
    let ended = child.terminate();
    ended.assert(0, &[("Requests", "done"), ("possible", "done")]);
    assert!(!ended.stdout.iter().any(|line| line.starts_with("impossible runs")), "{:#?}", ended.stdout);
}

#[test]
fn nothing_is_taken_back_once_the_shutdown_has_begun() {
    let child = start("at the end");
    child.wait_for("kept runs");
    let ended = child.terminate();
    ended.assert(0, &[("Requests", "done"), ("kept", "done")]);
    ended.line("kept: Some(false)");
}

#[test]
fn nothing_else_is_in_the_report() {
    let ended = start("nothing").terminate();
    ended.assert(0, &[("Requests", "done")]);
    assert!(ended.took < PATIENCE);
}
