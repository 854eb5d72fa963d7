//! Resources: shared, taken after their users, provided by hand, missing by name, dropped in reverse.

use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};

fn play(scenario: &str) -> Ended {
    let child = Child::start(program(env!("CARGO_BIN_EXE_resources"), &[scenario]));
    child.wait_for("serving");
    child.terminate()
}

#[track_caller]
fn assert_steps(ended: &Ended, code: i32, disconnect: &str, exorcise: &str) {
    let steps = [
        ("first", "done"),
        ("connect", "done"),
        ("a_second", "done"),
        ("a_third", "done"),
        ("early", "done"),
        ("Requests", "done"),
        ("disconnect", disconnect),
        ("exorcise", exorcise),
        ("perhaps", "done"),
    ];
    ended.assert_any_order(code, &steps);
}

fn after<'a>(ended: &'a Ended, text: &str) -> &'a [String] {
    &ended.stdout[ended.line(text)..]
}

#[test]
fn what_is_provided_by_hand_is_found_and_what_nobody_takes_is_dropped_in_reverse_order() {
    let ended = play("by hand");
    assert_steps(&ended, 0, "done", "done");
    assert_eq!(
        ended.stdout[..5],
        [
            "provide: Ok(())",
            "found: Some(1)",
            "twice: a Ghost is provided already: wrap the second one in a type of its own",
            "as an Arc: true",
            "serving"
        ]
    );
    ended.line("exorcise 1");
    ended.line("disconnect fix");
    ended.line("perhaps Some(\"fix\")");
    assert_eq!(
        after(&ended, "goodbye"),
        ["goodbye", "third is dropped", "second is dropped", "first is dropped"]
    );
}

#[test]
fn a_resource_may_come_as_late_as_the_steps_before() {
    let ended = play("by hand, late");
    assert_steps(&ended, 0, "done", "done");
    assert!(ended.line("late: Ok(())") < ended.line("exorcise 2"));
}

#[test]
fn what_was_never_provided_is_missing_by_name_and_degrades() {
    let ended = play("missing");
    assert_steps(&ended, 1, "done", "missing");
    assert_eq!(ended.step("exorcise")["error"], "no Ghost was provided");
    assert!(!ended.stdout.iter().any(|line| line.contains("exorcise")));
}

#[test]
fn a_near_miss_is_told() {
    let ended = play("near miss");
    assert_steps(&ended, 1, "done", "missing");
    assert_eq!(ended.step("exorcise")["error"], "no Ghost was provided (Arc<Mutex<Ghost>> was)");
}

#[test]
fn a_step_whose_provider_is_off_is_skipped_and_degrades_nothing() {
    let ended = play("provider off");
    ended.assert_any_order(
        0,
        &[
            ("connect", "off"),
            ("first", "done"),
            ("a_second", "done"),
            ("a_third", "done"),
            ("early", "done"),
            ("Requests", "done"),
            ("disconnect", "skipped"),
            ("exorcise", "done"),
            ("perhaps", "done"),
        ],
    );
    assert_eq!(ended.step("connect")["error"], "no venue in this town");
    assert_eq!(ended.step("disconnect")["error"], "`connect` is off: no venue in this town");
    ended.line("perhaps None");
}

