//! A service whose streams may be anything. It says what happens in the file `LOG`, and emits to the subscriber that
//! `SUBSCRIBER` names.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::time::Duration;

use lifecycle::{Report, on_shutdown, on_start, tracked};

fn log(line: &str) {
    let Ok(file) = std::env::var("LOG") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    // One write, so that the reader sees whole lines.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A subscriber's way out that takes its time.
struct Slow;

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(8));
        io::stdout().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn setup(_: &mut lifecycle::Settings) {
    let subscriber = tracing_subscriber::fmt().with_ansi(false);
    match std::env::var("SUBSCRIBER").as_deref() {
        Ok("stdout") => subscriber.with_writer(io::stdout).init(),
        Ok("stderr") => subscriber.with_writer(io::stderr).init(),
        Ok("slow") => subscriber.with_writer(|| Slow).init(),
        _ => {}
    }
}

struct Db;

#[on_start]
async fn open_db() -> Db {
    Db
}

#[on_shutdown(order = -1)]
async fn deregister() {
    log("deregister");
}

#[on_shutdown]
async fn close_db(_: &Db) {
    log("close_db");
}

#[on_shutdown(order = 1)]
fn close_files() -> Result<(), &'static str> {
    log("close_files");
    match std::env::var_os("FAIL") {
        Some(_) => Err("read-only"),
        None => Ok(()),
    }
}

#[on_shutdown(last)]
fn alert(report: &Report) {
    log(&format!("report {}", report.to_json()));
}

#[on_shutdown(last)]
fn flush_telemetry() -> Result<(), &'static str> {
    if std::env::var("SUBSCRIBER").as_deref() == Ok("slow") {
        println!("flush_telemetry runs");
    }
    log("flush_telemetry");
    match std::env::var_os("FAIL_LAST") {
        Some(_) => Err("the collector is gone"),
        None => Ok(()),
    }
}

#[tracked(reject = ())]
async fn call() {}

#[lifecycle::main(grace = "5s", drain = "2s", setup = setup)]
async fn main() {
    call().await;
    log("serving");
    lifecycle::stopping().await;
}
