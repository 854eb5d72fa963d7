//! One hook as a work of the graph.
//!
//! An async hook is handed to the service's runtime. If that has not begun to poll it within [`CLAIM_AFTER`], its
//! threads are stuck, and the rescue runtime claims it: one compare-exchange decides who polls it, so that it runs
//! once. A sync hook has an OS thread of its own from the beginning, since a runtime's blocking threads may never run
//! what they are given during a shutdown.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::executor::{End, Progress, Work};
use super::mailbox::Mailbox;
use super::message::{Address, Message, Teller};
use super::rescue::Rescue;
use crate::context::{self, StepContext};
use crate::hook::{Begin, Call, CallResult, Missing, StepSpec};
use crate::report::{Item, Outcome, Report};
use crate::resource::{Inputs, Resource, Resources};

/// How long the service's runtime has to begin an async hook.
pub(crate) const CLAIM_AFTER: Duration = Duration::from_millis(250);

/// What every hook of a graph is run with.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) mailbox: Mailbox,
    pub(crate) runtime: Handle,
    pub(crate) rescue: Arc<Rescue>,
    pub(crate) resources: &'static Resources,
    pub(crate) report: Option<Arc<Report>>,
    /// When the whole graph is cut.
    pub(crate) deadline: Option<Instant>,
}

/// What is known of a hook beside its end.
pub(crate) struct Facts {
    pub(crate) context: Arc<StepContext>,
    /// It ran on the rescue runtime.
    pub(crate) rescued: AtomicBool,
}

/// Says why a resource may be absent without that being a fault.
pub(crate) type Excuse = Rc<dyn Fn(&Missing) -> Option<String>>;

/// A hook on its way through the graph.
pub(crate) struct HookTask {
    spec: StepSpec,
    begin: Begin,
    at: Address,
    limit: Duration,
    hooks: Hooks,
    facts: Arc<Facts>,
    excuse: Excuse,
    token: CancellationToken,
    job: Option<Arc<Job>>,
    abort: Option<AbortHandle>,
    /// The rescue runtime is being built for it.
    rescue_asked: bool,
}

impl HookTask {
    pub(crate) fn new(
        spec: StepSpec,
        begin: Begin,
        at: Address,
        limit: Duration,
        hooks: Hooks,
        excuse: Excuse,
    ) -> (Self, Arc<Facts>) {
        let facts = Arc::new(Facts { context: Arc::default(), rescued: AtomicBool::new(false) });
        let token = CancellationToken::new();
        let this = HookTask {
            spec,
            begin,
            at,
            limit,
            hooks,
            facts: Arc::clone(&facts),
            excuse,
            token,
            job: None,
            abort: None,
            rescue_asked: false,
        };
        (this, facts)
    }

    /// Gathers the arguments. The only code of a user that the coordinator runs: `Clone` of an argument.
    fn gather(&self) -> Result<Call, End> {
        // All are there, or none is taken: a resource must not be lost to a step that then cannot run.
        let needed = self.spec.signature.takes.iter().filter(|need| !need.optional);
        if let Some(absent) = needed.into_iter().find(|need| !self.hooks.resources.has(need)) {
            return Err(self.without(&self.hooks.resources.missing(absent)));
        }
        let mut inputs = Inputs {
            resources: self.hooks.resources,
            token: &self.token,
            token_given: false,
            report: self.hooks.report.as_ref(),
            step: &self.spec.name,
        };
        match catch_unwind(AssertUnwindSafe(|| (self.begin)(&mut inputs))) {
            Ok(Ok(call)) => Ok(call),
            Ok(Err(missing)) => Err(self.without(&missing)),
            Err(payload) => Err(panicked(payload)),
        }
    }

    fn without(&self, missing: &Missing) -> End {
        match (self.excuse)(missing) {
            Some(excuse) => End::new(Outcome::Skipped, excuse),
            None => End::new(Outcome::Missing, missing.to_string()),
        }
    }

    fn begin_async(&mut self, future: HookFuture, now: Instant) -> Progress {
        let teller = Teller::new(self.hooks.mailbox.clone(), self.at);
        let job = Arc::new(Job::new((teller, future)));
        self.job = Some(Arc::clone(&job));
        self.abort = Some(self.run_on(&self.hooks.runtime, job));
        Progress::Until(now + CLAIM_AFTER)
    }

    fn run_on(&self, runtime: &Handle, job: Arc<Job>) -> AbortHandle {
        let context = Arc::clone(&self.facts.context);
        let task = runtime.spawn(async move {
            if let Some((teller, future)) = job.claim() {
                run(teller, context, future).await;
            }
        });
        task.abort_handle()
    }

