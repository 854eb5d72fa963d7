//! From the release of many calls, and of one, to the moment at which somebody knows that all have left.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_shutdown::ShutdownManager;
use hyper_util::server::graceful::GracefulShutdown;
use lifecycle::{Limit, ReportFormat, builder, tracked};
use swansong::Swansong;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{Scale, sane};
use crate::child;
use crate::figures::{Figures, print};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, refused, runtime, wait_until_refused};
use crate::stats::Shuffle;

const OURS: &str = "**lifecycle**";
const COUNTDOWN: &str = "bare countdown";
const TASK_TRACKER: &str = "TaskTracker";
const SWANSONG: &str = "swansong";
const TOKIO_GRACEFUL: &str = "tokio-graceful";
const ASYNC_SHUTDOWN: &str = "async-shutdown";
const HYPER_UTIL: &str = "hyper-util";
const ROWS: [&str; 7] = [COUNTDOWN, OURS, TASK_TRACKER, SWANSONG, TOKIO_GRACEFUL, ASYNC_SHUTDOWN, HYPER_UTIL];

const MANY: usize = 10_000;

/// From what to the moment at which the end is known.
const FROM_RELEASE: &str = "from the release";
const FROM_LAST: &str = "from the last leave";
const FROM_BEGIN: &str = "from the begin of the shutdown";

fn group(from: &str, calls: usize) -> String {
    format!("{from}, {calls}")
}

/// Calls that are inside until all are released.
struct Held {
    epoch: Instant,
    calls: usize,
    inside: AtomicUsize,
    release: Notify,
    last_left: AtomicU64,
}

impl Held {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    async fn hold(&self) {
        let released = self.release.notified();
        self.inside.fetch_add(1, Ordering::SeqCst);
        released.await;
        self.last_left.store(self.now(), Ordering::Relaxed);
    }

    async fn hold_with<G>(&self, guard: G) {
        self.hold().await;
        drop(guard);
    }

    /// Spawns them all and waits until they are inside.
    async fn enter<F: Future<Output = ()> + Send + 'static>(&self, call: impl Fn() -> F) {
        for _ in 0..self.calls {
            tokio::spawn(call());
        }
        while self.inside.load(Ordering::SeqCst) < self.calls {
            tokio::task::yield_now().await;
        }
        // Until the workers sleep.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Begins the shutdown with the first poll of `shutdown`, which resolves when it knows that all have left.
    async fn drain(&self, shutdown: impl Future<Output = ()>) {
        let began = self.now();
        let mut shutdown = pin!(shutdown);
        let first = poll_fn(|context| Poll::Ready(shutdown.as_mut().poll(context))).await;
        assert!(first.is_pending(), "the calls are still inside");
        let released = self.now();
        self.release.notify_waiters();
        shutdown.await;
        let known = self.now();
        for (from, then) in [
            (FROM_BEGIN, began),
            (FROM_RELEASE, released),
            (FROM_LAST, self.last_left.load(Ordering::SeqCst)),
        ] {
            print(&group(from, self.calls), "", known.saturating_sub(then) as f64 / 1e3);
        }
    }
}

#[tracked(reject = refused())]
async fn ours(held: &'static Held) {
    held.hold().await;
}

struct Countdown {
    left: AtomicUsize,
    none_left: Notify,
}

struct Counted(Arc<Countdown>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_one();
        }
    }
}

