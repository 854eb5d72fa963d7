//! Health checks: what they say, to whom, and what they must not do once the service goes.

use lifecycle_tests::child::{Child, Ended, PATIENCE, program, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_health"), &[scenario]))
}

fn lines<'a>(ended: &'a Ended, with: &str) -> Vec<&'a str> {
    ended.stdout.iter().filter_map(|line| line.strip_prefix(with)).collect()
}

#[test]
fn what_fails_is_recovered_and_decides_whether_the_service_is_ready() {
    let child = start("comes and goes");
    child.wait_for("serving");
    child.say("break it");
    child.wait_for("as before, ready true: venue: healthy");
    child.say("break it for longer");
    child.wait_for("once more, ready false: venue: recovering (attempt 1): 2 left");
    child.say("go on");
    child.wait_for("mended, ready true: venue: healthy");
    child.say("break it at the end");
    child.wait_for("broken at the end");
    child.wait_for("recovery 9, ready false");
    child.wait_for("event: venue recovering 1 of 2: 98 left");
    let ended = child.terminate();
    ended.assert(0, &[("Requests", "done")]);
    assert_eq!(
        lines(&ended, "event: "),
        [
            "venue healthy",
            "venue recovering 1 of 2: 2 left",
            "venue recovering 2 of 2: 1 left; recover: not yet",
            "venue recovered",
            "venue recovering 1 of 2: 4 left",
            "venue recovering 2 of 2: 3 left",
            "venue recovery failed: 2 left",
            "venue recovering 1 of 2: 2 left",
            "venue recovering 2 of 2: 1 left",
            "venue recovered",
            "venue recovering 1 of 2: 100 left",
            "venue recovering 2 of 2: 99 left",
            "venue recovery failed: 98 left",
            "venue recovering 1 of 2: 98 left",
        ]
    );
    let recoveries: Vec<String> = (1..=9).map(|number| format!("{number}, ready false")).collect();
    assert_eq!(lines(&ended, "recovery "), recoveries);
    let report = ended.report();
    let unhealthy = report["unhealthy"].as_array().unwrap();
    assert_eq!(unhealthy.len(), 1);
    let venue = &unhealthy[0];
    assert_eq!(
        (&venue["name"], &venue["status"], &venue["error"], &venue["attempts"]),
        (&json!("venue"), &json!("recovering"), &json!("98 left"), &json!(1))
    );
}

#[test]
fn whatever_a_check_does_is_good_or_bad_or_does_not_apply() {
    let child = start("kinds");
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(
        lines(&ended, "says: "),
        [
            "silent: healthy",
            "panics: recovery failed: it panicked: no such table",
            "hangs: recovery failed: it did not end within 50ms",
            "items: recovery failed: 1 of 2 items failed",
            "same: recovery failed: first",
            "same #2: recovery failed: second",
            "never: skipped: its `when` is false",
            "sometimes: skipped: a standby",
        ]
    );
    assert_eq!(ended.stdout.iter().filter(|line| *line == "what hangs holds is dropped").count(), 1);
    ended.line("healthy false");
    ended.line("event: sometimes healthy");
    assert!(!ended.stdout.iter().any(|line| line == "never"));
}

#[test]
fn no_check_and_no_recovery_begins_after_the_signal() {
    for round in 0..60 {
        let after = (round % 7 + 1).to_string();
        let child = Child::start(program(env!("CARGO_BIN_EXE_health"), &["around the signal", &after]));
        let ended = child.wait(PATIENCE);
        ended.assert(0, &[("Requests", "done"), ("close", "done")]);
        assert_eq!(lines(&ended, "late: "), ["0"], "round {round}: {:#?}", ended.stdout);
    }
}

#[test]
fn every_subscriber_has_every_event_in_the_same_order_or_is_told_what_it_lost() {
    let ended = Child::start(program(env!("CARGO_BIN_EXE_health"), &["subscribers"])).wait(PATIENCE);
    assert_eq!(
        ended.stdout,
        [
            "as many for each: true",
            "in the same order: true",
            "from the first: true",
            "to the last: Some(State(Stopped))",
            "the slow one lost some: true",
            "the oldest alone: true",
            "and kept as many as there is room for: 1024",
        ]
    );
}

