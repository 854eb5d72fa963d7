//! Which signal does what, and what a process inherits and passes on.

use std::process::Command;
use std::time::{Duration, Instant};

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};
use lifecycle_tests::posix::{self, Leash};

const EXE: &str = env!("CARGO_BIN_EXE_signals");
const STEPS: &[(&str, &str)] = &[
    ("deregister", "done"),
    ("Requests", "done"),
    ("hold", "done"),
    ("close", "done"),
    ("children_of_a_step", "done"),
];
/// What the debounce of a second signal is, and a little more.
const DEBOUNCE: Duration = Duration::from_millis(650);
/// A forced end takes 100 ms at most; the rest is the machine's.
const AT_ONCE: Duration = Duration::from_secs(2);

fn command(scenario: &str) -> Command {
    let mut command = program(EXE, &[]);
    command.env("SCENARIO", scenario);
    command
}

fn serving(command: Command) -> Child {
    let child = Child::start(command);
    child.wait_for("serving");
    child
}

fn signal_of(ended: &Ended) -> i64 {
    ended.report()["reason"]["signal"].as_i64().unwrap_or_else(|| panic!("{:#}", ended.report()["reason"]))
}

fn count(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

/// Every step had its turn once, and there is one report.
fn assert_one_shutdown(ended: &Ended) {
    for step in ["deregister", "holding", "close"] {
        assert_eq!(count(&ended.stdout, step), 1, "{step}: {:#?}", ended.stdout);
    }
    assert_eq!(count(&ended.stderr, "\"steps\""), 1, "{:#?}", ended.stderr);
}

#[test]
fn sigterm_and_sigint_end_it_in_order_with_0() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let child = serving(command(""));
        child.signal(signal);
        let ended = child.wait(PATIENCE);
        ended.assert(0, STEPS);
        assert_eq!(signal_of(&ended), i64::from(signal));
        assert_one_shutdown(&ended);
    }
}

#[test]
fn of_three_reasons_at_once_one_starts_the_one_shutdown() {
    let mut reasons = Vec::new();
    for _ in 0..8 {
        let ended = Child::start(command("race")).wait(PATIENCE);
        ended.assert(0, STEPS);
        assert_one_shutdown(&ended);
        reasons.push(ended.report()["reason"].to_string());
    }
    let known = |reason: &String| {
        ["\"service_ended\"", r#"{"requested":"asked"}"#, r#"{"signal":15}"#].contains(&&**reason)
    };
    assert!(reasons.iter().all(known), "{reasons:?}");
}

/// Repeats `scene` until it was quick enough to lie within the debounce.
fn within_the_debounce(mut scene: impl FnMut() -> (Duration, Ended)) -> Ended {
    for _ in 0..20 {
        let (took, ended) = scene();
        if took < Duration::from_millis(400) {
            return ended;
        }
    }
    panic!("the machine is too slow for a debounce of 500 ms");
}

#[test]
fn fifty_sigterms_in_a_row_start_one_shutdown_and_force_nothing() {
    let ended = within_the_debounce(|| {
        let mut command = command("");
        let mut leash = Leash::on(&mut command);
        let child = serving(command);
        let began = Instant::now();
        for _ in 0..50 {
            child.signal(libc::SIGTERM);
            // Let some of them arrive one by one.
            std::thread::yield_now();
        }
        child.wait_for("holding");
        child.signal(libc::SIGTERM);
        let took = began.elapsed();
        leash.let_go();
        (took, child.wait(PATIENCE))
    });
    ended.assert(0, STEPS);
    assert_eq!(signal_of(&ended), 15);
    assert_one_shutdown(&ended);
}

#[test]
fn a_double_ctrl_c_does_not_force() {
    // Nor does another signal so soon after the first, which stays the reason.
    for second in [libc::SIGINT, libc::SIGTERM] {
        let ended = within_the_debounce(|| {
            let mut command = command("");
            let mut leash = Leash::on(&mut command);
            let child = serving(command);
            let began = Instant::now();
            child.signal(libc::SIGINT);
            child.wait_for("holding");
            child.signal(second);
            let took = began.elapsed();
            leash.let_go();
            (took, child.wait(PATIENCE))
        });
        ended.assert(0, STEPS);
        assert_eq!(signal_of(&ended), 2);
        assert_one_shutdown(&ended);
    }
}

#[test]
fn a_second_signal_after_the_debounce_ends_it_at_once() {
    for (second, name) in [(libc::SIGTERM, "SIGTERM"), (libc::SIGINT, "SIGINT")] {
        let mut command = command("");
        let _leash = Leash::on(&mut command);
        let child = serving(command);
        child.signal(libc::SIGTERM);
        child.wait_for("holding");
        // What is tested is a time: nothing but its passing makes the next signal a second one.
        std::thread::sleep(DEBOUNCE);
        child.signal(second);
        let ended = child.wait(AT_ONCE);
        assert_eq!((ended.code, ended.signal), (Some(128 + second), None));
        let line = format!("lifecycle: a second {name}: leaving at once, exit {}", 128 + second);
        assert_eq!(ended.stderr, [line], "and there is no report");
        assert_eq!(count(&ended.stdout, "close"), 0);
    }
}

#[test]
fn a_second_signal_is_heard_with_stderr_a_full_pipe() {
    let mut command = command("");
    let _leash = Leash::on(&mut command);
    let (_reader, writer) = posix::full_pipe();
    let child = Child::start_with(command, std::process::Stdio::piped(), writer.into());
    child.wait_for("serving");
    child.signal(libc::SIGTERM);
    child.wait_for("holding");
    std::thread::sleep(DEBOUNCE);
    child.signal(libc::SIGTERM);
    assert_eq!(child.wait(AT_ONCE).code, Some(143));
}

#[test]
fn after_a_shutdown_that_began_by_itself_the_first_signal_is_not_a_second() {
    let mut command = command("asked");
    let mut leash = Leash::on(&mut command);
    let child = Child::start(command);
    child.wait_for("holding");
    std::thread::sleep(DEBOUNCE);
    child.signal(libc::SIGTERM);
    leash.let_go();
    let ended = child.wait(PATIENCE);
    ended.assert(0, STEPS);
    assert_eq!(ended.report()["reason"]["requested"], "asked");
    assert_one_shutdown(&ended);
}

#[test]
fn but_the_one_after_it_is() {
    let mut command = command("asked");
    let _leash = Leash::on(&mut command);
    let child = Child::start(command);
    child.wait_for("holding");
    child.signal(libc::SIGTERM);
    std::thread::sleep(DEBOUNCE);
    child.signal(libc::SIGINT);
    let ended = child.wait(AT_ONCE);
    assert_eq!(ended.code, Some(130), "{:#?}", ended.stderr);
}

#[test]
fn signals_says_which_begin_the_shutdown() {
    let child = serving(command("hup"));
    child.signal(libc::SIGHUP);
    let ended = child.wait(PATIENCE);
    ended.assert(0, STEPS);
    assert_eq!(signal_of(&ended), 1);

    // And SIGINT is not one of them there, SIGHUP not one of the default.
    for (scenario, signal) in [("hup", libc::SIGINT), ("", libc::SIGHUP)] {
        let child = serving(command(scenario));
        child.signal(signal);
        let ended = child.wait(PATIENCE);
        assert_eq!((ended.code, ended.signal), (None, Some(signal)), "{scenario}");
        assert_eq!(count(&ended.stdout, "deregister"), 0);
    }
}

#[test]
fn nohup_is_respected() {
    for scenario in ["", "hup"] {
        let mut command = command(scenario);
        posix::ignore(&mut command, libc::SIGHUP);
        let child = serving(command);
        child.signal(libc::SIGHUP);
        let ended = child.terminate();
        ended.assert(0, STEPS);
        assert_eq!(signal_of(&ended), 15, "the hangup did nothing");
    }
}

#[test]
fn an_inherited_mask_cannot_hide_the_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut command = command("");
        posix::block(&mut command, &[libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1]);
        let child = serving(command);
        child.signal(signal);
        let ended = child.wait(PATIENCE);
        ended.assert(0, STEPS);
        assert_eq!(signal_of(&ended), i64::from(signal));
    }
}

