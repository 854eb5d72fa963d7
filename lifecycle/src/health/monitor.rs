//! The checks that go on beside the service: lets happen what their machines say is due, on the coordinator's thread.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::board::CheckId;
use super::def::CheckSpec;
use super::machine::{Change, Due, Machine, Part, Verdict};
use super::run::{Run, RunId, Tools, Wanted};
use crate::events::Event;
use crate::narrator::{Narrator, Say};
use crate::process::Lifecycle;
use crate::resource::Resources;
use crate::run::drop_elsewhere;
use crate::run::mailbox::Mailbox;
use crate::settings::duration::spell;

/// How long the shutdown waits for a run that was told to end, so that steps may take what it holds.
pub(crate) const SETTLE: Duration = Duration::from_millis(100);

/// What the monitor is told.
pub(crate) enum Told {
    /// A run has ended; without a verdict it was dropped before that.
    Ended { run: RunId, verdict: Option<Verdict> },
    /// There is a new check.
    Registered,
    /// A check was taken back.
    Removed(CheckId),
}

/// See the module's words.
pub(crate) struct Monitor {
    life: &'static Lifecycle,
    mailbox: Mailbox,
    narrator: Narrator,
    stage: Stage,
    watched: Vec<Watched>,
    runs: u64,
    /// The earliest of what is due.
    next: Option<Instant>,
}

enum Stage {
    NotBegun,
    Watching(Tools),
    Stopped,
}

struct Watched {
    id: CheckId,
    spec: CheckSpec,
    machine: Machine,
    run: Option<Run>,
    /// Runs that had their time and have not ended: at most one of each part, as no other begins beside it.
    hung: Vec<Run>,
}

impl Monitor {
    pub(crate) fn new(life: &'static Lifecycle, mailbox: Mailbox, narrator: Narrator) -> Self {
        Monitor { life, mailbox, narrator, stage: Stage::NotBegun, watched: Vec::new(), runs: 0, next: None }
    }

    /// The service runs now: checks begin as soon as they have what they take.
    pub(crate) fn begin(&mut self, runtime: Handle, now: Instant) {
        self.stage = Stage::Watching(Tools { life: self.life, mailbox: self.mailbox.clone(), runtime });
        self.watch_new(now);
    }

    /// Begins nothing any more, and tells what runs to end.
    pub(crate) fn stop(&mut self) {
        self.stage = Stage::Stopped;
        self.next = None;
        for watched in &self.watched {
            watched.run.iter().for_each(Run::stop);
        }
    }

    /// Whether a run is on its way; one that has had its time is not waited for.
    pub(crate) fn is_running(&self) -> bool {
        self.watched.iter().any(|watched| watched.run.is_some())
    }

