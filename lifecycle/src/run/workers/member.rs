//! One worker and its runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::context::StepContext;
use crate::events::Event;
use crate::hook::{Call, Need, StepSpec, Task};
use crate::narrator::Say;
use crate::process::Lifecycle;
use crate::report::{Outcome, Reason, WorkerReport};
use crate::resource::{Inputs, Resources};
use crate::run::background::Means;
use crate::run::call::{Running, panicked};
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
        Member { spec, limit, machine, run: None, context, awaited_at: None, dismissed: None }
    }

    pub(super) fn is(&self, task: &Task) -> bool {
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

    /// It waits to begin for the first time, and nothing is missing.
    pub(super) fn is_ready(&self, resources: &Resources) -> bool {
        self.machine.is_waiting() && self.absent(resources).is_none()
    }

    /// What it cannot begin without.
    pub(super) fn absent(&self, resources: &Resources) -> Option<&Need> {
        let mut needed = self.spec.signature.takes.iter().filter(|need| !need.optional);
        needed.find(|need| !resources.has(need))
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

    pub(super) fn begin(&mut self, means: &Means, now: Instant) {
        let token = CancellationToken::new();
        self.context = Arc::new(StepContext::of_worker(token.clone()));
        let mut begun = Run { number: means.next_run(), token, running: None };
        self.machine.began(now);
        let spawned = self.gather(&begun.token, &means.life.resources).and_then(|call| {
            begun.running = Some(self.spawn(call, &begun.token, begun.number, means)?);
            Ok(())
        });
        self.tell(means.life, WorkerEvent::Started);
        self.run = Some(begun);
        if let Err(end) = spawned {
            // Nobody waits: it is not begun once it was told to stop.
            let _nobody = self.ended(end, means, now);
        }
    }

    /// Gathers the arguments anew, since they may be others by now; a user's `Clone` runs here.
    fn gather(&self, token: &CancellationToken, resources: &'static Resources) -> Result<Call, End> {
        let Task::Worker(begin) = &self.spec.task else {
            unreachable!("a worker is made of a worker's step")
        };
        let missing = |missing: &crate::hook::Missing| End::new(Outcome::Missing, missing.to_string());
        // All are there, or none is taken.
        if let Some(absent) = self.absent(resources) {
            return Err(missing(&resources.missing(absent)));
        }
        let mut inputs = Inputs { resources, token, token_given: false, report: None, step: &self.spec.name };
        match catch_unwind(AssertUnwindSafe(|| begin(&mut inputs))) {
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
        Running::begin(call, &self.spec.name, token.clone(), context, teller, &means.runtime)
            .map_err(|error| End::new(Outcome::Failed, format!("the system gave it no thread: {error}")))
    }

    /// Its run has ended. Returns the node that was waiting for that.
    pub(super) fn ended(&mut self, end: End, means: &Means, now: Instant) -> Option<(Address, End)> {
        self.run = None;
        match self.machine.ended(end.clone(), now) {
            After::Stopped => return self.awaited_at.map(|at| (at, end)),
            After::Done => self.tell(means.life, WorkerEvent::Ended),
            After::Again { attempt, after } => {
                let error = end.outcome.is_degraded().then(|| why(&end));
                self.tell(means.life, WorkerEvent::Restarting { attempt, after, error });
            }
            After::GaveUp => {
                let error = why(&end);
                self.tell(means.life, WorkerEvent::Failed { error: error.clone() });
                means.life.trigger(Reason::WorkerFailed { worker: self.spec.name.clone(), error });
            }
        }
        None
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
        let worker = self.spec.name.clone();
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
