//! How a `#[lifecycle::test]` fails: each such test here is ignored, and run by an ordinary one that looks at what it
//! says.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lifecycle::{Hook, Settings, Take, on_shutdown, on_start, testing};

#[derive(Debug)]
struct Db;
#[derive(Debug)]
struct Cache;

#[on_start]
async fn open() -> (Db, Cache) {
    (Db, Cache)
}

#[on_shutdown]
async fn close(_: Take<Db>) {}

/// This binary again, for one test, as a person would run it.
fn run_with(name: &str, others: &[&str]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored"]).args(others);
    command.env("RUST_BACKTRACE", "0").output().unwrap()
}

#[track_caller]
fn fails(name: &str) -> String {
    let output = run_with(name, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("0 passed; 1 failed"), "{text}");
    assert_eq!(output.status.code(), Some(101), "{text}");
    text
}

#[track_caller]
fn says(text: &str, what: &str) {
    assert!(text.contains(what), "{what:?} is missing in:\n{text}");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn panics() {
    println!("said on stdout");
    eprintln!("said on stderr");
    assert_eq!(1, 2, "no such sum");
}

#[test]
fn a_panic_is_shown_with_what_was_printed() {
    let text = fails("panics");
    says(&text, "said on stdout\n");
    says(&text, "said on stderr\n");
    says(&text, "no such sum");
    says(&text, "testing_failures.rs:");
    assert_eq!(text.matches("no such sum").count(), 1, "it is said once:\n{text}");
    assert_eq!(text.matches("running 1 test").count(), 1, "its own harness says nothing:\n{text}");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn returns_an_error() -> Result<(), std::num::ParseIntError> {
    "x".parse::<u8>().map(drop)
}

#[test]
fn an_error_is_shown() {
    says(&fails("returns_an_error"), "Error: ParseIntError { kind: InvalidDigit }");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn leaves_a_step_that_fails() {
    println!("not shown of a test that passes");
    lifecycle::register(Hook::on_shutdown("flush", || async { Err::<(), _>("disk full") }));
}

#[test]
fn a_degraded_shutdown_fails_the_test_and_is_shown_as_a_table() {
    let text = fails("leaves_a_step_that_fails");
    says(&text, "the shutdown after the test was degraded:\nshutdown: the service ended");
    says(&text, "disk full");
    says(&text, "\n  close     done ");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn looks_at_the_report_itself() {
    println!("not shown of a test that passes");
    lifecycle::register(Hook::on_shutdown("flush", || async { Err::<(), _>("disk full") }));
    assert_eq!(lifecycle::shutdown("to see it").await.exit_code, 1);
}

#[test]
fn one_that_the_test_has_seen_does_not() {
    let output = run_with("looks_at_the_report_itself", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    says(&text, "1 passed");
    assert!(!text.contains("not shown"), "{text}");
}

#[test]
fn asked_for_all_output_it_shows_that_of_a_test_that_passes() {
    for threads in ["--test-threads=1", "--test-threads=2"] {
        let output = run_with("looks_at_the_report_itself", &["--nocapture", threads]);
        says(&String::from_utf8(output.stdout).unwrap(), "not shown of a test that passes\n");
    }
}

fn fails_to_start(_: &mut Settings) {
    lifecycle::register(Hook::on_start("probe", || async { Err::<(), _>("unreachable host") }));
}

#[lifecycle::test(setup = fails_to_start)]
#[ignore = "run by another test"]
async fn never_begins() {
    println!("the body");
}

#[test]
fn a_start_that_fails_is_shown() {
    let text = fails("never_begins");
    says(&text, "the start failed, so the test's body was not run:");
    says(&text, "unreachable host");
    assert!(!text.contains("the body\n"), "{text}");
}

fn waits_for_a_thread(_: &mut Settings) {
    lifecycle::register(Hook::on_start("connect", || async {
        let (done, wait) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            done.send(()).ok();
        });
        wait.await.map_err(|error| error.to_string())
    }));
}

#[lifecycle::test(setup = waits_for_a_thread)]
#[ignore = "run by another test"]
async fn waits_for_a_thread_on_the_paused_clock() {}

#[test]
fn what_the_paused_clock_runs_away_from_is_told_what_to_do() {
    let text = fails("waits_for_a_thread_on_the_paused_clock");
    says(&text, "  connect   timed out");
    says(&text, "write #[lifecycle::test(clock = real)]");
}

#[lifecycle::test(setup = waits_for_a_thread, clock = real)]
async fn on_the_real_clock_it_has_its_time() {
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(began.elapsed() >= Duration::from_millis(20));
}

fn half_a_fake(_: &mut Settings) {
    testing::provide(Db);
}

#[lifecycle::test(setup = half_a_fake)]
#[ignore = "run by another test"]
async fn fakes_half_of_a_step(_: &Db) {}

#[test]
fn what_replaces_half_of_a_step_is_refused() {
    let text = fails("fakes_half_of_a_step");
    says(&text, "nothing was started:\n  - the test provides ");
    says(&text, "Db in place of `open` (tests/tests/testing_failures.rs:");
    says(&text, "Cache as well: provide that too");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn provides_too_late() {
    testing::provide(Db);
}

#[test]
fn a_fake_that_comes_too_late_is_refused() {
    says(&fails("provides_too_late"), "belongs into the `setup` of a #[lifecycle::test]");
}

#[lifecycle::test(timeout = "10s")]
#[ignore = "run by another test"]
async fn blocks_for_ever() {
    println!("still alive");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_test_that_hangs_is_ended_and_names_what_runs() {
    let began = Instant::now();
    let text = fails("blocks_for_ever");
    says(&text, "the test had not ended after 10s of real time; still running: the test's body");
    says(&text, "still alive");
    assert!(began.elapsed() < Duration::from_secs(300));
}

#[lifecycle::test(timeout = "10s")]
#[ignore = "run by another test"]
async fn has_a_step_that_blocks_for_ever() {
    lifecycle::register(Hook::on_shutdown("stuck", || async {
        std::thread::sleep(Duration::from_secs(600))
    }));
}

#[test]
fn a_step_that_hangs_is_named() {
    says(&fails("has_a_step_that_blocks_for_ever"), "still running: close, waits, stuck");
}

static WAITS: Mutex<Option<Receiver<()>>> = Mutex::new(None);

#[on_shutdown]
fn waits() {
    let waits = WAITS.lock().unwrap().take();
    if let Some(waits) = waits {
        waits.recv().unwrap();
    }
}

#[lifecycle::test(timeout = "10s")]
#[ignore = "run by another test"]
async fn has_a_sync_step_that_waits_for_the_body() {
    let (go_on, waits) = channel();
    *WAITS.lock().unwrap() = Some(waits);
    lifecycle::shutdown("to see it wait").await;
    go_on.send(()).unwrap();
}

#[test]
fn a_sync_step_that_hangs_is_named_with_what_waits_for_it() {
    says(
        &fails("has_a_sync_step_that_waits_for_the_body"),
        "the test had not ended after 10s of real time; still running: the test's body, waits, the sync call of waits \
         (until it returns, the body and other sync calls wait)",
    );
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn leaves_the_process() {
    std::process::exit(0);
}

#[test]
fn a_process_that_ends_before_its_test_is_no_success() {
    let text = fails("leaves_the_process");
    says(&text, "the test's process ended before the test did: exit status: 0; running: the test's body");
}

#[lifecycle::test]
#[ignore = "run by another test"]
async fn leaves_a_process_behind() {
    Command::new("sh").args(["-c", "sleep 600 & echo left $!"]).status().unwrap();
    panic!("to be shown");
}

#[test]
fn a_process_that_is_left_behind_holds_nobody_up() {
    let began = Instant::now();
    let text = fails("leaves_a_process_behind");
    let id = text.lines().find_map(|line| line.strip_prefix("left ")).unwrap().to_owned();
    Command::new("kill").arg(id).status().unwrap();
    assert!(began.elapsed() < Duration::from_secs(50));
}
