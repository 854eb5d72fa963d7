//! What really happened, step by step.

#[cfg(test)]
pub(crate) mod example;
#[cfg(feature = "serde")]
mod wire;

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::health::CheckHealth;
use crate::settings::signals;
#[cfg(feature = "serde")]
pub(crate) use wire::{epoch_ms, maybe_ms::serialize as millis_opt, ms::serialize as millis};

/// The exit code of a plan or a setting that is invalid.
const INVALID: u8 = 78;

/// What a shutdown did.
///
/// `Display` shows it as a table; [`to_json`](Report::to_json) as one line of JSON, in the same shape as `serde` does
/// (feature `serde`).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Report {
    /// The shutdown's id, which is on every event of it too.
    pub id: String,
    /// What began it.
    pub reason: Reason,
    /// When it began.
    #[cfg_attr(feature = "serde", serde(rename = "started_at_ms", with = "wire::epoch_ms"))]
    pub started_at: SystemTime,
    /// How long it took.
    #[cfg_attr(feature = "serde", serde(rename = "took_ms", with = "wire::ms"))]
    pub took: Duration,
    /// How long it could have taken, unless `grace` is never.
    #[cfg_attr(feature = "serde", serde(rename = "grace_ms", with = "wire::maybe_ms"))]
    pub grace: Option<Duration>,
    /// What the process ends with.
    pub exit_code: u8,
    /// What is wrong with the settings or the plan; then nothing was started.
    pub errors: Vec<String>,
    /// What became of the service future.
    pub service: ServiceOutcome,
    /// What became of the tracked calls of all groups; each group's own are in its step.
    pub calls: Calls,
    /// What became of the steps, in the order in which they came.
    pub steps: Vec<StepReport>,
    /// The health checks that were failing when the shutdown began.
    pub unhealthy: Vec<CheckHealth>,
}

/// What began a shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// A signal.
    Signal(i32),
    /// `shutdown(reason)`.
    Requested(String),
    /// The service future ended by itself.
    ServiceEnded,
    /// The service future returned an error or panicked.
    ServiceFailed,
    /// A start step failed or timed out.
    StartFailed,
    /// A worker failed and is not begun again.
    WorkerFailed {
        /// Its name.
        worker: String,
        /// Why it last failed.
        error: String,
    },
    /// The plan or a setting is invalid; nothing was started.
    Invalid,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Signal(signal) => match signals::name(*signal) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {signal}"),
            },
            Reason::Requested(reason) => write!(f, "shutdown({reason:?})"),
            Reason::ServiceEnded => f.write_str("the service ended"),
            Reason::ServiceFailed => f.write_str("the service failed"),
            Reason::StartFailed => f.write_str("the start failed"),
            Reason::WorkerFailed { worker, error } => write!(f, "the worker {worker} failed: {error}"),
            Reason::Invalid => f.write_str("invalid, nothing was started"),
        }
    }
}

/// What became of the service future.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ServiceOutcome {
    /// It ended by itself.
    Ended,
    /// It returned an error or panicked.
    Failed {
        /// The error's or the panic's words.
        error: String,
    },
    /// It could not know of the shutdown, and was dropped once the tracked calls were done.
    Dropped,
    /// It knew of the shutdown, but had not ended when the drain was over.
    CutOff,
    /// The start came to nothing.
    NeverStarted,
    /// It does not let go of its thread.
    Abandoned,
}

impl fmt::Display for ServiceOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServiceOutcome::Ended => "the service ended",
            ServiceOutcome::Failed { error } => return write!(f, "the service failed: {error}"),
            ServiceOutcome::Dropped => "the service was dropped once its tracked calls were done",
            ServiceOutcome::CutOff => "the service was cut off: it had not ended when the drain was over",
            ServiceOutcome::NeverStarted => "the service was never started",
            ServiceOutcome::Abandoned => "the service was abandoned: it does not let go of its thread",
        })
    }
}