#[test]
fn a_failed_start_takes_down_what_came_up_and_skips_the_rest() {
    let ended = Child::start(program(env!("CARGO_BIN_EXE_resources"), &["provider fails"])).wait(PATIENCE);
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap();
    let of_start = |step: &serde_json::Value| step["kind"] == "start";
    // How far the others came is a matter of chance; they are all told of.
    let start = steps.iter().filter(|step| of_start(step));
    let mut start: Vec<&str> = start.map(|step| step["name"].as_str().unwrap()).collect();
    start.sort_unstable();
    assert_eq!(start, ["a_second", "a_third", "connect", "first"]);
    assert_eq!(ended.step("connect")["outcome"], "failed");
    assert_eq!(ended.step("connect")["error"], "connection refused");
    let rest = steps.iter().filter(|step| !of_start(step));
    let rest: Vec<(&str, &str)> =
        rest.map(|step| (step["name"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect();
    assert_eq!(
        rest,
        [
            ("early", "done"),
            ("Requests", "done"),
            ("disconnect", "skipped"),
            ("exorcise", "skipped"),
            ("perhaps", "done"),
        ]
    );
    assert_eq!(ended.step("disconnect")["error"], "`connect` failed");
    assert_eq!(ended.step("exorcise")["error"], "the start did not get that far");
    assert_eq!((ended.code, &report["reason"]), (Some(1), &"start_failed".into()));
    assert_eq!(report["service"], "never_started");
    ended.line("perhaps None");
    // What came up is dropped, the later one first.
    let dropped: Vec<&String> = ended.stdout.iter().filter(|line| line.contains("is dropped")).collect();
    let all = ["third is dropped", "second is dropped", "first is dropped"];
    assert!(all.ends_with(&dropped.iter().map(|line| line.as_str()).collect::<Vec<_>>()), "{dropped:?}");
}

#[test]
fn a_drop_that_panics_keeps_the_next_from_nothing() {
    let ended = play("drop panics");
    assert_steps(&ended, 0, "done", "done");
    assert_eq!(
        after(&ended, "goodbye"),
        ["goodbye", "third is dropped", "second is dropped", "first is dropped"]
    );
}

#[test]
fn a_drop_that_hangs_does_not_keep_the_process() {
    let ended = play("drop hangs");
    assert_steps(&ended, 0, "done", "done");
    assert_eq!(after(&ended, "goodbye"), ["goodbye", "third is dropped"]);
    assert!(ended.took < Duration::from_millis(1500), "{:?}", ended.took);
}

fn play_shapes(scenario: &str, close_left: &str) -> Ended {
    let child = Child::start(program(env!("CARGO_BIN_EXE_resource_shapes"), &[scenario]));
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert_any_order(
        1,
        &[
            ("venue", "done"),
            ("pair", "done"),
            ("present", "done"),
            ("absent", "done"),
            ("counter", "done"),
            ("nothing", "done"),
            ("Requests", "done"),
            ("by_reference", "done"),
            ("by_arc", "done"),
            ("by_option", "done"),
            ("count", "done"),
            ("a_close_left", close_left),
            ("a_close_venue", "done"),
            ("close_absent", "done"),
            ("needs_absent", "missing"),
            ("too_late", "done"),
        ],
    );
    ended
}

#[test]
fn what_somebody_still_holds_cannot_be_taken() {
    let ended = play_shapes("held", "missing");
    let error = "no Left was provided (it was, but 1 other(s) still hold an Arc of it)";
    assert_eq!(ended.step("a_close_left")["error"], error);
    ended.line("left is taken: false");
}

#[test]
fn every_shape_is_given_shared_and_taken() {
    let ended = play_shapes("", "done");
    assert_eq!(ended.step("needs_absent")["error"], "no Absent was provided");
    assert_eq!(ended.stdout[..3], ["resource Some(\"fix\")", "absent true", "serving"]);
    for line in ["by_reference fix 1 3", "by_arc fix 2", "by_option Some(1) false", "count 5"] {
        ended.line(line);
    }
    let before = |earlier: &str, later: &str| assert!(ended.line(earlier) < ended.line(later), "{earlier}");
    before("by_reference", "a_close_left 1");
    before("by_option", "a_close_left 1");
    before("by_reference", "a_close_venue fix, 1 holders");
    before("by_arc", "a_close_venue fix, 1 holders");
    before("a_close_venue fix", "the venue is dropped");
    before("the venue is dropped", "closed");
    before("closed", "close_absent false");
    before("close_absent false", "left is taken: true");
}
