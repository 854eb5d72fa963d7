//! A worker made at run time.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Restart;
use crate::edge::{Node, Target};
use crate::hook::{Begin, Call, CallResult, Phase, StepSpec, Task};
use crate::register::{self, HookResult, WhenResult};

/// A worker made at run time: it runs beside the service, and ends when its token says so.
///
/// It has the keys that `#[worker]` has, and takes no resources: what it needs, its closure captures, or it asks
/// [`resource`](crate::resource). It begins once the start has ended well, or at once if it is registered after that.
/// At its place in the shutdown its token fires; it is awaited for its `timeout` (5s), then aborted. Without an order it
/// is stopped right after [`Requests`](crate::Requests), so that it still takes what the last requests have left it.
///
/// ```no_run
/// use lifecycle::{Worker, admitting, register};
/// use tokio::sync::{Mutex, mpsc};
/// # use std::sync::Arc;
/// # struct Job; impl Job { async fn run(self) {} }
///
/// # fn example(jobs: mpsc::Receiver<Job>) {
/// let jobs = Arc::new(Mutex::new(jobs));
/// register(Worker::new("jobs", move |_| {
///     let jobs = Arc::clone(&jobs);
///     async move {
///         let mut jobs = jobs.lock().await;
///         // Takes no job once it was told to stop, nor while the service is paused.
///         while let Some(Some(job)) = admitting().next(jobs.recv()).await {
///             job.run().await;
///         }
///     }
/// }));
/// # }
/// ```
#[must_use = "a worker does nothing until it is registered"]
pub struct Worker {
    pub(crate) spec: StepSpec,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&self.spec).finish()
    }
}

impl Worker {
    /// An async worker, a task on the service's runtime. `run` is called for each run, a restart included.
    ///
    /// ```
    /// use lifecycle::Worker;
    /// use std::time::Duration;
    ///
    /// let heartbeat = Worker::new("heartbeat", |token| async move {
    ///     let mut ticks = tokio::time::interval(Duration::from_secs(5));
    ///     while token.run_until_cancelled(ticks.tick()).await.is_some() {
    ///         // …
    ///     }
    /// });
    /// # drop(heartbeat);
    /// ```
    #[track_caller]
    pub fn new<F, R>(
        name: impl Into<String>,
        run: impl Fn(CancellationToken) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        let (run, module) = named(run);
        Self::made(name.into(), module, move |token| {
            let run = Arc::clone(&run);
            // Called where it is polled: it is a user's code.
            Call::Async(Box::pin(async move { gives_nothing(run(token).await) }))
        })
    }

    /// A sync worker, on an OS thread of its own inside the service's runtime: there a future that is not `Send` can be
    /// driven by `Handle::current().block_on`. It cannot be aborted: one that does not end in time is abandoned.
    ///
    /// ```
    /// use lifecycle::Worker;
    /// use tokio::runtime::Handle;
    ///
    /// # async fn poll_the_exchange(_: std::rc::Rc<u8>) {}
    /// let polls = Worker::sync("polls", |token| {
    ///     let state = std::rc::Rc::new(0);
    ///     let work = token.run_until_cancelled(poll_the_exchange(state));
    ///     Handle::current().block_on(work);
    /// });
    /// # drop(polls);
    /// ```
    #[track_caller]
    pub fn sync<R: HookResult>(
        name: impl Into<String>,
        run: impl Fn(CancellationToken) -> R + Send + Sync + 'static,
    ) -> Self {
        let (run, module) = named(run);
        Self::made(name.into(), module, move |token| {
            let run = Arc::clone(&run);
            Call::Sync(Box::new(move || gives_nothing(run(token))))
        })
    }

    #[track_caller]
    fn made(
        name: String,
        module: String,
        call: impl Fn(CancellationToken) -> Call + Send + Sync + 'static,
    ) -> Self {
        let begin = Begin::new(move |inputs| Ok(call(inputs.stop_token())));
        Worker { spec: register::step(name, module, Phase::Shutdown, Task::Worker(begin)) }
    }

    /// The rank of its stop, which waits for every step of lower rank. Default: right after the requests.
    pub fn order(mut self, order: i32) -> Self {
        self.spec.keys.order = Some(order);
        self
    }

    /// It is stopped after this step, or after [`Requests`](crate::Requests). Can be said several times.
    pub fn after<N: Node>(mut self) -> Self {
        self.spec.edges.after.push(Target::of::<N>());
        self
    }

    /// It is stopped before this step, or before [`Requests`](crate::Requests). Can be said several times.
    pub fn before<N: Node>(mut self) -> Self {
        self.spec.edges.before.push(Target::of::<N>());
        self
    }

    /// How long it is awaited once it was told to stop. Default 5s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.keys.timeout = Some(timeout);
        self
    }

    /// Whether it begins at all, asked once, after the start: a `bool`, or a `Result<(), E>` whose error is the reason. If not,
    /// it is skipped, which degrades nothing. It is asked on a thread of its own.
    ///
    /// ```
    /// use lifecycle::Worker;
    ///
    /// let leader = Worker::new("leader", |token| async move { token.cancelled().await })
    ///     .when(|| std::env::var("ROLE").is_ok_and(|role| role == "leader"));
    /// # drop(leader);
    /// ```
    pub fn when<R: WhenResult>(mut self, when: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.spec.extra.when = Some(Box::new(register::when(when)));
        self
    }

    /// When it is begun again. Default [`Restart::OnFailure`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spec.extra.restart = Some(restart);
        self
    }

    /// How many times in a row it is begun again before its failure ends the service. Default 5.
    pub fn retry(mut self, retry: u32) -> Self {
        self.spec.extra.retry = Some(retry);
        self
    }

    /// The pause before the first restart in a row; each further one is twice as long, up to 30s, and up to a half of each
    /// is left out by chance. Default 500ms.
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.spec.extra.backoff = Some(backoff);
        self
    }
}

/// The closure, with the module that it is written in.
fn named<R>(run: R) -> (Arc<R>, String) {
    (Arc::new(run), register::module_of::<R>())
}

fn gives_nothing<R: HookResult>(result: R) -> CallResult {
    result.into_text().map(|()| Vec::new())
}
