//! The second half of the coordinator: from the trigger to the report.

use std::sync::Arc;
use std::thread;

use super::call::panicked;
use super::coordinator::{Coordinator, Order};
use super::drain::SERVICE_SETTLE;
use super::executor::AfterFailure;
use super::message::Address;
use super::requests::Service;
use super::track::Track;
use super::{printed, printed_after};
use crate::clock;
use crate::events::State;
use crate::gate::REQUESTS;
use crate::health;
use crate::hook::{Phase, StepSpec, Task};
use crate::narrator::Say;
use crate::plan;
use crate::process::Trigger;
use crate::report::{Calls, Outcome, Report, ServiceOutcome, StepKind, StepReport};
use crate::resource::Resource;
use crate::sys;

impl Coordinator {
    pub(super) async fn shut_down(mut self) {
        let life = self.order.life;
        let Some(trigger) = life.triggered().cloned() else { return };
        self.record_stopping(&trigger);
        life.end_pauses();
        self.background.monitor.stop();
        self.say_trigger(&trigger);
        self.see_the_checks_off().await;
        life.registrations().stopping = true;
        self.take_registrations();
        #[cfg(feature = "testing")]
        self.leave_out_what_the_test_has_run();
        let served = self.seen.borrow().service != Service::NotStarted;
        let end_of_ordered = self.end_of_ordered(&trigger);
        if served {
            life.set_state(State::LameDuck);
            let until = trigger.at + self.order.settings.lameduck.value;
            self.serve_until(end_of_ordered.map_or(until, |end| until.min(end))).await;
        }
        let mut ordered = self.launch_shutdown(end_of_ordered);
        self.execute(&mut ordered).await;
        self.conclude(&mut ordered);
        self.see_the_service_off(&trigger).await;
        // From here on a disk, a pipe or a value's `Drop` is waited for.
        self.inbox.go_home().await;

        let hooks = self.order.plan.last_with_report.clone();
        let with_report = match hooks.is_empty() {
            true => None,
            false => {
                self.flush_records(&trigger);
                let report = Arc::new(self.report(&trigger, self.reports.clone()));
                let until = self.share_of_reserve(&trigger, 2);
                let mut track = self.launch(&hooks, until, AfterFailure::GoOn, Some(&report));
                self.execute(&mut track).await;
                self.conclude(&mut track);
                Some(track)
            }
        };

        self.flush_records(&trigger);
        let steps = std::mem::take(&mut self.reports);
        let report = Arc::new(self.report(&trigger, steps));
        self.order.narrator.say(Say::Over {
            id: self.id.to_string(),
            exit_code: report.exit_code,
            took: report.took,
        });
        // What flushes telemetry comes after this: all that was said must have reached the subscriber before, unless
        // it blocks. The report does not depend on it.
        self.order.narrator.flush(self.patience(&trigger));
        if let Some(text) = printed(&report, &self.order.settings) {
            sys::write_stderr(text.as_bytes(), self.last_moment(&trigger));
        }
        let hooks = self.order.plan.last.clone();
        let until = self.share_of_reserve(&trigger, 1);
        let mut last = self.launch(&hooks, until, AfterFailure::GoOn, Some(&report));
        self.execute(&mut last).await;
        self.conclude(&mut last);
        // Until here they hold the last steps alone.
        if let Some(text) = printed_after(&self.reports, &self.order.settings) {
            sys::write_stderr(text.as_bytes(), self.last_moment(&trigger));
        }
        self.drop_resources(&trigger);
        let exit_code = report.exit_code;
        let mut steps = Arc::unwrap_or_clone(report).steps;
        steps.append(&mut self.reports);
        let report = Report { exit_code, ..self.report(&trigger, steps) };
        self.record_end_of_run(&report);
        self.flush_records(&trigger);
        self.order.narrator.flush(self.patience(&trigger));
        self.prepare_to_say("no step, but the thread of `main` is stuck");
        life.finish(Arc::new(report));
        // Their hooks hold the rescue runtime, which must not be dropped like any other: that waits for what hangs.
        drop((ordered, with_report, last));
        if let Some(rescue) = Arc::into_inner(self.rescue) {
            rescue.shut_down();
        }
    }

