//! Every span reaches a collector that nobody here wrote the messages of; and without the flush they do not.
//! `.ci/otel` gives the test a Python that has them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

const ORDERS: usize = 500;

/// A process that is killed with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Errors: it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The orders whose spans have arrived once the service has ended, and its exit code.
fn arrived(python: &str, without_flush: bool) -> (BTreeSet<String>, Option<i32>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collector.py");
    let collector = Command::new(python).arg(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut collector = Killed(collector);
    let mut said = BufReader::new(collector.0.stdout.take().unwrap()).lines();
    let port = said.next().unwrap().unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_otel"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}"));
    // No batch leaves by itself while the test runs.
    command.env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    if without_flush {
        command.env("WITHOUT_FLUSH", "1");
    }
    let service =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut service = Killed(service);
    let mut orders = service.0.stdin.take().unwrap();
    for order in 0..ORDERS {
        writeln!(orders, "{order}").unwrap();
    }
    let placed = format!("{ORDERS} placed");
    let lines = BufReader::new(service.0.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == placed));
    // SAFETY: `kill` takes any numbers; the child has not been awaited, so its pid is still its own.
    assert_eq!(unsafe { libc::kill(i32::try_from(service.0.id()).unwrap(), libc::SIGTERM) }, 0);
    let code = service.0.wait().unwrap().code();

    // What was answered has been printed: the end of its output is the end of what it got.
    drop(collector);
    let spans =
        said.map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("span place ")?.to_owned()));
    (spans.collect(), code)
}

#[test]
fn none_is_lost() {
    let Ok(python) = std::env::var("OTLP_PYTHON") else {
        eprintln!("left out: OTLP_PYTHON names no Python with opentelemetry-proto (.ci/otel makes one)");
        return;
    };
    let all: BTreeSet<String> = (0..ORDERS).map(|order| order.to_string()).collect();
    assert_eq!(arrived(&python, false), (all, Some(0)));
    let (without, code) = arrived(&python, true);
    assert_eq!((without.len(), code), (0, Some(0)), "the control: nobody else sends them");
}