/// What became of tracked calls: of one group's, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Calls {
    /// How many ran when new ones began to be refused.
    pub awaited: usize,
    /// Those that still ran when their group's time was up; if any had to be cut then, those that were.
    pub cut_off: Vec<CallSite>,
    /// How many were refused.
    pub refused: u64,
    /// How long the ones that ran were awaited; of several groups the longest.
    #[cfg_attr(feature = "serde", serde(rename = "drained_in_ms", with = "wire::ms"))]
    pub drained_in: Duration,
}

/// The calls of one tracked function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CallSite {
    /// The function, or what `name = "…"` calls it.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// The group that its calls belong to.
    pub group: String,
    /// How many calls.
    pub count: usize,
    /// Those of them that have an id, and those with one that were made within them: what `#[tracked(id = …)]` says.
    #[cfg_attr(feature = "serde", serde(default))]
    pub running: Vec<RunningCall>,
}

/// A tracked call with an id, while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RunningCall {
    /// The function, or what `name = "…"` calls it.
    pub name: String,
    /// What its `id = …` is.
    pub id: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// How long it has run.
    #[cfg_attr(feature = "serde", serde(rename = "ran_ms", with = "wire::ms"))]
    pub ran: Duration,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StepReport {
    /// The function's name, or its label.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Where it belongs.
    pub kind: StepKind,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its rank, whether written or derived.
    pub order: Option<i32>,
    /// How it ended: after several attempts, how the last one did, or the fallback.
    pub outcome: Outcome,
    /// Why, unless it is done.
    pub error: Option<String>,
    /// What failed before that: the earlier attempts, and the last one too where the fallback came after it. Empty if
    /// the first attempt decided.
    pub attempts: Vec<Attempt>,
    /// Whether the outcome is that of its fallback.
    pub fallback: bool,
    /// When its turn came: of a start step since the start began, of any other since the shutdown did.
    #[cfg_attr(feature = "serde", serde(rename = "began_ms", with = "wire::ms", default))]
    pub began: Duration,
    /// From the start of the phase until its turn came.
    #[cfg_attr(feature = "serde", serde(rename = "waited_ms", with = "wire::ms"))]
    pub waited: Duration,
    /// From its turn until it ended.
    #[cfg_attr(feature = "serde", serde(rename = "ran_ms", with = "wire::ms"))]
    pub ran: Duration,
    /// How long it could have run.
    #[cfg_attr(feature = "serde", serde(rename = "limit_ms", with = "wire::maybe_ms"))]
    pub limit: Option<Duration>,
    /// Whether it ran on the rescue runtime, because the service's own did not begin it.
    pub rescued: bool,
    /// Its figures, from [`note`](crate::note); of several attempts, those of the one that decided.
    pub notes: Vec<(String, String)>,
    /// Its single outcomes, from [`item`](crate::item); of several attempts, as above.
    pub items: Vec<Item>,
    /// Of a group that was not off: what became of its calls.
    pub calls: Option<Calls>,
    /// Of a worker that was not off: its runs before the shutdown.
    pub worker: Option<WorkerReport>,
}

/// What became of a worker while the service ran. Its [`StepReport`] tells of its stop.
///
/// ```
/// fn alarming(report: &lifecycle::Report) -> bool {
///     report.steps.iter().filter_map(|step| step.worker.as_ref()).any(|worker| worker.restarts > 3)
/// }
/// # let _ = alarming;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct WorkerReport {
    /// How often it was begun again.
    pub restarts: u32,
    /// Why it last failed, if it ever did.
    pub last_error: Option<String>,
}

impl Calls {
    /// Of both together.
    pub(crate) fn and(mut self, other: &Calls) -> Self {
        self.awaited += other.awaited;
        self.cut_off.extend_from_slice(&other.cut_off);
        self.refused += other.refused;
        self.drained_in = self.drained_in.max(other.drained_in);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.awaited == 0 && self.refused == 0 && self.cut_off.is_empty()
    }
}

