//! A system that gives no more threads: an error that says so, at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a failure here is the test's failure"
)]

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
fn copy(scratch: &Scratch) -> PathBuf {
    let path = scratch.file("signals");
    fs::copy(env!("CARGO_BIN_EXE_signals"), &path).unwrap();
    for path in [scratch.file(""), path.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    path
}

/// A user of this test's own, since all of a user's threads are counted.
fn user() -> u32 {
    1_000_000 + std::process::id()
}

fn start(program_at: &str, threads: u64) -> Child {
    let mut command = program(program_at, &[]);
    command.env("SCENARIO", "two-workers");
    posix::limit_threads(&mut command, user(), threads);
    Child::start(command)
}

#[test]
fn too_few_threads_is_an_error_and_nothing_is_started() {
    if !posix::is_root() {
        println!("skipped: only root can have a user of its own, whose threads alone are counted");
        return;
    }
    if let Err(error) = Command::new("true").uid(user()).status() {
        println!("skipped: no program can be begun as user {} here: {error}", user());
        return;
    }
    let scratch = Scratch::new("threads");
    let exe = copy(&scratch);
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
