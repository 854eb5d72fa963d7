//! The plan as others see it: names, orders, times, and no indices.

mod assert;
mod build;
mod committed;
mod diff;
#[cfg(test)]
pub(crate) mod example;
mod policy;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use assert::{ExpectedPlan, PlanTime};
pub use policy::StepPolicy;

use crate::__private::outcome::Asked;
use crate::hook::Signature;
use crate::process::lifecycle;
use crate::report::{Outcome, StepKind};
use crate::run::{MainDef, MainEntry};
use crate::settings::{Exit, Settings};
use crate::{compensation, health, plan as planner, registry};

/// The verified order of all steps and the longest they can take, known before anything runs.
///
/// [`plan`] makes it; `LIFECYCLE_PLAN=text ./service` prints it. `Display` shows it as a table.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Plan {
    /// How long the whole shutdown may take; `None` is never.
    #[cfg_attr(feature = "serde", serde(rename = "grace_ms", serialize_with = "crate::report::millis_opt"))]
    pub grace: Option<Duration>,
    /// The parts of the shutdown that are no step.
    pub phases: Phases,
    /// The longest that the shutdown can take.
    pub worst: WorstCase,
    /// The signals that begin it.
    pub signals: Vec<i32>,
    /// How the process ends after it.
    pub exit: Exit,
    /// The steps: those of the start, of the shutdown, the last ones; each of these in an order in which they could run
    /// one by one.
    pub steps: Vec<PlanStep>,
    /// The steps that will not run.
    pub left_out: Vec<LeftOut>,
    /// The health checks. They run while the service does, and have no place in the order.
    pub checks: Vec<PlanCheck>,
    /// What is not wrong, but should be known.
    pub warnings: Vec<String>,
}

/// The parts of the shutdown that are no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Phases {
    /// Before anything else it goes on serving for so long, but is not ready any more.
    #[cfg_attr(feature = "serde", serde(rename = "lameduck_ms", serialize_with = "crate::report::millis"))]
    pub lameduck: Duration,
    /// Requests that run are awaited for so long; `None` is for ever.
    #[cfg_attr(feature = "serde", serde(rename = "drain_ms", serialize_with = "crate::report::millis_opt"))]
    pub drain: Option<Duration>,
    /// After that they have so long to end before they are dropped.
    #[cfg_attr(feature = "serde", serde(rename = "cut_ms", serialize_with = "crate::report::millis"))]
    pub cut: Duration,
    /// The end of `grace` that is kept for the last steps and the report.
    #[cfg_attr(feature = "serde", serde(rename = "reserve_ms", serialize_with = "crate::report::millis"))]
    pub reserve: Duration,
}

/// The longest that the shutdown can take, its last steps not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorstCase {
    /// From the signal to the end of the ordered steps; `None` is for ever.
    #[cfg_attr(feature = "serde", serde(rename = "total_ms", serialize_with = "crate::report::millis_opt"))]
    pub total: Option<Duration>,
    /// What there is for it: `grace` less `reserve`; `None` is no limit.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "available_ms", serialize_with = "crate::report::millis_opt")
    )]
    pub available: Option<Duration>,
    /// What takes that long, one after the other.
    pub chain: Vec<ChainLink>,
}

impl WorstCase {
    /// Whether it is within what there is. What is not gets cut off.
    pub fn fits(&self) -> bool {
        match (self.total, self.available) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(total), Some(available)) => total <= available,
        }
    }
}

/// A part of the longest way through the shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChainLink {
    /// A step's [`id`](PlanStep::id), or `lameduck`, `drain`, `cut`.
    pub name: String,
    /// The longest it can take; `None` is for ever.
    #[cfg_attr(feature = "serde", serde(rename = "cost_ms", serialize_with = "crate::report::millis_opt"))]
    pub cost: Option<Duration>,
}

