//! Workers begin when their last resource is there, and end before it is taken away.

use lifecycle_tests::child::{Child, PATIENCE, talkative};
use serde_json::json;

fn start(scenario: &str) -> Child {
    Child::start(talkative(env!("CARGO_BIN_EXE_worker_resources"), &[scenario]))
}

#[test]
fn one_begins_when_main_provides_what_it_takes_and_has_it_at_each_run() {
    for scenario in ["late", "placed"] {
        let child = start(scenario);
        for state in ["serving", "query runs", "read has the feed"] {
            child.wait_for(state);
        }
        child.say("provide");
        child.wait_for(if scenario == "late" { "run 2" } else { "run 1" });
        let ended = child.terminate();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let at = |line| ended.line(line);
        assert!(at("main provides") < at("consume has exchange 7, None, run 1"), "{:?}", ended.stdout);
        assert!(at("consume ends") < at("exchange 7 is closed"), "{:?}", ended.stdout);
        assert!(at("query ends") < at("the database is closed"), "{:?}", ended.stdout);
        let steps = ended.report()["steps"].clone();
        let of = |name: &str| steps.as_array().unwrap().iter().position(|step| step["name"] == name).unwrap();
        assert_eq!(of("consume") < of("Requests"), scenario == "placed");
    }
}

#[test]
fn one_whose_resource_never_comes_is_missing_it() {
    let child = start("never provided");
    for state in ["serving", "query runs", "read has the feed"] {
        child.wait_for(state);
    }
    let ended = child.terminate();
    let consume = ended.step("consume");
    assert_eq!(
        (&consume["outcome"], &consume["error"]),
        (&json!("missing"), &json!("no Exchange was provided"))
    );
    assert_eq!(ended.code, Some(1));
    assert!(!ended.stdout.iter().any(|line| line.starts_with("consume has")), "{:?}", ended.stdout);
}

#[test]
fn one_that_is_not_wanted_misses_nothing() {
    let child = start("never provided");
    child.wait_for("copy is skipped: its `when` is false");
    let ended = child.terminate();
    assert_eq!(ended.step("copy")["outcome"], json!("skipped"), "{ended:?}");
}

#[test]
fn one_that_is_wanted_waits_for_what_it_takes() {
    let child = start("mirrored");
    for state in ["serving", "query runs", "read has the feed"] {
        child.wait_for(state);
    }
    child.say("provide");
    child.wait_for("copy runs");
    child.wait_for("consume has exchange 7, None, run 1");
    let ended = child.terminate();
    assert_eq!((&ended.step("copy")["outcome"], ended.code), (&json!("done"), Some(0)), "{ended:?}");
}

#[test]
fn a_start_that_fails_begins_none_and_excuses_them() {
    let ended = start("provider fails").wait(PATIENCE);
    for (name, why) in [
        ("query", "`open_db` failed"),
        ("consume", "the start did not get that far"),
        ("read", "the shutdown came before it could begin"),
    ] {
        let step = ended.step(name);
        // The feed may not have been opened when the other failed.
        if name != "read" || ended.stdout.iter().any(|line| line == "the feed is open") {
            assert_eq!((&step["outcome"], &step["error"]), (&json!("skipped"), &json!(why)));
        }
    }
    assert_eq!(ended.code, Some(1));
}

#[test]
fn what_cannot_be_is_an_error_that_says_what_to_write() {
    for (scenario, words) in [
        (
            "taken and restarted",
            "takes Feed away, and would find nothing when it is begun again (restart = on_failure): let it borrow \
             (&Feed), or write restart = never",
        ),
        ("last", "is a worker and cannot be `last`: it needs its time to end, give it a high order instead"),
    ] {
        let ended = start(scenario).wait(PATIENCE);
        assert_eq!((ended.code, ended.stdout.len()), (Some(78), 0), "{ended:?}");
        assert!(ended.stderr.iter().any(|line| line.contains(words)), "{:?}", ended.stderr);
    }
}

#[test]
fn one_that_is_off_is_not_begun() {
    let child = start("off");
    child.wait_for("read has the feed");
    let ended = child.terminate();
    assert_eq!(ended.step("query")["outcome"], "off");
    assert!(!ended.stdout.iter().any(|line| line == "query runs"), "{:?}", ended.stdout);
}

#[test]
fn the_plan_shows_a_worker_by_its_stop() {
    let mut command = talkative(env!("CARGO_BIN_EXE_worker_resources"), &["plan"]);
    command.env("LIFECYCLE_PLAN", "json");
    let ended = Child::start(command).wait(PATIENCE);
    let plan: serde_json::Value = serde_json::from_str(&ended.stdout.join("\n")).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let step = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap();
    let query = step("query");
    assert_eq!((&query["kind"], &query["limit_ms"]), (&json!("worker"), &json!(5000.0)));
    assert_eq!((&query["order_from"], &query["after"]), (&json!("default"), &json!([{"step": "Requests"}])));
    assert!(step("close_db")["after"].as_array().unwrap().contains(&json!({"step": "query"})), "{steps:#?}");

    let mut command = talkative(env!("CARGO_BIN_EXE_worker_resources"), &["plan"]);
    command.env("LIFECYCLE_PLAN", "text");
    let ended = Child::start(command).wait(PATIENCE);
    ended.line("query (worker)");
}
