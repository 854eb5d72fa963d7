//! Entering and leaving, alone and around a few nanoseconds of work, on 1 to 64 threads.

use std::cell::RefCell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use anyhow::Result;
use async_shutdown::ShutdownManager;
use hyper_util::server::graceful::GracefulShutdown;
use lifecycle::__private::tracked::{Admission, admit};
use lifecycle::__private::{Known, Site};
use lifecycle::tracked;
use swansong::Swansong;
use tokio_util::task::TaskTracker;

use super::{Scale, of_one_child};
use crate::figures::{Figures, Variant, in_turns};
use crate::pool::{Batch, Pool, turns_for};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, refused, runtime, while_running};

const NOTHING: &str = "nothing";
const NOTHING_ASYNC: &str = "an async fn, polled once";
const GATE: &str = "**our gate alone**";
const OURS: &str = "**`#[tracked]` fn**";
const OURS_ASYNC: &str = "**`#[tracked]` async fn**, polled once";
const TASK_TRACKER: &str = "TaskTracker token";
const TRACK_FUTURE: &str = "TaskTracker `track_future`, polled once";

/// What adds something, in the order of the table.
const ROWS: [&str; 11] = [
    GATE,
    OURS,
    OURS_ASYNC,
    "one shared AtomicUsize",
    "Arc clone",
    TASK_TRACKER,
    TRACK_FUTURE,
    "tokio-graceful guard",
    "async-shutdown delay token",
    "hyper-util watcher",
    "swansong guard",
];

const THREADS: [usize; 4] = [1, 2, 8, 64];

fn group(in_work: bool, threads: usize) -> String {
    format!("{} {threads}", if in_work { "in work" } else { "alone" })
}

/// 32 KiB, so that what the work stores is still on its way when the guard is left.
const WORDS: usize = 4096;

thread_local! {
    static BUFFER: RefCell<Vec<u64>> = RefCell::new(vec![1; WORDS]);
}

/// About 7 ns.
#[inline(always)]
fn work(buffer: &mut [u64], x: &mut u64) {
    for _ in 0..8 {
        *x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (*x >> 29);
        let word = (*x >> 40) as usize % WORDS;
        buffer[word] = buffer[word].wrapping_add(*x);
    }
    black_box(&*buffer);
}

static SITE: Site = Site::here("gate", module_path!(), false);

/// What `#[tracked]` does first, and at its drop last.
#[inline(always)]
fn enter<S: Known>(site: S) -> Admission<S> {
    let admission = admit(site);
    if !matches!(admission, Admission::Counted(_)) {
        refused();
    }
    admission
}

#[tracked(reject = refused())]
fn ours() {
    black_box(());
}

#[tracked(reject = refused())]
fn ours_in_work(buffer: &mut [u64], x: &mut u64) {
    work(buffer, x);
}

#[tracked(reject = refused())]
async fn ours_async() {
    black_box(());
}

#[tracked(reject = refused())]
async fn ours_async_in_work(buffer: &mut [u64], x: &mut u64) {
    work(buffer, x);
}

async fn bare() {
    black_box(());
}

async fn bare_in_work(buffer: &mut [u64], x: &mut u64) {
    work(buffer, x);
}

/// Such a future is ready at its first poll.
#[inline(always)]
fn poll_once(future: impl Future<Output = ()>) {
    let ready = pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready();
    debug_assert!(ready);
}

/// Leaves by what its closure does.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0();
    }
}

struct Guard {
    name: &'static str,
    alone: Batch,
    in_work: Batch,
}

macro_rules! calls {
    ($name:expr, $alone:expr, |$buffer:ident, $x:ident| $in_work:expr) => {
        Guard {
            name: $name,
            alone: Arc::new(move |turns: u64| {
                for turn in 0..turns {
                    black_box(turn);
                    $alone;
                }
            }),
            in_work: Arc::new(move |turns: u64| {
                BUFFER.with_borrow_mut(|buffer| {
                    let ($buffer, mut x) = (&mut buffer[..], 88_172_645_463_325_252_u64);
                    for turn in 0..turns {
                        black_box(turn);
                        let $x = &mut x;
                        $in_work;
                    }
                });
            }),
        }
    };
}

