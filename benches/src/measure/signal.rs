//! From SIGTERM to the first line of a hook.

use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use lifecycle::{Hook, ReportFormat, builder};
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::{Scale, sane};
use crate::child;
use crate::figures::{Figures, print};
use crate::pool::cores;
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, runtime};
use crate::stats::Shuffle;

const OURS: &str = "**lifecycle, a hook**";
const OURS_EARLY: &str = "**lifecycle, a hook of order −1**";
const TOKIO_TASK: &str = "tokio::signal in a task";
const TOKIO_MAIN: &str = "tokio::signal in `main`";
const ROWS: [&str; 4] = [OURS, OURS_EARLY, TOKIO_TASK, TOKIO_MAIN];

const IDLE: &str = "idle";
const BUSY: &str = "busy workers";

static SENT: OnceLock<Instant> = OnceLock::new();

/// The first line of the hook.
fn arrived() {
    let now = Instant::now();
    if let Some(sent) = SENT.get() {
        print("", "", (now - *sent).as_nanos() as f64 / 1e3);
    }
}

/// The service is up.
fn serve(load: &str) {
    if load == BUSY {
        for _ in 0..cores() {
            tokio::spawn(async {
                loop {
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_micros(20) {
                        std::hint::spin_loop();
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
    }
    thread::spawn(|| {
        thread::sleep(Duration::from_millis(10));
        SENT.get_or_init(Instant::now);
        kill_process(getpid(), Signal::TERM).expect("a process may signal itself");
    });
}

pub fn child(variant: &str, load: &str) -> ExitCode {
    end_at_panic();
    let load = load.to_owned();
    let terminated = || signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    match variant {
        OURS | OURS_EARLY => {
            let hook = Hook::on_shutdown("first", || async { arrived() });
            lifecycle::register(if variant == OURS_EARLY { hook.order(-1) } else { hook });
            return builder().report(ReportFormat::Off).run(async move {
                serve(&load);
                lifecycle::stopping().await;
            });
        }
        TOKIO_TASK => {
            let runtime = runtime().expect("the system gives a runtime");
            runtime.block_on(async {
                let mut terminated = terminated();
                serve(&load);
                let waiting = tokio::spawn(async move {
                    terminated.recv().await;
                    arrived();
                });
                waiting.await.expect("it does not panic");
            });
            runtime.shutdown_background();
        }
        TOKIO_MAIN => {
            let runtime = runtime().expect("the system gives a runtime");
            runtime.block_on(async {
                let mut terminated = terminated();
                serve(&load);
                terminated.recv().await;
                arrived();
            });
            runtime.shutdown_background();
        }
        _ => panic!("{variant} is no variant"),
    }
    ExitCode::SUCCESS
}

pub fn measure(scale: Scale) -> Result<Section> {
    let mut figures = Figures::default();
    let mut shuffle = Shuffle::new();
    let mut jobs: Vec<(&str, &str)> =
        [IDLE, BUSY].into_iter().flat_map(|load| ROWS.map(|name| (load, name))).collect();
    for _ in 0..scale.pick(300, 3) {
        shuffle.shuffle(&mut jobs);
        for (load, variant) in &jobs {
            let mut one = Figures::default();
            one.read(&child::output(&["signal", variant, load], Duration::from_secs(30))?)?;
            figures.add(load, variant, one.median("", "")?);
        }
    }
    sane(&figures)?;

    let us = |value: f64| format!("{} µs", number(value));
    let mut claims = Vec::new();
    for load in [IDLE, BUSY] {
        let (our, their) = (figures.median(load, OURS)?, figures.median(load, TOKIO_TASK)?);
        let main = figures.median(load, TOKIO_MAIN)?;
        // Whatever form of theirs is the better one.
        let (form, their) = if main < their { (TOKIO_MAIN, main) } else { (TOKIO_TASK, their) };
        let what = format!("SIGTERM → first hook, p50, {load}");
        claims.push(Claim::at_most(&what, us(our), format!("{form} {}", us(their)), our / their, 1.0));
    }
    let rows = ROWS.map(|name| {
        let mut row = vec![name.to_owned()];
        for load in [IDLE, BUSY] {
            for share in [0.5, 0.99] {
                row.push(figures.percentile(load, name, share).map_or_else(|_| "?".to_owned(), number));
            }
        }
        row
    });
    let text = format!(
        "From `kill` to the hook's first line, a process for each of {} samples; busy: as many tasks as cores spin for 20 µs \
         and yield, again and again. A hook of ours without an order comes after the drain of the requests, of which \
         there are none here. The ratio is that of the medians.\n{}",
        figures.samples(IDLE, OURS)?.len(),
        table(&["µs", "idle p50", "p99", "busy p50", "p99"], rows)
    );
    Ok(Section { title: "SIGTERM to the first hook", claims, text })
}
