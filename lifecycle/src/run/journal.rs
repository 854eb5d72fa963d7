//! What the coordinator tells the journal: which steps owe something, how each ended, and that all of it is on the disk
//! before anyone relies on it. Without a journal none of this does anything.

use std::collections::{HashMap, HashSet};

use super::coordinator::Coordinator;
use super::executor::End;
use super::message::{Address, Message};
use super::track::{Kind, TrackedNode};
use super::{Prepared, Refusal};
use crate::clock;
use crate::hook::{Need, Phase, StepSpec};
use crate::journal::{DeadLetter, Event, Journal, Opened, Standing};
use crate::narrator::Say;
use crate::process::Trigger;
use crate::report::{Outcome, Report, StepReport};

/// Opens the journal, if there is to be one, for a run of this name.
pub(super) fn open(prepared: &Prepared, run: &str) -> Result<Option<Opened>, Refusal> {
    let Some(path) = &prepared.settings.journal.value else { return Ok(None) };
    match Journal::open(path, run) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.is_invalid => Err(Refusal::invalid(error.to_string())),
        Err(error) => Err(Refusal::by_system(error.to_string())),
    }
}

/// What is owed of this run, from the moment that its needs are there until it is done.
pub(super) struct Owing {
    /// Its name in the journal.
    step: String,
    /// What has not come up yet.
    waits_for: Vec<Need>,
    /// Registered, and so may be taken back.
    by_hand: bool,
    armed: bool,
}

impl Owing {
    /// Of all steps whose compensation will be there at the next start too.
    pub(super) fn of(steps: &[StepSpec]) -> Vec<Self> {
        let compensated = compensated(steps);
        if compensated.is_empty() {
            return Vec::new();
        }
        let with_compensation = steps.iter().filter(|step| compensated.contains(&*step.identity()));
        let owing = |step: &StepSpec| Owing {
            step: step.identity(),
            waits_for: step.signature.takes.iter().filter(|need| !need.optional).copied().collect(),
            by_hand: step.id.is_none(),
            armed: false,
        };
        with_compensation.map(owing).collect()
    }
}

/// The steps that have a compensation, by their names in the journal.
fn compensated(steps: &[StepSpec]) -> HashSet<&str> {
    steps.iter().filter_map(|it| Some(&*it.extra.compensates.as_ref()?.step)).collect()
}

impl Coordinator {
    /// What is owed of earlier runs for the step that this one compensates.
    pub(super) fn debt(&self, compensation: &StepSpec) -> Option<&DeadLetter> {
        let compensates = compensation.extra.compensates.as_ref()?;
        self.order.debts.iter().find(|letter| letter.step == compensates.step)
    }

    /// A compensation of which nothing is owed, which is nobody's business.
    pub(super) fn owes_nothing(&self, step: &StepSpec) -> bool {
        step.extra.compensates.is_some() && self.debt(step).is_none()
    }

    /// What must be durable before a hook begins.
    pub(super) fn record_of(&self, step: &StepSpec) -> Option<(Journal, Event)> {
        let journal = self.order.journal.clone()?;
        let event = match (&step.extra.compensates, self.debt(step)) {
            (Some(compensates), debt) => {
                Event::Compensating { step: compensates.step.clone(), attempt: attempt(debt) }
            }
            (None, _) => Event::Begun { step: step.identity() },
        };
        Some((journal, event))
    }

    /// Says what was found, and who is owed something that cannot be done.
    pub(super) fn announce_debts(&self) {
        let Some(journal) = &self.order.journal else {
            if let Some(Owing { step, .. }) = self.owing.borrow().first() {
                self.order.narrator.say(Say::Warning(format!(
                    "`{step}` has a compensation, but there is no journal from which the next run could know that it is \
                     owed: write journal = \"/var/lib/…/journal\", or set LIFECYCLE_JOURNAL"
                )));
            }
            return;
        };
        if self.order.debts.is_empty() {
            return;
        }
        let alarm = |text: String| self.order.narrator.say(Say::Alarm(text));
        let steps = self.order.steps.iter().rev();
        let steps: HashMap<String, &StepSpec> = steps.map(|step| (step.identity(), step)).collect();
        let compensated = compensated(&self.order.steps);
        for DeadLetter { step, run, .. } in &self.order.debts {
            let why = match steps.get(step) {
                _ if compensated.contains(&**step) => continue,
                Some(found) if found.off.is_some() => {
                    alarm(format!(
                        "`{step}` is owed from the run {run}, and is not compensated while it is off"
                    ));
                    continue;
                }
                Some(_) => "that step has no compensation any more",
                None => "no such step is in this program any more, or it is registered only after the start",
            };
            journal.note(Event::GivenUp { step: step.clone() });
            alarm(format!(
                "`{step}` is owed from the run {run}, but {why}: a person is needed. docs/JOURNAL.md says how to settle it \
                 by hand; a step that has another name now can have the old one as its `label`"
            ));
        }
    }

    /// Notes for each step that has a compensation that what it takes is there now: from here on it owes something.
    pub(super) fn arm(&self) {
        let Some(journal) = &self.order.journal else { return };
        for owing in self.owing.borrow_mut().iter_mut().filter(|owing| !owing.armed) {
            owing.waits_for.retain(|need| !self.order.life.resources.has(need));
            if owing.waits_for.is_empty() {
                owing.armed = true;
                journal.note(Event::Armed { step: owing.step.clone() });
            }
        }
    }