    fn begin_sync(&mut self, call: Box<dyn FnOnce() -> CallResult + Send>) -> Progress {
        let teller = Teller::new(self.hooks.mailbox.clone(), self.at);
        let context = Arc::clone(&self.facts.context);
        let runtime = self.hooks.runtime.clone();
        let thread = thread::Builder::new().name(format!("lifecycle: {}", self.spec.name)).spawn(move || {
            let _runtime = runtime.enter();
            let _step = context::enter_step(Arc::clone(&context));
            let (end, gifts) = conclude(catch_unwind(AssertUnwindSafe(call)), &context);
            teller.tell(end, gifts);
        });
        match thread {
            Ok(_detached) => Progress::Running,
            Err(error) => {
                Progress::Ended(End::new(Outcome::Failed, format!("the system gave it no thread: {error}")))
            }
        }
    }
}

impl Work for HookTask {
    fn begin(&mut self, now: Instant) -> Progress {
        let own = now.checked_add(self.limit);
        self.facts.context.set_deadline(own.into_iter().chain(self.hooks.deadline).min());
        match self.gather() {
            Ok(Call::Async(future)) => self.begin_async(future, now),
            Ok(Call::Sync(call)) => self.begin_sync(call),
            Err(end) => Progress::Ended(end),
        }
    }

    fn wake(&mut self, _: Instant) -> Progress {
        if self.is_unclaimed() { self.rescue() } else { Progress::Running }
    }

    fn cut(&mut self) {
        self.token.cancel();
        if let Some(abort) = &self.abort {
            abort.abort();
        }
        self.abandon();
    }

    fn limit(&self) -> Option<Duration> {
        Some(self.limit)
    }
}

impl HookTask {
    fn is_unclaimed(&self) -> bool {
        self.job.as_ref().is_some_and(|job| !job.claimed.load(Ordering::Acquire))
    }

    /// Claims the call for the rescue runtime. If the service's runtime is quicker after all, it keeps it.
    fn rescue(&mut self) -> Progress {
        match self.hooks.rescue.runtime() {
            Some(Ok(rescue)) => {
                let rescue = rescue.clone();
                if let Some(inside) = self.job.as_ref().and_then(|job| job.claim()) {
                    self.facts.rescued.store(true, Ordering::Relaxed);
                    let job = Arc::new(Job::new(inside));
                    self.abort = Some(self.run_on(&rescue, Arc::clone(&job)));
                    self.job = Some(job);
                }
                Progress::Running
            }
            Some(Err(error)) => {
                let error = error.to_owned();
                self.no_rescue(&error)
            }
            None if self.rescue_asked => Progress::Running,
            None => {
                self.rescue_asked = true;
                let (mailbox, at) = (self.hooks.mailbox.clone(), self.at);
                match self.hooks.rescue.build(move || drop(mailbox.send(Message::Poked(at)))) {
                    Ok(()) => Progress::Running,
                    Err(error) => self.no_rescue(&format!("the system gives no more threads: {error}")),
                }
            }
        }
    }

    fn no_rescue(&mut self, error: &str) -> Progress {
        self.abandon();
        let why = format!("the service's runtime is stuck, and there is no other: {error}");
        Progress::Ended(End::new(Outcome::Failed, why))
    }

    /// Takes back a call that nobody has begun, and drops it away from this thread: that is a user's code.
    fn abandon(&mut self) {
        if let Some(inside) = self.job.as_ref().and_then(|job| job.claim()) {
            drop_elsewhere(inside);
        }
    }
}

/// Drops a user's value on a thread of its own; leaks it if there is none to be had.
pub(crate) fn drop_elsewhere<T: Send + 'static>(value: T) {
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

type HookFuture = Pin<Box<dyn Future<Output = CallResult> + Send>>;

/// A call that one of two runtimes will poll.
struct Job {
    claimed: AtomicBool,
    inside: Mutex<Option<(Teller, HookFuture)>>,
}

impl Job {
    fn new(inside: (Teller, HookFuture)) -> Self {
        Job { claimed: AtomicBool::new(false), inside: Mutex::new(Some(inside)) }
    }

    fn claim(&self) -> Option<(Teller, HookFuture)> {
        self.claimed.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).ok()?;
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Polls the hook. The future is dropped before the teller speaks.
async fn run(teller: Teller, context: Arc<StepContext>, future: HookFuture) {
    let (end, gifts) = {
        let mut future = pin!(context::in_step(Arc::clone(&context), future));
        let result =
            std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
                Err(payload) => Poll::Ready(Err(payload)),
            })
            .await;
        conclude(result, &context)
    };
    teller.tell(end, gifts);
}

fn conclude(result: Result<CallResult, Box<dyn Any + Send>>, context: &StepContext) -> (End, Vec<Resource>) {
    match result {
        Ok(Ok(gifts)) => (done(&context.record().items), gifts),
        Ok(Err(error)) => (End::new(Outcome::Failed, error), Vec::new()),
        Err(payload) => (panicked(payload), Vec::new()),
    }
}

/// Of a step that returned without an error.
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