macro_rules! guard {
    ($name:expr, $guard:expr) => {
        calls!(
            $name,
            {
                let guard = $guard;
                black_box(());
                drop(guard);
            },
            |buffer, x| {
                let guard = $guard;
                work(buffer, x);
                drop(guard);
            }
        )
    };
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

#[repr(align(128))]
struct Padded(AtomicUsize);

fn guards() -> Vec<Guard> {
    let shared = leak(Padded(AtomicUsize::new(0)));
    let arc = leak(Arc::new(()));
    let tracker = leak(TaskTracker::new());
    let graceful = leak(tokio_graceful::Shutdown::builder().without_signal().build());
    let graceful = leak(graceful.guard());
    let manager = leak(ShutdownManager::<i32>::new());
    let hyper = leak(GracefulShutdown::new());
    let swansong = leak(Swansong::new());
    vec![
        calls!(NOTHING, black_box(()), |buffer, x| work(buffer, x)),
        calls!(NOTHING_ASYNC, poll_once(bare()), |buffer, x| poll_once(bare_in_work(buffer, x))),
        guard!(GATE, enter(|| &SITE)),
        calls!(OURS, ours(), |buffer, x| ours_in_work(buffer, x)),
        calls!(OURS_ASYNC, poll_once(ours_async()), |buffer, x| poll_once(ours_async_in_work(buffer, x))),
        guard!("one shared AtomicUsize", {
            shared.0.fetch_add(1, Ordering::Relaxed);
            OnDrop(|| {
                shared.0.fetch_sub(1, Ordering::Release);
            })
        }),
        guard!("Arc clone", Arc::clone(arc)),
        guard!(TASK_TRACKER, tracker.token()),
        calls!(TRACK_FUTURE, poll_once(tracker.track_future(bare())), |buffer, x| {
            poll_once(tracker.track_future(bare_in_work(buffer, x)))
        }),
        guard!("tokio-graceful guard", graceful.clone()),
        guard!("async-shutdown delay token", manager.delay_shutdown_token()),
        guard!("hyper-util watcher", hyper.watcher()),
        guard!("swansong guard", swansong.guard()),
    ]
}

pub fn child(scale: Scale) -> ExitCode {
    end_at_panic();
    while_running(move || {
        let runtime = runtime().expect("the system gives a runtime");
        let _inside = runtime.enter();
        let guards = guards();
        for threads in THREADS {
            let pool = Pool::new(threads);
            let (batch, rounds) = match threads {
                1 | 2 => (Duration::from_millis(2), 41),
                8 => (Duration::from_millis(16), 15),
                _ => (Duration::from_millis(40), 11),
            };
            let batch = scale.pick(batch, batch / 8);
            let groups = [group(false, threads), group(true, threads)];
            let mut variants = Vec::new();
            for guard in &guards {
                for (group, batches) in groups.iter().zip([&guard.alone, &guard.in_work]) {
                    let (pool, turns) = (&pool, turns_for(batches, batch, threads));
                    let sample = Box::new(move || pool.sample(batches, turns));
                    variants.push(Variant { group, name: guard.name, sample });
                }
            }
            in_turns(scale.pick(rounds, 3), variants);
        }
    })
}

/// What a guard adds. A bare async fn is the measure of those that are polled.
fn added(figures: &Figures, in_work: bool, threads: usize, name: &str) -> Result<f64> {
    let polled = [OURS_ASYNC, TRACK_FUTURE].contains(&name);
    figures.added(&group(in_work, threads), name, if polled { NOTHING_ASYNC } else { NOTHING })
}

pub fn measure(scale: Scale) -> Result<Section> {
    let figures = of_one_child("guards", scale)?;
    let mut claims = Vec::new();
    for (threads, limit) in [(1, 20.0), (2, 100.0)] {
        for (ours, theirs) in [(GATE, TASK_TRACKER), (OURS, TASK_TRACKER), (OURS_ASYNC, TRACK_FUTURE)] {
            let (our, their) =
                (added(&figures, false, threads, ours)?, added(&figures, false, threads, theirs)?);
            let what = format!("enter and leave on {}: {}", plural(threads), ours.replace("**", ""));
            let (our_ns, their_ns) =
                (format!("{} ns", number(our)), format!("{theirs} {} ns", number(their)));
            let ratio = our.max(0.0) / their;
            // The target is a guard's; what a whole function does beside it is told.
            claims.push(if ours == GATE {
                let target = format!("≤ 1/{limit}");
                Claim { target, ..Claim::at_most(&what, our_ns, their_ns, ratio, 1.0 / limit) }
            } else {
                Claim::told(&what, our_ns, their_ns, ratio)
            });
        }
    }
    for (ours, called) in [(GATE, "enter and leave"), (OURS, "a whole `#[tracked]` fn")] {
        let all = THREADS
            .iter()
            .map(|&threads| added(&figures, false, threads, ours))
            .collect::<Result<Vec<_>>>()?;
        let slowest = all.into_iter().fold(f64::MIN, f64::max);
        let alone = added(&figures, false, 1, ours)?;
        let swansong = added(&figures, false, 64, "swansong guard")?;
        claims.push(Claim {
            ours: format!("{} ns, {} ns at most", number(alone), number(slowest)),
            target: "flat: ≤ 1 ns more".to_owned(),
            ..Claim::within(
                &format!("{called}: 1 thread, and the worst of 1 to 64"),
                slowest - alone,
                1.0,
                "ns",
                format!("swansong at 64: {} ns", number(swansong)),
                Some(slowest.max(0.0) / swansong),
            )
        });
    }

    let rows = ROWS.iter().map(|name| {
        let mut row = vec![(*name).to_owned()];
        for in_work in [false, true] {
            for threads in THREADS {
                row.push(added(&figures, in_work, threads, name).map_or_else(|_| "?".to_owned(), number));
            }
        }
        row
    });
    let head = ["added ns", "1 thread", "2", "8", "64", "in work: 1 thread", "2", "8", "64"];
    let text = format!(
        "Nanoseconds of one core that a guard adds to a call that does nothing, and to one of {} ns, inside a running \
         lifecycle. Our gate alone is what the peers' guards are: a call from outside is counted, unless the gate is closed, \
         and counted off. The others of ours are whole annotated functions: they also mark the thread, for the calls inside \
         them. What is polled is compared with a bare async fn that is polled, everything else with the loop around it. \
         Where there are more threads than cores, waiting is not counted.\n{}",
        number(figures.median(&group(true, 1), NOTHING)?),
        table(&head, rows),
    );
    Ok(Section { title: "Guards", claims, text })
}

fn plural(threads: usize) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}
