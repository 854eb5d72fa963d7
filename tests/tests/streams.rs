//! What is written where; and that no stream, in whatever state, keeps the process from ending in order.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the test's failure")]

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, program};
use lifecycle_tests::posix::{self, Scratch};
use serde_json::Value;

const STEPS: &[(&str, &str)] = &[
    ("open_db", "done"),
    ("deregister", "done"),
    ("Requests", "done"),
    ("close_db", "done"),
    ("close_files", "done"),
];
const LAST: &[(&str, &str)] = &[("alert", "done")];
const GRACE: Duration = Duration::from_secs(5);

fn command(subscriber: &str, log: &Path) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_traced"), &[]);
    command.env("SUBSCRIBER", subscriber).env("LOG", log);
    command
}

/// The states of a stream that a supervisor may leave it in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Fine,
    /// There is no such descriptor.
    Closed,
    /// A pipe whose reader has gone.
    Broken,
    /// A pipe that is full and that nobody reads.
    Full,
}

/// The stream, and what has to be kept for it to stay as it is.
fn stream(state: State) -> (Stdio, Option<File>) {
    match state {
        State::Fine | State::Closed => (Stdio::null(), None),
        State::Broken => (posix::pipe().1.into(), None),
        State::Full => {
            let (reader, writer) = posix::full_pipe();
            (writer.into(), Some(reader))
        }
    }
}

fn assert_ends_in_order(states: &[(State, State)]) {
    let scratch = Scratch::new(&format!("streams-{:?}-{:?}", states[0].0, states[0].1));
    let mut running = Vec::new();
    for (number, &(stdout, stderr)) in states.iter().enumerate() {
        for subscriber in ["none", "stdout", "stderr"] {
            let log = scratch.file(&format!("{number}-{subscriber}"));
            let mut command = command(subscriber, &log);
            for (fd, state) in [(1, stdout), (2, stderr)] {
                if state == State::Closed {
                    posix::close(&mut command, fd);
                }
            }
            let ((out, _out), (err, _err)) = (stream(stdout), stream(stderr));
            let child = Child::start_with(command, out, err);
            running.push((child, format!("{subscriber}, {stdout:?}, {stderr:?}"), log, _out, _err));
        }
    }
    for (child, what, log, _out, _err) in running {
        posix::wait_for_line(&log, "serving");
        let ended = posix::terminate_within(child, GRACE + Duration::from_millis(500));
        assert_eq!((ended.code, ended.signal), (Some(0), None), "{what}");
        assert!(ended.took < GRACE, "{what}: {:?}", ended.took);
        let lines = posix::lines(&log);
        let report = lines.iter().find_map(|line| line.strip_prefix("report ")).expect(&what);
        let report: Value = serde_json::from_str(report).unwrap();
        assert_eq!(posix::steps_of(&report), posix::named(STEPS), "{what}");
        let ran: Vec<&str> = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .filter(|word| *word != "serving")
            .collect();
        assert_eq!(ran, ["deregister", "close_db", "close_files", "report", "flush_telemetry"], "{what}");
    }
}

#[test]
fn stdout_closed_broken_or_full() {
    assert_ends_in_order(&[
        (State::Closed, State::Fine),
        (State::Broken, State::Fine),
        (State::Full, State::Fine),
    ]);
}

#[test]
fn stderr_closed_broken_or_full() {
    assert_ends_in_order(&[
        (State::Fine, State::Closed),
        (State::Fine, State::Broken),
        (State::Fine, State::Full),
    ]);
}

#[test]
fn both_at_once() {
    assert_ends_in_order(&[
        (State::Closed, State::Closed),
        (State::Broken, State::Broken),
        (State::Full, State::Full),
    ]);
}

fn run(report: Option<&str>, subscriber: &str, fail: bool) -> Ended {
    let scratch = Scratch::new(&format!("output-{report:?}-{subscriber}-{fail}").replace('"', ""));
    let log = scratch.file("log");
    let mut command = command(subscriber, &log);
    command.env_remove("LIFECYCLE_REPORT");
    if let Some(report) = report {
        command.env("LIFECYCLE_REPORT", report);
    }
    if fail {
        command.env("FAIL", "1");
    }
    let child = Child::start(command);
    posix::wait_for_line(&log, "serving");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(i32::from(fail)), "{:#?}", ended.stderr);
    let lines = posix::lines(&log);
    let report = lines.iter().find_map(|line| line.strip_prefix("report ")).unwrap();
    let mut steps = STEPS.to_vec();
    if fail {
        steps[4].1 = "failed";
    }
    assert_eq!(posix::steps_of(&serde_json::from_str(report).unwrap()), posix::named(&steps));
    ended
}

#[test]
fn without_a_terminal_and_a_subscriber_the_report_is_a_table_on_stderr() {
    for fail in [false, true] {
        for ended in [run(None, "none", fail), run(Some("table"), "none", fail)] {
            assert!(ended.stdout.is_empty(), "{:#?}", ended.stdout);
            let first = &ended.stderr[0];
            assert!(first.starts_with("shutdown: SIGTERM, took "), "{first}");
            assert!(
                first.contains(if fail { " of 5s, exit 1, id " } else { " of 5s, exit 0, id " }),
                "{first}"
            );
            for (step, outcome) in STEPS {
                let row = ended.stderr.iter().find(|line| line.trim_start().starts_with(step));
                let row = row.unwrap_or_else(|| panic!("{step}: {:#?}", ended.stderr));
                let outcome = if fail && *step == "close_files" { "failed" } else { outcome };
                assert!(row.contains(outcome), "{row}");
            }
            assert_eq!(
                fail,
                ended.stderr.iter().any(|line| line.trim() == "read-only"),
                "{:#?}",
                ended.stderr
            );
        }
    }
}

