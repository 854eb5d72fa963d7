//! How the time until the deadline is shared out: the ordered steps, then what runs on the reserve, then the way out.

use std::time::{Duration, Instant};

use super::coordinator::Coordinator;
use crate::clock;
use crate::process::Trigger;

impl Coordinator {
    /// When `reserve` begins; never without a `grace`.
    pub(super) fn end_of_ordered(&self, trigger: &Trigger) -> Option<Instant> {
        trigger.deadline.map(|deadline| {
            deadline.checked_sub(self.order.settings.reserve.value).unwrap_or(trigger.at).max(trigger.at)
        })
    }

    /// The `n`th last part of what is left before the process has to be on its way out.
    pub(super) fn share_of_reserve(&self, trigger: &Trigger, parts: u32) -> Option<Instant> {
        let end = self.last_moment_of(trigger)?;
        let now = clock::now();
        Some(now + end.saturating_duration_since(now) / parts)
    }

    pub(super) fn last_moment_of(&self, trigger: &Trigger) -> Option<Instant> {
        let margin = exit_margin(self.order.settings.reserve.value);
        trigger.deadline.map(|deadline| deadline.checked_sub(margin).unwrap_or(trigger.at))
    }

    /// Until when something may be written that nobody may be reading.
    pub(super) fn last_moment(&self, trigger: &Trigger) -> Instant {
        let patient = clock::now() + PATIENCE;
        self.last_moment_of(trigger).map_or(patient, |end| end.min(patient))
    }

    pub(super) fn patience(&self, trigger: &Trigger) -> Duration {
        self.last_moment(trigger).saturating_duration_since(clock::now())
    }
}

/// How long before the deadline the last steps' time is over: what comes after them still needs this much.
pub(crate) fn exit_margin(reserve: Duration) -> Duration {
    EXIT_MARGIN.min(reserve / 4)
}

const EXIT_MARGIN: Duration = Duration::from_millis(250);

/// How long what may block on a user's pipe or subscriber is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