async fn run(held: &'static Held, variant: &str) {
    match variant {
        OURS => {
            held.enter(|| ours(held)).await;
            held.drain(async {
                drop(lifecycle::shutdown("to be measured"));
                let drained = lifecycle::drained();
                // Another thread closes the gate.
                wait_until_refused();
                drained.await;
            })
            .await;
        }
        COUNTDOWN => {
            let countdown = Arc::new(Countdown { left: AtomicUsize::new(0), none_left: Notify::new() });
            held.enter(|| {
                countdown.left.fetch_add(1, Ordering::Relaxed);
                held.hold_with(Counted(Arc::clone(&countdown)))
            })
            .await;
            held.drain(countdown.none_left.notified()).await;
        }
        TASK_TRACKER => {
            let tracker = TaskTracker::new();
            held.enter(|| held.hold_with(tracker.token())).await;
            held.drain(async {
                tracker.close();
                tracker.wait().await;
            })
            .await;
        }
        SWANSONG => {
            let swansong = Swansong::new();
            held.enter(|| held.hold_with(swansong.guard())).await;
            held.drain(async { swansong.shut_down().await }).await;
        }
        TOKIO_GRACEFUL => {
            let shutdown = tokio_graceful::Shutdown::builder().without_signal().build();
            held.enter(|| held.hold_with(shutdown.guard())).await;
            held.drain(async {
                let _took = shutdown.shutdown().await;
            })
            .await;
        }
        ASYNC_SHUTDOWN => {
            let manager = ShutdownManager::<i32>::new();
            held.enter(|| held.hold_with(manager.delay_shutdown_token())).await;
            held.drain(async {
                drop(manager.trigger_shutdown(1));
                manager.wait_shutdown_complete().await;
            })
            .await;
        }
        HYPER_UTIL => {
            let graceful = GracefulShutdown::new();
            held.enter(|| held.hold_with(graceful.watcher())).await;
            held.drain(graceful.shutdown()).await;
        }
        _ => panic!("{variant} is no variant"),
    }
}

pub fn child(variant: &str, calls: usize) -> ExitCode {
    end_at_panic();
    let held: &Held = Box::leak(Box::new(Held {
        epoch: Instant::now(),
        calls,
        inside: AtomicUsize::new(0),
        release: Notify::new(),
        last_left: AtomicU64::new(0),
    }));
    let runtime = runtime().expect("the system gives a runtime");
    // All wait on the same thread, the one that ours makes the service run on.
    if variant == OURS {
        let quiet = builder().grace(Limit::Never).drain(Limit::Never).report(ReportFormat::Off);
        runtime.block_on(quiet.run_here(async move { run(held, OURS).await }));
    } else {
        runtime.block_on(run(held, variant));
    }
    ExitCode::SUCCESS
}

pub fn measure(scale: Scale) -> Result<Section> {
    let mut figures = Figures::default();
    let mut shuffle = Shuffle::new();
    let mut variants = ROWS;
    for (calls, rounds) in [(MANY, scale.pick(61, 2)), (1, scale.pick(151, 2))] {
        for _ in 0..rounds {
            shuffle.shuffle(&mut variants);
            for variant in variants {
                let printed =
                    child::output(&["drain", variant, &calls.to_string()], Duration::from_secs(30))?;
                let mut one = Figures::default();
                one.read(&printed)?;
                ensure!(one.all().count() == 3, "a drain printed {printed:?}");
                for (group, _, samples) in one.all() {
                    figures.add(group, variant, samples[0]);
                }
            }
        }
    }
    sane(&figures)?;

    let us = |value: f64| format!("{} µs", number(value));
    let claim = |what, from, calls, theirs, limit| -> Result<Claim> {
        let group = group(from, calls);
        let their = format!("{theirs} {}", us(figures.median(&group, theirs)?));
        let ours = us(figures.median(&group, OURS)?);
        Ok(Claim::at_most(what, ours, their, figures.ratio(&group, OURS, theirs)?, limit))
    };
    let claims = vec![
        claim("drain of 10,000 calls released at once", FROM_RELEASE, MANY, COUNTDOWN, 1.05)?,
        claim("the last of 10,000 leaves → drained", FROM_LAST, MANY, TASK_TRACKER, 1.0)?,
        claim("the only call leaves → drained", FROM_LAST, 1, TASK_TRACKER, 1.0)?,
    ];
    let columns =
        [(FROM_RELEASE, MANY), (FROM_LAST, MANY), (FROM_BEGIN, MANY), (FROM_RELEASE, 1), (FROM_LAST, 1)];
    let rows = ROWS.map(|name| {
        let median =
            |(from, calls)| figures.median(&group(from, calls), name).map_or_else(|_| "?".to_owned(), number);
        [name.to_owned()].into_iter().chain(columns.map(median)).collect()
    });
    let head = ["µs until it is known", "10,000: release", "last leave", "begin", "1: release", "last leave"];
    let text = format!(
        "Tasks are inside, the shutdown begins, all are released at once: the time until whoever shuts down knows that all \
         have left, from the release, from the last line of the last one, and from the begin of the shutdown (ours hands \
         that to its coordinator's thread first). A process for each sample.\n{}",
        table(&head, rows)
    );
    Ok(Section { title: "Drain", claims, text })
}
