//! A whole annotated async fn against the bare one: its time, its polls, its size.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use anyhow::Result;
use lifecycle::tracked;
use swansong::Swansong;
use tokio_util::task::TaskTracker;

use super::{Scale, of_one_child};
use crate::figures::{Variant, in_turns, print};
use crate::report::{Claim, Section, number, table};
use crate::service::{end_at_panic, refused, runtime, while_running};

/// The group of the sizes, which may be 0.
pub const SIZES: &str = "size of the future";
/// The same where its alignment is 8, and with it all that is put beside it.
pub const ALIGNED_SIZES: &str = "size of the aligned future";
const EMPTY: &str = "empty";
const ONE_POLL: &str = "1 poll";
const MORE_POLLS: &str = "101 polls";
const EXTRA: u32 = 100;

const BARE: &str = "bare async fn";
const OURS: &str = "**`#[tracked]`**";
const OUTER: &str = "**`#[tracked]`** around a bare one";
const NESTED: &str = "**`#[tracked]`** inside **`#[tracked]`**";
const WITH_ID: &str = "**`#[tracked(id = …)]`**";
const WITH_SPAN: &str = "**`#[tracked(id = …, span)]`**";
const TRACK_FUTURE: &str = "TaskTracker `track_future`";
const SWANSONG: &str = "swansong `guarded`";

/// Suspends so many times.
struct Suspend(u32);