/// An attempt at a step that did not end it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub error: Option<String>,
    /// How long it ran.
    #[cfg_attr(feature = "serde", serde(rename = "ran_ms", with = "wire::ms"))]
    pub ran: Duration,
    /// Its figures, from [`note`](crate::note).
    pub notes: Vec<(String, String)>,
    /// Its single outcomes, from [`item`](crate::item).
    pub items: Vec<Item>,
}

/// One outcome among several of a step, from `item`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Item {
    /// What it is about.
    pub name: String,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

/// Where a step belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StepKind {
    /// `#[on_start]`.
    Start,
    /// At the start, for what a run before this one has not done: `compensate`.
    Compensation,
    /// `#[on_shutdown]`.
    Shutdown,
    /// A group of tracked calls.
    Group,
    /// `#[worker]`: what is ranked is its stop.
    Worker,
    /// `#[on_shutdown(last)]`.
    Last,
}

impl StepKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Start => "start",
            StepKind::Compensation => "compensation",
            StepKind::Shutdown => "shutdown",
            StepKind::Group => "group",
            StepKind::Worker => "worker",
            StepKind::Last => "last",
        }
    }

    /// Whether its failure is one of this run: the last steps only tell of that, and a compensation stays owed.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, StepKind::Last | StepKind::Compensation)
    }

    /// The part of a report or a plan that it stands in: groups and workers belong to the shutdown.
    pub(crate) fn section(self) -> Self {
        match self {
            StepKind::Group | StepKind::Worker => StepKind::Shutdown,
            StepKind::Compensation => StepKind::Start,
            kind => kind,
        }
    }
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $words:literal, degraded: $degraded:literal;)*) => {
        /// How a step ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum Outcome {
            $($(#[$doc])* #[cfg_attr(feature = "serde", serde(rename = $words))] $name,)*
        }

        impl Outcome {
            #[cfg(test)]
            pub(crate) const ALL: &[Outcome] = &[$(Outcome::$name),*];

            /// The outcome in words.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Outcome::$name => $words,)*
                }
            }

            /// Whether it makes the shutdown a degraded one, which exits 1.
            pub fn is_degraded(self) -> bool {
                match self {
                    $(Outcome::$name => $degraded,)*
                }
            }
        }
    };
}

