//! Steps that are registered while the process runs, instead of by an attribute.

mod registrations;

use std::any::type_name;
use std::fmt::{self, Display};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use self::registrations::Registered;
pub(crate) use self::registrations::Registrations;
use crate::edge::{Edges, Node, Target};
use crate::health::Check;
use crate::hook::{Begin, Call, Function, Phase, Signature, StepKeys, StepSpec, Task, When};
use crate::journal::Event as JournalEvent;
use crate::narrator::Say;
use crate::process::lifecycle;
use crate::rare::Rare;
use crate::run::message::Message;
use crate::worker::Worker;

/// A hook made at run time: `Hook::on_shutdown("flush", || async { … }).order(3)`.
///
/// It has the keys that the attributes have, and takes no resources: what it needs, its closure captures, or it asks
/// [`resource`](crate::resource).
#[must_use = "a hook does nothing until it is registered"]
pub struct Hook {
    pub(crate) spec: StepSpec,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.spec).finish()
    }
}

/// What a registered hook or worker may return: `()` or `Result<(), E>` with `E: Display`.
#[diagnostic::on_unimplemented(
    message = "what is registered returns `()` or `Result<(), E>` with `E: Display`, not `{Self}`",
    label = "nobody would take this value"
)]
pub trait HookResult {
    /// The error as text.
    #[doc(hidden)]
    fn into_text(self) -> Result<(), String>;
}

impl HookResult for () {
    fn into_text(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> HookResult for Result<(), E> {
    fn into_text(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:#}"))
    }
}

/// What a step's `when` may say: a `bool`, or `Result<(), E>` with `E: Display`, whose error is the reason that the
/// report gives for skipping the step.
#[diagnostic::on_unimplemented(
    message = "`when` says a `bool` or `Result<(), E>` with `E: Display`, not `{Self}`",
    label = "neither yes nor no",
    note = "a function is called, with its resources as a closure's: `when = |config: &Config| flushes(config)`"
)]
pub trait WhenResult {
    /// Why not, as text.
    #[doc(hidden)]
    fn into_answer(self) -> Result<(), String>;
}

impl WhenResult for bool {
    fn into_answer(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("its `when` is false".to_owned()) }
    }
}

impl<E: Display> WhenResult for Result<(), E> {
    fn into_answer(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:#}"))
    }
}

/// The module of the function in which a closure is written.
pub(crate) fn module_of<F>() -> String {
    type_name::<F>().split("::{{closure}}").next().unwrap_or_default().to_owned()
}

/// A step that no attribute has declared, at the caller's place.
#[track_caller]
pub(crate) fn step(name: String, module: String, phase: Phase, task: Task) -> StepSpec {
    let place = Location::caller();
    StepSpec {
        name: name.into(),
        module: module.into(),
        file: place.file().into(),
        line: place.line(),
        id: None,
        phase,
        keys: StepKeys::default(),
        extra: Rare::default(),
        edges: Edges::default(),
        signature: Rare::default(),
        off: None,
        task,
    }
}

/// A closure as what a step does. It is called where its future is polled: it may be more than a constructor.
pub(crate) fn begin<H, F, R>(hook: H) -> Begin
where
    H: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
    R: HookResult,
{
    let hook = Arc::new(hook);
    Begin::new(move |_| {
        let hook = Arc::clone(&hook);
        Ok(Call::Async(Box::pin(async move { hook().await.into_text().map(|()| Vec::new()) })))
    })
}

/// A closure that stands in for a step.
pub(crate) fn function<H, F, R>(hook: H) -> Function
where
    H: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
    R: HookResult,
{
    Function { signature: Signature::default(), begin: begin(hook) }
}

/// A closure that says whether a step runs.
pub(crate) fn when<R: WhenResult>(condition: impl Fn() -> R + Send + Sync + 'static) -> When {
    let condition = Arc::new(condition);
    When {
        signature: Signature::default(),
        ask: Arc::new(move |_| {
            let condition = Arc::clone(&condition);
            Ok(Box::new(move || condition().into_answer()))
        }),
    }
}

impl Hook {
    /// A start hook, as by `#[on_start]`. Registered after the start it never runs.
    #[track_caller]
    pub fn on_start<F, R>(name: impl Into<String>, hook: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        Self::new(Phase::Start, name.into(), hook)
    }

    /// A shutdown hook, as by `#[on_shutdown]`.
    #[track_caller]
    pub fn on_shutdown<F, R>(name: impl Into<String>, hook: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        Self::new(Phase::Shutdown, name.into(), hook)
    }

