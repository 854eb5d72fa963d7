//! `after` and `before` order steps, and only those; what the compiler cannot refuse, the start does.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};

#[test]
fn edges_order_steps_of_one_rank_and_nobody_else() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_edges"), &[]));
    child.wait_for("serving");
    let ended = child.terminate();
    ended.assert_any_order(
        0,
        &[
            ("open", "done"),
            ("warm", "done"),
            ("a_migrate", "done"),
            ("early", "done"),
            ("also_early", "done"),
            ("by_hand", "done"),
            ("last_call", "done"),
            ("Requests", "done"),
            ("beside", "done"),
            ("beside_too", "done"),
            ("flush", "done"),
            ("a_close", "done"),
            ("before_later", "done"),
            ("later", "done"),
            ("named_in_settings", "done"),
            ("a_by_settings", "done"),
            ("front", "done"),
            ("off", "off"),
            ("a_behind_off", "done"),
        ],
    );
    ended.line("open met its equal, and its follower: false");
    ended.line("flush met two others, and its follower: false");
    ended.line("named_in_settings met anyone: false");
    ended.line("front met anyone: false");
    assert!(ended.line("early: LameDuck") < ended.line("also_early: LameDuck"));
    assert!(ended.line("early: LameDuck") < ended.line("by hand: LameDuck"));
    ended.line("last_call: LameDuck");
    assert!(ended.line("before_later") < ended.line("now the latter"));
    for (step, order) in [
        ("also_early", -2),
        ("by_hand", -2),
        ("last_call", -1),
        ("beside", 0),
        ("beside_too", 0),
        ("a_close", 0),
        ("before_later", 3),
    ] {
        assert_eq!(ended.step(step)["order"], order, "{step}");
    }
}

/// The rank of a step and where the edge is written that it comes from, in the plan.
#[test]
fn a_derived_order_is_shown_with_its_source() {
    let line = |text: &str| {
        let source = include_str!("../src/bin/edges.rs");
        let at = source.lines().position(|line| line.trim() == text).unwrap() + 1;
        format!("tests/src/bin/edges.rs:{at}")
    };
    let plan = |view: &str| {
        let mut command = program(env!("CARGO_BIN_EXE_edges"), &[]);
        command.env("LIFECYCLE_PLAN", view);
        let ended = Child::start(command).wait(PATIENCE);
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        ended.stdout
    };
    let json: serde_json::Value = serde_json::from_str(&plan("json").concat()).unwrap();
    let source = |name: &str| {
        let step = json["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap();
        (step["order"].clone(), step["order_from"].clone(), step["order_at"].clone())
    };
    let own = line("before = later");
    assert_eq!(source("before_later"), (3.into(), "via later".into(), own.clone().into()));
    assert_eq!(
        source("also_early"),
        ((-2).into(), "via early".into(), line("#[on_shutdown(after = early)]").into())
    );
    assert_eq!(
        source("last_call"),
        ((-1).into(), "via Requests".into(), line("#[on_shutdown(before = Requests)]").into())
    );
    assert_eq!(source("later"), (3.into(), "written".into(), serde_json::Value::Null));
    // In the table only where it is not the step's own place.
    let table = plan("text");
    let row = |name: &str| table.iter().find(|row| row.contains(name)).unwrap();
    assert!(row("before_later").contains(&format!("3 via later ({own})")), "{table:#?}");
    assert!(!row("also_early").contains("via early ("), "{table:#?}");
}

fn assert_invalid(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(78), "{:#?}", ended.stderr);
    assert_eq!(ended.stdout, [""; 0], "nothing is started");
    let errors: Vec<&String> = ended.stderr.iter().filter(|line| line.starts_with("  - ")).collect();
    assert_eq!(errors.len(), words.len(), "{:#?}", ended.stderr);
    for words in words {
        assert!(errors.iter().any(|line| line.contains(words)), "{words} is not in {errors:#?}");
    }
}

fn faults(keep: &str) -> Ended {
    let mut command = program(env!("CARGO_BIN_EXE_edge_faults"), &[]);
    command.env("KEEP", keep).env("LIFECYCLE_REPORT", "off");
    Child::start(command).wait(PATIENCE)
}

/// A step of the fixture as errors name it, with the line of its attribute or of its `Hook::…`.
fn who(name: &str) -> String {
    let source = include_str!("../src/bin/edge_faults.rs");
    let is = |line: &str| line.contains(&format!("fn {name}(")) || line.contains(&format!("(\"{name}\""));
    let at = source.lines().position(is).unwrap();
    // The attribute's first line.
    let opens = |at: &usize| source.lines().nth(*at).unwrap().starts_with("#[");
    let line = match source.lines().nth(at).unwrap().starts_with("fn ") {
        true => (0..at).rev().find(opens).unwrap() + 1,
        false => at + 1,
    };
    format!("`{name}` (tests/src/bin/edge_faults.rs:{line})")
}

/// Where an edge is written, by the whole line.
fn said(line: &str) -> String {
    let source = include_str!("../src/bin/edge_faults.rs");
    let at = source.lines().position(|it| it.trim() == line).unwrap();
    format!("said at tests/src/bin/edge_faults.rs:{}", at + 1)
}

/// By the word in `KEEP`, what the error says.
fn words(fault: &str) -> String {
    let (behind, front) = (who("behind"), who("front"));
    match fault {
        "cycle" => format!(
            "{two} is named in `before` by {one}; {three} is named in `before` by {two}; {one} is named in `before` by \
             {three}, {said}.",
            one = who("one"),
            two = who("two"),
            three = who("three"),
            said = said("one,")
        ),
        "linker" => {
            format!("{} has after = ghost, and there is no such step in this program", who("follower"))
        }
        "order" => format!(
            "{behind} has order = -4, but comes after {front}, and that has no order and so comes at 0"
        ),
        "requests" => format!(
            "{behind} comes before the requests, {}, but follows {front}, which has no order",
            said("settings.step::<behind>().before::<Requests>();")
        ),
        "phase" => format!("{} cannot come before {behind}: one runs at the start", who("migrate")),
        "last" => format!("{behind} cannot come after {front}, which is `last`"),
        other => panic!("no such fault: {other}"),
    }
}

#[test]
fn an_edge_that_cannot_be_is_refused_at_the_start() {
    for fault in ["cycle", "linker", "order", "requests", "phase", "last"] {
        assert_invalid(&faults(fault), &[&words(fault)]);
    }
}

#[test]
fn all_of_them_are_named_at_once() {
    let all = ["cycle", "linker", "order", "phase"];
    let words = all.map(words);
    assert_invalid(&faults(&all.join(" ")), &words.each_ref().map(String::as_str));
}

#[test]
fn without_faults_it_starts() {
    let ended = faults("");
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert_eq!(ended.stdout, ["booted", "serving"]);
}

#[test]
fn an_expected_step_that_is_not_there_fails_the_start() {
    let mut command = program(env!("CARGO_BIN_EXE_expects"), &[]);
    command.env("LIFECYCLE_REPORT", "off");
    let ended = Child::start(command).wait(PATIENCE);
    let source = include_str!("../src/bin/expects.rs");
    let line = 1 + source.lines().position(|line| line.starts_with("lifecycle::expect_hooks!")).unwrap();
    let words = format!(
        "`plug::ghost` is not in this program, and expect_hooks! (tests/src/bin/expects.rs:{line}) names it"
    );
    assert_invalid(&ended, &[&words]);
}
