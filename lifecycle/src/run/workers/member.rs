//! One worker and its runs.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::context::StepContext;
use crate::events::Event;
use crate::hook::{Call, Missing, Need, StepSpec, Task};
use crate::narrator::Say;
use crate::process::Lifecycle;
use crate::report::{Outcome, Reason, WorkerReport};
use crate::resource::{Inputs, Resources};
use crate::run::background::Means;
use crate::run::call::{Running, Threads, panicked};
use crate::run::executor::End;
use crate::run::message::{Address, Teller};
use crate::worker::{After, Machine, Policy, Stopped, WorkerEvent};

/// See the module's words.
pub(in crate::run) struct Member {
    spec: StepSpec,
    /// How long it is awaited once it was told to stop.
    limit: Duration,
    machine: Machine,
    run: Option<Run>,
    asked: Asked,
    /// Of the last run.
    context: Arc<StepContext>,
    /// The node that waits for its end.
    awaited_at: Option<Address>,
    dismissed: Option<Dismissed>,
}

struct Run {
    number: usize,
    token: CancellationToken,
    /// `None` if it could not be begun.
    running: Option<Running>,
}

/// How far its `when` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It has one, which is asked once what that takes is there: the rest may never come to a worker that is not wanted.
    NotYet,
    /// What runs is its `when`.
    Runs,
    /// It has none, or was asked.
    Done,
}

/// It was taken back.
#[derive(Clone, Copy)]
enum Dismissed {
    /// Aborted then.
    Until(Instant),
    Aborted,
}

impl Member {
    pub(super) fn new(spec: StepSpec, limit: Duration) -> Self {
        let machine = Machine::new(Policy::of(&spec.extra));
        let context = Arc::new(StepContext::of_worker(CancellationToken::new()));
        let asked = if spec.extra.when.is_some() { Asked::NotYet } else { Asked::Done };
        Member { spec, limit, machine, run: None, asked, context, awaited_at: None, dismissed: None }
    }

    pub(super) fn is(&self, spec: &StepSpec) -> bool {
        self.spec.is(spec)
    }

    /// Whether this is what was registered as that.
    pub(super) fn does(&self, task: &Task) -> bool {
        self.spec.task.is(task)
    }

    pub(super) fn runs(&self, number: usize) -> bool {
        self.run.as_ref().is_some_and(|run| run.number == number)
    }

