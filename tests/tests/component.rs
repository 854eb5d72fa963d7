//! A component: one `impl` block with steps of every kind.

use lifecycle_tests::child::{Child, PATIENCE, talkative};
use serde_json::{Value, json};

#[test]
fn the_methods_of_a_component_are_steps_of_every_kind() {
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_component"), &[]));
    for line in ["serving", "the venue is polled on lifecycle: Venue::poll"] {
        child.wait_for(line);
    }
    child.say("provide");
    for line in ["the venue streams by the sea", "recovered"] {
        child.wait_for(line);
    }
    child.signal(libc::SIGUSR1);
    child.wait_for("Paused: Err(Paused)");
    child.signal(libc::SIGUSR2);
    child.wait_for("Running: Ok(\"the venue\")");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let lines = [
        "connected",
        "warming the venue for the 1. time",
        "warming the venue for the 2. time",
        "serving",
        "the venue is connected again by the sea",
        "recovered",
        "cancelling",
        "the venue is written down for the sea",
        "the venue is sold",
    ];
    assert!(lines.map(|line| ended.line(line)).is_sorted(), "{:#?}", ended.stdout);
    for end in ["the stream ends", "the polling of the venue ends"] {
        assert!(ended.line(end) < ended.line("the venue is sold"), "{:#?}", ended.stdout);
    }
    assert!(!ended.stdout.iter().any(|line| line == "audited"), "{:#?}", ended.stdout);

    let step = |name: &str| -> Value { ended.step(name) };
    let cancel = step("Cancel");
    assert_eq!((&cancel["outcome"], &cancel["fallback"]), (&json!("done"), &json!(true)));
    assert_eq!(cancel["attempts"].as_array().map(Vec::len), Some(2));
    let audit = step("Venue::audit");
    assert_eq!(
        (&audit["outcome"], &audit["error"]),
        (&json!("skipped"), &json!("the venue is never audited"))
    );
    for (name, kind) in [("Venue::stream", "worker"), ("Venue::poll", "worker"), ("sell", "shutdown")] {
        assert_eq!((&step(name)["kind"], &step(name)["outcome"]), (&json!(kind), &json!("done")), "{name}");
    }
}

#[test]
fn the_plan_has_each_method_by_its_name_at_its_line() {
    let mut command = talkative(env!("CARGO_BIN_EXE_component"), &[]);
    command.env("LIFECYCLE_PLAN", "json");
    let ended = Child::start(command).wait(PATIENCE);
    let plan: Value = serde_json::from_str(&ended.stdout.join("\n")).expect("a plan in JSON");
    let source = include_str!("../src/bin/component.rs");
    let line = |method: &str| 1 + source.lines().position(|line| line.contains(method)).unwrap_or_default();
    let all = |list: &str| plan[list].as_array().cloned().unwrap_or_default();
    for (list, name, method) in [
        ("steps", "Venue::connect", "fn connect("),
        ("steps", "Warm", "fn warm("),
        ("steps", "Venue::stream", "fn stream("),
        ("steps", "Cancel", "fn cancel("),
        ("checks", "VenueAnswers", "fn answers("),
    ] {
        let found = all(list).into_iter().find(|it| it["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no {name} in {plan:#}"));
        assert_eq!(found["line"], line(method), "{name}");
    }
}
