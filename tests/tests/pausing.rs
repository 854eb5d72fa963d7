//! `pause` and `resume`: nothing new is taken for a while, nothing stops.

use lifecycle_tests::child::{Child, Ended, talkative};

fn start(scenario: &str) -> Child {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_pausing"), &[scenario]));
    child.wait_for("serving");
    child.wait_for("slow runs");
    child
}

const OPEN: &str =
    "Running, ready true, request admitted, job admitted, probe admitted, closed [false, false]";
const PAUSED: &str = "Paused, ready false, request Paused, job Paused, probe admitted, closed [true, true]";
const ENDING: &str =
    "LameDuck, ready false, request ShuttingDown, job ShuttingDown, probe admitted, closed [true, true]";

#[track_caller]
fn assert_order(ended: &Ended, lines: &[&str]) {
    let found: Vec<usize> = lines.iter().map(|line| ended.line(line)).collect();
    assert!(found.is_sorted(), "{lines:?} are at {found:?}: {:#?}", ended.stdout);
}

#[test]
fn nothing_new_is_taken_in_a_pause_and_everything_after_it() {
    let child = start("words");
    child.wait_for("event: ready");
    for word in ["first", "second"] {
        child.say(&format!("pause {word}"));
        let times = if word == "first" { 1 } else { 2 };
        child.wait_for_nth("paused: true true", times);
        child.wait_for_nth("in the pause: ", times);
        child.say(&format!("resume {word}"));
        child.wait_for_nth("after it: ", times);
        child.wait_for_nth("is taken", times);
    }
    child.say("end slow");
    child.wait_for("slow ends");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.iter().filter(|line| **line == format!("in the pause: {PAUSED}")).count(), 2);
    assert_eq!(ended.stdout.iter().filter(|line| **line == format!("after it: {OPEN}")).count(), 2);
    // Two were refused in each pause.
    let items: Vec<&str> = ended
        .stdout
        .iter()
        .filter(|line| *line == "it resumes" || line.ends_with("is taken"))
        .map(String::as_str)
        .collect();
    assert_eq!(items, ["it resumes", "item 2 is taken", "it resumes", "item 4 is taken"]);
    let states: Vec<&str> = ended
        .stdout
        .iter()
        .filter_map(|line| line.strip_prefix("event: "))
        .filter(|state| ["Running", "Paused"].contains(state))
        .collect();
    assert_eq!(states, ["Running", "Paused", "Running", "Paused", "Running"]);
    ended.line("before: false false");
    ended.line("a nested call: admitted");
    ended.line("steps ends");
    ended.line("early: paused false, resumed false");
    assert_eq!(
        ended.stdout.iter().filter(|line| *line == "goes on: false").count(),
        2,
        "{:#?}",
        ended.stdout
    );
}

#[test]
fn a_call_that_runs_goes_on_in_a_pause() {
    let child = start("shutdown");
    child.say("pause first");
    child.wait_for("in the pause: ");
    child.say("end slow");
    child.wait_for("slow ends");
    child.say("end early");
    let ended = child.terminate();
    assert_order(&ended, &["paused: true", "a nested call: admitted", "slow ends"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_shutdown_ends_a_pause_without_opening_anything() {
    let child = start("shutdown");
    child.say("pause first");
    child.wait_for(&format!("in the pause: {PAUSED}"));
    child.signal(libc::SIGTERM);
    child.wait_for(&format!("early: {ENDING}"));
    child.say("end early");
    // Running requests are awaited as ever.
    child.wait_for("event: Draining");
    child.say("end slow");
    let ended = child.wait(lifecycle_tests::child::PATIENCE);
    ended.assert(0, &[("early", "done"), ("Requests", "done"), ("Jobs", "done"), ("takes", "done")]);
    assert_order(&ended, &["paused: true", "early: paused false, resumed false", "slow ends", "takes ends"]);
    assert!(!ended.stdout.iter().any(|line| line.contains("is taken")), "{:#?}", ended.stdout);
    assert_eq!(ended.report()["calls"]["awaited"], 1);
}

#[test]
fn signals_do_the_same() {
    let child = start("signals");
    child.wait_for("event: ready");
    for round in 1..=2 {
        child.signal(libc::SIGUSR1);
        child.wait_for_nth("event: Paused", round);
        child.wait_for_nth(&format!("seen: {PAUSED}"), round);
        child.signal(libc::SIGUSR2);
        child.wait_for_nth("event: Running", round + 1);
        child.wait_for_nth(&format!("seen: {OPEN}"), round + 1);
    }
    child.say("end slow");
    child.wait_for("slow ends");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.report()["reason"], serde_json::json!({"signal": 15}));
}

#[test]
fn a_pause_during_the_start_holds_when_it_is_over() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_pausing"), &["start"]));
    child.wait_for(&format!("in the pause: {PAUSED}"));
    child.signal(libc::SIGUSR2);
    child.wait_for("item 1 is taken");
    let ended = child.terminate();
    assert_order(&ended, &["paused: true, Starting", "event: Paused", "event: Running"]);
    assert_order(&ended, &["in the pause", "item 1 is taken"]);
}