/// A step of the plan, or the tracked calls as a whole.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PlanStep {
    /// What tells it from all others: its name, with its module before it where another has the same name.
    pub id: String,
    /// The function's name, or its label.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Where it belongs.
    pub kind: StepKind,
    /// Its file; empty for what is written nowhere.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its rank, of a worker that of its stop. Last steps have none.
    pub order: Option<i32>,
    /// Where the rank comes from, in words: `written`, `default`, `via close_db`.
    pub order_from: String,
    /// The file and line of the `after` or `before` that the rank comes from, if it comes from one.
    pub order_at: Option<String>,
    /// What it waits for, without what that waits for in turn.
    pub after: Vec<Follows>,
    /// The longest it can take; of a group, with the time for cutting off. `None` is for ever.
    #[cfg_attr(feature = "serde", serde(rename = "limit_ms", serialize_with = "crate::report::millis_opt"))]
    pub limit: Option<Duration>,
    /// Its begin, if everything takes as long as it may: from the first step of the start, or from the signal. `None` is
    /// never.
    #[cfg_attr(feature = "serde", serde(rename = "begins_ms", serialize_with = "crate::report::millis_opt"))]
    pub begins: Option<Duration>,
    /// Its end then.
    #[cfg_attr(feature = "serde", serde(rename = "ends_ms", serialize_with = "crate::report::millis_opt"))]
    pub ends: Option<Duration>,
    /// Whether it is on the longest way through the shutdown.
    pub critical: bool,
    /// Whether it runs at all, and what is done if it fails.
    pub policy: StepPolicy,
}

impl PlanStep {
    /// Its rank and where that comes from: `-1`, `0 default`, `-1 via stop_workers`.
    pub fn rank(&self) -> String {
        match self.order {
            Some(order) if self.order_from == build::WRITTEN => order.to_string(),
            Some(order) => format!("{order} {}", self.order_from),
            None => self.order_from.clone(),
        }
    }

    /// [`rank`](Self::rank), with its place if that is not where the step is.
    pub(crate) fn rank_and_place(&self) -> String {
        match &self.order_at {
            Some(at) if self.order_at != self.place() => format!("{} ({at})", self.rank()),
            _ => self.rank(),
        }
    }

    /// `src/db.rs:7`, if it is written anywhere.
    pub(crate) fn place(&self) -> Option<String> {
        (!self.file.is_empty()).then(|| format!("{}:{}", self.file, self.line))
    }

    /// Its id, with what it is if that is no function that runs at its turn.
    pub(crate) fn title(&self) -> String {
        match self.kind {
            StepKind::Worker => format!("{} (worker)", self.id),
            _ => self.id.clone(),
        }
    }

    /// What it waits for, in words.
    pub(crate) fn waits_for(&self) -> String {
        self.after.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Follows {
    /// A step or a group, by its [`id`](PlanStep::id).
    Step(String),
    /// All steps of a rank, where they are many.
    Order {
        /// The rank.
        order: i32,
        /// How many.
        steps: usize,
    },
    /// All ordered steps of the shutdown.
    Ordered,
    /// The report.
    Report,
}

impl fmt::Display for Follows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Follows::Step(id) => f.write_str(id),
            Follows::Order { order, steps } => write!(f, "all {steps} of order {order}"),
            Follows::Ordered => f.write_str("all ordered steps"),
            Follows::Report => f.write_str("the report"),
        }
    }
}

/// A step that will not run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftOut {
    /// The function's name, or its label.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Where it would belong.
    pub kind: StepKind,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// [`Off`](Outcome::Off) or [`Skipped`](Outcome::Skipped).
    pub outcome: Outcome,
    /// Why.
    pub why: String,
}

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PlanCheck {
    /// Its name; no two checks have the same.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// From the end of one run to the next.
    #[cfg_attr(feature = "serde", serde(rename = "interval_ms", serialize_with = "crate::report::millis"))]
    pub interval: Duration,
    /// How long each run may take, and each of its `recover`.
    #[cfg_attr(feature = "serde", serde(rename = "timeout_ms", serialize_with = "crate::report::millis"))]
    pub timeout: Duration,
    /// How many attempts to recover it has.
    pub retry: u32,
    /// From the end of its `recover` to the next run.
    #[cfg_attr(feature = "serde", serde(rename = "delay_ms", serialize_with = "crate::report::millis"))]
    pub delay: Duration,
    /// Whether it has a `recover`.
    pub recovers: bool,
    /// Whether it has a `when`.
    pub conditional: bool,
    /// Why it was switched off, if it was.
    pub off: Option<String>,
}

impl Plan {
    /// One line of JSON, without a line break; `docs/plan.schema.json` describes it.
    pub fn to_json(&self) -> String {
        crate::render::plan_json::plan(self)
    }