    /// What a check holds, a step may take: so those that were told to end have a moment for it.
    async fn see_the_checks_off(&mut self) {
        let until = clock::now() + health::SETTLE;
        while self.background.monitor.is_running() && clock::now() < until {
            if let Some(heard) = self.hear(Some(until)).await {
                heard.ignore();
            }
        }
    }

    fn say_trigger(&self, trigger: &Trigger) {
        self.order.narrator.say(Say::Triggered {
            id: self.id.to_string(),
            reason: trigger.reason.to_string(),
            grace: self.grace.clone(),
            deadline: trigger.deadline,
        });
    }

    /// Steps that were registered since the start, and fewer if some were taken back. One that makes the plan invalid is
    /// left out.
    pub(super) fn take_registrations(&mut self) {
        let registered: Vec<_> = {
            let registrations = self.order.life.registrations();
            if std::mem::replace(&mut self.registered, registrations.changes()) == registrations.changes() {
                return;
            }
            registrations.of(Phase::Shutdown).collect()
        };
        self.ready = None;
        let stays = |step: &&StepSpec| step.id.is_some() || step.phase == Phase::Start;
        let planned: Vec<&StepSpec> = self.order.steps.iter().filter(|step| !stays(step)).collect();
        let same = |(now, before): (&StepSpec, &&StepSpec)| now.task.is(&before.task);
        if registered.len() == planned.len() && registered.iter().zip(&planned).all(same) {
            return;
        }
        let mut steps: Vec<StepSpec> = self.order.steps.iter().filter(stays).cloned().collect();
        let all = [steps.as_slice(), &registered].concat();
        if let Ok(plan) = self.plan_of(&all) {
            (self.order.plan, self.order.steps) = (plan, all);
            return;
        }
        if let Ok(plan) = self.plan_of(&steps) {
            (self.order.plan, self.order.steps) = (plan, steps.clone());
        }
        for step in registered {
            steps.push(step);
            match self.plan_of(&steps) {
                Ok(plan) => (self.order.plan, self.order.steps) = (plan, steps.clone()),
                Err(errors) => {
                    steps.pop();
                    for error in errors.messages() {
                        let text = format!("a step registered since the start is left out: {error}");
                        self.order.narrator.say(Say::Warning(text));
                    }
                }
            }
        }
    }

    pub(super) fn plan_of(&self, steps: &[StepSpec]) -> Result<plan::Plan, plan::PlanErrors> {
        let Order { given, main, settings, .. } = &self.order;
        plan::plan(&plan::Input { steps, given, main, settings })
    }

    /// A worker was registered. One that came before the service runs, begins with the others.
    pub(super) fn begin_registered(&mut self) {
        if self.seen.borrow().service != Service::NotStarted && self.order.life.triggered().is_none() {
            self.take_registrations();
            self.open_workers();
        }
    }

    /// Whatever became of the steps, from here on nothing is served. A service that was told to go when their time was
    /// up has a moment for it, so that the report can tell that it went.
    async fn see_the_service_off(&mut self, trigger: &Trigger) {
        let life = self.order.life;
        if life.state() < State::Draining {
            self.drain_work(&REQUESTS, None, Address::NOWHERE).skip(clock::now());
        }
        for (index, step) in self.order.steps.iter().enumerate() {
            let Task::Group(gate) = step.task else { continue };
            // One that is off stays as it is to the end.
            if step.off.is_none() && !self.tallies.borrow().is_over(gate) {
                self.drain_work(gate, Some(index), Address::NOWHERE).skip(clock::now());
            }
        }
        self.background.workers.cut();
        let settled = clock::now() + SERVICE_SETTLE;
        let until = self.share_of_reserve(trigger, 3).map_or(settled, |share| share.min(settled));
        while self.seen.borrow().service == Service::Running
            && life.service.drop_now.is_cancelled()
            && clock::now() < until
        {
            if let Some(heard) = self.hear(Some(until)).await {
                heard.ignore();
            }
        }
    }

