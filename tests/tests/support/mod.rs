//! Polling by hand, and values that tell when they are dropped.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls a future that is never woken to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending once.
pub(crate) fn pause() -> impl Future<Output = ()> + Send + Sync {
    let mut paused = false;
    std::future::poll_fn(
        move |_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending },
    )
}

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn log(text: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(text.into()));
}

/// What was logged since the last call.
pub(crate) fn logged() -> Vec<String> {
    LOG.take()
}

/// Logs its name when it is dropped.
pub(crate) struct D(pub(crate) &'static str);

impl Drop for D {
    fn drop(&mut self) {
        log(self.0);
    }
}
