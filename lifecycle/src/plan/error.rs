//! Why there is no plan, in words that say what to write.

use std::fmt;
use std::time::Duration;

use super::attempts::AttemptFault;
use super::resources::EdgeSource;
use crate::edge::{At, Target};
use crate::hook::{Missing, StepSpec};
use crate::render::type_name;
use crate::settings::duration::spell;
use crate::worker::Restart;

/// Everything that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanErrors(pub(crate) Vec<PlanError>);

impl PlanErrors {
    /// One text for each, for [`Report::errors`](crate::Report::errors).
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let line = if index > 0 { "\n" } else { "" };
            write!(f, "{line}{}. {error}", index + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanErrors {}

/// Someone that an error names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Step {
        name: String,
        file: String,
        line: u32,
    },
    /// The service's own function.
    Main,
    /// Whoever gave a resource before the first step.
    Given,
    /// The tracked calls.
    Requests,
}

impl Who {
    pub(super) fn step(step: &StepSpec) -> Self {
        Who::Step { name: step.name.to_string(), file: step.file.to_string(), line: step.line }
    }

    /// Without the place, for the second time in one text.
    fn short(&self) -> String {
        match self {
            Who::Step { name, .. } => format!("`{name}`"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Step { name, file, line } => write!(f, "`{name}` ({file}:{line})"),
            Who::Main => f.write_str("`main`"),
            Who::Given => f.write_str("setup or the builder"),
            Who::Requests => f.write_str("`Requests`"),
        }
    }
}

/// A rank that a step is bound to by its edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) order: i32,
    /// Whose it is.
    pub(crate) of: Who,
    pub(crate) by: BoundBy,
}

/// Why somebody has a rank that binds others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BoundBy {
    Order,
    Default,
    /// Nothing is said, and it comes right after the requests.
    Early,
    /// It comes before this one.
    Before(Who),
    /// They are the tracked calls.
    Requests,
}

/// Which key an edge stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    After,
    Before,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::After => "after",
            Way::Before => "before",
        })
    }
}