    async fn execute(&mut self, track: &mut Track) {
        loop {
            // Whatever went wrong is in the report; the next step runs all the same.
            let _went = self.narrate(track);
            if track.execution.is_done() {
                return;
            }
            self.turn(track).await;
        }
    }

    /// Drops what nobody took, on a thread that may hang.
    fn drop_resources(&self, trigger: &Trigger) {
        let left = self.order.life.resources.drain();
        if left.is_empty() {
            return;
        }
        let (done, wait) = std::sync::mpsc::channel();
        let runtime = self.runtime();
        let dropper = move || {
            let _runtime = runtime.enter();
            for resource in left {
                let name = resource.gift().type_name;
                let _ = done.send(name);
                let dropped =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop::<Resource>(resource)));
                if let Err(payload) = dropped {
                    let _leaked = panicked(payload);
                }
            }
        };
        if clock::in_test() {
            return dropper();
        }
        if thread::Builder::new().name("lifecycle-drop".into()).spawn(dropper).is_err() {
            return;
        }
        let until = self.last_moment_of(trigger);
        let mut dropping = "";
        loop {
            let next = match until {
                Some(until) => wait.recv_timeout(until.saturating_duration_since(clock::now())),
                None => wait.recv().map_err(Into::into),
            };
            match next {
                Ok(name) => dropping = name,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    let name = crate::render::type_name(dropping);
                    self.order
                        .narrator
                        .say(Say::Warning(format!("the resource {name} is still being dropped")));
                    return;
                }
            }
        }
    }

    /// What is known by now.
    fn report(&self, trigger: &Trigger, mut steps: Vec<StepReport>) -> Report {
        let seen = self.seen.borrow();
        for step in steps.iter_mut().filter(|step| step.kind == StepKind::Group) {
            step.calls = self.calls(step);
        }
        let calls = steps.iter().filter_map(|step| step.calls.as_ref());
        let calls = calls.fold(Calls::default(), Calls::and);
        // What never had a turn was known first, but stands at the end of its phase.
        steps.sort_by_key(|step| {
            let phase = match step.kind {
                StepKind::Start | StepKind::Compensation => 0,
                StepKind::Group | StepKind::Shutdown | StepKind::Worker => 1,
                StepKind::Last => 2,
            };
            (phase, step.outcome == Outcome::Off)
        });
        let mut report = Report {
            id: self.id.to_string(),
            reason: trigger.reason.clone(),
            started_at: trigger.wall,
            took: clock::since(trigger.at),
            grace: self.order.settings.grace.value.within(),
            exit_code: 0,
            errors: Vec::new(),
            service: match &seen.service {
                Service::NotStarted => ServiceOutcome::NeverStarted,
                Service::Running | Service::Abandoned => ServiceOutcome::Abandoned,
                Service::Ended => ServiceOutcome::Ended,
                Service::Failed(error) => ServiceOutcome::Failed { error: error.clone() },
                Service::Dropped => ServiceOutcome::Dropped,
                Service::CutOff => ServiceOutcome::CutOff,
            },
            calls,
            steps,
            unhealthy: self.order.life.health.unhealthy(),
        };
        report.exit_code = u8::from(report.is_degraded());
        report
    }

    /// What became of a group's calls by now.
    fn calls(&self, report: &StepReport) -> Option<Calls> {
        let is_it = |step: &&StepSpec| {
            (&*step.module, &*step.name, &*step.file, step.line)
                == (&*report.module, &*report.name, &*report.file, report.line)
        };
        let gate = match self.order.steps.iter().find(is_it).map(|step| &step.task) {
            Some(Task::Group(gate)) => *gate,
            Some(Task::Hook(_) | Task::Worker(_)) => return None,
            None => &REQUESTS,
        };
        self.tallies.borrow().calls(gate)
    }
}
