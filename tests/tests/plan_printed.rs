//! `LIFECYCLE_PLAN` prints the plan of any program that the library runs, and starts nothing.

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use serde_json::Value;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

const FORMS: [&str; 7] = ["text", "json", "dot", "svg", "k8s", "systemd", "compose"];

fn ask(exe: &str, args: &[&str], form: &str, environment: &[(&str, &str)]) -> Ended {
    let mut command = program(exe, args);
    command.env("LIFECYCLE_PLAN", form).envs(environment.iter().copied());
    Child::start(command).wait(PATIENCE)
}

fn planned(form: &str) -> Ended {
    ask(env!("CARGO_BIN_EXE_planned"), &[], form, &[])
}

fn started(ended: &Ended) -> bool {
    ended.stdout.iter().any(|line| ["STARTED", "STOPPED", "SERVED"].iter().any(|word| line.contains(word)))
}

#[test]
fn every_form_is_printed_and_nothing_is_started() {
    for form in FORMS {
        let ended = planned(form);
        assert_eq!((ended.code, ended.signal), (Some(0), None), "{form}: {ended:#?}");
        assert!(!started(&ended), "{form}: {ended:#?}");
        // Setup alone has run, and the report is not printed: there is none.
        assert_eq!(ended.stderr, ["setup runs"], "{form}");
        let text = ended.stdout.join("\n");
        let telling = match form {
            "text" => "close_db  ",
            "json" => "\"id\":\"close_db\"",
            "dot" => "digraph",
            "svg" => "<svg ",
            "k8s" => "terminationGracePeriodSeconds: 45",
            "systemd" => "TimeoutStopSec=45",
            _ => "stop_grace_period: 45s",
        };
        assert!(text.contains(telling), "{form}: {text}");
    }
    let mut forms: Vec<_> = FORMS.iter().map(|form| planned(form).stdout).collect();
    forms.dedup();
    assert_eq!(forms.len(), FORMS.len(), "no two forms are one");
}

#[test]
fn the_table_is_for_people() {
    let text = planned("text").stdout;
    let rows: Vec<&str> =
        text.iter().filter(|line| line.contains("planned.rs:")).map(|line| line.trim()).collect();
    let names: Vec<&str> =
        rows.iter().map(|row| row.trim_start_matches("* ").split(' ').next().unwrap()).collect();
    assert_eq!(names, ["open_db", "deregister", "flush", "close_db", "alert", "planned::notify"]);
    let close: Vec<&str> = rows[3].split_whitespace().collect();
    assert_eq!(
        &close[..9],
        ["*", "close_db", "2", "via", "flush", "flush", "2s", "23s", "500ms"],
        "{text:#?}"
    );
    let line = std::fs::read_to_string("src/bin/planned.rs").unwrap();
    let line = line.lines().position(|line| line.contains("async fn close_db")).unwrap();
    // The attribute's line or the function's: whichever rustc takes for it.
    assert!(rows[3].ends_with(&format!("planned.rs:{line}")), "{}", rows[3]);
    assert!(
        text.iter().any(|line| line.contains("planned::notify is off: nobody to notify here")),
        "{text:#?}"
    );
}

#[test]
fn setup_and_the_environment_have_their_say() {
    let exe = env!("CARGO_BIN_EXE_planned");
    let plan = |environment: &[(&str, &str)]| -> Value {
        serde_json::from_str(&ask(exe, &[], "json", environment).stdout.join("\n")).unwrap()
    };
    let set_up = plan(&[]);
    assert_eq!(set_up["phases"]["lameduck_ms"], 4_000.0, "setup");
    assert_eq!(set_up["grace_ms"], 40_000.0, "the attribute");
    assert_eq!(set_up["left_out"][0]["name"], "notify");
    let told = plan(&[("LIFECYCLE_GRACE", "20s"), ("LIFECYCLE_LAMEDUCK", "1s")]);
    assert_eq!(
        (&told["grace_ms"], &told["phases"]["lameduck_ms"]),
        (&Value::from(20_000.0), &Value::from(1_000.0))
    );
    assert!(told["warnings"][0].as_str().unwrap().contains("LIFECYCLE_GRACE"), "{told}");
}

#[test]
fn a_builder_prints_it_without_a_thread() {
    let ended = ask(env!("CARGO_BIN_EXE_planned_by_hand"), &["builder"], "json", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.stderr, ["threads: 1"]);
    let plan: Value = serde_json::from_str(&ended.stdout.join("\n")).unwrap();
    assert_eq!(plan["grace_ms"], 33_000.0);
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["begin", "Requests", "by_hand"]);
}

#[test]
fn inside_a_runtime_it_is_printed_and_the_process_goes_on() {
    let ended = ask(env!("CARGO_BIN_EXE_planned_by_hand"), &["run"], "text", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!started(&ended), "{ended:#?}");
    assert_eq!(ended.stderr, ["reason: shutdown(\"LIFECYCLE_PLAN=text\"), exit 0", "threads: 1"]);
    assert!(ended.stdout[0].starts_with("2 steps. The shutdown takes at most 20s 500ms"), "{ended:#?}");
}

#[test]
fn what_is_wrong_is_said_at_once_and_nothing_is_printed() {
    for form in FORMS {
        let ended = ask(env!("CARGO_BIN_EXE_planned_wrong"), &[], form, &[("LIFECYCLE_DRAIN", "5")]);
        assert_eq!((ended.code, &*ended.stdout), (Some(78), &[] as &[String]), "{form}");
        let text = ended.stderr.join("\n");
        for fault in [
            "reserve = 2s (the default) leaves nothing of grace = 1s",
            "LIFECYCLE_DRAIN=5: 5 has no unit",
            "`connect` (tests/src/bin/planned_wrong.rs:8): no Venue was provided",
            "`close_db` (tests/src/bin/planned_wrong.rs:13) has order = 1, but takes away the Db",
        ] {
            assert!(text.contains(fault), "{form}: {fault}\n{text}");
        }
    }
}

#[test]
fn a_form_that_there_is_not_is_an_error_that_names_those_there_are() {
    for form in ["yaml", "", "TEXT"] {
        let ended = planned(form);
        assert_eq!((ended.code, &*ended.stdout), (Some(78), &[] as &[String]), "{form}");
        let expected = format!("LIFECYCLE_PLAN={form}: write text, json, dot, svg, k8s, systemd or compose");
        assert!(ended.stderr.iter().any(|line| line.ends_with(&expected)), "{:#?}", ended.stderr);
    }
}

#[test]
fn who_reads_only_the_beginning_does_no_harm() {
    let mut command = program(env!("CARGO_BIN_EXE_planned"), &[]);
    command.env("LIFECYCLE_PLAN", "svg");
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    let child = Child::start_with(command, OwnedFd::from(writer).into(), Stdio::piped());
    assert_eq!(child.wait(PATIENCE).code, Some(0));
}
