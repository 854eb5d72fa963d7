//! A runtime that is stuck in a process that gets no more threads but the few in `SPARE`.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::sync::mpsc::channel;
use std::thread;

use lifecycle::{Settings, on_shutdown};

#[on_shutdown]
async fn flush() {
    println!("flush");
}

/// Neither has it a thread of its own.
#[on_shutdown(order = 1)]
async fn close() {
    println!("close");
}

fn setup(settings: &mut Settings) {
    settings.worker_threads(1);
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Takes every thread that the system gives, and gives so many back.
fn starve(spare: usize) {
    let mut held = Vec::new();
    loop {
        let (release, wait) = channel::<()>();
        match thread::Builder::new().spawn(move || wait.recv()) {
            Ok(_) => held.push(release),
            Err(_) => break,
        }
    }
    let all = threads();
    held.truncate(held.len() - spare);
    held.into_iter().for_each(std::mem::forget);
    // One that has ended counts until it has gone.
    while threads() > all - spare {
        thread::yield_now();
    }
}

#[lifecycle::main(setup = setup)]
async fn main() {
    let stopping = lifecycle::stopping();
    let (blocked, wait) = channel();
    tokio::spawn(async move {
        blocked.send(()).unwrap();
        loop {
            thread::park();
        }
    });
    wait.recv().unwrap();
    starve(std::env::var("SPARE").unwrap().parse().unwrap());
    println!("starved");
    stopping.await;
}
