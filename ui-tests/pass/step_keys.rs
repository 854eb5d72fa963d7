//! Every key with every form of value.
use std::time::Duration;

use lifecycle::{Outcome, Report, on_shutdown, on_start};

const SOON: Duration = Duration::from_secs(5);
const EARLY: i32 = -7;

mod keys {
    pub const LATE: i32 = 7;
    pub const LATER: std::time::Duration = std::time::Duration::from_secs(6);
}

#[on_start()]
fn no_keys() {}

#[on_start(order = -2147483648, timeout = "1m 30s", label = First, crate = lifecycle)]
fn first() {}

#[on_start(order = EARLY, timeout = SOON,)]
async fn by_paths() {}

#[on_shutdown(order = keys::LATE, timeout = keys::LATER)]
async fn by_longer_paths() {}

#[on_shutdown(timeout = "1d 2h 3m 4s 5ms 6us 7ns", order = 0x10, crate = ::lifecycle)]
fn hexadecimal() {}

#[on_shutdown(order = i32::MAX)]
fn the_greatest() {}

#[on_shutdown(order = 1_000i32, r#timeout = "5000000µs", label = r#Raw)]
async fn suffixed() {}

#[on_shutdown(last, timeout = "1s")]
fn alert(report: &Report) {
    let found: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.outcome)).collect();
    let done = |name| (name, Outcome::Done);
    let expected = [
        done("First"),
        done("by_paths"),
        done("no_keys"),
        done("Requests"),
        done("by_longer_paths"),
        done("hexadecimal"),
        done("Raw"),
        done("the_greatest"),
    ];
    assert_eq!(found, expected, "{report}");
}

fn setup(settings: &mut lifecycle::Settings) {
    settings.step::<First>();
    settings.step::<Raw>();
    settings.step::<keys_of_main>();
}

#[on_shutdown(last)]
fn keys_of_main() {}

#[lifecycle::main(
    setup = setup,
    grace = "20s",
    drain = "never",
    cut = "0s",
    lameduck = "0ms",
    reserve = keys::LATER,
    signals = [SIGTERM, SIGINT, lifecycle::signals::SIGHUP],
    exit = reraise,
    budget = warn,
    report = off,
    ready = manual,
    flavor = "multi_thread",
    worker_threads = 1,
    crate = lifecycle,
)]
async fn main() {}
