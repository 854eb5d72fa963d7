//! A thousand tasks that enter, yield and leave.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use async_shutdown::ShutdownManager;
use lifecycle::tracked;
use swansong::Swansong;
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;

use super::{Scale, of_one_child};
use crate::figures::{Variant, in_turns};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, refused, runtime, while_running};

const GROUP: &str = "tasks";
const UNGUARDED: &str = "unguarded";
const OURS: &str = "**`#[tracked]` async fn**";
const TASK_TRACKER: &str = "TaskTracker token";
const ROWS: [&str; 6] = [
    OURS,
    "one shared AtomicUsize",
    TASK_TRACKER,
    "tokio-graceful guard",
    "async-shutdown delay token",
    "swansong guard",
];

const TASKS: usize = 1000;
const TURNS: usize = 50;

async fn bare() {
    yield_now().await;
}

#[tracked(reject = refused())]
async fn ours() {
    yield_now().await;
}

async fn holding<G>(guard: G) {
    yield_now().await;
    drop(guard);
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Nanoseconds of the clock for each turn of a task.
fn time<F: Future<Output = ()> + Send>(
    runtime: &Runtime,
    turn: impl Fn() -> F + Clone + Send + 'static,
) -> f64 {
    let began = Instant::now();
    let task = |_| {
        let turn = turn.clone();
        runtime.spawn(async move {
            for _ in 0..TURNS {
                turn().await;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(task).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("what is measured does not panic");
        }
    });
    began.elapsed().as_nanos() as f64 / (TASKS * TURNS) as f64
}

pub fn child(scale: Scale) -> ExitCode {
    end_at_panic();
    while_running(move || {
        let runtime = runtime().expect("the system gives a runtime");
        let runtime = &runtime;
        let _inside = runtime.enter();
        let count = Arc::new(AtomicUsize::new(0));
        let tracker = TaskTracker::new();
        let graceful = tokio_graceful::Shutdown::builder().without_signal().build();
        let graceful = graceful.guard();
        let manager = ShutdownManager::<i32>::new();
        let swansong = Swansong::new();
        let mut variants = Vec::new();
        let mut variant = |name, sample| variants.push(Variant { group: GROUP, name, sample });
        variant(UNGUARDED, Box::new(move || time(runtime, bare)) as Box<dyn FnMut() -> f64>);
        variant(OURS, Box::new(move || time(runtime, ours)));
        macro_rules! holding {
            ($name:expr, $source:ident, $guard:expr) => {
                variant(
                    $name,
                    Box::new(move || {
                        let $source = $source.clone();
                        time(runtime, move || holding($guard))
                    }),
                );
            };
        }
        holding!("one shared AtomicUsize", count, Counted::enter(&count));
        holding!(TASK_TRACKER, tracker, tracker.token());
        holding!("tokio-graceful guard", graceful, graceful.clone());
        holding!("async-shutdown delay token", manager, manager.delay_shutdown_token());
        holding!("swansong guard", swansong, swansong.guard());
        in_turns(scale.pick(81, 5), variants);
    })
}

pub fn measure(scale: Scale) -> Result<Section> {
    let figures = of_one_child(GROUP, scale)?;
    let ratio = |name| figures.ratio(GROUP, name, UNGUARDED);
    let claims = vec![Claim::at_most(
        "1,000 tasks × (enter; yield; leave), over unguarded",
        format!("{} ns", number(figures.median(GROUP, OURS)?)),
        format!(
            "unguarded {} ns; TaskTracker {}×",
            number(figures.median(GROUP, UNGUARDED)?),
            number(ratio(TASK_TRACKER)?)
        ),
        ratio(OURS)?,
        1.02,
    )];
    let rows = ROWS.map(|name| {
        let told = |value: Result<f64>| value.map_or_else(|_| "?".to_owned(), number);
        vec![name.to_owned(), told(figures.added(GROUP, name, UNGUARDED)), told(ratio(name))]
    });
    let text = format!(
        "Each of {TASKS} tasks enters, yields and leaves {TURNS} times, on one worker thread a core.\n{}",
        table(&["", "added ns a turn", "× unguarded"], rows)
    );
    Ok(Section { title: "A thousand tasks", claims, text })
}
