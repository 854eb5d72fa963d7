//! What cannot be of `retry`, `attempt`, `backoff`, `fallback` and `when`.

use std::fmt;
use std::time::Duration;

use super::Model;
use super::error::{PlanError, Who};
use crate::hook::{Extra, Need, Phase, Signature, Use};
use crate::render::type_name;
use crate::settings::TOO_LONG;
use crate::settings::duration::spell;

/// Why a step cannot be tried in the way that it wants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttemptFault {
    OfGroup,
    OfWorker,
    NoTime,
    TooLong {
        key: &'static str,
        time: Duration,
    },
    LongerThanTimeout {
        attempt: Duration,
        timeout: Duration,
    },
    BackoffAlone,
    FallbackAtStart,
    CompensateAtStart,
    WhenTakes {
        type_name: &'static str,
    },
    /// The first attempt moves out what the next one would need.
    TakenByFirst {
        type_name: &'static str,
    },
    /// The attempts move out what the fallback needs.
    TakenFromFallback {
        type_name: &'static str,
    },
}

pub(super) fn check(model: &Model<'_>, errors: &mut Vec<PlanError>) {
    for index in model.in_use() {
        let step = model.steps[index];
        // What it has is that of its step, where it is looked at.
        if step.extra.compensates.is_some() {
            continue;
        }
        let mut found = Vec::new();
        let Extra { retry, attempt, backoff, fallback, when, compensate, compensates: _, restart: _ } =
            &*step.extra;
        if step.is_group() {
            let times = attempt.or(*backoff).is_some();
            if retry.is_some() || times || fallback.is_some() || when.is_some() || compensate.is_some() {
                found.push(AttemptFault::OfGroup);
            }
        } else if step.is_worker() {
            if attempt.is_some() || fallback.is_some() || compensate.is_some() {
                found.push(AttemptFault::OfWorker);
            }
        } else {
            faults(&step.extra, &step.signature, step.phase, model.limit(index), &mut found);
        }
        errors.extend(found.into_iter().map(|fault| PlanError::Attempts { step: Who::step(step), fault }));
    }
}

fn faults(extra: &Extra, own: &Signature, phase: Phase, timeout: Duration, faults: &mut Vec<AttemptFault>) {
    for (key, time) in [("attempt", extra.attempt), ("backoff", extra.backoff)] {
        if let Some(time) = time.filter(|time| *time > TOO_LONG) {
            faults.push(AttemptFault::TooLong { key, time });
        }
    }
    match extra.attempt {
        Some(Duration::ZERO) => faults.push(AttemptFault::NoTime),
        Some(attempt) if attempt > timeout && attempt <= TOO_LONG => {
            faults.push(AttemptFault::LongerThanTimeout { attempt, timeout });
        }
        _ => {}
    }
    // A `retry` of 0 is that of settings which switch off an attribute's.
    if extra.backoff.is_some() && extra.retry.is_none() {
        faults.push(AttemptFault::BackoffAlone);
    }
    if extra.fallback.is_some() && phase == Phase::Start {
        faults.push(AttemptFault::FallbackAtStart);
    }
    if extra.compensate.is_some() && phase == Phase::Start {
        faults.push(AttemptFault::CompensateAtStart);
    }
    let takes = |need: &&Need| need.usage == Use::Take;
    if let Some(when) = &extra.when {
        let taken = when.signature.takes.iter().filter(takes);
        faults.extend(taken.map(|need| AttemptFault::WhenTakes { type_name: need.type_name }));
    }
    for taken in own.takes.iter().filter(takes) {
        if extra.retry.is_some_and(|retry| retry > 0) && !taken.optional {
            faults.push(AttemptFault::TakenByFirst { type_name: taken.type_name });
        }
        let needs = |need: &&Need| need.keys == taken.keys && !need.optional;
        let fallback = extra.fallback.iter().flat_map(|fallback| &fallback.signature.takes);
        if let Some(need) = fallback.into_iter().find(needs) {
            faults.push(AttemptFault::TakenFromFallback { type_name: need.type_name });
        }
    }
}

/// As the end of a sentence about the step.
impl fmt::Display for AttemptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttemptFault::OfGroup => f.write_str(
                "is a group and cannot have retry, attempt, backoff, fallback, when or compensate: it closes and waits for its calls, \
                 which is not done twice. Leave them out",
            ),
            AttemptFault::OfWorker => f.write_str(
                "is a worker and cannot have attempt, fallback or compensate: it runs until it is told to stop. Say with restart, retry \
                 and backoff when it is begun again",
            ),
            AttemptFault::NoTime => {
                f.write_str("has attempt = 0s, so no attempt could end in time: write a longer one")
            }
            AttemptFault::TooLong { key, time } => {
                write!(f, "has {key} = {}: too long, write a shorter one", spell(*time))
            }
            AttemptFault::LongerThanTimeout { attempt, timeout } => write!(
                f,
                "has attempt = {}, but timeout = {}, which bounds all attempts together: write a shorter attempt, or a \
                 longer timeout",
                spell(*attempt),
                spell(*timeout)
            ),
            AttemptFault::BackoffAlone => f.write_str(
                "has backoff, the pause between attempts, but no retry, so that there is only one: say how many more there \
                 may be (retry = 2), or leave backoff out",
            ),
            AttemptFault::FallbackAtStart => f.write_str(
                "is a start step and cannot have a fallback, which would have to provide what the step does: choose inside \
                 the step instead",
            ),
            AttemptFault::CompensateAtStart => f.write_str(
                "is a start step and cannot have a compensate, which is done at the next start for what a shutdown has not \
                 done: write it on the shutdown step that undoes this one",
            ),
            AttemptFault::WhenTakes { type_name: name } => write!(
                f,
                "takes {name} away in its `when`, which only looks: borrow it there (&{name})",
                name = type_name(name)
            ),
            AttemptFault::TakenByFirst { type_name: name } => write!(
                f,
                "has retry and takes {name} away: the first attempt moves it out, and there is none for the next. Borrow it \
                 (&{name}), or take an Option of it, which later attempts find empty, or leave retry out",
                name = type_name(name)
            ),
            AttemptFault::TakenFromFallback { type_name: name } => write!(
                f,
                "takes {name} away, and its fallback needs it too: the step has moved it out by then. Let the step borrow \
                 it (&{name}) and the fallback take it, or let the fallback take an Option of it",
                name = type_name(name)
            ),
        }
    }
}
