//! Sync calls on a test's own thread.
//!
//! While a test's clock is paused they are made there, one after the other, between two polls of the test: so they see what
//! that thread keeps for itself, a mock or a subscriber of `tracing`, and may block on what is async all the same, since
//! the thread is not polling anything. Should one take its time, another thread goes on with the runtime's tasks, which
//! it may be waiting for.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::dispatcher::{self, Dispatch};

use crate::testing;

/// How long a call has the process for itself, by the real clock.
const QUICK: Duration = Duration::from_millis(20);

/// Where calls wait for the test's thread. In other processes there is none.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// See there.
pub(super) struct Queue(UnboundedSender<Waiting>);

struct Waiting {
    name: String,
    call: Box<dyn FnOnce() + Send>,
}

pub(super) fn queue() -> Option<&'static Queue> {
    QUEUE.get()
}

impl Queue {
    pub(super) fn push(&self, name: &str, call: impl FnOnce() + Send + 'static) {
        // Once the test is over nobody makes it: it is dropped.
        drop(self.0.send(Waiting { name: name.to_owned(), call: Box::new(call) }));
    }
}

/// Polls the test to its end on this thread, and makes the calls on it.
pub(super) fn block_on<F: Future>(runtime: &Arc<Runtime>, test: F) -> F::Output {
    let (to, mut calls) = unbounded_channel();
    if QUEUE.set(Queue(to)).is_err() {
        unreachable!("a process runs one test");
    }
    let mut test = pin!(test);
    loop {
        let next = poll_fn(|cx| match test.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ControlFlow::Break(ended)),
            Poll::Pending => calls.poll_recv(cx).map(ControlFlow::Continue),
        });
        match runtime.block_on(next) {
            ControlFlow::Break(ended) => return ended,
            ControlFlow::Continue(waiting) => waiting.into_iter().for_each(|waiting| waiting.make(runtime)),
        }
    }
}

impl Waiting {
    fn make(self, runtime: &Arc<Runtime>) {
        let Waiting { name, call } = self;
        let (quick, is_quick) = channel::<()>();
        let returned = CancellationToken::new();
        let until_then = returned.clone();
        let subscriber = dispatcher::get_default(Dispatch::clone);
        let there = Arc::clone(runtime);
        // A blocking task, because the clock does not advance by itself while one runs.
        let beside = runtime.spawn_blocking(move || {
            if is_quick.recv_timeout(QUICK) == Err(RecvTimeoutError::Timeout) {
                let _heard_as_before = dispatcher::set_default(&subscriber);
                there.block_on(until_then.cancelled());
            }
        });
        testing::sync_call(&name, true);
        {
            let _context = runtime.enter();
            call();
        }
        testing::sync_call(&name, false);
        drop(quick);
        returned.cancel();
        // From here on the tasks are this thread's again.
        drop(runtime.block_on(beside));
    }
}