    /// When it wants to be called.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.next
    }

    /// Lets happen what is due.
    pub(crate) fn on_time(&mut self, now: Instant) {
        if self.next.is_none_or(|next| next > now) || !self.goes_on() {
            return;
        }
        for index in 0..self.watched.len() {
            // What cannot begin has ended at once, and something else may be due then.
            while let Some(due) = self.watched[index].machine.on_time(now) {
                match due {
                    Due::Begin(part) => self.begin_run(index, part, now),
                    Due::TimedOut(_) => self.time_out(index, now),
                }
                if !self.goes_on() {
                    return;
                }
            }
        }
        self.plan_next();
    }

    pub(crate) fn told(&mut self, told: Told, now: Instant) {
        match told {
            Told::Ended { run, verdict } => self.run_ended(run, verdict, now),
            Told::Registered => self.watch_new(now),
            Told::Removed(id) => self.remove(id),
        }
        self.plan_next();
    }

    /// There are resources that were not there before.
    pub(crate) fn on_provided(&mut self, now: Instant) {
        if !self.goes_on() {
            return;
        }
        for watched in &mut self.watched {
            watched.begin_or_wait(self.life, now);
        }
        self.plan_next();
    }

    /// From the trigger on nothing begins, even before [`stop`](Self::stop) says so.
    fn goes_on(&self) -> bool {
        matches!(self.stage, Stage::Watching(_)) && self.life.triggered().is_none()
    }

    fn plan_next(&mut self) {
        self.next = match self.stage {
            Stage::Watching(_) => self.watched.iter().filter_map(|watched| watched.machine.due()).min(),
            Stage::NotBegun | Stage::Stopped => None,
        };
    }

    fn watch_new(&mut self, now: Instant) {
        if !self.goes_on() {
            return;
        }
        for (id, spec) in self.life.health.take_new() {
            let machine = Machine::new(spec.keys.timing(), spec.recovers());
            let mut watched = Watched { id, spec, machine, run: None, hung: Vec::new() };
            watched.begin_or_wait(self.life, now);
            self.watched.push(watched);
        }
        self.plan_next();
    }

    fn remove(&mut self, id: CheckId) {
        if let Some(index) = self.watched.iter().position(|watched| watched.id == id) {
            let watched = self.watched.remove(index);
            watched.run.iter().for_each(Run::stop);
            drop_elsewhere(watched.spec);
        }
    }

    fn begin_run(&mut self, index: usize, part: Part, now: Instant) {
        let Stage::Watching(tools) = &self.stage else { return };
        self.runs += 1;
        let watched = &mut self.watched[index];
        match watched.begin_run(tools, self.runs, part, now) {
            Ok(run) => watched.run = Some(run),
            Err(error) => self.ended(index, Verdict::Failed(error), now),
        }
    }

    fn time_out(&mut self, index: usize, now: Instant) {
        let watched = &mut self.watched[index];
        if let Some(run) = watched.run.take() {
            run.stop();
            watched.hung.push(run);
        }
        let error = watched.too_long();
        self.ended(index, Verdict::Failed(error), now);
    }

    fn run_ended(&mut self, id: RunId, verdict: Option<Verdict>, now: Instant) {
        let Some(index) = self.watched.iter().position(|watched| watched.id == id.check) else { return };
        let watched = &mut self.watched[index];
        watched.hung.retain(|run| run.id != id);
        if watched.run.as_ref().is_some_and(|run| run.id == id) {
            watched.run = None;
            // What it found is of no use to a service that goes.
            if self.goes_on() {
                let dropped = || Verdict::Failed("it was dropped by its runtime".to_owned());
                self.ended(index, verdict.unwrap_or_else(dropped), now);
            }
        }
    }

    /// First whoever asks can know it, then those are told who listen.
    fn ended(&mut self, index: usize, verdict: Verdict, now: Instant) {
        let watched = &mut self.watched[index];
        let change = watched.machine.ended(verdict, now);
        self.life.health.publish(watched.id, &watched.machine);
        let Some(change) = change else { return };
        let check = watched.spec.name.clone();
        let error = watched.machine.error().unwrap_or_default().to_owned();
        let (attempt, of) = (watched.machine.attempts(), watched.machine.timing().retry);
        let event = match change {
            Change::Healthy => Event::Healthy { check },
            Change::Recovering => Event::Recovering { check, attempt, of, error },
            Change::Recovered => Event::Recovered { check },
            Change::RecoveryFailed => Event::RecoveryFailed { check, error },
            Change::Skipped => Event::CheckSkipped { check, why: error },
        };
        self.narrator.say(Say::Health(event.clone()));
        self.life.tell(event);
    }
}

impl Watched {
    fn begin_or_wait(&mut self, life: &Lifecycle, now: Instant) {
        if self.machine.has_begun() {
            return;
        }
        match self.missing(&life.resources) {
            Some(missing) => self.machine.wait_for(missing),
            None => self.machine.begin(now),
        }
        life.health.publish(self.id, &self.machine);
    }

    fn missing(&self, resources: &Resources) -> Option<String> {
        let mut needed = self.spec.needs().filter(|need| !need.optional);
        needed.find(|need| !resources.has(need)).map(|need| resources.missing(need).to_string())
    }

    fn begin_run(&self, tools: &Tools, number: u64, part: Part, now: Instant) -> Result<Run, String> {
        if self.hung.iter().any(|run| run.part == part) {
            return Err(format!("{}, and still runs", self.too_long()));
        }
        let (call, when) = match part {
            Part::Check => (&self.spec.check, self.spec.when.as_ref().map(|when| &when.ask)),
            Part::Recover => match &self.spec.recover {
                Some(recover) => (&recover.begin, None),
                None => unreachable!("the machine was told that there is none"),
            },
        };
        let until = now + self.machine.timing().timeout;
        let wanted = Wanted { name: &self.spec.name, call, when, until };
        Run::begin(tools, RunId { check: self.id, number }, part, &wanted)
    }

    fn too_long(&self) -> String {
        format!("it did not end within {}", spell(self.machine.timing().timeout))
    }
}
