//! Health checks that are registered while the process runs, instead of by an attribute.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use super::board::CheckId;
use super::def::{CheckKeys, CheckSpec};
use super::monitor::Told;
use crate::hook::Signature;
use crate::process::lifecycle;
use crate::register::{self, HookResult, Register, Registration, WhenResult, too_late};
use crate::run::message::Message;

/// A health check made at run time: `Check::new("db", || async { … }).interval(…)`.
///
/// It has the keys that `#[health_check]` has, and takes no resources: what it needs, its closure captures, or it asks
/// [`resource`](crate::resource).
///
/// It runs once the service does, then at its interval. When it fails (an error, a panic, its time is up), the service
/// is not ready any more; up to `retry` times `recover` is called, `delay` passes, and it is run again.
///
/// ```
/// use std::time::Duration;
/// use lifecycle::{Check, register};
/// # #[derive(Clone)] struct Venue;
/// # impl Venue {
/// #     async fn ping(&self) -> std::io::Result<()> { Ok(()) }
/// #     async fn reconnect(&self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # let (venue, to_recover) = (Venue, Venue);
///
/// let registration = register(
///     Check::new("venue", move || { let venue = venue.clone(); async move { venue.ping().await } })
///         .recover(move || { let venue = to_recover.clone(); async move { venue.reconnect().await } })
///         .interval(Duration::from_secs(10))
///         .retry(5),
/// );
/// assert_eq!(lifecycle::health().checks[0].name, "venue");
/// assert!(registration.remove());
/// ```
#[must_use = "a check does nothing until it is registered"]
pub struct Check {
    pub(crate) spec: CheckSpec,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.spec).finish()
    }
}

impl Check {
    /// A check: `()` or `Ok` is good, `Err` or a panic is bad.
    #[track_caller]
    pub fn new<C, F, R>(name: impl Into<String>, check: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        let place = Location::caller();
        Check {
            spec: CheckSpec {
                name: name.into(),
                module: register::module_of::<C>(),
                file: place.file().to_owned(),
                line: place.line(),
                id: None,
                keys: CheckKeys::default(),
                signature: Signature::default(),
                off: None,
                check: register::begin(check),
                recover: None,
                when: None,
            },
        }
    }

    /// What may help when it has failed. Called before each attempt; the check then says whether it has.
    pub fn recover<F, R>(mut self, recover: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        self.spec.recover = Some(register::function(recover));
        self
    }

    /// Whether it applies; asked before each run of the check, on the thread that then polls it: it must not block. One
    /// that does not apply is neither good nor bad.
    pub fn when<R: WhenResult>(mut self, when: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.spec.when = Some(register::when(when));
        self
    }

    /// From the end of one run to the next. Default 30s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.spec.keys.interval = Some(interval);
        self
    }

    /// How long each run of it may take, and each of `recover`. Default 5s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.keys.timeout = Some(timeout);
        self
    }

    /// How many attempts to recover it has. Default 3. When none has helped, they begin anew at the next run that fails.
    pub fn retry(mut self, retry: u32) -> Self {
        self.spec.keys.retry = Some(retry);
        self
    }

    /// From the end of `recover` to the next run. Default 5s.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.spec.keys.delay = Some(delay);
        self
    }
}

impl Register for Check {
    fn register(self) -> Registration {
        let (life, spec) = (lifecycle(), self.spec);
        if life.triggered().is_some() {
            return too_late(&spec.name, &spec.file, spec.line);
        }
        // Before the start a fault is one of the plan.
        let faults = if life.running().is_some() { spec.faults() } else { Vec::new() };
        if !faults.is_empty() {
            faults.iter().for_each(|fault| tracing::error!(target: "lifecycle", "{fault}: it will not run"));
            return Registration::new(|| false);
        }
        let id = life.health.add(spec);
        if let Some(running) = life.running() {
            running.mailbox.send(Message::Health(Told::Registered));
        }
        Registration::new(move || remove(id))
    }
}

fn remove(check: CheckId) -> bool {
    let life = lifecycle();
    if life.triggered().is_some() || !life.health.remove(check) {
        return false;
    }
    if let Some(running) = life.running() {
        running.mailbox.send(Message::Health(Told::Removed(check)));
    }
    true
}