/// `step` must follow `follows`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CycleLink {
    pub(crate) step: Who,
    pub(crate) follows: Who,
    pub(crate) why: EdgeSource,
}

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlanError {
    Namesakes { module: String, groups: bool, steps: Vec<Who> },
    Timeout { step: Who, timeout: Duration },
    Attempts { step: Who, fault: AttemptFault },
    LastWithOrder { step: Who, order: i32 },
    LastStart { step: Who },
    LastGroup { step: Who },
    LastWorker { step: Who },
    LastWithEdges { step: Who, at: At },
    AfterLast { step: Who, last: Who, at: At },
    OtherPhase { step: Who, way: Way, target: Who, at: At },
    NotLinked { step: Who, way: Way, target: Target },
    NotBeforeRequests { step: Who, bound: Bound, at: At },
    NoReportYet { step: Who },
    TwoProviders { by: Vec<(Who, &'static str)> },
    NotProvided { user: Who, missing: Missing },
    ProviderGone { user: Who, type_name: &'static str, provider: Who, why: String },
    ProvidesItself { step: Who, type_name: &'static str },
    TwoTakes { type_name: &'static str, by: Vec<Who> },
    TakesTwice { step: Who, type_name: &'static str },
    RestartTakes { step: Who, type_name: &'static str, restart: Restart },
    UsedAfterTake { type_name: &'static str, user: Who, taker: Who },
    Contradiction { step: Who, order: i32, follows: Who, bound: Bound, why: EdgeSource },
    Cycle { links: Vec<CycleLink> },
    Budget(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Namesakes { module, groups, steps } => write!(
                f,
                "several steps of {module} have one name: {}. {}",
                list(steps),
                match groups {
                    true => "Rename all but one of them",
                    false => "Give each of them a name of its own with `label = Name`",
                }
            ),
            PlanError::Timeout { step, timeout } if timeout.is_zero() => {
                write!(f, "{step} has timeout = 0s, so it could never end in time: write a longer one")
            }
            PlanError::Timeout { step, timeout } => {
                write!(f, "{step} has timeout = {}: too long, write a shorter one", spell(*timeout))
            }
            PlanError::Attempts { step, fault } => write!(f, "{step} {fault}"),
            PlanError::LastWithOrder { step, order } => write!(
                f,
                "{step} has both `last` and order = {order}: a last step comes after all orders, leave one of the \
                 two out"
            ),
            PlanError::LastStart { step } => {
                write!(f, "{step} is a start step and cannot be `last`: give it an order instead")
            }
            PlanError::LastGroup { step } => write!(
                f,
                "{step} is a group and cannot be `last`: its calls need their time, give it a high order instead"
            ),
            PlanError::LastWorker { step } => write!(
                f,
                "{step} is a worker and cannot be `last`: it needs its time to end, give it a high order instead"
            ),
            PlanError::LastWithEdges { step, at } => write!(
                f,
                "{step} is `last` and has `after` or `before` too{}: a last step comes after everything else, leave one of \
                 the two out",
                said(*at, step)
            ),
            PlanError::AfterLast { step, last, at } => write!(
                f,
                "{step} cannot come after {last}, which is `last`{}: everything else comes before that. Turn the edge \
                 round, or remove it",
                said(*at, step)
            ),
            PlanError::OtherPhase { step, way, target: Who::Requests, at } => write!(
                f,
                "{step} runs at the start and cannot come {way} the requests, which are drained at the shutdown{}. Name \
                 another start step, or remove this",
                said(*at, step)
            ),
            PlanError::OtherPhase { step, way, target, at } => write!(
                f,
                "{step} cannot come {way} {target}{}: one runs at the start and the other at the shutdown, and these \
                 have separate orders. Name another step of its own phase, or remove this",
                said(*at, step)
            ),
            PlanError::NotLinked { step, way, target } => write!(
                f,
                "{step} has {way} = {}{}, and there is no such step in this program: the compiler knew it, but the \
                 linker left its registration out. {}",
                target.path,
                said(target.at, step),
                crate::expect::LINKING
            ),
            PlanError::NotBeforeRequests { step, bound, at } => {
                let said = said(*at, step);
                if bound.of == *step {
                    write!(f, "{step} has order = {}, but comes before the requests{said}", bound.order)?;
                } else {
                    write!(f, "{step} comes before the requests{said}, but follows {}", bound.of)?;
                    bound.tell(f, "which")?;
                }
                write!(
                    f,
                    ". They count as -1 for what precedes them: give {} an order of -1 or less",
                    bound.of.short()
                )?;
                f.write_str(if bound.of == *step { ", or none" } else { ", or remove one of the two edges" })
            }
            PlanError::NoReportYet { step } => write!(
                f,
                "{step} takes &Report, which exists only once the other steps have ended: make it `last`"
            ),
            PlanError::TwoProviders { by } => {
                let by: Vec<String> =
                    by.iter().map(|(who, given)| format!("{} by {who}", type_name(given))).collect();
                write!(
                    f,
                    "a resource is provided twice: {}. Whoever takes it could get either (T and Arc<T> count as \
                     one): wrap one of them in a type of its own, or switch a step off",
                    by.join(", ")
                )
            }
            PlanError::NotProvided { user, missing } => write!(
                f,
                "{user}: {missing}. Return one from setup or from an #[on_start] function, or take an Option of it"
            ),
            PlanError::ProviderGone { user, type_name: name, provider, why } => write!(
                f,
                "{user} takes {} from {provider}, and that is {why}. Leave it on, provide another, or take an \
                 Option of it",
                type_name(name)
            ),
            PlanError::ProvidesItself { step, type_name: name } => write!(
                f,
                "{step} takes {name} and is the only one to provide it: let another step provide it, or return a \
                 type of its own",
                name = type_name(name)
            ),
            PlanError::TwoTakes { type_name: name, by } => write!(
                f,
                "several take {name} away: {}. Only the first would get it: let all but one borrow it (&{name})",
                list(by),
                name = type_name(name)
            ),
            PlanError::TakesTwice { step, type_name: name } => write!(
                f,
                "{step} takes {name} away and uses it beside that: leave Take<{name}> alone",
                name = type_name(name)
            ),
            PlanError::RestartTakes { step, type_name: name, restart } => write!(
                f,
                "{step} takes {name} away, and would find nothing when it is begun again (restart = {}): let it borrow \
                 (&{name}), or write restart = never",
                restart.as_str(),
                name = type_name(name)
            ),
            PlanError::UsedAfterTake { type_name: name, user, taker } => write!(
                f,
                "{user} uses {name}, but {taker} has taken it away by then: let {} borrow it (&{name}), or let {} \
                 take an Option of it",
                taker.short(),
                user.short(),
                name = type_name(name)
            ),
            PlanError::Contradiction { step, order, follows, bound, why } => {
                write!(f, "{step} has order = {order}, but ")?;
                reason(f, step, follows, *why)?;
                if bound.of == *follows {
                    bound.tell(f, "and that")?;
                } else if bound.by == BoundBy::Order {
                    write!(f, ", and that follows {} of order = {}", bound.of, bound.order)?;
                } else {
                    write!(f, ", and that follows {}", bound.of)?;
                    bound.tell(f, "which")?;
                }
                write!(
                    f,
                    ": give {} an order of {} or more, or none, since it follows by itself",
                    step.short(),
                    bound.order
                )?;
                match bound.by {
                    BoundBy::Default | BoundBy::Early => {
                        write!(f, "; or give {} an order of {order} or less", bound.of.short())
                    }
                    _ => Ok(()),
                }
            }
            PlanError::Cycle { links } => {
                f.write_str("these steps wait for each other: ")?;
                for (index, link) in links.iter().enumerate() {
                    f.write_str(if index > 0 { "; " } else { "" })?;
                    write!(f, "{} ", link.step)?;
                    reason(f, &link.step, &link.follows, link.why)?;
                }
                let written = |link: &CycleLink| link.why.at().is_some();
                f.write_str(". Break the circle: ")?;
                if links.iter().any(written) {
                    f.write_str("remove one `after` or `before`")?;
                }
                if !links.iter().all(written) {
                    let or = if links.iter().any(written) { ", " } else { "" };
                    write!(f, "{or}borrow (&T) in place of one Take<T>")?;
                }
                f.write_str(", or split one of the steps")
            }
            PlanError::Budget(text) => f.write_str(text),
        }
    }
}

impl Bound {
    /// Why it is one, after a comma.
    fn tell(&self, f: &mut fmt::Formatter<'_>, subject: &str) -> fmt::Result {
        match &self.by {
            BoundBy::Order => write!(f, ", {subject} has order = {}", self.order),
            BoundBy::Default => write!(f, ", {subject} has no order and so comes at 0"),
            BoundBy::Early => {
                write!(f, ", {subject} has no order and so comes right after `Requests`, at 0")
            }
            BoundBy::Before(other) => write!(f, ", {subject} comes at {}, before {other}", self.order),
            BoundBy::Requests => f.write_str(", and they count as 0 for what follows them"),
        }
    }
}

/// Why a step must follow another, as the end of a sentence about it.
fn reason(f: &mut fmt::Formatter<'_>, step: &Who, follows: &Who, why: EdgeSource) -> fmt::Result {
    match why {
        EdgeSource::After(at) => write!(f, "comes after {follows}{}", said(at, step)),
        EdgeSource::Before(at) => write!(f, "is named in `before` by {follows}{}", said(at, follows)),
        EdgeSource::Provides(name) => write!(f, "needs the {} that {follows} provides", type_name(name)),
        EdgeSource::Takes(name) => write!(f, "takes away the {} that {follows} uses", type_name(name)),
    }
}

/// Where an edge is written, if that is not where its step is.
fn said(at: At, step: &Who) -> String {
    match step {
        Who::Step { file, line, .. } if *file == at.file() && *line == at.line() => String::new(),
        _ => format!(", said at {at}"),
    }
}

fn list(who: &[Who]) -> String {
    who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
