//! The workers: begun after the start, begun again when they fail, told to stop by their step of the shutdown.

mod member;
mod stop;

use std::time::{Duration, Instant};

pub(super) use self::member::Member;
pub(super) use self::stop::WorkerStop;
use super::background::{Activity, Means};
use super::executor::End;
use super::message::Address;
use super::shared::Shared;
use crate::hook::{StepSpec, Task};

/// All workers that are or were known.
#[derive(Default)]
pub(super) struct Workers {
    members: Vec<Shared<Member>>,
    /// Once the start has ended well.
    means: Option<Means>,
}

impl Workers {
    /// The worker of this step.
    pub(super) fn member(&mut self, spec: &StepSpec, limit: Duration) -> Shared<Member> {
        let known = self.members.iter().find(|member| member.borrow().is(spec));
        if let Some(member) = known {
            return Shared::clone(member);
        }
        let member = Shared::new(Member::new(spec.clone(), limit));
        self.members.push(Shared::clone(&member));
        member
    }

    /// From here on they begin, each once its last resource is there.
    pub(super) fn open(&mut self, means: Means) {
        self.means = Some(means);
    }

    /// Begins those whose last resource is there. None once a shutdown has begun: nothing is left for it to do.
    pub(super) fn begin_ready(&mut self, now: Instant) {
        let Some(means) = &self.means else { return };
        for member in &self.members {
            let mut member = member.borrow_mut();
            if means.life.triggered().is_none() && member.is_ready(&means.life.resources) {
                member.begin_first(means, now);
            }
        }
    }

    /// A run has ended. Returns the node that was waiting for that.
    pub(super) fn told(&mut self, run: usize, end: End, now: Instant) -> Option<(Address, End)> {
        let means = self.means.as_ref()?;
        let member = self.members.iter().find(|member| member.borrow().runs(run))?;
        let awaited = member.borrow_mut().ended(end, means, now);
        self.forget();
        awaited
    }

    /// A worker was taken back: it is told to stop, and nobody waits for it.
    pub(super) fn dismiss(&mut self, task: &Task, now: Instant) {
        if let Some(member) = self.members.iter().find(|member| member.borrow().does(task)) {
            member.borrow_mut().dismiss(now);
        }
        self.forget();
    }

    /// The time of all steps is over: what still runs is told to stop and aborted.
    pub(super) fn cut(&mut self) {
        for member in &self.members {
            member.borrow_mut().cut();
        }
    }

    fn forget(&mut self) {
        self.members.retain(|member| !member.borrow().is_gone());
    }
}

impl Activity for Workers {
    fn next_timer(&self) -> Option<Instant> {
        self.members.iter().filter_map(|member| member.borrow().next_timer()).min()
    }

    fn on_time(&mut self, now: Instant) {
        let Some(means) = &self.means else { return };
        for member in &self.members {
            let due = member.borrow().next_timer().is_some_and(|at| at <= now);
            if due {
                member.borrow_mut().on_time(means, now);
            }
        }
    }
}
