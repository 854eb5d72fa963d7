//! Figures for the `metrics` facade. Recorded on a thread of its own, because a recorder is the user's code; what is in
//! flight is sampled there, so that it costs a tracked call nothing.

use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::api::{health, previous_run, stats};
use crate::events::{Event, State};
use crate::health::CheckStatus;
use crate::hook::Phase;
use crate::journal::PreviousRun;
use crate::narrator::{Listener, Say};
use crate::process::lifecycle;
use crate::report::Outcome;
use crate::settings::signals;
use crate::worker::WorkerEvent;

/// How old a sampled figure gets.
const SAMPLED_EVERY: Duration = Duration::from_secs(1);
/// Figures that change with every step are not sampled with every step.
const SETTLED: Duration = Duration::from_millis(50);

const STATES: [(State, &str); 8] = [
    (State::Idle, "idle"),
    (State::Starting, "starting"),
    (State::Running, "running"),
    (State::Paused, "paused"),
    (State::LameDuck, "lame_duck"),
    (State::Draining, "draining"),
    (State::Stopping, "stopping"),
    (State::Stopped, "stopped"),
];

/// See the module's words.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sampled: Option<Instant>,
    due: Option<Instant>,
}

impl Listener for Meter {
    fn hear(&mut self, say: &Say) {
        let now = Instant::now();
        let mut soon = now + SETTLED;
        match say {
            Say::Starting { .. } => {
                describe();
                begin_at_zero();
                soon = now;
            }
            // Whatever recorder there is to be, it is installed by now.
            Say::Ready { .. } => {
                describe();
                soon = now;
            }
            Say::StepEnded { phase, step, outcome, ran, drained_in, .. } => {
                let (phase, step) = (phase_name(*phase), step.clone());
                let outcome_name = outcome.as_str().replace(' ', "_");
                counter!("lifecycle_steps_total", "phase" => phase, "step" => step.clone(), "outcome" => outcome_name)
                    .increment(1);
                if let (Some(drained_in), group) = (drained_in, step.clone()) {
                    gauge!("lifecycle_drain_duration_seconds", "group" => group)
                        .set(drained_in.as_secs_f64());
                }
                if had_a_turn(*outcome) {
                    histogram!("lifecycle_step_duration_seconds", "phase" => phase, "step" => step)
                        .record(ran.as_secs_f64());
                }
            }
            Say::AttemptFailed { phase, step, .. } => {
                let (phase, step) = (phase_name(*phase), step.clone());
                counter!("lifecycle_failed_attempts_total", "phase" => phase, "step" => step).increment(1);
            }
            Say::Worker { worker, what: WorkerEvent::Restarting { .. } } => {
                counter!("lifecycle_worker_restarts_total", "worker" => worker.clone()).increment(1);
            }
            Say::Health(Event::Recovering { check, .. }) => {
                counter!("lifecycle_health_recoveries_total", "check" => check.clone()).increment(1);
            }
            Say::Forced { signal } => {
                let name = signals::name(*signal).map_or_else(|| signal.to_string(), str::to_owned);
                counter!("lifecycle_forced_exits_total", "signal" => name).increment(1);
            }
            Say::Over { exit_code, took, .. } => {
                gauge!("lifecycle_shutdown_duration_seconds").set(took.as_secs_f64());
                gauge!("lifecycle_shutdown_exit_code").set(f64::from(*exit_code));
                soon = now;
            }
            Say::Triggered { .. } => soon = now,
            _ => {}
        }
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    fn on_time(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due.unwrap_or(now);
        if due > now {
            return Some(due);
        }
        sample();
        self.sampled = Some(now);
        self.due = Some(now + SAMPLED_EVERY);
        self.due
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Start => "start",
        Phase::Shutdown => "shutdown",
    }
}

fn had_a_turn(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Skipped | Outcome::Missing | Outcome::NotReached | Outcome::Off)
}

/// What may never happen is a 0 and not an absence, which no alert could tell from a dead exporter.
fn begin_at_zero() {
    for name in [signals::SIGTERM, signals::SIGINT].map(signals::name).into_iter().flatten() {
        counter!("lifecycle_forced_exits_total", "signal" => name).absolute(0);
    }
}

fn sample() {
    let (life, stats) = (lifecycle(), stats());
    for (state, name) in STATES {
        gauge!("lifecycle_state", "state" => name).set(u8::from(state == stats.state));
    }
    gauge!("lifecycle_ready").set(u8::from(life.is_ready()));
    for group in &stats.groups {
        counter!("lifecycle_refused_calls_total", "group" => group.name).absolute(group.refused);
    }
    for call in &stats.calls {
        let (group, function, module) = (call.group, call.name, call.module);
        gauge!("lifecycle_in_flight_calls", "group" => group, "function" => function, "module" => module)
            .set(call.in_flight as f64);
    }
    for check in health().checks {
        let healthy = match check.status {
            CheckStatus::Healthy => 1,
            CheckStatus::Recovering | CheckStatus::RecoveryFailed => 0,
            CheckStatus::Waiting | CheckStatus::Skipped | CheckStatus::Off => continue,
        };
        gauge!("lifecycle_health_check_healthy", "check" => check.name).set(healthy);
    }
    if let Some(previous) = previous_run() {
        let killed = matches!(&previous, PreviousRun::Unclean(run) if run.killed);
        gauge!("lifecycle_previous_run_killed").set(u8::from(killed));
    }
}

fn describe() {
    describe_gauge!("lifecycle_state", "1 for the state that the service is in, 0 for the others");
    describe_gauge!("lifecycle_ready", "1 if the service should be sent requests");
    describe_gauge!("lifecycle_in_flight_calls", Unit::Count, "Tracked calls that run now");
    describe_counter!("lifecycle_refused_calls_total", Unit::Count, "Tracked calls that were refused");
    describe_counter!("lifecycle_steps_total", Unit::Count, "Steps that have ended, by how they did");
    describe_histogram!("lifecycle_step_duration_seconds", Unit::Seconds, "How long steps have run");
    describe_counter!("lifecycle_failed_attempts_total", Unit::Count, "Attempts that did not end their step");
    describe_gauge!("lifecycle_drain_duration_seconds", Unit::Seconds, "How long running calls were awaited");
    describe_gauge!("lifecycle_shutdown_duration_seconds", Unit::Seconds, "How long the shutdown took");
    describe_gauge!("lifecycle_shutdown_exit_code", "What the process ends with");
    describe_counter!("lifecycle_forced_exits_total", Unit::Count, "Ends that a second signal forced");
    describe_gauge!("lifecycle_previous_run_killed", "1 if the run before this one did not end by itself");
    describe_gauge!("lifecycle_health_check_healthy", "1 if the health check is good");
    describe_counter!("lifecycle_health_recoveries_total", Unit::Count, "Attempts to recover a health check");
    describe_counter!("lifecycle_worker_restarts_total", Unit::Count, "How often a worker was begun again");
}