    #[track_caller]
    fn new<H, F, R>(phase: Phase, name: String, hook: H) -> Self
    where
        H: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        Hook { spec: step(name, module_of::<H>(), phase, Task::Hook(begin(hook))) }
    }

    /// Its rank: it waits for every step of lower rank. Default 0.
    pub fn order(mut self, order: i32) -> Self {
        self.spec.keys.order = Some(order);
        self.spec.keys.last = false;
        self
    }

    /// It runs after this step, or after [`Requests`](crate::Requests). Can be said several times.
    #[track_caller]
    pub fn after<N: Node>(mut self) -> Self {
        self.spec.edges.after.push(Target::of::<N>());
        self
    }

    /// It runs before this step, or before [`Requests`](crate::Requests). Can be said several times.
    #[track_caller]
    pub fn before<N: Node>(mut self) -> Self {
        self.spec.edges.before.push(Target::of::<N>());
        self
    }

    /// How long it may take: all attempts, the pauses between them, and the fallback together. Default 30s at the start,
    /// 5s at the shutdown.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.keys.timeout = Some(timeout);
        self
    }

    /// How often it is tried again if it returns an error, panics, or does not end within its [`attempt`](Self::attempt).
    /// Default 0.
    ///
    /// Attempts follow each other. One that cannot be stopped when its time is up is abandoned and not tried again, since
    /// two must not run at once. The report has every attempt.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lifecycle::Hook;
    ///
    /// # async fn flush() -> std::io::Result<()> { Ok(()) }
    /// # async fn write_to_disk() -> std::io::Result<()> { Ok(()) }
    /// lifecycle::register(
    ///     Hook::on_shutdown("flush", flush)
    ///         .timeout(Duration::from_secs(8))
    ///         .attempt(Duration::from_secs(2))
    ///         .retry(2)
    ///         .backoff(Duration::from_millis(200))
    ///         .fallback(write_to_disk)
    ///         .when(|| std::env::var_os("NO_FLUSH").is_none()),
    /// );
    /// ```
    pub fn retry(mut self, retry: u32) -> Self {
        self.spec.extra.retry = Some(retry);
        self
    }

    /// How long each attempt may take. Default: as long as the step has time; with a [`fallback`](Self::fallback), the
    /// attempts end at half of that.
    pub fn attempt(mut self, attempt: Duration) -> Self {
        self.spec.extra.attempt = Some(attempt);
        self
    }

    /// The pause before the first retry; each further one is twice as long, up to 30s. Default 100ms.
    ///
    /// Of each pause at least half is kept and chance decides over the rest ("equal jitter", M. Brooker, *Exponential
    /// Backoff And Jitter*, AWS Architecture Blog, 2015), so that processes which failed together do not come back
    /// together. Where no time would be left after the pause, there is no further attempt.
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.spec.extra.backoff = Some(backoff);
        self
    }

    /// What is done in its place once every attempt has failed; a shutdown hook's only. Saved by it, the step is done, and
    /// the report says what had failed.
    ///
    /// It has the rest of [`timeout`](Self::timeout): see [`attempt`](Self::attempt) for what it leaves over. Beside an
    /// attempt that cannot be stopped it runs all the same.
    pub fn fallback<F, R>(mut self, fallback: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        self.spec.extra.fallback = Some(Box::new(self::function(fallback)));
        self
    }

    /// Whether it runs at all, asked when its turn has come: a `bool`, or a `Result<(), E>` whose error is the reason. If
    /// not, it is skipped, which degrades nothing, and the report says why.
    ///
    /// It is asked on a thread of its own, once, and on the step's time.
    pub fn when<R: WhenResult>(mut self, when: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.spec.extra.when = Some(Box::new(self::when(when)));
        self
    }

    /// What the next start does for a run that has not done this step, although what it takes had come up: killed, failed,
    /// out of time. A shutdown hook's only, and only with a [`journal`](crate::Builder::journal).
    ///
    /// It is a start step: it has the step's `timeout` and `when`, follows whoever provides what it takes, and ends before
    /// the workers and the service begin. It is owed at least once and so must be idempotent. If it fails the start goes on,
    /// and it stays owed, see [`dead_letters`](crate::dead_letters); once it has failed more often than `retry`, a person is
    /// called for.
    ///
    /// A hook that is registered after the start owes from then on, and [`register`] waits until that is on the disk, at most
    /// a second. What it has left undone is listed by `dead_letters`, and a person is called for; it is made up for by a run
    /// that registers the hook before the start, under the same name and in the same function.
    ///
    /// ```
    /// use lifecycle::Hook;
    ///
    /// # async fn cancel_orders() -> std::io::Result<()> { Ok(()) }
    /// lifecycle::register(
    ///     Hook::on_shutdown("cancel_orders", cancel_orders).retry(2).compensate(cancel_orders),
    /// );
    /// ```
    pub fn compensate<F, R>(mut self, compensate: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        self.spec.extra.compensate = Some(Box::new(self::function(compensate)));
        self
    }

    /// Of a shutdown hook: after everything else, on the reserved time, whatever `order` said.
    pub fn last(mut self) -> Self {
        self.spec.keys.last = true;
        self.spec.keys.order = None;
        self
    }
}