outcomes! {
    /// It returned without an error.
    Done = "done", degraded: false;
    /// It returned, but an item of it failed.
    Partial = "partial", degraded: true;
    /// It returned an error.
    Failed = "failed", degraded: true;
    /// It panicked.
    Panicked = "panicked", degraded: true;
    /// It did not end within its limit.
    TimedOut = "timed out", degraded: true;
    /// It did not end within its limit, could not be stopped, and may still be running.
    Abandoned = "abandoned", degraded: true;
    /// What it takes is not there, for a reason that is no fault of its own.
    Skipped = "skipped", degraded: false;
    /// What it takes was never provided.
    Missing = "missing", degraded: true;
    /// Time was over before its turn came.
    NotReached = "not reached", degraded: true;
    /// Time was over while it ran.
    CutOff = "cut off", degraded: true;
    /// It was switched off.
    Off = "off", degraded: false;
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Report {
    /// The report of a run that was refused.
    pub(crate) fn invalid(errors: Vec<String>) -> Self {
        Report {
            id: String::new(),
            reason: Reason::Invalid,
            started_at: SystemTime::now(),
            took: Duration::ZERO,
            grace: None,
            exit_code: INVALID,
            errors,
            service: ServiceOutcome::NeverStarted,
            calls: Calls::default(),
            steps: Vec::new(),
            unhealthy: Vec::new(),
        }
    }

    /// The report of a run that printed its plan instead.
    pub(crate) fn of_plan(view: &str) -> Self {
        let reason = Reason::Requested(format!("LIFECYCLE_PLAN={view}"));
        Report { exit_code: 0, reason, ..Report::invalid(Vec::new()) }
    }

    /// The step of that name; the first, if several modules have one.
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Whether anything did not go as it should: such a shutdown exits 1. The `last` steps, which only tell of it, and
    /// compensations, which stay owed and are tried again at the next start, do not count.
    pub fn is_degraded(&self) -> bool {
        use ServiceOutcome::{Abandoned, CutOff, Dropped, Ended, Failed, NeverStarted};
        let service = match self.service {
            Ended | Dropped => false,
            Failed { .. } | CutOff | NeverStarted | Abandoned => true,
        };
        service
            || matches!(self.reason, Reason::WorkerFailed { .. })
            || !self.errors.is_empty()
            || !self.calls.cut_off.is_empty()
            || self.steps.iter().any(|step| step.kind.counts() && step.outcome.is_degraded())
    }

    /// The time line of what happened, as an SVG document that needs nothing else: for each step how long it waited and
    /// ran, what its limit was, and how it ended.
    ///
    /// ```no_run
    /// use lifecycle::{Report, on_shutdown};
    ///
    /// #[on_shutdown(last)]
    /// fn keep_the_drawing(report: &Report) -> std::io::Result<()> {
    ///     std::fs::write("shutdown.svg", report.to_svg())
    /// }
    /// # fn main() {}
    /// ```
    pub fn to_svg(&self) -> String {
        crate::render::svg::report(self)
    }

    /// One line of JSON, without a line break. Times are milliseconds, in fields that end in `_ms`.
    pub fn to_json(&self) -> String {
        crate::render::json::report(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::render::table::report(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_words() {
        for (reason, words) in [
            (Reason::Signal(signals::SIGTERM), "SIGTERM"),
            (Reason::Signal(64), "signal 64"),
            (Reason::Requested("deploy".into()), "shutdown(\"deploy\")"),
            (Reason::ServiceEnded, "the service ended"),
            (
                Reason::WorkerFailed { worker: "jobs".into(), error: "no broker".into() },
                "the worker jobs failed: no broker",
            ),
        ] {
            assert_eq!(reason.to_string(), words);
        }
    }

    #[test]
    fn a_degraded_outcome_is_one_that_exits_1() {
        let fine: Vec<_> = Outcome::ALL.iter().filter(|outcome| !outcome.is_degraded()).collect();
        assert_eq!(fine, [&Outcome::Done, &Outcome::Skipped, &Outcome::Off]);
    }

    #[test]
    fn anything_degraded_degrades_the_report() {
        let clean = example::clean();
        assert!(!clean.is_degraded());
        let degraded = |change: fn(&mut Report)| {
            let mut report = clean.clone();
            change(&mut report);
            report.is_degraded()
        };
        assert!(degraded(|r| r.steps[0].outcome = Outcome::Missing));
        assert!(!degraded(|r| {
            (r.steps[0].kind, r.steps[0].outcome) = (StepKind::Compensation, Outcome::Failed);
        }));
        assert!(degraded(|r| r.service = ServiceOutcome::Failed { error: "e".into() }));
        assert!(degraded(|r| r.service = ServiceOutcome::CutOff));
        assert!(degraded(|r| r.errors.push("e".into())));
        assert!(degraded(|r| {
            r.reason = Reason::WorkerFailed { worker: "jobs".into(), error: "no broker".into() };
        }));
        assert!(degraded(|r| r.calls.cut_off = example::degraded().calls.cut_off));
        assert!(!degraded(|r| r.service = ServiceOutcome::Dropped));
        assert!(!degraded(|r| r.calls.refused = 9));
    }

    #[test]
    fn a_step_is_found_by_name() {
        let report = example::degraded();
        assert_eq!(report.step("close_db").map(|step| step.outcome), Some(Outcome::TimedOut));
        assert!(report.step("nobody").is_none());
    }
}
