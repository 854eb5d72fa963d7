//! Runs the process's one lifecycle: from settings and steps to the exit code.

mod background;
pub(crate) mod backoff;
mod call;
mod coordinator;
mod crew;
mod drain;
mod entry;
pub(crate) mod executor;
mod fates;
mod hear;
mod hook_task;
#[cfg(feature = "testing")]
pub(crate) mod in_test;
#[cfg(feature = "testing")]
mod inline;
mod journal;
mod launch;
pub(crate) mod mailbox;
mod main_thread;
pub(crate) mod message;
mod narrate;
mod prepare;
mod print_plan;
mod requests;
mod rescue;
mod runtime;
mod seat;
pub(crate) mod service;
mod shared;
mod shutdown;
mod times;
mod track;
mod workers;

use std::cell::OnceCell;
use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub(crate) use self::call::{drop_elsewhere, on_a_thread, panicked};
use self::coordinator::{Coordinator, Order};
pub use self::entry::{MainDef, Setup};
use self::mailbox::Mailbox;
use self::message::Message;
use self::prepare::{Prepared, prepare};
use self::service::{Drive, ServiceEnd, ServiceResult};
pub(crate) use self::times::exit_margin;
use crate::clock;
use crate::hook::{Missing, Signature};
use crate::journal::{Journal, Opened};
use crate::narrator::{Narrator, has_subscriber};
use crate::process::{Lifecycle, Running, lifecycle};
use crate::report::{Reason, Report, StepReport};
use crate::resource::Inputs;
use crate::settings::{Builder, Exit, ReportFormat, Settings};
use crate::signal::{self, Mark, Second, Wanted};
use crate::sys;
use crate::watchdog::Watchdog;

