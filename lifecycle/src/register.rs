//! Steps that are registered while the process runs, instead of by an attribute.

use std::any::type_name;
use std::fmt::{self, Display};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::edge::{Edges, Node, Target};
use crate::hook::{Call, Extra, Phase, Signature, StepKeys, StepSpec, Task};
use crate::process::lifecycle;
use crate::run::message::Message;
use crate::worker::Worker;

/// A hook made at run time: `Hook::on_shutdown("flush", || async { … }).order(3)`.
///
/// It has the keys that the attributes have, and takes no resources: what it needs, its closure captures, or it asks
/// [`resource`](crate::resource).
#[must_use = "a hook does nothing until it is registered"]
pub struct Hook {
    spec: StepSpec,
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
        let place = Location::caller();
        let module = type_name::<H>().split("::{{closure}}").next().unwrap_or_default();
        Hook {
            spec: StepSpec {
                name,
                module: module.to_owned(),
                file: place.file().to_owned(),
                line: place.line(),
                id: None,
                phase,
                keys: StepKeys::default(),
                extra: Extra::default(),
                edges: Edges::default(),
                signature: Signature::default(),
                off: None,
                task: Task::Hook(Arc::new(move |_| {
                    let call = hook();
                    Ok(Call::Async(Box::pin(async move { call.await.into_text().map(|()| Vec::new()) })))
                })),
            },
        }
    }

    /// Its rank: it waits for every step of lower rank. Default 0.
    pub fn order(mut self, order: i32) -> Self {
        self.spec.keys.order = Some(order);
        self.spec.keys.last = false;
        self
    }

    /// It runs after this step, or after [`Requests`](crate::Requests). Can be said several times.
    pub fn after<N: Node>(mut self) -> Self {
        self.spec.edges.after.push(Target::of::<N>());
        self
    }

    /// It runs before this step, or before [`Requests`](crate::Requests). Can be said several times.
    pub fn before<N: Node>(mut self) -> Self {
        self.spec.edges.before.push(Target::of::<N>());
        self
    }

    /// How long it may take. Default 30s at the start, 5s at the shutdown.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.keys.timeout = Some(timeout);
        self
    }

    /// Of a shutdown hook: after everything else, on the reserved time, whatever `order` said.
    pub fn last(mut self) -> Self {
        self.spec.keys.last = true;
        self.spec.keys.order = None;
        self
    }
}

/// What [`register`] takes: a [`Hook`] or a [`Worker`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "neither a `Hook` nor a `Worker`",
    note = "make one of a closure with `Hook::on_start`, `Hook::on_shutdown`, `Worker::new` or `Worker::sync`"
)]
pub trait Register: sealed::Sealed {
    #[doc(hidden)]
    fn register(self) -> Registration;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Hook {}
    impl Sealed for super::Worker {}
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

/// Registers a step. Before the start it takes part in the plan, in whatever order they are registered. A shutdown hook
/// and a worker may come later, until the shutdown begins: the worker then begins at once.
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

fn add(mut spec: StepSpec) -> Registration {
    let life = lifecycle();
    let mut registrations = life.registrations();
    if registrations.is_closed(spec.phase) {
        drop(registrations);
        tracing::error!(
            target: "lifecycle", step = spec.name.as_str(), file = spec.file.as_str(), line = spec.line,
            "registered too late: it will not run"
        );
        return Registration::new(|| false);
    }
    let same =
        registrations.steps.iter().filter(|(_, name, other)| *name == spec.name && other.phase == spec.phase);
    let (name, before) = (spec.name.clone(), same.count());
    if before > 0 {
        spec.name = format!("{name} #{}", before + 1);
    }
    let id = registrations.next;
    let is_worker = spec.is_worker();
    registrations.next += 1;
    registrations.steps.push((id, name, spec));
    drop(registrations);
    if let Some(running) = life.running().filter(|_| is_worker) {
        drop(running.mailbox.send(Message::Registered));
    }
    Registration::new(move || remove(id))
}

fn remove(id: u64) -> bool {
    let life = lifecycle();
    let mut registrations = life.registrations();
    let found = registrations.steps.iter().position(|(known, ..)| *known == id);
    let Some(index) = found.filter(|&index| !registrations.is_closed(registrations.steps[index].2.phase))
    else {
        return false;
    };
    let (_, _, spec) = registrations.steps.remove(index);
    drop(registrations);
    if let Some(running) = life.running().filter(|_| spec.is_worker()) {
        drop(running.mailbox.send(Message::TakenBack(spec.task)));
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
    /// A worker that runs is told to stop, and aborted when its `timeout` is over; nobody waits for it.
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

/// The registered steps of the process.
#[derive(Default)]
pub(crate) struct Registrations {
    next: u64,
    /// Identity, name as given, step.
    steps: Vec<(u64, String, StepSpec)>,
    /// The start hooks are being run, or were.
    pub(crate) started: bool,
    /// The shutdown's steps are fixed.
    pub(crate) stopping: bool,
}

impl Registrations {
    /// Nothing of this phase is added or taken back any more.
    fn is_closed(&self, phase: Phase) -> bool {
        match phase {
            Phase::Start => self.started,
            Phase::Shutdown => self.stopping,
        }
    }

    pub(crate) fn of(&self, phase: Phase) -> impl Iterator<Item = StepSpec> + '_ {
        self.steps.iter().map(|(_, _, spec)| spec).filter(move |spec| spec.phase == phase).cloned()
    }
}