#[test]
fn checks_come_and_go_while_the_service_runs() {
    let child = start("late");
    child.wait_for("serving");
    // The run that was told to end does so beside what follows.
    child.wait_for("what hangs holds is dropped");
    let ended = child.terminate();
    let said: Vec<&str> =
        ended.stdout.iter().map(String::as_str).filter(|line| !line.starts_with("event: ")).collect();
    let others: Vec<&str> =
        said.iter().copied().filter(|line| *line != "what hangs holds is dropped").collect();
    assert_eq!(said.len(), others.len() + 1, "{said:#?}");
    assert_eq!(
        others,
        [
            "removed: true",
            "left: 1",
            "removed: true",
            "ready again: true",
            "its name: late",
            "removed: true",
            "serving",
            "removed: false",
            "removed: false",
        ]
    );
    assert_eq!(ended.report()["unhealthy"][0]["name"], "late");
}

#[test]
fn no_check_begins_before_the_service_does() {
    let child = start("start");
    child.wait_for("checked in Running");
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(ended.line("open"), 0);

    let ended = start("start fails").wait(PATIENCE);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), &["open".to_owned()][..]));
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let ended = start("invalid").wait(PATIENCE);
    assert_eq!(ended.code, Some(78));
    let said = ended.stderr.join("\n");
    assert!(said.contains("the health check `zero` (tests/src/bin/health.rs:"), "{said}");
    assert!(said.contains("has interval = 0s") && said.contains("has timeout = 0s"), "{said}");
}

#[test]
fn changes_are_said_and_good_runs_are_not() {
    let ended = start("traced").wait(PATIENCE);
    let said: Vec<&str> = ended
        .stdout
        .iter()
        .filter(|line| line.contains("check=\"venue\""))
        .filter_map(|line| line.split_once("lifecycle: ").map(|(_, said)| said))
        .collect();
    assert_eq!(
        said,
        [
            "healthy check=\"venue\"",
            "unhealthy, recovering check=\"venue\" attempt=1 of=3 error=\"down\"",
            "unhealthy, recovering check=\"venue\" attempt=2 of=3 error=\"down\"",
            "recovered check=\"venue\"",
        ],
        "{:#?}",
        ended.stdout
    );
}

fn checked(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_checked"), &[scenario]))
}

#[test]
fn a_check_begins_when_the_last_of_what_it_takes_is_there() {
    let child = checked("late");
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(
        ended.stdout,
        [
            "db_answers: waiting: no Db was provided",
            "db_answers: waiting: no str was provided",
            "db_answers: waiting: no Told was provided",
            "reconnecting by the back door on lifecycle: db_answers",
            "db_answers: healthy",
            "disk: off: not played",
            "serving",
            "a pool is closed: false",
        ]
    );
    assert_eq!(ended.code, Some(0));
}

#[test]
fn a_check_that_hangs_has_failed_and_has_one_thread() {
    let child = checked("stuck");
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(
        ended.stdout,
        [
            "disk: recovery failed: it did not end within 50ms, and still runs",
            "1 run, 1 thread",
            "serving",
            "a pool is closed: false"
        ]
    );
    // Far from the drain's 15s and grace's 25s: nobody waits for it.
    assert!(ended.took < std::time::Duration::from_secs(8), "{:?}", ended.took);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.report()["unhealthy"][0]["name"], "disk");
}

#[test]
fn a_check_that_hung_is_run_again_once_it_has_let_go() {
    let child = checked("released");
    child.wait_for("stuck");
    child.say("release the disk");
    child.say("go on");
    child.wait_for("disk: healthy");
    child.wait_for("serving");
    assert_eq!(child.terminate().code, Some(0));
}

#[test]
fn what_a_check_holds_can_be_taken_once_it_was_told_to_stop() {
    let child = checked("holds");
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert(0, &[("open_pool", "done"), ("Requests", "done"), ("close_pool", "done")]);
    assert_eq!(ended.stdout, ["serving", "a pool is closed: true"]);
}