    /// A graph in Graphviz' language: `LIFECYCLE_PLAN=dot ./service | dot -Tsvg`.
    pub fn to_dot(&self) -> String {
        crate::render::dot::plan(self)
    }

    /// A drawing over time.
    pub fn to_svg(&self) -> String {
        crate::render::svg::plan(self)
    }

    /// The part of a pod's specification that fits it, as YAML.
    pub fn to_kubernetes(&self) -> String {
        crate::render::deploy::kubernetes(self)
    }

    /// The lines of a systemd unit that fit it.
    pub fn to_systemd(&self) -> String {
        crate::render::deploy::systemd(self)
    }

    /// The part of a compose file that fits it, as YAML.
    pub fn to_compose(&self) -> String {
        crate::render::deploy::compose(self)
    }

    /// The steps of a part of the plan.
    pub(crate) fn section(&self, kind: StepKind) -> impl Iterator<Item = &PlanStep> {
        self.steps.iter().filter(move |step| step.kind.section() == kind)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::render::plan_text::plan(self, f)
    }
}

/// Everything that is wrong with a plan. `Display` is a numbered list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors {
    messages: Vec<String>,
}

impl PlanErrors {
    /// Each of them in words.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(String::as_str)
    }
}

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in self.messages.iter().enumerate() {
            let line = if index > 0 { "\n" } else { "" };
            write!(f, "{line}{}. {message}", index + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanErrors {}

/// The plan of the steps that are linked into this program, under the keys of its `#[lifecycle::main]` if it has one.
///
/// It runs nothing: neither `setup`, whose resources it knows by their types, nor the environment has a say, and steps
/// that are registered at run time are not in it. Where the program has no `#[lifecycle::main]`, what was given to
/// [`provide`](crate::provide) before counts as provided. `LIFECYCLE_PLAN=text ./service` shows the plan with all of
/// that.
///
/// ```standalone_crate
/// let plan = lifecycle::plan()?;
/// assert!(plan.worst.fits(), "{plan}");
/// # Ok::<(), lifecycle::PlanErrors>(())
/// ```
///
/// # Errors
/// Everything that would keep the program from starting.
pub fn plan() -> Result<Plan, PlanErrors> {
    let mains: Vec<&MainDef> = inventory::iter::<MainEntry>.into_iter().map(|entry| entry.0).collect();
    of_main(the_one(&mains)?)
}

fn the_one<'a>(mains: &[&'a MainDef]) -> Result<Option<&'a MainDef>, PlanErrors> {
    if mains.len() < 2 {
        return Ok(mains.first().copied());
    }
    let mut places: Vec<String> = mains.iter().map(|main| format!("{}:{}", main.file, main.line)).collect();
    places.sort_unstable();
    Err(PlanErrors {
        messages: vec![format!(
            "several #[lifecycle::main] are linked into this program: {}. A plan is that of one: leave the others in \
             programs of their own",
            places.join(", ")
        )],
    })
}

fn of_main(main: Option<&MainDef>) -> Result<Plan, PlanErrors> {
    let settings = main.map_or_else(Settings::default, MainDef::settings);
    let takes = main.map(MainDef::takes).unwrap_or_default();
    let mut given = Signature::default();
    if let Some(setup) = main.and_then(|main| main.setup) {
        // It is not run, so it cannot fail.
        drop(setup(Asked::Types(&mut given)));
    }
    let mut given = given.gives;
    let mut steps = registry::collect();
    compensation::add_to(&mut steps);
    if main.is_none() {
        let by_step = |key| steps.iter().any(|step| step.signature.gives.iter().any(|gift| gift.key == key));
        given.extend(lifecycle().resources.provided().into_iter().filter(|gift| !by_step(gift.key)));
    }
    let mut messages: Vec<String> = settings.check().iter().map(ToString::to_string).collect();
    let checks = registry::checks();
    messages.extend(health::faults(&checks));
    let input = planner::Input { steps: &steps, given: &given, main: &takes, settings: &settings };
    match planner::plan(&input) {
        Ok(plan) if messages.is_empty() => Ok(Plan::new(&plan, &steps, &checks, &settings)),
        Ok(_) => Err(PlanErrors { messages }),
        Err(errors) => {
            messages.extend(errors.messages());
            Err(PlanErrors { messages })
        }
    }
}
