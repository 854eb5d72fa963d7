//! A system that gives no more threads: an error that says so, at once.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lifecycle_tests::child::{Child, program};
use lifecycle_tests::posix::{self, Scratch};

/// Four threads of the library's own before the runtime's two.
const OURS: u64 = 4;
const WORKERS: u64 = 2;

/// The program where a user that is nobody can run it.
fn copy(exe: &str, scratch: &Scratch) -> PathBuf {
    let path = scratch.file("program");
    // Written by another process: a program that the other test starts meanwhile would inherit the open file, and one
    // that is open for writing cannot be run.
    assert!(Command::new("cp").arg(exe).arg(&path).status().unwrap().success());
    for path in [scratch.file(""), path.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    path
}

/// A user of each test's own, since all of a user's threads are counted.
fn user(test: u32) -> u32 {
    1_000_000 + 3 * std::process::id() + test
}

/// Why a user's threads cannot be limited here.
fn cannot_limit(user: u32) -> Option<String> {
    if !posix::is_root() {
        return Some("only root can have a user of its own, whose threads alone are counted".to_owned());
    }
    let status = Command::new("true").uid(user).status();
    status.err().map(|error| format!("no program can be begun as user {user} here: {error}"))
}

fn start(program_at: &str, threads: u64) -> Child {
    let mut command = program(program_at, &[]);
    command.env("SCENARIO", "two-workers");
    posix::limit_threads(&mut command, user(0), threads);
    Child::start(command)
}

#[test]
fn too_few_threads_is_an_error_and_nothing_is_started() {
    if let Some(why) = cannot_limit(user(0)) {
        println!("skipped: {why}");
        return;
    }
    let scratch = Scratch::new("threads");
    let exe = copy(env!("CARGO_BIN_EXE_signals"), &scratch);
    let exe = exe.to_str().unwrap();
    // The first thread is the program's own.
    for threads in 1..1 + OURS + WORKERS {
        let child = start(exe, threads);
        let ended = child.wait(Duration::from_secs(10));
        assert_eq!(ended.code, Some(1), "{threads}: {:#?}", ended.stderr);
        assert_eq!(ended.stderr[0], "lifecycle: nothing was started:", "{threads}");
        let why = &ended.stderr[1];
        let said = match threads {
            1..OURS => "  - the system gives no more threads: Resource temporarily unavailable",
            OURS => "  - the signals cannot be caught: Resource temporarily unavailable",
            _ => {
                "  - the runtime cannot be built: OS can't spawn worker thread: Resource temporarily unavailable"
            }
        };
        assert!(why.starts_with(said), "{threads}: {why}");
        assert!(ended.stdout.is_empty(), "{:#?}", ended.stdout);
    }
    // The control, with enough for the step that is sync and for threads that have ended but not yet gone.
    let child = start(exe, 1 + OURS + WORKERS + 4);
    child.wait_for("serving");
    child.terminate().assert(
        0,
        &[
            ("deregister", "done"),
            ("Requests", "done"),
            ("hold", "done"),
            ("close", "done"),
            ("children_of_a_step", "done"),
        ],
    );
    // And without it, which is that step's failure alone.
    let child = start(exe, 1 + OURS + WORKERS);
    child.wait_for("serving");
    child.terminate().assert(
        1,
        &[
            ("deregister", "done"),
            ("Requests", "done"),
            ("hold", "failed"),
            ("close", "done"),
            ("children_of_a_step", "failed"),
        ],
    );
}

#[test]
fn without_a_thread_for_the_rescue_it_is_the_steps_failure() {
    if let Some(why) = cannot_limit(user(1)) {
        println!("skipped: {why}");
        return;
    }
    let scratch = Scratch::new("starved");
    let exe = copy(env!("CARGO_BIN_EXE_starved"), &scratch);
    let run = |spare: usize| {
        let mut command = program(exe.to_str().unwrap(), &[]);
        command.env("SPARE", spare.to_string());
        posix::limit_threads(&mut command, user(1), 30);
        let child = Child::start(command);
        child.wait_for("starved");
        child.terminate()
    };
    for spare in 0..4 {
        let ended = run(spare);
        ended.assert(1, &[("Requests", "done"), ("flush", "failed"), ("close", "failed")]);
        for step in ["flush", "close"] {
            let why = ended.step(step)["error"].as_str().unwrap().to_owned();
            let said =
                "the service's runtime is stuck, and there is no other: the system gives no more threads: ";
            assert!(why.starts_with(said), "{spare}: {why}");
        }
        assert!(!ended.stderr.iter().any(|line| line.contains("panicked")), "{spare}: {:#?}", ended.stderr);
    }
    let ended = run(9);
    ended.assert(0, &[("Requests", "done"), ("flush", "done"), ("close", "done")]);
    assert_eq!(ended.step("flush")["rescued"], true);
}

#[test]
fn an_order_of_many_sync_calls_gets_by_with_the_threads_that_there_are() {
    if let Some(why) = cannot_limit(user(2)) {
        println!("skipped: {why}");
        return;
    }
    let scratch = Scratch::new("crowd");
    let exe = copy(env!("CARGO_BIN_EXE_crowd"), &scratch);
    let mut command = program(exe.to_str().unwrap(), &[]);
    // One call runs at a time, two where one that has ended is gone quickly: each of the others waits for one.
    posix::limit_threads(&mut command, user(2), 1 + OURS + WORKERS + 2);
    let child = Child::start(command);
    child.wait_for("serving");
    let ended = child.terminate();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    let report = ended.report();
    let steps = report["steps"].as_array().unwrap();
    let done = steps.iter().filter(|step| step["kind"] == "shutdown" && step["outcome"] == "done");
    assert_eq!(done.count(), 600);
}
