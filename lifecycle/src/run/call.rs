//! One call of a user's function on its way.
//!
//! An async call is handed to the service's runtime. If that has not begun to poll it in time, its threads are stuck, and
//! the rescue runtime claims it: one compare-exchange decides who polls it, so that it runs once. A sync call has an OS
//! thread of its own from the beginning, since a runtime's blocking threads may never run what they are given during a
//! shutdown.

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::crew::{Crew, Handed};
use super::executor::End;
#[cfg(feature = "testing")]
use super::inline;
use super::message::Teller;
use crate::clock;
use crate::context::{self, InStep, StepContext};
use crate::hook::{Call, CallResult};
use crate::report::{Item, Outcome};
use crate::resource::Resource;

/// Which thread a sync call is made on.
#[derive(Clone, Copy)]
pub(super) enum Threads<'a> {
    /// One of the steps'.
    OfSteps(&'a Arc<Crew>),
    /// One for it alone, for as long as the service runs.
    ItsOwn,
}

/// A call that has been handed over. Its end is told by the teller, after its values are gone.
pub(super) struct Running {
    /// If it asked for one.
    token: Option<CancellationToken>,
    /// Of an async call.
    handed: Option<(Arc<Job>, AbortHandle)>,
    /// Of a sync one.
    threaded: Option<Handed>,
}

impl Running {
    /// Hands it over.
    ///
    /// # Errors
    /// The system gives no thread for a sync call.
    pub(super) fn begin(
        call: Call,
        step: &str,
        token: Option<CancellationToken>,
        context: Arc<StepContext>,
        teller: Teller,
        runtime: &Handle,
        threads: Threads<'_>,
    ) -> io::Result<Self> {
        let mut this = Running { token, handed: None, threaded: None };
        match call {
            Call::Async(future) => this.hand(Inside { future, context, teller }, runtime),
            Call::Sync(call) => {
                let call = move || {
                    let step = context::enter_step(Arc::clone(&context));
                    let (end, gifts) = conclude(catch_unwind(AssertUnwindSafe(call)), &context);
                    drop(step);
                    teller.tell(end, gifts);
                };
                match threads {
                    Threads::OfSteps(crew) => {
                        this.threaded = Some(crew.hand(step, runtime, Box::new(call))?);
                    }
                    Threads::ItsOwn => on_a_thread_for_long(step, runtime, this.token.clone(), call)?,
                }
            }
        }
        Ok(this)
    }

    fn hand(&mut self, inside: Inside, runtime: &Handle) {
        let job = Arc::new(Job { claimed: AtomicBool::new(false), inside: Mutex::new(Some(inside)) });
        let task = runtime.spawn(Turn { job: Arc::clone(&job), polled: None });
        self.handed = Some((job, task.abort_handle()));
    }

    /// Nobody polls it yet.
    pub(super) fn is_unbegun(&self) -> bool {
        self.handed.as_ref().is_some_and(|(job, _)| !job.claimed.load(Ordering::Acquire))
    }

    /// Has it polled by this runtime, unless the first one is quicker after all. Returns whether it is.
    pub(super) fn rescue(&mut self, runtime: &Handle) -> bool {
        match self.claim() {
            Some(inside) => {
                self.hand(inside, runtime);
                true
            }
            None => false,
        }
    }

    /// Tells it to stop, and drops it where it waits.
    pub(super) fn stop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
        if let Some((_, abort)) = &self.handed {
            abort.abort();
        }
        if let Some(threaded) = &self.threaded {
            threaded.write_off();
        }
        self.take_back();
    }

    /// If nobody has begun it, it will not be, and it is dropped away from this thread: that is a user's code.
    pub(super) fn take_back(&mut self) {
        if let Some(inside) = self.claim() {
            drop_elsewhere(inside);
        }
    }

    fn claim(&self) -> Option<Inside> {
        self.handed.as_ref().and_then(|(job, _)| job.claim())
    }
}

