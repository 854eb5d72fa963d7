//! One hook as a work of the graph: asked whether it runs, tried, tried again, and replaced by its fallback.
//!
//! Its attempts follow each other and never run at the same time: one that was told to stop and does not is not tried
//! again, since its effects are still to come. Only the fallback may then run beside it, because it is there for the case
//! that the step cannot be had to end. Each attempt has a turn, a number that its end carries, so that an end which comes
//! after all is not taken for that of the next.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::backoff;
use super::call::{Running, Threads, panicked};
use super::crew::Crew;
use super::executor::{End, Progress, Work};
use super::mailbox::Mailbox;
use super::message::{Address, Message, Teller};
use super::rescue::Rescue;
use super::shared::Shared;
use crate::context::StepContext;
use crate::hook::{Begin, Call, Function, Missing, Signature, StepSpec, When};
use crate::journal::{Event, Journal, Pending, Standing};
use crate::narrator::{Narrator, Say};
use crate::report::{Attempt, Outcome, Report};
use crate::resource::{Inputs, Resources};

mod tend;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

/// How long the service's runtime has to begin an async hook.
pub(crate) const CLAIM_AFTER: Duration = Duration::from_millis(250);

/// What every hook of a graph is run with.
pub(crate) struct Hooks {
    pub(crate) mailbox: Mailbox,
    pub(crate) runtime: Handle,
    pub(crate) rescue: Arc<Rescue>,
    pub(crate) crew: Arc<Crew>,
    pub(crate) resources: &'static Resources,
    pub(crate) report: Option<Arc<Report>>,
    pub(crate) narrator: Narrator,
    /// The shutdown's name in every event.
    pub(crate) id: Arc<str>,
    pub(crate) excuse: Excuse,
}

/// What is known of a hook beside its end.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Of the call that runs, or ran last.
    pub(crate) context: Arc<StepContext>,
    /// Any of its calls ran on the rescue runtime.
    pub(crate) rescued: bool,
    /// Those that failed before the one that runs, or ran last.
    pub(crate) attempts: Vec<Attempt>,
    /// That one is the fallback.
    pub(crate) fallback: bool,
    /// The call whose end is awaited; an earlier one's comes too late.
    pub(crate) turn: u32,
    /// The attempt's time is up: whatever it still gives, it will have failed.
    pub(crate) stopping: bool,
    /// Its `when` said no.
    pub(crate) declined: bool,
}

/// Says why a resource may be absent without that being a fault.
pub(crate) type Excuse = Arc<dyn Fn(&Missing) -> Option<String> + Send + Sync>;

/// A hook on its way through the graph.
pub(crate) struct HookTask {
    spec: StepSpec,
    begin: Begin,
    at: Address,
    limit: Duration,
    hooks: Arc<Hooks>,
    /// What must be durable before its first attempt.
    record: Option<(Journal, Event)>,
    facts: Shared<Facts>,
    stage: Stage,
    /// The call that runs, or ran last.
    running: Option<Running>,
    /// Of the first call.
    context: Option<Arc<StepContext>>,
    /// When the whole graph is cut.
    deadline: Option<Instant>,
    /// Attempts that have failed.
    failures: u32,
    /// When the step's own time, or the graph's, is over.
    ends: Option<Instant>,
    /// When the attempts' time is over: from then on it is the fallback's.
    attempts_end: Option<Instant>,
    /// Since when the service's runtime has not begun anything of this step.
    unbegun_since: Option<Instant>,
    /// The rescue runtime is being built for it.
    rescue_asked: bool,
    /// The record that it waits for.
    pending: Option<Pending>,
}

#[derive(Clone, Copy)]
enum Stage {
    NotBegun,
    /// Its `when`.
    Asking,
    /// Until the journal has its begin.
    Recording,
    Trying {
        began: Instant,
        /// When this attempt's time is over, if that comes before the step's own end.
        until: Option<Instant>,
    },
    /// Its time is over; if it has not ended by then, it will not.
    Stopping {
        began: Instant,
        until: Instant,
    },
    Pausing {
        until: Instant,
    },
}

