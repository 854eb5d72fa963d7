//! The second half of the coordinator: from the trigger to the report.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::call::panicked;
use super::coordinator::Coordinator;
use super::drain::SERVICE_SETTLE;
use super::executor::AfterFailure;
use super::message::Address;
use super::requests::Service;
use super::track::Track;
use super::{printed, printed_after};
use crate::events::State;
use crate::gate::REQUESTS;
use crate::hook::{Phase, StepSpec, Task};
use crate::narrator::Say;
use crate::plan::{self, Graph};
use crate::process::Trigger;
use crate::report::{Calls, Outcome, Report, ServiceOutcome, StepKind, StepReport};
use crate::resource::Resource;
use crate::sys;

impl Coordinator {
    pub(super) fn shut_down(mut self) {
        let life = self.order.life;
        let Some(trigger) = life.triggered().cloned() else { return };
        self.say_trigger(&trigger);
        self.take_late_registrations();
        let served = self.seen.borrow().service != Service::NotStarted;
        let end_of_ordered = self.end_of_ordered(&trigger);
        if served {
            life.set_state(State::LameDuck);
            let until = trigger.at + self.order.settings.lameduck.value;
            self.serve_until(end_of_ordered.map_or(until, |end| until.min(end)));
        }
        let graph = self.order.plan.shutdown.clone();
        let ordered = self.execute(&graph, end_of_ordered, None);
        self.conclude(&ordered);
        self.see_the_service_off(&trigger);

        let report = Arc::new(self.report(&trigger));
        let hooks = self.order.plan.last_with_report.clone();
        let with_report = self.execute(&hooks, self.share_of_reserve(&trigger, 2), Some(&report));
        self.conclude(&with_report);

        let report = Arc::new(self.report(&trigger));
        self.order.narrator.say(Say::Over {
            id: self.id.clone(),
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
        let last = self.execute(&hooks, self.share_of_reserve(&trigger, 1), Some(&report));
        self.conclude(&last);
        if let Some(text) = printed_after(&last.reports(), &self.order.settings) {
            sys::write_stderr(text.as_bytes(), self.last_moment(&trigger));
        }
        self.drop_resources(&trigger);
        self.order.narrator.flush(self.patience(&trigger));
        self.last_words("no step, but the thread of `main` is stuck");
        let report = Report { exit_code: report.exit_code, ..self.report(&trigger) };
        life.finish(Arc::new(report));
        // Their hooks hold the rescue runtime, which must not be dropped like any other: that waits for what hangs.
        drop((ordered, with_report, last));
        if let Some(rescue) = Arc::into_inner(self.rescue) {
            rescue.shut_down();
        }
    }

    fn say_trigger(&self, trigger: &Trigger) {
        let grace = match trigger.deadline {
            Some(_) => format!("within {}", self.order.settings.grace.value),
            None => "without a deadline".to_owned(),
        };
        self.order.narrator.say(Say::Triggered {
            id: self.id.clone(),
            reason: trigger.reason.to_string(),
            grace,
        });
    }

    /// Steps that were registered since the start, and fewer if some were taken back.
    fn take_late_registrations(&mut self) {
        let life = self.order.life;
        let registered: Vec<_> = {
            let mut registrations = life.registrations();
            registrations.stopping = true;
            registrations.of(Phase::Shutdown).collect()
        };
        let mut steps = self.order.steps.clone();
        steps.retain(|step| step.id.is_some() || step.phase == Phase::Start);
        steps.extend(registered);
        let now = steps.iter().map(|step| &step.task);
        let before = self.order.steps.iter().map(|step| &step.task);
        if now.len() == before.len() && now.zip(before).all(|(now, before)| now.is(before)) {
            return;
        }
        let given = self.order.given.clone();
        let input = plan::Input {
            steps: &steps,
            given: &given,
            main: &self.order.main,
            settings: &self.order.settings,
        };
        match plan::plan(&input) {
            Ok(plan) => {
                self.order.plan = plan;
                self.order.steps = steps;
            }
            Err(errors) => {
                for error in errors.messages() {
                    self.order
                        .narrator
                        .say(Say::Warning(format!("a step registered since the start is left out: {error}")));
                }
            }
        }
    }

    /// Whatever became of the steps, from here on nothing is served. A service that was told to go when their time was
    /// up has a moment for it, so that the report can tell that it went.
    fn see_the_service_off(&mut self, trigger: &Trigger) {
        let life = self.order.life;
        if life.state() < State::Draining {
            self.drain_work(&REQUESTS, None, Address::NOWHERE, None).skip(Instant::now());
        }
        for (index, step) in self.order.steps.iter().enumerate() {
            let Task::Group(gate) = step.task else { continue };
            // One that is off stays open to the end.
            if step.off.is_none() && !gate.is_closed() {
                self.drain_work(gate, Some(index), Address::NOWHERE, None).skip(Instant::now());
            }
        }
        let settled = Instant::now() + SERVICE_SETTLE;
        let until = self.share_of_reserve(trigger, 3).map_or(settled, |share| share.min(settled));
        while self.seen.borrow().service == Service::Running
            && life.service.drop_now.is_cancelled()
            && Instant::now() < until
        {
            if let Some(heard) = self.hear(Some(until)) {
                heard.ignore();
            }
        }
    }

    fn execute(&mut self, graph: &Graph, deadline: Option<Instant>, report: Option<&Arc<Report>>) -> Track {
        let mut track = self.launch(graph, deadline, AfterFailure::GoOn, report);
        loop {
            // Whatever went wrong is in the report; the next step runs all the same.
            let _went = self.narrate(&mut track);
            if track.execution.is_done() {
                return track;
            }
            self.turn(&mut track);
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
        if thread::Builder::new().name("lifecycle-drop".into()).spawn(dropper).is_err() {
            return;
        }
        let until = self.last_moment_of(trigger);
        let mut dropping = "";
        loop {
            let next = match until {
                Some(until) => wait.recv_timeout(until.saturating_duration_since(Instant::now())),
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
    fn report(&self, trigger: &Trigger) -> Report {
        let seen = self.seen.borrow();
        let mut steps = self.reports.clone();
        for step in steps.iter_mut().filter(|step| step.kind == StepKind::Group) {
            step.calls = self.calls(step);
        }
        let calls = steps.iter().filter_map(|step| step.calls.as_ref());
        let calls = calls.fold(Calls::default(), Calls::and);
        // What never had a turn was known first, but stands at the end of its phase.
        steps.sort_by_key(|step| {
            let phase = match step.kind {
                StepKind::Start => 0,
                StepKind::Group | StepKind::Shutdown => 1,
                StepKind::Last => 2,
            };
            (phase, step.outcome == Outcome::Off)
        });
        let mut report = Report {
            id: self.id.clone(),
            reason: trigger.reason.clone(),
            started_at: trigger.wall,
            took: trigger.at.elapsed(),
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
            Some(Task::Hook(_)) => return None,
            None => &REQUESTS,
        };
        self.tallies.borrow().calls(gate)
    }
}