#[test]
fn children_keep_the_mask_and_have_default_handlers() {
    let bit = |signal: i32| 1_u64 << (signal - 1);
    for inherited in [&[][..], &[libc::SIGTERM, libc::SIGUSR1]] {
        let mut command = command("children");
        posix::block(&mut command, inherited);
        posix::ignore(&mut command, libc::SIGHUP);
        let ended = serving(command).terminate();
        ended.assert(0, STEPS);
        let mask = inherited.iter().map(|signal| bit(*signal)).fold(0, |mask, bit| mask | bit);
        for whose in ["main", "worker", "sync step"] {
            let value = |field: &str| {
                let line = &ended.stdout[ended.line(&format!("{whose} {field}:"))];
                u64::from_str_radix(line.rsplit('\t').next().unwrap(), 16).unwrap()
            };
            assert_eq!(value("SigBlk"), mask, "{whose}: {:#?}", ended.stdout);
            let ours = bit(libc::SIGTERM) | bit(libc::SIGINT);
            assert_eq!(value("SigCgt") & ours, 0, "{whose}: {:#?}", ended.stdout);
            assert_eq!(value("SigIgn") & ours, 0, "{whose}: {:#?}", ended.stdout);
            assert_eq!(value("SigIgn") & bit(libc::SIGHUP), bit(libc::SIGHUP), "nohup passes on");
        }
    }
}

#[test]
fn reraise_dies_by_the_signal_if_all_went_well() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let child = serving(command("reraise"));
        child.signal(signal);
        let ended = child.wait(PATIENCE);
        assert_eq!((ended.code, ended.signal), (None, Some(signal)));
        assert_eq!(posix::steps(&ended), posix::named(STEPS));
        assert_eq!(ended.report()["exit_code"], 0);
    }
    let asked = Child::start(command("reraise-asked")).wait(PATIENCE);
    asked.assert(0, STEPS);
}

#[test]
fn reraise_exits_1_if_not() {
    let ended = serving(command("reraise-degraded")).terminate();
    ended.assert(
        1,
        &[
            ("deregister", "done"),
            ("Requests", "done"),
            ("hold", "done"),
            ("close", "failed"),
            ("children_of_a_step", "done"),
        ],
    );
    assert_eq!(ended.signal, None);
}
