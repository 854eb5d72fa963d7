//! A worker's stop as a work of the graph.

use std::time::{Duration, Instant};

use super::Member;
use crate::report::Outcome;
use crate::resource::Resources;
use crate::run::executor::{End, Progress, Work};
use crate::run::hook_task::Excuse;
use crate::run::message::Address;
use crate::run::shared::Shared;
use crate::worker::Stopped;

pub(in crate::run) struct WorkerStop {
    pub(in crate::run) member: Shared<Member>,
    pub(in crate::run) at: Address,
    /// When the whole graph is cut.
    pub(in crate::run) deadline: Option<Instant>,
    pub(in crate::run) resources: &'static Resources,
    pub(in crate::run) excuse: Excuse,
}

impl Work for WorkerStop {
    fn held_to(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    fn begin(&mut self, now: Instant) -> Progress {
        let mut member = self.member.borrow_mut();
        let own = now.checked_add(member.limit());
        match member.stop(self.at, own.into_iter().chain(self.deadline).min()) {
            Stopped::Running => Progress::Running,
            Stopped::Over(end) => Progress::Ended(end),
            Stopped::NeverBegan => Progress::Ended(self.why_not(&member)),
        }
    }

    fn wake(&mut self, _: Instant) -> Progress {
        Progress::Running
    }

    fn cut(&mut self) {
        self.member.borrow_mut().cut();
    }

    fn limit(&self) -> Option<Duration> {
        Some(self.member.borrow().limit())
    }
}

impl WorkerStop {
    fn why_not(&self, member: &Member) -> End {
        let Some(absent) = member.absent(self.resources) else {
            return End::new(Outcome::Skipped, "the shutdown came before it could begin");
        };
        let missing = self.resources.missing(&absent);
        match (self.excuse)(&missing) {
            Some(excuse) => End::new(Outcome::Skipped, excuse),
            None => End::new(Outcome::Missing, missing.to_string()),
        }
    }
}
