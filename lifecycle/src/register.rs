//! Steps that are registered while the process runs, instead of by an attribute.

use std::any::type_name;
use std::fmt::{self, Display};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::edge::{Edges, Node, Target};
use crate::health::Check;
use crate::hook::{Call, Phase, Signature, StepKeys, StepSpec, Task};
use crate::process::lifecycle;

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

/// What a registered hook may return: `()` or `Result<(), E>` with `E: Display`.
#[diagnostic::on_unimplemented(
    message = "a registered hook returns `()` or `Result<(), E>` with `E: Display`, not `{Self}`",
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

/// Registers a [`Hook`] or a [`Check`].
///
/// Before the start a hook takes part in the plan; a shutdown hook may come later, until the shutdown begins. A check
/// may come at any time until then, and runs while the service does.
///
/// Several may have one name; from the second on they are called `name #2` and so on.
pub fn register(what: impl Register) -> Registration {
    what.register()
}

/// What [`register`] takes: a [`Hook`] or a [`Check`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "neither a `Hook` nor a `Check`",
    note = "make one of a closure with `Hook::on_start`, `Hook::on_shutdown` or `Check::new`"
)]
pub trait Register: sealed::Sealed {
    #[doc(hidden)]
    fn register(self) -> Registration;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Hook {}
    impl Sealed for super::Check {}
}

impl Register for Hook {
    fn register(self) -> Registration {
        register_hook(self)
    }
}

pub(crate) fn too_late(name: &str, file: &str, line: u32) -> Registration {
    tracing::error!(target: "lifecycle", step = name, file, line, "registered too late: it will not run");
    Registration::new(|| false)
}

fn register_hook(hook: Hook) -> Registration {
    let mut registrations = lifecycle().registrations();
    let closed = match hook.spec.phase {
        Phase::Start => registrations.started,
        Phase::Shutdown => registrations.stopping,
    };
    let mut spec = hook.spec;
    if closed {
        drop(registrations);
        return too_late(&spec.name, &spec.file, spec.line);
    }
    let same =
        registrations.steps.iter().filter(|(_, name, other)| *name == spec.name && other.phase == spec.phase);
    let (name, before) = (spec.name.clone(), same.count());
    if before > 0 {
        spec.name = format!("{name} #{}", before + 1);
    }
    let id = registrations.next;
    registrations.next += 1;
    registrations.steps.push((id, name, spec));
    Registration::new(move || remove_hook(id))
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

    /// Takes it back. Returns whether it was still there to be taken: a step not once its phase has begun, a check not
    /// once the shutdown has. A run of the check that is on its way is told to end.
    pub fn remove(self) -> bool {
        (self.remove)()
    }
}

fn remove_hook(hook: u64) -> bool {
    let mut registrations = lifecycle().registrations();
    let (started, stopping) = (registrations.started, registrations.stopping);
    let open = |phase| match phase {
        Phase::Start => !started,
        Phase::Shutdown => !stopping,
    };
    let found = registrations.steps.iter().position(|(id, _, spec)| *id == hook && open(spec.phase));
    found.map(|index| registrations.steps.remove(index)).is_some()
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
    pub(crate) fn of(&self, phase: Phase) -> impl Iterator<Item = StepSpec> + '_ {
        self.steps.iter().map(|(_, _, spec)| spec).filter(move |spec| spec.phase == phase).cloned()
    }
}
