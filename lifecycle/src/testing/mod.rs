//! What a `#[lifecycle::test]` can do with the lifecycle that it runs in.
//!
//! Such a test has a process of its own: the lifecycle with all the steps of the test's binary, on a runtime whose clock
//! is paused. Its start hooks have run when the body begins, and its arguments are resources, as `main`'s are. When the
//! body ends, the shutdown runs too; if it is degraded the test fails and shows the report, unless the body has awaited
//! [`signal`] or [`shutdown`](crate::shutdown()) and so has seen it.
//!
//! ```
//! use lifecycle::{Event, Outcome, Take, on_shutdown, on_start, testing};
//! # #[derive(Clone, Default)] struct Db;
//! # impl Db { async fn open() -> Db { Db } async fn close(self) {} }
//!
//! #[on_start]
//! async fn open_db() -> Db {
//!     Db::open().await
//! }
//!
//! #[on_shutdown(timeout = "30s")]
//! async fn close_db(Take(db): Take<Db>) {
//!     db.close().await
//! }
//!
//! #[cfg(test)]
//! mod tests {
//!     use super::*;
//!     use lifecycle::signals::SIGTERM;
//!
//!     #[lifecycle::test]
//!     async fn the_database_is_closed(_: Db) {
//!         let report = testing::signal(SIGTERM).await;
//!         let closed = report.steps.iter().find(|step| step.name == "close_db").unwrap();
//!         assert_eq!(closed.outcome, Outcome::Done);
//!     }
//! }
//! # fn main() {}
//! ```

mod child;
mod link;
mod parent;
mod result;

use std::any::{TypeId, type_name};
use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use self::result::TestResult;
use crate::api::Shutdown;
use crate::clock;
use crate::events::Event;
use crate::hook::{Gift, Missing, Phase, Signature, Step, StepSpec};
use crate::process::lifecycle;
use crate::render;
use crate::report::{Reason, StepReport};
use crate::resource::{Inputs, Resource};
use crate::run::{MainDef, in_test};
use crate::settings::signals;
use crate::signal::Wanted;

/// How long a test may take, by the real clock.
#[doc(hidden)]
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Named in a child's environment: the one test that it runs.
const CHILD: &str = "LIFECYCLE_TEST";

/// The clock of a test's runtime.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It stands still while anything can run, and then jumps to the next timer.
    Paused,
    /// Everybody's.
    Real,
}

/// What `#[lifecycle::test]` leaves in its function's place: in the process of all tests it has another one run this
/// test alone.
#[doc(hidden)]
pub fn test<F>(
    def: &'static MainDef,
    path: &'static str,
    limit: Duration,
    clock: Clock,
    body: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) where
    F: Future,
    F::Output: TestResult,
{
    // As libtest knows it: without the crate.
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    if std::env::var_os(CHILD).is_some_and(|child| child == name) {
        child::run(def, clock, body)
    }
    parent::run(name, limit);
}

/// What is known of the test's lifecycle once it has been prepared.
pub(crate) struct Stage {
    pub(crate) signals: Wanted,
    /// All steps, each with its limit.
    pub(crate) steps: Vec<(StepSpec, Duration)>,
}

static STAGE: OnceLock<Stage> = OnceLock::new();
static FAKES: Mutex<Vec<Gift>> = Mutex::new(Vec::new());
static EVENTS: Mutex<Vec<Event>> = Mutex::new(Vec::new());
static RUN: Mutex<Vec<TypeId>> = Mutex::new(Vec::new());
static REPORT_TAKEN: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn set_stage(stage: Stage) {
    if STAGE.set(stage).is_err() {
        unreachable!("a lifecycle is prepared once");
    }
}

#[track_caller]
fn stage(what: &str) -> &'static Stage {
    match STAGE.get() {
        Some(stage) => stage,
        None => panic!("{what} belongs into the body of a #[lifecycle::test]"),
    }
}

/// Provides a value in place of the start hook that would: that hook does not run.
///
/// It belongs into the `setup` of the test, since the start hooks have run when the body begins. A hook that gives several
/// values is replaced by all of them.
///
/// ```
/// use lifecycle::{Settings, on_start, testing};
///
/// # #[derive(Debug, PartialEq)]
/// struct Exchange { venue: &'static str }
///
/// #[on_start]
/// async fn connect() -> std::io::Result<Exchange> {
///     # return Ok(Exchange { venue: "the real one" });
///     # /*
///     …
///     # */
/// }
///
/// # #[cfg(test)] // shown only
/// # mod tests { use super::*;
/// fn fakes(_: &mut Settings) {
///     testing::provide(Exchange { venue: "a fake" });
/// }
///
/// #[lifecycle::test(setup = fakes)]
/// async fn it_trades(exchange: &Exchange) {
///     assert_eq!(exchange.venue, "a fake");
/// }
/// # }
/// # fn main() {}
/// ```
///
/// # Panics
/// Elsewhere than in the `setup` of a `#[lifecycle::test]`, and if a value of this type is there already.
#[track_caller]
pub fn provide<T: Send + Sync + 'static>(value: T) {
    let call = || format!("testing::provide::<{}>(…)", render::type_name(type_name::<T>()));
    if !clock::in_test() || STAGE.get().is_some() {
        panic!(
            "{} belongs into the `setup` of a #[lifecycle::test]: elsewhere no start hook is still to be replaced",
            call()
        );
    }
    let resource = Resource::from_hand(value).unwrap_or_else(|error| panic!("{}: {error}", call()));
    let gift = resource.gift();
    if let Err(error) = lifecycle().resources.insert(resource) {
        panic!("{}: {error}", call());
    }
    lock(&FAKES).push(gift);
}

