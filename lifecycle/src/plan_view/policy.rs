//! Whether a step runs, and what is done if it fails; the same of a check.

use std::fmt;
use std::time::Duration;

use super::PlanCheck;
use crate::hook::StepSpec;
use crate::run::backoff;
use crate::settings::duration::spell;
use crate::worker::{Policy, Restart};

/// Whether a step runs at all, and what is done if it fails. `Display` has it in the words of the attributes' keys:
/// `retry 2, backoff 100ms, fallback`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepPolicy {
    /// How many more attempts it has; of a worker, how many times in a row it is begun again.
    pub retry: u32,
    /// The longest that each attempt may take, if that was said.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "attempt_ms", serialize_with = "crate::report::millis_opt")
    )]
    pub attempt: Option<Duration>,
    /// The pause before the first retry, if there is any.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "backoff_ms", serialize_with = "crate::report::millis_opt")
    )]
    pub backoff: Option<Duration>,
    /// Whether something is done in its place once all attempts have failed.
    pub fallback: bool,
    /// Whether it has a `when`.
    pub conditional: bool,
    /// Whether the next start makes up for it, if it is not done.
    pub compensated: bool,
    /// Of a worker, when it is begun again.
    pub restart: Option<Restart>,
}

impl StepPolicy {
    pub(super) fn of(step: &StepSpec) -> Self {
        let extra = &step.extra;
        let mut policy = StepPolicy {
            retry: extra.retry.unwrap_or(0),
            attempt: extra.attempt,
            backoff: None,
            fallback: extra.fallback.is_some(),
            conditional: extra.when.is_some(),
            compensated: extra.compensate.is_some(),
            restart: None,
        };
        if step.is_worker() {
            let Policy { restart, retry, backoff } = Policy::of(extra);
            let retry = if restart == Restart::Never { 0 } else { retry };
            // After a good end, too, it is not begun again at once.
            let backoff = (restart == Restart::Always || retry > 0).then_some(backoff);
            (policy.restart, policy.retry, policy.backoff) = (Some(restart), retry, backoff);
        } else if policy.retry > 0 {
            policy.backoff = Some(extra.backoff.unwrap_or(backoff::DEFAULT));
        }
        policy
    }

    /// Nothing that has to be told.
    pub(crate) fn is_plain(&self) -> bool {
        *self == StepPolicy::default()
    }
}

impl fmt::Display for StepPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StepPolicy { retry, attempt, backoff, fallback, conditional, compensated, restart } = self;
        let flag = |flag: bool, key: &str| flag.then(|| key.to_owned());
        let parts = [
            restart.map(|restart| format!("restart {}", restart.as_str())),
            (*retry > 0).then(|| format!("retry {retry}")),
            attempt.map(|attempt| format!("attempt {}", spell(attempt))),
            backoff.map(|backoff| format!("backoff {}", spell(backoff))),
            flag(*fallback, "fallback"),
            flag(*conditional, "when"),
            flag(*compensated, "compensate"),
        ];
        for (index, part) in parts.iter().flatten().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{part}")?;
        }
        Ok(())
    }
}

impl PlanCheck {
    /// `every 30s, within 5s; recovered 3 times, 5s apart`.
    pub(crate) fn how(&self) -> String {
        let PlanCheck { interval, timeout, retry, delay, recovers, conditional, off, .. } = self;
        if let Some(why) = off {
            return format!("off: {why}");
        }
        let attempt = if *recovers { "recovered" } else { "tried again" };
        let attempts = match retry {
            0 => String::new(),
            1 => format!("; {attempt} once, after {}", spell(*delay)),
            n => format!("; {attempt} {n} times, {} apart", spell(*delay)),
        };
        let when = if *conditional { ", when it applies" } else { "" };
        format!("every {}, within {}{attempts}{when}", spell(*interval), spell(*timeout))
    }
}
