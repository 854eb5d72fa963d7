//! Looking after the call of a hook that runs: whether it has begun, and how long it still may.

use std::time::Instant;

use super::{CLAIM_AFTER, HookTask, Stage};
use crate::clock;
use crate::report::Outcome;
use crate::run::executor::{End, Progress, SETTLE};
use crate::run::message::Message;

impl HookTask {
    /// Looks after the call that runs: whether it has begun, and how long it still may.
    pub(super) fn tend(&mut self, now: Instant) -> Progress {
        let Stage::Trying { began, until } = self.stage else { return Progress::Running };
        let Some(running) = &mut self.running else { return Progress::Running };
        // A test has no other runtime, and its clock may jump before this one has had its turn.
        let unbegun = running.is_unbegun() && !clock::in_test();
        if !unbegun {
            self.unbegun_since = None;
        }
        if until.is_some_and(|until| until <= now) {
            running.stop();
            self.facts.borrow_mut().stopping = true;
            let until = now + SETTLE;
            self.stage = Stage::Stopping { began, until };
            return Progress::Until(until);
        }
        let mut claim_at = None;
        if unbegun {
            // An attempt shorter than this must not keep the next one from being rescued.
            let at = *self.unbegun_since.get_or_insert(now) + CLAIM_AFTER;
            if at > now {
                claim_at = Some(at);
            } else if let Err(error) = self.rescue() {
                if let Some(running) = &mut self.running {
                    running.take_back();
                }
                let why = format!("the service's runtime is stuck, and there is no other: {error}");
                return self.concluded(End::new(Outcome::Failed, why), began, now);
            }
        }
        until.into_iter().chain(claim_at).min().map_or(Progress::Running, Progress::Until)
    }

    /// Claims the call for the rescue runtime, which may have to be built first.
    fn rescue(&mut self) -> Result<(), String> {
        let Some(running) = &mut self.running else { return Ok(()) };
        match self.hooks.rescue.runtime() {
            Some(Ok(rescue)) => {
                if running.rescue(rescue) {
                    self.facts.borrow_mut().rescued = true;
                }
                Ok(())
            }
            Some(Err(error)) => Err(error.to_owned()),
            None if self.rescue_asked => Ok(()),
            None => {
                self.rescue_asked = true;
                let (mailbox, at) = (self.hooks.mailbox.clone(), self.at);
                let built = move || mailbox.send(Message::Poked(at));
                let asked = self.hooks.rescue.build(built);
                asked.map_err(|error| format!("the system gives no more threads: {error}"))
            }
        }
    }
}
