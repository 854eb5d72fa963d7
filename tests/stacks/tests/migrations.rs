//! Each migration's program before and after: on SIGTERM amid their work both do the same.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::time::Instant;

use lifecycle_stacks::child::{Child, Ended, PATIENCE, talkative};
use lifecycle_stacks::clients::curl_running;

const MIGRATION: &str = include_str!("../../../docs/MIGRATION.md");

/// What a person sees of the two, but for the report, which only the second has.
fn both(before: &str, after: &str, run: impl Fn(&str) -> Ended) -> [Vec<String>; 2] {
    [before, after].map(|exe| {
        let ended = run(exe);
        assert_eq!(ended.code, Some(0), "{exe}: {ended:?}");
        ended.stdout.into_iter().filter(|line| !line.starts_with("listening on ")).collect()
    })
}

const TEA_ALONE: [&str; 4] =
    ["the database is open", "tea begins", "tea is written", "the database is closed"];

fn assert_one_is_finished(before: &str, after: &str) {
    let seen = both(before, after, |exe| {
        let mut child = Child::start(talkative(exe, &[]));
        child.wait_for("tea begins");
        terminate(&mut child);
        child.say("go on");
        child.wait(PATIENCE)
    });
    assert_eq!(seen, [TEA_ALONE, TEA_ALONE]);
}

fn assert_two_are_finished(before: &str, after: &str) {
    let [before, after] = both(before, after, |exe| {
        let mut child = Child::start(talkative(exe, &[]));
        child.wait_for("tea begins");
        child.wait_for("milk begins");
        terminate(&mut child);
        child.say("go on");
        child.wait(PATIENCE)
    });
    for mut seen in [before, after] {
        assert_eq!((&*seen[0], &*seen[5]), ("the database is open", "the database is closed"));
        seen.sort();
        let mut wanted = ["milk begins", "milk is written", "tea begins", "tea is written"].to_vec();
        wanted.extend(["the database is closed", "the database is open"]);
        wanted.sort();
        assert_eq!(seen, wanted);
    }
}

/// One of the masks that the kernel shows of a process.
fn mask(child: &Child, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
}

/// SIGTERM, once there is a handler for it, which some of these install in a task; and until the handler has it. What the
/// program does with it no state tells from outside, so nothing here depends on whether it goes on before it has heard.
fn terminate(child: &mut Child) {
    let sigterm = 1 << (libc::SIGTERM - 1);
    let until = Instant::now() + PATIENCE;
    let wait = |child: &mut Child, state: &str, holds: &dyn Fn(&Child) -> bool| {
        while !holds(child) {
            assert!(child.is_running() && Instant::now() < until, "{state}");
            std::thread::yield_now();
        }
    };
    wait(child, "it has a handler of SIGTERM", &|child| mask(child, "SigCgt:") & sigterm != 0);
    child.signal(libc::SIGTERM);
    wait(child, "the handler has the signal", &|child| mask(child, "ShdPnd:") & sigterm == 0);
}

#[test]
fn axum() {
    let seen = both(env!("CARGO_BIN_EXE_axum-before"), env!("CARGO_BIN_EXE_axum-after"), |exe| {
        let mut child = Child::start(talkative(exe, &[]));
        let line = child.wait_for("listening on ");
        let url = format!("http://{}/orders", &line["listening on ".len()..]);
        let client = curl_running(&["--request", "POST", &url]);
        child.wait_for("tea begins");
        terminate(&mut child);
        child.say("go on");
        assert_eq!(client.wait(PATIENCE).stdout, ["written"]);
        child.wait(PATIENCE)
    });
    assert_eq!(seen, [TEA_ALONE, TEA_ALONE]);
}

#[test]
fn task_tracker() {
    assert_two_are_finished(
        env!("CARGO_BIN_EXE_task-tracker-before"),
        env!("CARGO_BIN_EXE_task-tracker-after"),
    );
}

#[test]
fn select() {
    assert_one_is_finished(env!("CARGO_BIN_EXE_select-before"), env!("CARGO_BIN_EXE_select-after"));
}

#[test]
fn tokio_graceful_shutdown() {
    assert_one_is_finished(
        env!("CARGO_BIN_EXE_tokio-graceful-shutdown-before"),
        env!("CARGO_BIN_EXE_tokio-graceful-shutdown-after"),
    );
}

#[test]
fn tokio_graceful() {
    assert_two_are_finished(
        env!("CARGO_BIN_EXE_tokio-graceful-before"),
        env!("CARGO_BIN_EXE_tokio-graceful-after"),
    );
}

#[test]
fn signal_mod() {
    assert_one_is_finished(env!("CARGO_BIN_EXE_signal-mod-before"), env!("CARGO_BIN_EXE_signal-mod-after"));
}

#[test]
fn the_guide_shows_these_programs_as_they_are() {
    let programs = [
        [include_str!("../migrations/axum/before.rs"), include_str!("../migrations/axum/after.rs")],
        [
            include_str!("../migrations/task-tracker/before.rs"),
            include_str!("../migrations/task-tracker/after.rs"),
        ],
        [include_str!("../migrations/select/before.rs"), include_str!("../migrations/select/after.rs")],
        [
            include_str!("../migrations/tokio-graceful-shutdown/before.rs"),
            include_str!("../migrations/tokio-graceful-shutdown/after.rs"),
        ],
        [
            include_str!("../migrations/tokio-graceful/before.rs"),
            include_str!("../migrations/tokio-graceful/after.rs"),
        ],
        [
            include_str!("../migrations/signal-mod/before.rs"),
            include_str!("../migrations/signal-mod/after.rs"),
        ],
    ];
    let blocks: Vec<&str> =
        MIGRATION.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2 * programs.len());
    for (block, program) in blocks.iter().zip(programs.as_flattened()) {
        // Without its first lines, which say what it is and what it uses.
        assert!(program.ends_with(block), "not what migrations/ has:\n{block}");
    }
}