impl HookTask {
    pub(crate) fn new(
        spec: StepSpec,
        begin: Begin,
        at: Address,
        limit: Duration,
        record: Option<(Journal, Event)>,
        hooks: &Arc<Hooks>,
    ) -> (Self, Shared<Facts>) {
        let facts = Shared::<Facts>::default();
        let context = Some(Arc::clone(&facts.borrow().context));
        let this = HookTask {
            spec,
            begin,
            at,
            limit,
            hooks: Arc::clone(hooks),
            record,
            facts: Shared::clone(&facts),
            stage: Stage::NotBegun,
            running: None,
            context,
            deadline: None,
            failures: 0,
            ends: None,
            attempts_end: None,
            unbegun_since: None,
            rescue_asked: false,
            pending: None,
        };
        (this, facts)
    }

    fn without(&self, missing: &Missing) -> End {
        match (self.hooks.excuse)(missing) {
            Some(excuse) => End::new(Outcome::Skipped, excuse),
            None => End::new(Outcome::Missing, missing.to_string()),
        }
    }

    /// Gathers the arguments. The only code of a user that the coordinator runs: `Clone` of an argument.
    fn gather<T>(
        &self,
        token: &OnceCell<CancellationToken>,
        from: impl FnOnce(&mut Inputs<'_>) -> Result<T, Missing>,
    ) -> Result<T, End> {
        let mut inputs = Inputs {
            resources: self.hooks.resources,
            token,
            token_given: false,
            report: self.hooks.report.as_ref(),
            step: &self.spec.name,
        };
        match catch_unwind(AssertUnwindSafe(|| from(&mut inputs))) {
            Ok(Ok(gathered)) => Ok(gathered),
            Ok(Err(missing)) => Err(self.without(&missing)),
            Err(payload) => Err(panicked(payload)),
        }
    }

    /// All are there, or none is taken: a resource must not be lost to a call that then cannot be made.
    fn has_all(&self, signature: &Signature) -> Result<(), End> {
        let mut needed = signature.takes.iter().filter(|need| !need.optional);
        match needed.find(|need| !self.hooks.resources.has(need)) {
            Some(absent) => Err(self.without(&self.hooks.resources.missing(absent))),
            None => Ok(()),
        }
    }

    fn ask(&mut self, when: &When) -> Progress {
        self.stage = Stage::Asking;
        let token = OnceCell::new();
        let question = match self.gather(&token, |inputs| (when.ask)(inputs)) {
            Ok(question) => question,
            Err(end) => return Progress::Ended(end),
        };
        let call = Call::Sync(Box::new(move || question().map(|()| Vec::new())));
        match self.hand_over(call, token.into_inner(), self.ends) {
            Ok(()) => Progress::Running,
            Err(end) => Progress::Ended(end),
        }
    }

    /// What its `when` came to.
    fn answered(&mut self, end: End, now: Instant) -> Progress {
        match end.outcome {
            Outcome::Done | Outcome::Partial => {
                self.next_turn();
                self.first_attempt(now)
            }
            Outcome::Failed => {
                self.facts.borrow_mut().declined = true;
                Progress::Ended(End { outcome: Outcome::Skipped, why: end.why })
            }
            outcome => {
                let why = end.why.map(|why| format!("its `when`: {why}"));
                Progress::Ended(End { outcome, why })
            }
        }
    }

    fn first_attempt(&mut self, now: Instant) -> Progress {
        let Some((journal, event)) = self.record.take() else { return self.attempt(now) };
        // What then cannot begin is not recorded as begun.
        if let Err(end) = self.has_all(&self.spec.signature) {
            return Progress::Ended(end);
        }
        let (mailbox, at) = (self.hooks.mailbox.clone(), self.at);
        let poke = move || mailbox.send(Message::Poked(at));
        self.pending = Some(journal.before(event, now, poke));
        self.stage = Stage::Recording;
        self.recorded(now)
    }

    fn recorded(&mut self, now: Instant) -> Progress {
        match self.pending.as_ref().map(|pending| pending.standing(now)) {
            Some(Standing::Wait(until)) => return Progress::Until(until),
            Some(Standing::Without(Some(why))) => self.hooks.narrator.say(Say::Alarm(why)),
            Some(Standing::Durable | Standing::Without(None)) | None => {}
        }
        self.pending = None;
        self.attempt(now)
    }

    fn attempt(&mut self, now: Instant) -> Progress {
        let own = self.spec.extra.attempt.and_then(|attempt| now.checked_add(attempt));
        let until = own.into_iter().chain(self.attempts_end).min();
        self.stage = Stage::Trying { began: now, until: until.filter(|until| Some(*until) != self.ends) };
        let token = OnceCell::new();
        let call = self
            .has_all(&self.spec.signature)
            .and_then(|()| self.gather(&token, |inputs| self.begin.begin(inputs)));
        match call.and_then(|call| self.hand_over(call, token.into_inner(), until)) {
            Ok(()) => self.tend(now),
            Err(end) => self.concluded(end, now, now),
        }
    }

    fn fall_back(&mut self, fallback: &Function, failed: End, began: Instant, now: Instant) -> Progress {
        let last = Arc::clone(&self.facts.borrow().context);
        self.keep(&failed, began, now);
        self.say(&failed, None);
        self.stage = Stage::Trying { began: now, until: None };
        self.facts.borrow_mut().fallback = true;
        let token = OnceCell::new();
        let call = self
            .has_all(&fallback.signature)
            .and_then(|()| self.gather(&token, |inputs| fallback.begin.begin(inputs)));
        match call.and_then(|call| self.hand_over(call, token.into_inner(), self.ends)) {
            Ok(()) => self.tend(now),
            // It decides nothing, so the outcome is still that of the last attempt.
            Err(end) => {
                let mut facts = self.facts.borrow_mut();
                facts.fallback = false;
                facts.attempts.pop();
                facts.context = last;
                let why = end.why.unwrap_or_default();
                Progress::Ended(failed.and(format!("its fallback could not be called: {why}")))
            }
        }
    }

    fn hand_over(
        &mut self,
        call: Call,
        token: Option<CancellationToken>,
        until: Option<Instant>,
    ) -> Result<(), End> {
        let context = self.context.take().unwrap_or_default();
        context.set_deadline(until);
        let turn = {
            let mut facts = self.facts.borrow_mut();
            facts.context = Arc::clone(&context);
            facts.stopping = false;
            facts.turn
        };
        let teller = Teller::new(self.hooks.mailbox.clone(), Address { turn, ..self.at });
        let threads = Threads::OfSteps(&self.hooks.crew);
        match Running::begin(call, &self.spec.name, token, context, teller, &self.hooks.runtime, threads) {
            Ok(running) => {
                self.running = Some(running);
                Ok(())
            }
            Err(error) => Err(End::new(Outcome::Failed, format!("the system gave it no thread: {error}"))),
        }
    }

    /// Whatever the last call still says, it is not heard.
    fn next_turn(&mut self) {
        self.running = None;
        self.facts.borrow_mut().turn += 1;
    }

    /// What comes after a call that has ended, or will not.
    fn concluded(&mut self, mut end: End, began: Instant, now: Instant) -> Progress {
        let failed = matches!(
            end.outcome,
            Outcome::Failed | Outcome::Panicked | Outcome::TimedOut | Outcome::Abandoned
        );
        if !failed || self.facts.borrow().fallback {
            // Nobody hears that call any more, and what is left of it is dropped when there is time: with the graph.
            return Progress::Ended(end);
        }
        self.next_turn();
        self.failures += 1;
        let extra = &self.spec.extra;
        if extra.retry.is_some_and(|retry| self.failures <= retry) {
            let pause = backoff::pause(extra.backoff.unwrap_or(backoff::DEFAULT), self.failures);
            let again = now.checked_add(pause);
            match again.filter(|again| self.attempts_end.is_none_or(|end| *again < end)) {
                _ if end.outcome == Outcome::Abandoned => {
                    end = end.and("not tried again, since it still runs: two attempts must not run at once");
                }
                Some(until) => {
                    self.keep(&end, began, now);
                    self.say(&end, Some(pause));
                    self.stage = Stage::Pausing { until };
                    return Progress::Until(until);
                }
                None => end = end.and("not tried again, for want of time"),
            }
        }
        match self.spec.extra.fallback.clone() {
            Some(fallback) => self.fall_back(&fallback, end, began, now),
            None => Progress::Ended(end),
        }
    }

    /// Keeps a failed attempt for the report.
    fn keep(&self, end: &End, began: Instant, now: Instant) {
        let mut facts = self.facts.borrow_mut();
        let noted = facts.context.record();
        facts.attempts.push(Attempt {
            outcome: end.outcome,
            error: end.why.clone(),
            ran: now.saturating_duration_since(began),
            notes: noted.notes,
            items: noted.items,
        });
        // They are the attempt's now.
        facts.context = Arc::default();
    }

    /// `pause`: until the next attempt; without it comes the fallback.
    fn say(&self, end: &End, pause: Option<Duration>) {
        self.hooks.narrator.say(Say::AttemptFailed {
            id: self.hooks.id.to_string(),
            phase: self.spec.phase,
            step: self.spec.name.to_string(),
            attempt: self.failures,
            of: self.spec.extra.retry.unwrap_or(0).saturating_add(1),
            outcome: end.outcome,
            error: end.why.clone(),
            pause,
        });
    }
}

impl Work for HookTask {
    fn held_to(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    fn begin(&mut self, now: Instant) -> Progress {
        self.ends = now.checked_add(self.limit).into_iter().chain(self.deadline).min();
        let halved = self.spec.extra.fallback.is_some() && self.spec.extra.attempt.is_none();
        self.attempts_end = match self.ends {
            Some(ends) if halved => Some(now + ends.saturating_duration_since(now) / 2),
            ends => ends,
        };
        match self.spec.extra.when.clone() {
            Some(when) => self.ask(&when),
            None => self.first_attempt(now),
        }
    }

    fn wake(&mut self, now: Instant) -> Progress {
        match self.stage {
            Stage::NotBegun | Stage::Asking => Progress::Running,
            Stage::Recording => self.recorded(now),
            Stage::Trying { .. } => self.tend(now),
            Stage::Stopping { began, until } if until <= now => {
                self.concluded(End::bare(Outcome::Abandoned), began, now)
            }
            Stage::Pausing { until } if until <= now => self.attempt(now),
            Stage::Stopping { until, .. } | Stage::Pausing { until } => Progress::Until(until),
        }
    }

    fn told(&mut self, end: End, now: Instant) -> Progress {
        match self.stage {
            Stage::Asking => self.answered(end, now),
            Stage::Trying { began, .. } => {
                self.unbegun_since = None;
                self.concluded(end, began, now)
            }
            // However it ended, it had not when its time was up.
            Stage::Stopping { began, .. } => {
                self.concluded(End { outcome: Outcome::TimedOut, why: end.why }, began, now)
            }
            // Nothing is awaited in a pause.
            Stage::NotBegun | Stage::Recording | Stage::Pausing { .. } => Progress::Ended(end),
        }
    }

    fn cut(&mut self) {
        match &mut self.running {
            Some(running) => running.stop(),
            // While it waits there is nobody else who could tell that it has stopped.
            None => {
                let at = Address { turn: self.facts.borrow().turn, ..self.at };
                let what = match self.stage {
                    Stage::Recording => "it was waiting for the journal",
                    _ => "it was waiting for its next attempt",
                };
                let end = End::new(Outcome::CutOff, what);
                self.hooks.mailbox.send(Message::Ended { at, end, gifts: Vec::new() });
            }
        }
    }

    fn limit(&self) -> Option<Duration> {
        Some(self.limit)
    }

    fn is_vital(&self) -> bool {
        self.spec.extra.compensates.is_none()
    }
}