/// Calls a user's sync function on a thread of its own, inside the runtime; on that of a test whose clock is paused.
///
/// # Errors
/// The system gives no more threads.
pub(crate) fn on_a_thread(
    name: &str,
    runtime: &Handle,
    call: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    #[cfg(feature = "testing")]
    if let Some(queue) = inline::queue() {
        queue.push(name, call);
        return Ok(());
    }
    spawn_thread(name, runtime, call).map(drop)
}

/// The same for what goes on until it is told to stop. In a test the clock must go on beside it until then, and stands
/// still from then on.
fn on_a_thread_for_long(
    name: &str,
    runtime: &Handle,
    told: Option<CancellationToken>,
    call: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let thread = spawn_thread(name, runtime, call)?;
    if let Some(told) = told.filter(|_| clock::in_test()) {
        drop(runtime.spawn(async move {
            told.cancelled().await;
            // Its panic was caught.
            drop(tokio::task::spawn_blocking(move || thread.join()));
        }));
    }
    Ok(())
}

fn spawn_thread(
    name: &str,
    runtime: &Handle,
    call: impl FnOnce() + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    let runtime = runtime.clone();
    thread::Builder::new().name(format!("lifecycle: {name}")).spawn(move || {
        let _runtime = runtime.enter();
        call();
    })
}

/// Drops a user's value on a thread of its own; leaks it if there is none to be had.
pub(crate) fn drop_elsewhere<T: Send + 'static>(value: T) {
    if clock::in_test() {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            std::mem::forget(payload);
        }
        return;
    }
    let slot = Arc::new(Mutex::new(Some(value)));
    let there = Arc::clone(&slot);
    let spawned = thread::Builder::new().name("lifecycle-drop".into()).spawn(move || {
        let value = there.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(value);
    });
    if spawned.is_err() {
        std::mem::forget(slot);
    }
}

type CallFuture = Pin<Box<dyn Future<Output = CallResult> + Send>>;

/// A call that nobody has polled. Its values are dropped before its end is told.
struct Inside {
    future: CallFuture,
    context: Arc<StepContext>,
    teller: Teller,
}

/// A call that one of two runtimes will poll.
struct Job {
    claimed: AtomicBool,
    inside: Mutex<Option<Inside>>,
}

impl Job {
    fn claim(&self) -> Option<Inside> {
        self.claimed.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).ok()?;
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The task of a call: claims it and polls it. A struct and not an async block, which would keep room for what it is made of
/// beside what it is: of a thousand hooks at once the first touch of memory is a third of what they cost.
struct Turn {
    job: Arc<Job>,
    polled: Option<Polled>,
}

/// A call that is polled. Dropped, its values go before its end is told.
struct Polled {
    future: InStep<CallFuture>,
    context: Arc<StepContext>,
    teller: Teller,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Turn { job, polled } = &mut *self;
        if polled.is_none() {
            let Some(Inside { future, context, teller }) = job.claim() else { return Poll::Ready(()) };
            let future = context::in_step(Arc::clone(&context), future);
            *polled = Some(Polled { future, context, teller });
        }
        let Some(Polled { future, .. }) = polled else { return Poll::Ready(()) };
        let result = match catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(payload) => Err(payload),
        };
        if let Some(Polled { future, context, teller }) = polled.take() {
            let (end, gifts) = conclude(result, &context);
            drop(future);
            teller.tell(end, gifts);
        }
        Poll::Ready(())
    }
}

fn conclude(result: Result<CallResult, Box<dyn Any + Send>>, context: &StepContext) -> (End, Vec<Resource>) {
    let noted = context.close();
    match result {
        Ok(Ok(gifts)) => (done(&noted.items), gifts),
        Ok(Err(error)) => (End::new(Outcome::Failed, error), Vec::new()),
        Err(payload) => (panicked(payload), Vec::new()),
    }
}

/// Of a call that returned without an error.
fn done(items: &[Item]) -> End {
    match items.iter().filter(|item| item.error.is_some()).count() {
        0 => End::bare(Outcome::Done),
        failed => End::new(Outcome::Partial, format!("{failed} of {} items failed", items.len())),
    }
}

/// The end of something that panicked. The payload is leaked: its own `Drop` may panic again.
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> End {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    std::mem::forget(payload);
    End::new(Outcome::Panicked, text)
}