impl Future for Suspend {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

async fn bare() {}

#[tracked(reject = refused())]
async fn ours() {}

#[tracked(id = order, reject = refused())]
async fn with_id(order: u32) {
    black_box(order);
}

#[tracked(id = order, span, reject = refused())]
async fn with_span(order: u32) {
    black_box(order);
}

#[tracked(reject = refused())]
async fn outer() {
    bare().await;
}

#[tracked(reject = refused())]
async fn nested() {
    ours().await;
}

async fn bare_suspending(times: u32) {
    Suspend(times).await;
}

#[tracked(reject = refused())]
async fn ours_suspending(times: u32) {
    Suspend(times).await;
}

async fn bare_holding(bytes: [u8; 64]) {
    Suspend(1).await;
    black_box(bytes);
}

#[tracked(reject = refused())]
async fn ours_holding(bytes: [u8; 64]) {
    Suspend(1).await;
    black_box(bytes);
}

/// As many services' futures, with something in it that is aligned to 8 bytes.
async fn bare_aligned(text: String) {
    Suspend(1).await;
    black_box(text);
}

#[tracked(reject = refused())]
async fn ours_aligned(text: String) {
    Suspend(1).await;
    black_box(text);
}

/// Nanoseconds to make such a future and to poll it to its end.
#[inline(always)]
fn time<F: Future<Output = ()>>(calls: u32, make: impl Fn() -> F) -> f64 {
    let mut context = Context::from_waker(Waker::noop());
    let began = Instant::now();
    for call in 0..calls {
        black_box(call);
        let mut future = pin!(make());
        while black_box(future.as_mut().poll(&mut context)).is_pending() {}
    }
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}

pub fn child(scale: Scale) -> ExitCode {
    end_at_panic();
    while_running(move || {
        let runtime = runtime().expect("the system gives a runtime");
        // In a task, where async functions run: there the library also asks which task it is.
        let task = runtime.spawn(async move { measure_all(scale) });
        runtime.block_on(task).expect("what is measured does not panic");
    })
}

fn measure_all(scale: Scale) {
    let tracker: &TaskTracker = Box::leak(Box::new(TaskTracker::new()));
    let swansong: &Swansong = Box::leak(Box::new(Swansong::new()));
    let calls = scale.pick(20_000, 2_000);
    let mut variants = Vec::new();
    macro_rules! variant {
        ($group:expr, $name:expr, $calls:expr, $make:expr) => {
            variants.push(Variant {
                group: $group,
                name: $name,
                sample: Box::new(move || time($calls, $make)),
            });
        };
    }
    variant!(EMPTY, BARE, calls, bare);
    variant!(EMPTY, OURS, calls, ours);
    variant!(EMPTY, OUTER, calls, outer);
    variant!(EMPTY, NESTED, calls, nested);
    variant!(EMPTY, WITH_ID, calls, || with_id(black_box(100_042)));
    variant!(EMPTY, WITH_SPAN, calls, || with_span(black_box(100_042)));
    variant!(EMPTY, TRACK_FUTURE, calls, || tracker.track_future(bare()));
    variant!(EMPTY, SWANSONG, calls, || swansong.guarded(bare()));
    for (group, suspensions) in [(ONE_POLL, 0), (MORE_POLLS, EXTRA)] {
        let calls = if suspensions == 0 { calls } else { calls / 20 };
        let suspensions = move || black_box(suspensions);
        variant!(group, BARE, calls, || bare_suspending(suspensions()));
        variant!(group, OURS, calls, || ours_suspending(suspensions()));
        variant!(group, TRACK_FUTURE, calls, || tracker.track_future(bare_suspending(suspensions())));
        variant!(group, SWANSONG, calls, || swansong.guarded(bare_suspending(suspensions())));
    }
    in_turns(scale.pick(101, 5), variants);

    let size = |group, name, size: usize| print(group, name, size as f64);
    size(SIZES, BARE, size_of_val(&bare_holding([0; 64])));
    size(SIZES, OURS, size_of_val(&ours_holding([0; 64])));
    size(SIZES, TRACK_FUTURE, size_of_val(&tracker.track_future(bare_holding([0; 64]))));
    size(SIZES, SWANSONG, size_of_val(&swansong.guarded(bare_holding([0; 64]))));
    let text = String::new;
    size(ALIGNED_SIZES, BARE, size_of_val(&bare_aligned(text())));
    size(ALIGNED_SIZES, OURS, size_of_val(&ours_aligned(text())));
    size(ALIGNED_SIZES, TRACK_FUTURE, size_of_val(&tracker.track_future(bare_aligned(text()))));
    size(ALIGNED_SIZES, SWANSONG, size_of_val(&swansong.guarded(bare_aligned(text()))));
}

pub fn measure(scale: Scale) -> Result<Section> {
    let figures = of_one_child("calls", scale)?;
    let call = |name| figures.added(EMPTY, name, BARE);
    let poll = |name| -> Result<f64> {
        let (more, one) = (figures.added(MORE_POLLS, name, BARE)?, figures.added(ONE_POLL, name, BARE)?);
        Ok((more - one) / f64::from(EXTRA))
    };
    let added_in =
        |group, name| -> Result<f64> { Ok(figures.median(group, name)? - figures.median(group, BARE)?) };
    let size = |name| added_in(SIZES, name);
    let aligned_size = |name| added_in(ALIGNED_SIZES, name);
    let claim = |what, of: &dyn Fn(&'static str) -> Result<f64>, limit, unit| -> Result<Claim> {
        let (our, their) = (of(OURS)?, of(TRACK_FUTURE)?);
        let theirs = format!("{TRACK_FUTURE} {} {unit}", number(their));
        Ok(Claim::within(what, our, limit, unit, theirs, Some(our.max(0.0) / their)))
    };
    let claims = vec![
        claim("an annotated empty async fn, over the bare one", &call, 1.5, "ns")?,
        claim("each further poll of it", &poll, 0.5, "ns")?,
        claim("the size of its future", &size, 8.0, "bytes")?,
        claim("the size of one that is aligned to 8 bytes", &aligned_size, 8.0, "bytes")?,
    ];
    let rows = [OURS, TRACK_FUTURE, SWANSONG].map(|name| {
        let told = |value: Result<f64>| value.map_or_else(|_| "?".to_owned(), number);
        vec![name.to_owned(), told(call(name)), told(poll(name)), told(size(name)), told(aligned_size(name))]
    });
    let nested = figures.added(EMPTY, NESTED, OUTER)?;
    let text = format!(
        "What is added to a bare async fn, in a tokio task: to a call from making the future to its end in one poll ({} \
         ns bare), to each further poll, and to a future with an argument of 64 bytes ({} bytes bare) and \
         one with a `String` ({} bytes bare). A call inside a tracked call adds {} ns. One with an id \
         of six digits adds {} ns, {} ns with a span to which nobody listens; the id is a text in a list, which the others do not pay \
         for.\n{}",
        number(figures.median(EMPTY, BARE)?),
        number(figures.median(SIZES, BARE)?),
        number(figures.median(ALIGNED_SIZES, BARE)?),
        number(nested),
        number(call(WITH_ID)?),
        number(call(WITH_SPAN)?),
        table(&["added", "ns a call", "ns a further poll", "bytes", "bytes, aligned"], rows),
    );
    Ok(Section { title: "A whole async call", claims, text })
}
