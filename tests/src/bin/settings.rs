//! Where settings come from. `SETUP` names what setup changes.

use std::time::Duration;

use lifecycle::{Limit, ReportFormat, Settings, on_shutdown, on_start};
use tokio::runtime::{Handle, RuntimeFlavor};

const GRACE: Duration = Duration::from_secs(9);
const DRAIN: Duration = Duration::from_secs(4);
const LAMEDUCK: Duration = Duration::from_millis(120);
const RESERVE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_millis(1500);
const ORDER: i32 = 3;
const WORKERS: usize = 3;

/// Something that only setup knows.
struct Name(String);

fn setup(settings: &mut Settings) -> Name {
    let setup = std::env::var("SETUP").unwrap_or_default();
    if setup.contains("times") {
        settings.grace(Duration::from_secs(8)).drain(Limit::Within(Duration::from_secs(3)));
        settings.lameduck(Duration::from_millis(240));
    }
    if setup.contains("never") {
        settings.grace(Limit::Never).drain(Limit::Never);
    }
    if setup.contains("json") {
        settings.report(ReportFormat::Json);
    }
    if setup.contains("steps") {
        settings.step::<first>().order(5);
        settings.step::<second>().timeout(Duration::from_millis(700));
        settings.step::<third>().off("nobody needs it");
        settings.step::<booted>().timeout(Duration::from_secs(2));
    }
    if setup.contains("over") {
        settings.step::<second>().timeout(Duration::from_secs(30));
    }
    if setup.contains("tracing") {
        tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    }
    if setup.contains("workers") {
        settings.worker_threads(1);
    }
    Name(setup)
}

#[on_start(timeout = TIMEOUT)]
fn booted() {}

#[on_shutdown(order = ORDER, timeout = TIMEOUT)]
async fn first() {
    println!("first");
}

#[on_shutdown(order = 4)]
async fn second(name: &Name) {
    println!("second {}", name.0);
}

#[on_shutdown(order = 6)]
fn third() {
    println!("third");
}

#[lifecycle::main(
    grace = GRACE,
    drain = DRAIN,
    lameduck = LAMEDUCK,
    reserve = RESERVE,
    report = off,
    worker_threads = WORKERS,
    setup = setup
)]
async fn main(name: &Name) {
    let flavor = match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => "current_thread",
        _ => "multi_thread",
    };
    let stopping = lifecycle::stopping();
    println!("serving {} on {flavor} with {}", name.0, Handle::current().metrics().num_workers());
    stopping.await;
}
