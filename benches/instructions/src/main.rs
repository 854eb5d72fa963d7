//! The hot paths, each in a function of its own that callgrind counts: see `.ci/instructions`.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::thread;

use lifecycle::{Rejected, ReportFormat, tracked};

/// So many turns of each, so that what surrounds the loop divides to nothing.
const TURNS: u32 = 1000;

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

fn to_end<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = black_box(future.as_mut().poll(&mut context)) {
            return output;
        }
    }
}

#[tracked]
fn sync_call() -> Result<(), Rejected> {
    black_box(());
    Ok(())
}

#[tracked]
async fn async_call(suspensions: u32) -> Result<(), Rejected> {
    Suspend(suspensions).await;
    Ok(())
}

async fn bare_call(suspensions: u32) -> Result<(), Rejected> {
    Suspend(suspensions).await;
    Ok(())
}

#[tracked]
fn outer_call() -> Result<(), Rejected> {
    (0..TURNS).filter(|_| sync_call().is_err()).for_each(|_| refused());
    Ok(())
}

#[cold]
fn refused() {
    panic!("a call was refused");
}

#[cold]
fn admitted() {
    panic!("a call was admitted");
}

macro_rules! counted {
    ($($name:ident: $turn:expr;)*) => {$(
        #[inline(never)]
        fn $name() {
            for turn in 0..TURNS {
                black_box(turn);
                $turn;
            }
        }
    )*};
}

counted! {
    count_nothing: black_box(());
    count_sync_call: if sync_call().is_err() { refused() };
    count_bare_async_call: if to_end(bare_call(black_box(0))).is_err() { refused() };
    count_async_call: if to_end(async_call(black_box(0))).is_err() { refused() };
    count_refused_sync_call: if sync_call().is_ok() { admitted() };
    count_refused_async_call: if to_end(async_call(black_box(0))).is_ok() { admitted() };
}

#[inline(never)]
fn count_nested_call() {
    if outer_call().is_err() {
        refused();
    }
}

#[inline(never)]
fn count_bare_polls() {
    if to_end(bare_call(black_box(TURNS))).is_err() {
        refused();
    }
}

#[inline(never)]
fn count_polls() {
    if to_end(async_call(black_box(TURNS))).is_err() {
        refused();
    }
}

/// Each once before it is counted: the first call of a function, and of a thread, does more.
fn count(paths: &[fn()]) {
    for path in paths {
        path();
        path();
    }
}

fn main() -> ExitCode {
    lifecycle::builder().report(ReportFormat::Off).grace(lifecycle::Limit::Never).run(async {
        let counting = thread::spawn(|| {
            count(&[
                count_nothing,
                count_sync_call,
                count_nested_call,
                count_bare_async_call,
                count_async_call,
                count_bare_polls,
                count_polls,
            ]);
        });
        assert!(counting.join().is_ok());
        // Held by this call, the service goes on draining.
        assert_eq!(while_draining().await, Ok(()));
    })
}

#[tracked]
async fn while_draining() -> Result<(), Rejected> {
    drop(lifecycle::shutdown("to be counted"));
    lifecycle::stopping().await;
    let counting = thread::spawn(|| {
        while sync_call().is_ok() {
            thread::yield_now();
        }
        count(&[count_refused_sync_call, count_refused_async_call]);
    });
    assert!(counting.join().is_ok());
    Ok(())
}