/// How long an error text may take to get out before the process ends without it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// `#[lifecycle::main]`.
pub fn main<F>(def: &'static MainDef, service: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>) -> ExitCode
where
    F: Future,
    F::Output: ServiceResult,
{
    run_process(def.settings(), def.setup, def.takes(), service)
}

/// A service for [`Builder::run`] and [`run`]: a future, or a function that makes one.
pub trait Service<Form> {
    /// The future.
    type Future: Future<Output: ServiceResult>;
    /// Makes it.
    #[doc(hidden)]
    fn into_service(self) -> Self::Future;
}

/// [`Service`]'s form of a future.
#[derive(Debug)]
pub struct ByFuture;
/// [`Service`]'s form of a function.
#[derive(Debug)]
pub struct ByCall;

impl<F: IntoFuture<Output: ServiceResult>> Service<ByFuture> for F {
    type Future = F::IntoFuture;
    fn into_service(self) -> F::IntoFuture {
        self.into_future()
    }
}

impl<C: FnOnce() -> F, F: Future<Output: ServiceResult>> Service<(ByCall, F)> for C {
    type Future = F;
    fn into_service(self) -> F {
        self()
    }
}

impl Builder {
    /// Builds the runtime, runs the start hooks, the service and the shutdown; returns what `main` should return.
    ///
    /// The service is a future, or a function that makes one inside the runtime.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    /// use std::time::Duration;
    ///
    /// fn main() -> ExitCode {
    ///     lifecycle::builder().grace(Duration::from_secs(30)).run(async {
    ///         lifecycle::stopping().await;
    ///     })
    /// }
    /// ```
    pub fn run<Form>(self, service: impl Service<Form>) -> ExitCode {
        run_process(self.settings, None, Signature::default(), |_| Ok(async { service.into_service().await }))
    }

    /// As [`run`](crate::run()), with these settings.
    pub async fn run_here<Form>(self, service: impl Service<Form>) -> Report {
        run_here(self.settings, service).await
    }
}

/// Runs the lifecycle inside the runtime that polls this, and never exits the process: the report says what happened,
/// and [`Report::exit_code`] what the process should exit with.
///
/// There is no watchdog: should the runtime hang for good, this never resolves. A second signal, 500 ms after the
/// first, kills the process as it would have without this library.
///
/// ```no_run
/// #[tokio::main]
/// async fn main() {
///     let report = lifecycle::run(async { lifecycle::stopping().await }).await;
///     std::process::exit(report.exit_code.into());
/// }
/// ```
///
/// # Panics
/// Outside a tokio runtime.
pub async fn run<Form>(service: impl Service<Form>) -> Report {
    run_here(Settings::default(), service).await
}

async fn run_here<Form>(settings: Settings, service: impl Service<Form>) -> Report {
    #[cfg(feature = "systemd")]
    crate::systemd::take();
    let life = lifecycle();
    let prepared = match prepare(life, settings, None, &Signature::default()) {
        Ok(prepared) => prepared,
        Err(errors) => return refuse(errors),
    };
    if let Some(view) = prepared.view {
        return Report { exit_code: view.print(&prepared.plan()), ..Report::of_plan(view.as_str()) };
    }
    let begun = match begin(life, prepared, Second::Die) {
        Ok(begun) => begun,
        Err(refusal) => return refusal.report(),
    };
    begun.mailbox.send(Message::Runtime(Handle::current()));
    // Dropped midway, it takes the service with it: then the shutdown goes on without either.
    drive(life, begun, |_: &mut Inputs<'_>| Ok(async { service.into_service().await })).await;
    finished(life)
}

fn finished(life: &Lifecycle) -> Report {
    match life.report() {
        Some(report) => Report::clone(report),
        None => Report::invalid(vec!["the lifecycle's own thread has failed".to_owned()]),
    }
}

fn run_process<F>(
    settings: Settings,
    setup: Option<Setup>,
    signature: Signature,
    service: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) -> ExitCode
where
    F: Future,
    F::Output: ServiceResult,
{
    // Before `setup`, which may spawn threads.
    #[cfg(feature = "systemd")]
    crate::systemd::take();
    let life = lifecycle();
    let prepared = match prepare(life, settings, setup, &signature) {
        Ok(prepared) => prepared,
        Err(errors) => return ExitCode::from(refuse(errors).exit_code),
    };
    if let Some(view) = prepared.view {
        return ExitCode::from(view.print(&prepared.plan()));
    }
    let settings = &prepared.settings;
    let (flavor, workers) = (settings.flavor.value, settings.worker_threads.value);
    let exit = settings.exit.value;
    let begun = match begin(life, prepared, Second::Exit) {
        Ok(begun) => begun,
        Err(refusal) => return ExitCode::from(refusal.report().exit_code),
    };
    let runtime = match runtime::build(flavor, workers) {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(Refusal::by_system(error).report().exit_code),
    };
    begun.mailbox.send(Message::Runtime(runtime.handle().clone()));
    let mark = begun.mark.clone();
    let service = drive(life, begun, service);
    main_thread::block_on(&runtime, flavor, service, mark, life);
    // Without waiting: a blocking task of the service's may never end.
    runtime.shutdown_background();
    let Some(report) = life.report() else { return ExitCode::FAILURE };
    if let (Exit::Reraise, 0, Reason::Signal(signal)) = (exit, report.exit_code, &report.reason) {
        sys::die_by(*signal);
    }
    ExitCode::from(report.exit_code)
}

/// Why nothing can be started although the plan is good.
struct Refusal {
    error: String,
    /// Somebody has to change something first. What the system refuses may pass, so it is no 78, which supervisors
    /// take as a reason never to try again.
    is_invalid: bool,
}

impl Refusal {
    fn invalid(error: String) -> Self {
        Refusal { error, is_invalid: true }
    }

    fn by_system(error: String) -> Self {
        Refusal { error, is_invalid: false }
    }

    /// Says so.
    fn report(self) -> Report {
        let report = refuse(vec![self.error]);
        if self.is_invalid { report } else { Report { exit_code: 1, ..report } }
    }
}

/// Says why nothing was started.
fn refuse(errors: Vec<String>) -> Report {
    let report = Report::invalid(errors);
    let mut text = String::from("lifecycle: nothing was started:\n");
    for error in &report.errors {
        let mut lines = error.lines();
        text.push_str(&format!("  - {}\n", lines.next().unwrap_or_default()));
        lines.for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    sys::write_stderr(text.as_bytes(), Instant::now() + LAST_WORDS);
    report
}

/// The threads run.
struct Begun {
    mailbox: Mailbox,
    /// Resolves when the service may begin; an error if it never may.
    go: oneshot::Receiver<()>,
    /// What signals leave for the main thread.
    mark: Mark,
}

/// Spawns every thread, before the service's runtime is built.
fn begin(life: &'static Lifecycle, prepared: Prepared, second: Second) -> Result<Begun, Refusal> {
    let no_thread =
        |error: std::io::Error| Refusal::by_system(format!("the system gives no more threads: {error}"));
    crate::gate::prepare();
    let id = coordinator::shutdown_id();
    let (journal, previous, warnings) = match journal::open(&prepared, &id)? {
        Some(Opened { journal, previous, warnings }) => (Some(journal), Some(previous), warnings),
        None => (None, None, Vec::new()),
    };
    let narrator = Narrator::spawn().map_err(no_thread)?;
    let watchdog = match second {
        Second::Exit => Some(Watchdog::spawn().map_err(no_thread)?),
        Second::Die => None,
    };
    let (mailbox, inbox) = mailbox::on_a_thread();
    let (let_go, go) = oneshot::channel();
    let settings = &prepared.settings;
    let signals = Wanted {
        shutdown: settings.signals.value.clone(),
        pause: settings.pause.value,
        resume: settings.resume.value,
    };
    life.set_running(Running {
        mailbox: mailbox.clone(),
        watchdog: watchdog.clone(),
        narrator: narrator.clone(),
        grace: prepared.settings.grace.value.within(),
        began: clock::now(),
        journal: journal.clone(),
        previous,
    });
    let to_itself = mailbox.clone();
    let owns_process = second == Second::Exit;
    let coordinate = async move {
        let Prepared { settings, steps, plan, main, given, view: _ } = prepared;
        let debts = journal.as_ref().map(Journal::dead_letters).unwrap_or_default();
        let order = Order {
            id,
            life,
            settings,
            steps,
            plan,
            main,
            given,
            narrator,
            watchdog,
            journal,
            debts,
            warnings,
        };
        Coordinator::new(order, inbox, to_itself, let_go).run().await;
    };
    let failed = move |payload| {
        // A fault of ours must not leave the process without an end.
        let why = call::panicked(payload).why.unwrap_or_default();
        let line = format!("lifecycle: its own thread has failed, please report it: {why}\n");
        sys::write_stderr(line.as_bytes(), Instant::now() + LAST_WORDS);
        if owns_process {
            sys::exit_now(1);
        }
        life.over.cancel();
    };
    let there = mailbox.clone();
    let coordinate = move || there.coordinate(coordinate, failed);
    thread::Builder::new().name("lifecycle".into()).spawn(coordinate).map_err(no_thread)?;
    let mark = Mark::default();
    signal::spawn(signals, life, second, owns_process.then_some(&mark))
        .map_err(|error| Refusal::by_system(format!("the signals cannot be caught: {error}")))?;
    Ok(Begun { mailbox, go, mark })
}

/// Runs the service on this thread once it may begin, then waits for the end.
async fn drive<F>(
    life: &'static Lifecycle,
    begun: Begun,
    service: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) where
    F: Future,
    F::Output: ServiceResult,
{
    if begun.go.await.is_ok() {
        let token = OnceCell::from(life.stopping.child_token());
        let mut inputs = Inputs {
            resources: &life.resources,
            token: &token,
            token_given: false,
            report: None,
            step: "main",
        };
        let gathered = catch_unwind(AssertUnwindSafe(|| service(&mut inputs)));
        if inputs.token_given {
            life.service.aware.store(true, Ordering::Release);
        }
        let never_began = match gathered {
            Ok(Ok(service)) => {
                Drive::new(service, &life.service, begun.mailbox.clone()).await;
                None
            }
            Ok(Err(missing)) => Some(ServiceEnd::Failed(missing.to_string())),
            Err(payload) => Some(ServiceEnd::Panicked(call::panicked(payload).why.unwrap_or_default())),
        };
        if let Some(end) = never_began {
            begun.mailbox.send_and_act(Message::Service(end));
        }
    }
    life.over.cancelled().await;
}

/// What is printed of a report.
fn printed(report: &Arc<Report>, settings: &Settings) -> Option<String> {
    let format = settings.report;
    match format.value {
        ReportFormat::Off => None,
        ReportFormat::Json => Some(format!("{}\n", report.to_json())),
        ReportFormat::Table => {
            // A subscriber has had all of it as events, unless someone asked for the table or sits before it.
            let wanted = format.is_explicit() || is_terminal() || !has_subscriber();
            wanted.then(|| report.to_string())
        }
    }
}

/// What went wrong in the steps that come after the report, where neither events nor live lines have told of it.
fn printed_after(last: &[StepReport], settings: &Settings) -> Option<String> {
    if settings.report.value == ReportFormat::Off || is_terminal() || has_subscriber() {
        return None;
    }
    let lines = last.iter().filter(|step| step.outcome.is_degraded()).map(|step| {
        let why = step.error.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let text = format!("{} ({}:{}) {}{why}", step.name, step.file, step.line, step.outcome);
        format!("lifecycle: after the report: {}\n", crate::render::clean(&text))
    });
    let text: String = lines.collect();
    (!text.is_empty()).then_some(text)
}

fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}