/// What [`register`] takes: a [`Hook`], a [`Worker`] or a [`Check`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "no `Hook`, `Worker` or `Check`",
    note = "make one of a closure with `Hook::on_start`, `Hook::on_shutdown`, `Worker::new`, `Worker::sync` or \
            `Check::new`"
)]
pub trait Register: sealed::Sealed {
    #[doc(hidden)]
    fn register(self) -> Registration;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Hook {}
    impl Sealed for super::Worker {}
    impl Sealed for super::Check {}
}

impl Register for Hook {
    fn register(self) -> Registration {
        add(self.spec)
    }
}

impl Register for Worker {
    fn register(self) -> Registration {
        add(self.spec)
    }
}

pub(crate) fn too_late(name: &str, file: &str, line: u32) -> Registration {
    tracing::error!(target: "lifecycle", step = name, file, line, "registered too late: it will not run");
    Registration::new(|| false)
}

/// Registers a step or a health check.
///
/// Before the start a step takes part in the plan, in whatever order they are registered. A shutdown hook, a worker and
/// a check may come later, until the shutdown begins: the worker and the check then begin at once.
///
/// Several may have one name; from the second on they are called `name #2` and so on.
///
/// ```no_run
/// use lifecycle::{Hook, Worker, register};
///
/// # async fn example(shards: Vec<u16>) {
/// let flush = register(Hook::on_shutdown("flush", || async { /* … */ }));
/// for shard in shards {
///     register(Worker::new(format!("shard {shard}"), move |token| async move {
///         token.cancelled().await;
///     }));
/// }
/// flush.remove();
/// # }
/// ```
pub fn register(what: impl Register) -> Registration {
    what.register()
}

/// `db`, `db #2`, `db #3`: the first that is not taken.
pub(crate) fn free_name(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let mut others = (2_u64..).map(|number| format!("{name} #{number}"));
    others.find(|other| !is_taken(other)).unwrap_or(name)
}

fn add(mut spec: StepSpec) -> Registration {
    let life = lifecycle();
    let mut registrations = life.registrations();
    if registrations.is_closed(spec.phase) {
        drop(registrations);
        return too_late(&spec.name, &spec.file, spec.line);
    }
    let given = spec.name.into_owned();
    spec.name = registrations.names.take(spec.phase, &given).into();
    let id = registrations.next;
    let is_worker = spec.is_worker();
    // Of what was registered before, the coordinator knows what it owes.
    let journal = life.running().and_then(|running| running.journal.as_ref());
    let owes = journal.filter(|_| registrations.started && spec.extra.compensate.is_some());
    let owes = owes.map(|journal| (journal, spec.identity()));
    registrations.next += 1;
    registrations.changes += 1;
    registrations.steps.insert(id, Registered { given, spec, owes: owes.is_some() });
    drop(registrations);
    if let Some(running) = life.running() {
        if let Some((journal, step)) = owes {
            if let Err(Some(why)) = journal.wait_for(JournalEvent::Armed { step }) {
                running.narrator.say(Say::Alarm(why));
            }
        }
        if is_worker {
            running.mailbox.send(Message::Registered);
        }
    }
    Registration::new(move || remove(id))
}

fn remove(id: u64) -> bool {
    let life = lifecycle();
    let mut registrations = life.registrations();
    let phase = registrations.steps.get(&id).map(|found| found.spec.phase);
    if phase.is_none_or(|phase| registrations.is_closed(phase)) {
        return false;
    }
    let Some(Registered { given, spec, owes }) = registrations.steps.remove(&id) else { return false };
    registrations.names.give_back(spec.phase, given, &spec.name);
    registrations.changes += 1;
    drop(registrations);
    let is_awaited = spec.is_worker() || spec.extra.compensate.is_some();
    if let Some(running) = life.running().filter(|_| is_awaited) {
        if let Some(journal) = running.journal.as_ref().filter(|_| owes) {
            journal.note(JournalEvent::taken_back(spec.identity()));
        }
        running.mailbox.send(Message::TakenBack(spec.task));
    }
    true
}

/// What was registered. Dropping it changes nothing.
pub struct Registration {
    remove: Box<dyn FnOnce() -> bool + Send + Sync>,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

impl Registration {
    pub(crate) fn new(remove: impl FnOnce() -> bool + Send + Sync + 'static) -> Self {
        Registration { remove: Box::new(remove) }
    }

    /// Takes it back. Returns whether it was still there to be taken: not once its phase has begun.
    ///
    /// A worker that runs is told to stop, and aborted when its `timeout` is over; nobody waits for it. A run of a check
    /// that is on its way is told to end.
    ///
    /// ```
    /// use lifecycle::{Hook, register};
    ///
    /// let flush = register(Hook::on_shutdown("flush", || async {}));
    /// assert!(flush.remove());
    /// ```
    pub fn remove(self) -> bool {
        (self.remove)()
    }
}