    /// Those that were registered after the steps were collected, and before `register` knew that there is a journal.
    pub(super) fn owe_unplanned(&self) {
        let mut owing = self.owing.borrow_mut();
        let known: HashSet<String> = owing.iter().map(|known| known.step.clone()).collect();
        let registrations = self.order.life.registrations();
        let unplanned = registrations.unrecorded().filter(|step| !known.contains(step));
        owing.extend(unplanned.map(|step| Owing {
            step,
            waits_for: Vec::new(),
            by_hand: true,
            armed: false,
        }));
    }

    /// Those that were taken back owe nothing.
    pub(super) fn disarm_taken_back(&self) {
        let Some(journal) = &self.order.journal else { return };
        let registrations = self.order.life.registrations();
        let registered: HashSet<String> =
            registrations.of(Phase::Shutdown).map(|step| step.identity()).collect();
        drop(registrations);
        self.owing.borrow_mut().retain(|owing| {
            let stays = !owing.by_hand || registered.contains(&owing.step);
            if !stays && owing.armed {
                journal.note(Event::taken_back(owing.step.clone()));
            }
            stays
        });
    }

    /// Waits until everything so far is on the disk, for as long as the journal wants anyone to wait.
    pub(super) async fn settle_records(&mut self) {
        let Some(journal) = &self.order.journal else { return };
        let mailbox = self.mailbox.clone();
        let poke = move || mailbox.send(Message::Poked(Address::NOWHERE));
        let pending = journal.barrier(clock::now(), poke);
        loop {
            match pending.standing(clock::now()) {
                Standing::Durable | Standing::Without(None) => return,
                Standing::Without(Some(why)) => return self.order.narrator.say(Say::Alarm(why)),
                Standing::Wait(until) => {
                    if let Some(heard) = self.hear(Some(until)).await {
                        heard.ignore();
                    }
                }
            }
        }
    }

    /// What the report says is to be on the disk before it is shown.
    pub(super) fn flush_records(&self, trigger: &Trigger) {
        let Some(journal) = &self.order.journal else { return };
        // Of a disk that has not answered once, nobody waits for the next answer.
        let patience = if self.disk_is_late.get() { Default::default() } else { self.patience(trigger) };
        if let Err(why) = journal.flush(patience) {
            if !self.disk_is_late.replace(true) {
                let text =
                    format!("the journal lacks what came last, so the next run may do it again: {why}");
                self.order.narrator.say(Say::Alarm(text));
            }
        }
    }

    pub(super) fn record_end_of_run(&self, report: &Report) {
        if let Some(journal) = &self.order.journal {
            journal.note(Event::RunEnded { report: report.to_json() });
        }
    }

    pub(super) fn record_stopping(&self, trigger: &Trigger) {
        if let Some(journal) = &self.order.journal {
            journal.note(Event::Stopping { reason: trigger.reason.to_string() });
        }
    }

    /// What a hook does not see to itself.
    pub(super) fn record_begin(&self, tracked: &TrackedNode, report: &StepReport) {
        let Some(journal) = &self.order.journal else { return };
        match tracked.kind {
            Kind::Group(_) | Kind::Worker(_) => journal.note(Event::Begun { step: identity(report) }),
            Kind::Hook(_) | Kind::Join => {}
        }
    }

    pub(super) fn record_end(&self, tracked: &TrackedNode, report: &StepReport, end: &End) {
        let Some(journal) = &self.order.journal else { return };
        let declined = matches!(&tracked.kind, Kind::Hook(facts) if facts.borrow().declined);
        let (outcome, why) = (end.outcome, end.why.clone());
        let spec = tracked.step.map(|step| &self.order.steps[step]);
        let Some((spec, compensates)) = spec.and_then(|spec| Some((spec, spec.extra.compensates.as_ref()?)))
        else {
            let step = identity(report);
            journal.note(match declined {
                true => Event::Declined { step, why },
                false => Event::Ended { step, outcome, why },
            });
            return;
        };
        let step = compensates.step.clone();
        match outcome {
            Outcome::Done => journal.note(Event::Compensated { step }),
            Outcome::Skipped if declined => journal.note(Event::CompensationDeclined { step, why }),
            // It had no turn.
            Outcome::Skipped | Outcome::Missing | Outcome::NotReached | Outcome::Off => {}
            Outcome::Partial
            | Outcome::Failed
            | Outcome::Panicked
            | Outcome::TimedOut
            | Outcome::Abandoned
            | Outcome::CutOff => {
                let attempt = attempt(self.debt(spec));
                let why = why.unwrap_or_else(|| outcome.to_string());
                journal.note(Event::CompensationFailed { step: step.clone(), attempt, why: why.clone() });
                if attempt > compensates.retry {
                    journal.note(Event::GivenUp { step: step.clone() });
                    let times = if attempt == 1 { "once" } else { &format!("{attempt} times") };
                    self.order.narrator.say(Say::Alarm(format!(
                        "the compensation of `{step}` has failed {times}: a person is needed. It stays owed and is tried at \
                         every start; docs/JOURNAL.md says how to settle it by hand. It failed last with: {why}"
                    )));
                }
            }
        }
    }
}

fn attempt(debt: Option<&DeadLetter>) -> u32 {
    debt.map_or(0, |letter| letter.attempts).saturating_add(1)
}

fn identity(report: &StepReport) -> String {
    format!("{}::{}", report.module, report.name)
}
