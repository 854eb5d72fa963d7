//! Every row of the exit table, each of its reasons, also as PID 1.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use lifecycle_tests::posix;

const EXITS: &str = env!("CARGO_BIN_EXE_exits");

fn command(scenario: &str) -> Command {
    let mut command = program(EXITS, &[]);
    command.env("SCENARIO", scenario);
    command
}

/// The steps when all goes well but for those given.
fn steps(but: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut steps = vec![
        ("booted", "done"),
        ("Requests", "done"),
        ("unlucky", "done"),
        ("after", "done"),
        ("needs_late", "done"),
        ("slow", "done"),
        ("end", "done"),
    ];
    for (name, outcome) in but {
        steps.iter_mut().find(|step| step.0 == *name).unwrap().1 = outcome;
    }
    steps
}

fn served(scenario: &str) -> Ended {
    let child = Child::start(command(scenario));
    child.wait_for("serving");
    child.terminate()
}

#[test]
fn code_0_after_a_signal_and_after_the_service_s_end() {
    let ended = served("");
    ended.assert(0, &steps(&[]));
    assert_eq!(ended.report()["service"], "ended");
    let ended = Child::start(command("ended")).wait(PATIENCE);
    ended.assert(0, &steps(&[]));
    assert_eq!(ended.report()["reason"], "service_ended");
}

#[test]
fn code_1_for_a_step() {
    for (outcome, error) in [
        ("failed", "disk full"),
        ("panicked", "disk gone"),
        ("partial", "1 of 2 items failed"),
        ("timed out", ""),
        ("abandoned", ""),
    ] {
        let ended = served(outcome);
        ended.assert(1, &steps(&[("unlucky", outcome)]));
        assert_eq!(ended.step("unlucky")["error"].as_str().unwrap_or_default(), error);
        ended.line("end");
    }
}

#[test]
fn code_1_for_a_missing_resource() {
    let ended = served("missing");
    ended.assert(1, &steps(&[("needs_late", "missing")]));
    assert_eq!(ended.step("needs_late")["error"], "no Late was provided");
    ended.line("after false");
}

#[test]
fn code_1_for_what_was_not_reached() {
    let ended = served("not reached");
    ended.assert(1, &steps(&[("slow", "cut off"), ("end", "not reached")]));
    assert!(ended.took < Duration::from_millis(1300), "by the deadline: {:?}", ended.took);
}

#[test]
fn code_1_for_calls_and_a_service_that_were_cut_off() {
    let child = Child::start(command("cut off"));
    child.wait_for("call");
    let ended = child.terminate();
    ended.assert(1, &steps(&[("Requests", "cut off")]));
    assert_eq!(ended.report()["calls"]["cut_off"][0]["name"], "call");

    let ended = served("service cut off");
    ended.assert(1, &steps(&[("Requests", "cut off")]));
    assert_eq!(ended.report()["service"], "cut_off");
}

#[test]
fn code_1_for_a_service_that_failed() {
    let ended = Child::start(command("service failed")).wait(PATIENCE);
    ended.assert(1, &steps(&[]));
    assert_eq!(ended.report()["reason"], "service_failed");
    assert_eq!(ended.stderr[0], "Error: \"port taken\"", "as plain Rust prints it");

    let ended = Child::start(command("service panicked")).wait(PATIENCE);
    ended.assert(1, &steps(&[]));
    assert_eq!(ended.report()["service"]["failed"]["error"], "it panicked: port gone");
}

/// 78, these words on stderr, and nothing was started.
fn assert_invalid(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(78), "{:#?}", ended.stderr);
    let text = ended.stderr.join("\n");
    for words in words {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let errors = ended.stderr.iter().filter(|line| line.starts_with("  - ")).count();
    assert_eq!(errors, words.len(), "each of them, and nothing else: {text}");
    for started in ["booted", "serving", "end"] {
        assert!(!ended.stdout.iter().any(|line| line == started), "{:#?}", ended.stdout);
    }
}

#[test]
fn code_78_for_the_environment_all_faults_at_once() {
    let ended = Child::start({
        let mut command = command("");
        command.env("LIFECYCLE_GRACE", "25");
        command
    })
    .wait(PATIENCE);
    assert_invalid(&ended, &["LIFECYCLE_GRACE=25: 25 has no unit: write 25s or 25ms"]);

    let ended = Child::start({
        let mut command = command("");
        command.env("LIFECYCLE_GRACE", "soon").env("LIFECYCLE_DRAIN", "Never");
        command.env("LIFECYCLE_LAMEDUCK", "never").env("LIFECYCLE_REPORT", "yaml");
        command
    })
    .wait(PATIENCE);
    assert_invalid(
        &ended,
        &[
            "LIFECYCLE_GRACE=soon",
            "LIFECYCLE_DRAIN=Never: write never in small letters",
            "LIFECYCLE_LAMEDUCK=never",
            "LIFECYCLE_REPORT=yaml: write table, json or off",
        ],
    );
}

#[test]
fn code_78_for_settings_that_cannot_be() {
    let ended = Child::start(command("bad settings")).wait(PATIENCE);
    assert_invalid(
        &ended,
        &["lameduck =", "signals contains SIGKILL (from setup)", "worker_threads = 0 (from setup)"],
    );
}

