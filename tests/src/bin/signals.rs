//! What signals do. `SCENARIO` names what this run shall be; the step `hold` goes on when a line comes on stdin.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::process::{Command, Stdio};
use std::sync::Barrier;

use lifecycle::{Exit, Settings, on_shutdown, signals};

fn scenario() -> String {
    std::env::var("SCENARIO").unwrap_or_default()
}

fn setup(settings: &mut Settings) {
    match &*scenario() {
        "hup" => settings.signals(&[signals::SIGTERM, signals::SIGHUP]),
        "reraise" | "reraise-degraded" | "reraise-asked" => settings.exit(Exit::Reraise),
        "two-workers" => settings.worker_threads(2),
        _ => settings,
    };
}

#[on_shutdown(order = -1)]
async fn deregister() {
    println!("deregister");
}

/// A thread of its own, so that it can wait for the test.
#[on_shutdown(timeout = "20s")]
fn hold() {
    println!("holding");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("released");
}

#[on_shutdown(order = 1)]
async fn close() -> Result<(), &'static str> {
    println!("close");
    if scenario() == "reraise-degraded" { Err("could not close") } else { Ok(()) }
}

#[on_shutdown(order = 2)]
fn children_of_a_step() {
    if scenario() == "children" {
        show_child("sync step");
    }
}

/// Prints what a child process inherits. It is `cat` that reads, so it is its own masks that it shows.
fn show_child(whose: &str) {
    let shown = Command::new("cat").arg("/proc/self/status").stderr(Stdio::inherit()).output().unwrap();
    for line in String::from_utf8(shown.stdout).unwrap().lines().filter(|line| line.starts_with("Sig")) {
        println!("{whose} {line}");
    }
}

fn raise(signal: i32) {
    #[expect(unsafe_code, reason = "std cannot send signals")]
    // SAFETY: the process sends to itself.
    let sent = unsafe { libc::kill(libc::getpid(), signal) };
    assert_eq!(sent, 0);
}

/// Three reasons at once; this function's end is the third.
fn all_at_once() {
    let barrier = Barrier::new(3);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            drop(lifecycle::shutdown("asked"));
        });
        scope.spawn(|| {
            barrier.wait();
            raise(libc::SIGTERM);
        });
        barrier.wait();
    });
}

#[lifecycle::main(grace = "20s", drain = "5s", setup = setup)]
async fn main() {
    match &*scenario() {
        "race" => return all_at_once(),
        "asked" | "reraise-asked" => {
            lifecycle::shutdown("asked").await;
        }
        "children" => {
            show_child("main");
            tokio::spawn(async { show_child("worker") }).await.unwrap();
        }
        _ => {}
    }
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
    println!("stopping");
}