    /// It was taken back and has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.dismissed.is_some() && self.machine.is_over()
    }

    pub(in crate::run) fn limit(&self) -> Duration {
        self.limit
    }

    pub(in crate::run) fn context(&self) -> &StepContext {
        &self.context
    }

    pub(in crate::run) fn report(&self) -> WorkerReport {
        WorkerReport {
            restarts: self.machine.restarts(),
            last_error: self.machine.last_error().map(str::to_owned),
        }
    }

    /// It waits to begin for the first time, or to be asked whether it is to, and nothing is missing for that.
    pub(super) fn is_ready(&self, resources: &Resources) -> bool {
        self.machine.is_waiting() && self.asked != Asked::Runs && self.absent(resources).is_none()
    }

    /// What keeps it from what comes next: its `when`, or its run.
    pub(super) fn absent(&self, resources: &Resources) -> Option<Need> {
        let needs = match (&self.spec.extra.when, self.asked) {
            (Some(when), Asked::NotYet | Asked::Runs) => Cow::Borrowed(&*when.signature.takes),
            _ => self.spec.needs(),
        };
        needs.iter().copied().find(|need| !need.optional && !resources.has(need))
    }

    pub(super) fn next_timer(&self) -> Option<Instant> {
        match self.dismissed {
            Some(Dismissed::Until(at)) => Some(at),
            Some(Dismissed::Aborted) => None,
            None => self.machine.next_timer(),
        }
    }

    pub(super) fn on_time(&mut self, means: &Means, now: Instant) {
        if let Some(Dismissed::Until(_)) = self.dismissed {
            self.dismissed = Some(Dismissed::Aborted);
            self.cut();
            let limit = crate::render::duration(self.limit);
            let text =
                format!("the worker {} was taken back and has not ended within {limit}", self.spec.name);
            say(means.life, Say::Warning(text));
        } else {
            self.begin(means, now);
        }
    }

    /// It is ready.
    pub(super) fn begin_first(&mut self, means: &Means, now: Instant) {
        match self.spec.extra.when.clone().filter(|_| self.asked == Asked::NotYet) {
            None => self.begin(means, now),
            Some(when) => {
                self.asked = Asked::Runs;
                let question = |inputs: &mut Inputs<'_>| {
                    let question = (when.ask)(inputs)?;
                    Ok(Call::Sync(Box::new(move || question().map(|()| Vec::new()))))
                };
                self.run(question, means, now);
            }
        }
    }

    fn begin(&mut self, means: &Means, now: Instant) {
        let Task::Worker(begin) = self.spec.task.clone() else { return };
        self.machine.began(now);
        self.tell(means.life, WorkerEvent::Started);
        self.run(|inputs| begin.begin(inputs), means, now);
    }

    fn run(
        &mut self,
        call: impl FnOnce(&mut Inputs<'_>) -> Result<Call, Missing>,
        means: &Means,
        now: Instant,
    ) {
        let token = CancellationToken::new();
        self.context = Arc::new(StepContext::of_worker(token.clone()));
        let mut begun = Run { number: means.next_run(), token, running: None };
        let spawned = self.gather(call, &begun.token, &means.life.resources).and_then(|call| {
            begun.running = Some(self.spawn(call, &begun.token, begun.number, means)?);
            Ok(())
        });
        self.run = Some(begun);
        if let Err(end) = spawned {
            // Nobody waits: it is not begun once it was told to stop.
            let _nobody = self.ended(end, means, now);
        }
    }

    /// Gathers the arguments anew, since they may be others by now; a user's `Clone` runs here.
    fn gather(
        &self,
        from: impl FnOnce(&mut Inputs<'_>) -> Result<Call, Missing>,
        token: &CancellationToken,
        resources: &'static Resources,
    ) -> Result<Call, End> {
        let missing = |missing: &Missing| End::new(Outcome::Missing, missing.to_string());
        // All are there, or none is taken.
        if let Some(absent) = self.absent(resources) {
            return Err(missing(&resources.missing(&absent)));
        }
        let token = &OnceCell::from(token.clone());
        let mut inputs = Inputs { resources, token, token_given: false, report: None, step: &self.spec.name };
        match catch_unwind(AssertUnwindSafe(|| from(&mut inputs))) {
            Ok(call) => call.map_err(|absent| missing(&absent)),
            Err(payload) => Err(panicked(payload)),
        }
    }

    fn spawn(
        &self,
        call: Call,
        token: &CancellationToken,
        number: usize,
        means: &Means,
    ) -> Result<Running, End> {
        let teller = Teller::new(means.mailbox.clone(), Address::beside(number));
        let context = Arc::clone(&self.context);
        let threads = if self.asked == Asked::Runs { Threads::OfSteps(&means.crew) } else { Threads::ItsOwn };
        Running::begin(call, &self.spec.name, Some(token.clone()), context, teller, &means.runtime, threads)
            .map_err(|error| End::new(Outcome::Failed, format!("the system gave it no thread: {error}")))
    }

    /// Its run has ended. Returns the node that was waiting for that.
    pub(super) fn ended(&mut self, end: End, means: &Means, now: Instant) -> Option<(Address, End)> {
        self.run = None;
        if self.asked == Asked::Runs {
            self.asked = Asked::Done;
            self.answered(end, means, now);
            return None;
        }
        match self.machine.ended(end.clone(), now) {
            After::Stopped => return self.awaited_at.map(|at| (at, end)),
            After::Done => self.tell(means.life, WorkerEvent::Ended),
            After::Again { attempt, after } => {
                let error = end.outcome.is_degraded().then(|| why(&end));
                self.tell(means.life, WorkerEvent::Restarting { attempt, after, error });
            }
            After::GaveUp => self.give_up(&end, means),
        }
        None
    }

    /// What its `when` came to.
    fn answered(&mut self, end: End, means: &Means, now: Instant) {
        // It may have been told to stop meanwhile.
        if !self.machine.is_waiting() {
            return;
        }
        match end.outcome {
            Outcome::Done | Outcome::Partial => {
                if means.life.triggered().is_none() && self.is_ready(&means.life.resources) {
                    self.begin(means, now);
                }
            }
            Outcome::Failed => {
                let why = why(&end);
                self.machine.settle(End::new(Outcome::Skipped, why.clone()));
                self.tell(means.life, WorkerEvent::Skipped { why });
            }
            outcome => {
                let end = End::new(outcome, format!("its `when`: {}", end.why.unwrap_or_default()));
                self.machine.settle(end.clone());
                self.give_up(&end, means);
            }
        }
    }

    fn give_up(&self, end: &End, means: &Means) {
        let error = why(end);
        self.tell(means.life, WorkerEvent::Failed { error: error.clone() });
        means.life.trigger(Reason::WorkerFailed { worker: self.spec.name.to_string(), error });
    }

    /// Its place in the shutdown has come: its token fires, and it has so long.
    pub(super) fn stop(&mut self, at: Address, until: Option<Instant>) -> Stopped {
        self.awaited_at = Some(at);
        let stopped = self.machine.stop();
        self.context.set_deadline(until);
        if let Some(run) = &self.run {
            run.token.cancel();
        }
        stopped
    }

    /// It was taken back: it is told to stop, and has its limit for it.
    pub(super) fn dismiss(&mut self, now: Instant) {
        let until = now + self.limit;
        if self.machine.stop() == Stopped::Running {
            self.context.set_deadline(Some(until));
            if let Some(run) = &self.run {
                run.token.cancel();
            }
        }
        self.dismissed = Some(Dismissed::Until(until));
    }

    /// Its time is over. A sync one, and one that blocks its thread, may go on.
    pub(super) fn cut(&mut self) {
        let _ended_or_told = self.machine.stop();
        if let Some(running) = self.run.as_mut().and_then(|run| run.running.as_mut()) {
            running.stop();
        }
    }

    fn tell(&self, life: &Lifecycle, what: WorkerEvent) {
        let worker = self.spec.name.to_string();
        say(life, Say::Worker { worker: worker.clone(), what: what.clone() });
        life.tell(Event::Worker { worker, what });
    }
}

fn why(end: &End) -> String {
    match (&end.why, end.outcome) {
        (Some(why), Outcome::Panicked) => format!("it panicked: {why}"),
        (Some(why), _) => why.clone(),
        (None, outcome) => outcome.as_str().to_owned(),
    }
}

fn say(life: &Lifecycle, what: Say) {
    if let Some(running) = life.running() {
        running.narrator.say(what);
    }
}