#[test]
fn code_78_for_a_setup_that_fails() {
    let ended = Child::start(command("setup error")).wait(PATIENCE);
    assert_invalid(&ended, &["setup failed: no config file"]);
    let ended = Child::start(command("setup panic")).wait(PATIENCE);
    assert_invalid(&ended, &["setup failed: it panicked: config file with a hole"]);
}

fn invalid(keep: &str) -> Ended {
    let mut command = program(env!("CARGO_BIN_EXE_invalid"), &[]);
    command.env("KEEP", keep);
    Child::start(command).wait(PATIENCE)
}

const NOBODY: &str = "no Nobody was provided. Return one from setup or from an #[on_start] function";
const TAKES: &str = "`close_pool` (tests/src/bin/invalid.rs:";
const ORDER: &str = "`uses_early` (tests/src/bin/invalid.rs:";

#[test]
fn code_78_for_a_plan_that_cannot_be_all_faults_at_once() {
    assert_invalid(&invalid("nobody"), &[NOBODY]);
    assert_invalid(&invalid("takes"), &[TAKES]);
    assert_invalid(&invalid("order"), &[ORDER]);
    assert_invalid(&invalid("budget"), &["drain_pool 40s"]);
    assert_invalid(&invalid("nobody, takes, order"), &[NOBODY, TAKES, ORDER]);
}

#[test]
fn the_same_plan_without_its_faults_is_the_control() {
    let mut command = program(env!("CARGO_BIN_EXE_invalid"), &[]);
    command.env("KEEP", "").env("LIFECYCLE_DRAIN", "1s");
    Child::start(command).wait(PATIENCE).assert_any_order(
        0,
        &[
            ("booted", "done"),
            ("needs_nobody", "off"),
            ("open_pool", "done"),
            ("uses_pool", "done"),
            ("early", "done"),
            ("uses_early", "off"),
            ("Requests", "done"),
            ("drain_pool", "done"),
            ("close_pool", "off"),
        ],
    );
}

#[test]
fn code_78_for_a_second_run_which_disturbs_the_first_in_nothing() {
    let ended = Child::start(command("second run")).wait(PATIENCE);
    ended.assert(0, &steps(&[]));
    let line = &ended.stdout[ended.line("second run:")];
    assert!(line.starts_with("second run: 78 [\"a lifecycle runs in this process already"), "{line}");
    assert_eq!(ended.stdout.iter().filter(|line| *line == "booted").count(), 1);
}

#[test]
fn code_124_when_the_main_thread_does_not_let_go() {
    for scenario in ["blocked main", "blocked for ever"] {
        let ended = served(scenario);
        assert_eq!(ended.code, Some(124), "{:#?}", ended.stderr);
        assert!(ended.took >= Duration::from_millis(1150), "not before the deadline: {:?}", ended.took);
        assert!(ended.took < Duration::from_millis(2500), "by the deadline and a margin: {:?}", ended.took);
        assert_eq!(posix::steps(&ended), posix::named(&steps(&[("Requests", "cut off")])));
        assert_eq!(ended.report()["service"], "abandoned");
        let last = ended.stderr.last().unwrap();
        assert_eq!(
            last,
            "lifecycle: 1s 200ms have passed, the watchdog ends the process, exit 124; still running: no step, \
             but the thread of `main` is stuck"
        );
    }
}

/// The command as PID 1 of a namespace of its own, unless the system does not permit that.
fn as_pid_1(scenario: &str) -> Option<Command> {
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let permitted = Command::new("unshare").args(unshare).arg("true").output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        println!("skipped: `unshare --pid --fork --mount-proc` is not permitted here");
        return None;
    }
    let mut command = program("unshare", &unshare);
    command.arg(EXITS).env("SCENARIO", scenario);
    // The signals of the test are for PID 1, not for the one outside.
    command.process_group(0);
    Some(command)
}

#[test]
fn as_pid_1_it_ends_in_order_with_0() {
    let Some(command) = as_pid_1("") else { return };
    let child = Child::start(command);
    child.wait_for("serving");
    posix::send(posix::child_of(child.pid()), libc::SIGTERM);
    child.wait(PATIENCE).assert(0, &steps(&[]));
}

#[test]
fn as_pid_1_reraise_exits_with_128_and_the_signal() {
    let Some(command) = as_pid_1("reraise") else { return };
    let child = Child::start(command);
    child.wait_for("serving");
    posix::send(posix::child_of(child.pid()), libc::SIGTERM);
    let ended = child.wait(PATIENCE);
    // PID 1 survives its own default action.
    assert_eq!((ended.code, ended.signal), (Some(128 + libc::SIGTERM), None), "{:#?}", ended.stderr);
    assert_eq!(posix::steps(&ended), posix::named(&steps(&[])));
}

#[test]
fn as_pid_1_the_watchdog_ends_it_too() {
    let Some(command) = as_pid_1("blocked for ever") else { return };
    let child = Child::start(command);
    child.wait_for("serving");
    posix::send(posix::child_of(child.pid()), libc::SIGTERM);
    let ended = child.wait(PATIENCE);
    assert_eq!(ended.code, Some(124), "{:#?}", ended.stderr);
    assert_eq!(posix::steps(&ended), posix::named(&steps(&[("Requests", "cut off")])));
}