#[test]
fn with_a_subscriber_the_events_say_it_unless_the_report_is_asked_for() {
    let ended = run(None, "stdout", true);
    assert_eq!(ended.stderr, [""; 0]);
    ended.line("step=\"close_files\" outcome=\"failed\" error=\"read-only\"");
    let ended = run(Some("table"), "stdout", false);
    assert!(ended.stderr[0].starts_with("shutdown: SIGTERM"), "{:#?}", ended.stderr);
}

#[test]
fn report_json_is_one_line_and_off_is_none() {
    let ended = run(Some("json"), "none", false);
    assert_eq!(ended.stderr.len(), 1, "{:#?}", ended.stderr);
    ended.assert(0, STEPS_WITH_ALERT);
    for subscriber in ["none", "stdout"] {
        assert_eq!(run(Some("off"), subscriber, true).stderr, [""; 0]);
    }
}

#[test]
fn what_fails_after_the_report_changes_nothing_but_is_told() {
    let run = |subscriber: &str, report: &str| {
        let scratch = Scratch::new(&format!("after-{subscriber}-{report}"));
        let log = scratch.file("log");
        let mut command = command(subscriber, &log);
        command.env("LIFECYCLE_REPORT", report).env("FAIL_LAST", "1");
        let child = Child::start(command);
        posix::wait_for_line(&log, "serving");
        let ended = child.terminate();
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        ended
    };
    let line = "lifecycle: after the report: flush_telemetry (";
    for format in ["table", "json"] {
        let ended = run("none", format);
        let last = ended.stderr.last().unwrap();
        assert!(last.starts_with(line) && last.ends_with(") failed: the collector is gone"), "{last}");
    }
    assert_eq!(run("none", "off").stderr, [""; 0]);
    let ended = run("stdout", "json");
    ended.line("step=\"flush_telemetry\" outcome=\"failed\" error=\"the collector is gone\"");
    assert_eq!(ended.stderr.len(), 1, "the report alone: {:#?}", ended.stderr);
}

/// What is printed knows of the `last` steps that came before it.
const STEPS_WITH_ALERT: &[(&str, &str)] = &[STEPS[0], STEPS[1], STEPS[2], STEPS[3], STEPS[4], LAST[0]];

#[test]
fn on_a_terminal_there_are_live_lines_and_the_table() {
    let scratch = Scratch::new("terminal");
    let log = scratch.file("log");
    let mut command = command("none", &log);
    command.env_remove("LIFECYCLE_REPORT");
    let (mut screen, terminal) = posix::terminal();
    let child = Child::start_with(command, Stdio::null(), Stdio::from(OwnedFd::from(terminal)));
    let reader = std::thread::spawn(move || {
        let mut shown = Vec::new();
        // Ends with an error once the other end is closed.
        let _ = screen.read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).replace('\r', "")
    });
    posix::wait_for_line(&log, "serving");
    assert_eq!(child.terminate().code, Some(0));
    let shown = reader.join().unwrap();
    for line in [
        "lifecycle: starting 1 step(s); the shutdown has 5",
        "lifecycle:   open_db … (up to 30s)",
        "lifecycle: ready after ",
        "lifecycle: SIGTERM: shutting down, within 5s; press Ctrl-C again to leave at once",
        "lifecycle:   close_files done in ",
        "lifecycle: over after ",
        "shutdown: SIGTERM, took ",
    ] {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line:?} in\n{shown}");
    }
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.split(&format!(" {name}=\"")).nth(1)?;
    value.split('"').next()
}

#[test]
fn every_step_is_two_events_with_the_shutdown_s_id() {
    let ended = run(Some("json"), "stdout", true);
    let report = ended.report();
    let id = report["id"].as_str().unwrap();
    let events = |what: &str, step: &str| {
        let of_step = |line: &&String| line.contains(what) && field(line, "step") == Some(step);
        ended.stdout.iter().filter(of_step).collect::<Vec<_>>()
    };
    for step in report["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        if step["kind"] != "group" {
            let began = events(" step began ", name);
            assert_eq!(began.len(), 1, "{name}: {:#?}", ended.stdout);
            assert_eq!(field(began[0], "shutdown"), Some(id));
        }
        let over = events(" step ended ", name);
        assert_eq!(over.len(), 1, "{name}: {:#?}", ended.stdout);
        assert_eq!(field(over[0], "shutdown"), Some(id));
        assert_eq!(field(over[0], "outcome"), step["outcome"].as_str());
    }
    assert_eq!(events(" step ended ", "flush_telemetry").len(), 1, "also of what comes after the report");
    for line in [" shutting down ", " draining ", " over "] {
        let line = &ended.stdout[ended.line(line)];
        assert_eq!(field(line, "shutdown"), Some(id), "{line}");
    }
}

#[test]
fn all_that_was_said_is_out_before_the_last_hooks() {
    let ended = run(Some("json"), "slow", false);
    let flush = ended.line("flush_telemetry runs");
    for (step, _) in STEPS_WITH_ALERT {
        let line = ended
            .stdout
            .iter()
            .position(|line| line.contains(" step ended ") && field(line, "step") == Some(step));
        assert!(
            line.unwrap_or_else(|| panic!("{step}: {:#?}", ended.stdout)) < flush,
            "{step}: {:#?}",
            ended.stdout
        );
    }
    assert!(ended.line(" over ") < flush, "{:#?}", ended.stdout);
}