/// Switches off the start hooks in whose place the test provides. Errors name those it does so only in part.
pub(crate) fn replace(steps: &mut [StepSpec], test: &Signature) -> Vec<String> {
    let fakes = lock(&FAKES);
    if fakes.is_empty() {
        return Vec::new();
    }
    let mut replaced: HashSet<TypeId> = fakes.iter().map(|gift| gift.key).collect();
    // Who needs a `T` is content with an `Arc<T>`.
    let needs = steps.iter().flat_map(|step| step.needs().into_owned());
    let keys: Vec<_> = needs.chain(test.takes.iter().copied()).map(|need| need.keys).collect();
    for keys in keys {
        if keys.iter().any(|key| replaced.contains(key)) {
            replaced.extend(keys);
        }
    }
    let mut errors = Vec::new();
    for step in steps.iter_mut().filter(|step| step.phase == Phase::Start && step.off.is_none()) {
        let names = |fake: bool| {
            let gifts = step.signature.gives.iter().filter(|gift| replaced.contains(&gift.key) == fake);
            gifts.map(|gift| render::type_name(gift.type_name)).collect::<Vec<_>>().join(" and ")
        };
        let (fake, real) = (names(true), names(false));
        if fake.is_empty() {
            continue;
        }
        if !real.is_empty() {
            errors.push(format!(
                "the test provides {fake} in place of `{}` ({}:{}), which gives {real} as well: provide that too",
                step.name, step.file, step.line
            ));
        }
        step.off = Some(format!("the test provides {fake}"));
    }
    errors
}

/// Does what this signal would do to the service: begins the shutdown, pauses or resumes it. Awaited, it resolves to the
/// shutdown's report.
///
/// No signal is sent: the test's process catches none.
///
/// ```no_run
/// # use lifecycle::{signals::SIGTERM, testing};
/// # async fn example() {
/// let report = testing::signal(SIGTERM).await;
/// assert_eq!(report.exit_code, 0, "{report}");
/// # }
/// ```
///
/// # Panics
/// Elsewhere than in a `#[lifecycle::test]`, and for a signal that the lifecycle would not catch.
#[track_caller]
pub fn signal(signal: i32) -> Shutdown {
    let (life, Stage { signals: Wanted { shutdown, pause, resume }, .. }) =
        (lifecycle(), stage("testing::signal"));
    match signal {
        _ if *pause == Some(signal) => drop(life.pause()),
        _ if *resume == Some(signal) => drop(life.resume()),
        _ if shutdown.contains(&signal) => drop(life.trigger(Reason::Signal(signal))),
        _ => {
            let name =
                |signal: &i32| signals::name(*signal).map_or_else(|| signal.to_string(), str::to_owned);
            let caught: Vec<String> = shutdown.iter().chain(pause).chain(resume).map(name).collect();
            panic!(
                "testing::signal({}): this lifecycle catches {}; more are set in `setup`, by `settings.signals(…)`",
                name(&signal),
                caught.join(", ")
            );
        }
    }
    Shutdown::to_come()
}

/// Runs one step alone, as it would run at its place: its `when`, its attempts, its fallback, its limit.
///
/// A shutdown step does not run again in the shutdown after it. A start hook has run before the body begins, unless
/// `setup` has switched it off (`settings.step::<connect>().off("run by hand")`); what it gives is provided if nothing of
/// that type is there.
///
/// ```no_run
/// # use lifecycle::{Outcome, testing};
/// # #[allow(non_camel_case_types)] struct flush; impl lifecycle::Step for flush {}
/// # async fn example() {
/// let report = testing::run::<flush>().await;
/// assert_eq!((report.outcome, report.attempts.len()), (Outcome::Done, 2));
/// # }
/// ```
///
/// # Panics
/// Elsewhere than in a `#[lifecycle::test]`, and for a worker or a group.
pub async fn run<S: Step>() -> StepReport {
    in_test::run_step(TypeId::of::<S>(), type_name::<S>(), stage("testing::run")).await
}

/// Everything that has happened so far, from the first state on. In a process that runs no `#[lifecycle::test]` that is
/// nothing.
///
/// ```no_run
/// # use lifecycle::{Event, testing};
/// let began: Vec<String> = testing::events()
///     .into_iter()
///     .filter_map(|event| match event {
///         Event::StepBegan { step } => Some(step),
///         _ => None,
///     })
///     .collect();
/// assert_eq!(began, ["open_db", "Requests", "close_db"]);
/// ```
pub fn events() -> Vec<Event> {
    lock(&EVENTS).clone()
}

/// Keeps what is told to the subscribers of [`events`](crate::events()).
pub(crate) fn heard(event: &Event) {
    if clock::in_test() {
        lock(&EVENTS).push(event.clone());
        child::heard(event);
    }
}

pub(crate) fn body_begins() {
    child::body(true);
}

pub(crate) fn body_ended() {
    child::body(false);
}

pub(crate) fn sync_call(name: &str, begins: bool) {
    child::sync_call(name, begins);
}

/// The test has run this step: the shutdown does not.
pub(crate) fn note_run(id: TypeId) {
    lock(&RUN).push(id);
}

pub(crate) fn has_run(id: Option<TypeId>) -> bool {
    id.is_some_and(|id| lock(&RUN).contains(&id))
}

/// The test has seen the report, and judges it itself.
pub(crate) fn note_report_taken() {
    REPORT_TAKEN.store(true, Ordering::Release);
}

pub(crate) fn is_report_taken() -> bool {
    REPORT_TAKEN.load(Ordering::Acquire)
}
