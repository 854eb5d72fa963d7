//! How the thread of `main` waits while the service does.
//!
//! Of all threads that do not block a signal the kernel has the main one handle it. So when the process is told to go that
//! thread wakes up before any other of ours, and there is no need to wait for the next: it triggers the shutdown itself and
//! has the coordinator act, up to where the first hooks are on their way. The signals' own thread does the same a moment
//! later; whatever keeps this one, nothing depends on it.
//!
//! In a runtime of one thread, that one waits for I/O instead.

use std::future::Future;

use tokio::runtime::Runtime;

use crate::process::Lifecycle;
use crate::settings::Flavor;
use crate::signal::Mark;

/// Blocks the main thread on the service.
#[cfg_attr(
    not(target_os = "linux"),
    expect(unused_variables, reason = "what wakes it is known for Linux alone")
)]
pub(super) fn block_on<F: Future>(
    runtime: &Runtime,
    flavor: Flavor,
    service: F,
    mark: Mark,
    life: &'static Lifecycle,
) -> F::Output {
    match flavor {
        #[cfg(target_os = "linux")]
        Flavor::MultiThread => {
            let expected = std::sync::Arc::default();
            drop(runtime.spawn(linux::wake_a_worker(std::sync::Arc::clone(&expected))));
            runtime.block_on(linux::OnMain::new(service, mark, expected, life))
        }
        _ => runtime.block_on(service),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;
    use std::time::{Duration, Instant};

    use tokio::sync::Notify;

    use crate::process::Lifecycle;
    use crate::report::Reason;
    use crate::signal::Mark;
    use crate::sys;

    /// Somebody has rung.
    const RUNG: usize = 1;

    /// How long a worker stays awake for the first hooks. They are there sooner, if nothing has to be awaited before them.
    const EXPECTED: Duration = Duration::from_micros(100);

    /// The first hooks need a worker, which takes as long to wake up as the coordinator to begin them: so it wakes up
    /// meanwhile. This is its task, there from the beginning so that it need not be made at the signal.
    pub(super) async fn wake_a_worker(expected: Arc<Notify>) {
        expected.notified().await;
        let began = Instant::now();
        while began.elapsed() < EXPECTED {
            // The system may have woken it where the main thread runs, which must not wait for it.
            thread::yield_now();
            tokio::task::yield_now().await;
        }
    }

    struct Bell {
        /// Not zero once there is something to wake up for.
        mark: Mark,
    }

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.mark.word.fetch_or(RUNG, Ordering::SeqCst);
            // Either this sees that it sleeps, or it sees the mark before it does.
            if self.mark.asleep.swap(false, Ordering::SeqCst) {
                sys::wake_waiter(&self.mark.word);
            }
        }
    }

    impl Bell {
        /// Sleeps until somebody rings or a signal comes; returns the signal.
        fn wait(&self) -> Option<i32> {
            self.mark.asleep.store(true, Ordering::SeqCst);
            sys::wait_while_zero(&self.mark.word);
            self.mark.asleep.store(false, Ordering::SeqCst);
            Mark::signal(self.mark.word.swap(0, Ordering::SeqCst))
        }
    }

    /// A future to block the main thread on.
    pub(super) struct OnMain<F> {
        inner: Pin<Box<F>>,
        bell: Arc<Bell>,
        waker: Waker,
        /// Wakes a worker.
        expected: Arc<Notify>,
        life: &'static Lifecycle,
    }

    impl<F> OnMain<F> {
        pub(super) fn new(inner: F, mark: Mark, expected: Arc<Notify>, life: &'static Lifecycle) -> Self {
            let bell = Arc::new(Bell { mark });
            OnMain { inner: Box::pin(inner), waker: Waker::from(Arc::clone(&bell)), bell, expected, life }
        }
    }

    impl<F: Future> Future for OnMain<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
            let this = &mut *self;
            if let Poll::Ready(output) = this.inner.as_mut().poll(&mut Context::from_waker(&this.waker)) {
                return Poll::Ready(output);
            }
            if let Some(signal) = this.bell.wait() {
                if this.life.triggered().is_none() {
                    this.expected.notify_one();
                }
                this.life.trigger_and_act(Reason::Signal(signal));
            }
            // Back to the runtime before the next poll: it counts how much each may do.
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
}
