//! Tracing events, and lines for a person where nobody subscribes to those.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use tracing::subscriber::NoSubscriber;

use super::drains::Drains;
use super::{LINE_PATIENCE, Listener, Say};
use crate::health;
use crate::render::{calls, duration};
use crate::sys;
use crate::worker::WorkerEvent;

/// Whether the service has a tracing subscriber.
pub(crate) fn has_subscriber() -> bool {
    tracing::dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
}

/// See the module's words.
pub(super) struct Voice {
    terminal: bool,
    drains: Drains,
    #[cfg(feature = "terminal")]
    view: Option<super::terminal::View>,
}

impl Voice {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Voice {
            terminal,
            drains: Drains::default(),
            #[cfg(feature = "terminal")]
            view: terminal.then(super::terminal::View::new).flatten(),
        }
    }
}

impl Listener for Voice {
    fn hear(&mut self, say: &Say) {
        self.drains.hear(say, Instant::now);
        #[cfg(feature = "terminal")]
        if let Some(view) = &mut self.view {
            view.hear(say);
        }
        self.speak(say);
    }

    fn on_time(&mut self, now: Instant) -> Option<Instant> {
        // First, so that what it shows from now on is not told in a line as well.
        #[cfg(feature = "terminal")]
        let drawn = self.view.as_mut().and_then(|view| view.on_time(now));
        #[cfg(not(feature = "terminal"))]
        let drawn = None;
        for say in self.drains.due(now) {
            self.speak(&say);
        }
        drawn.into_iter().chain(self.drains.next()).min()
    }
}

impl Voice {
    fn speak(&self, say: &Say) {
        #[cfg(feature = "terminal")]
        let seen = self.view.as_ref().is_some_and(super::terminal::View::is_shown)
            && matches!(say, Say::StepBegan { .. } | Say::Draining { .. } | Say::StillRunning { .. });
        #[cfg(not(feature = "terminal"))]
        let seen = false;
        let is_alarm = matches!(say, Say::Alarm(_));
        let wanted = (self.terminal || is_alarm) && !seen && !has_subscriber();
        if let Some(line) = wanted.then(|| say.line()).flatten() {
            let line = format!("lifecycle: {line}\n");
            sys::write_stderr(line.as_bytes(), Instant::now() + LINE_PATIENCE);
        }
        say.emit();
    }
}

impl Say {
    /// The line for a person, where nothing else says it.
    pub(super) fn line(&self) -> Option<String> {
        Some(match self {
            Say::Starting { steps, shutdown_steps, worst } => {
                format!("starting {steps} step(s); the shutdown has {shutdown_steps}, {worst}")
            }
            Say::Warning(text) | Say::Alarm(text) => format!("warning: {text}"),
            Say::Ready { after } => format!("ready after {}", duration(*after)),
            Say::Triggered { reason, grace, .. } => {
                format!("{reason}: shutting down, {grace}; press Ctrl-C again to leave at once")
            }
            Say::Draining { gate, in_flight, limit, .. } => {
                let group = gate.name();
                let limit = limit.map_or_else(String::new, |limit| format!(" (up to {})", duration(limit)));
                match in_flight {
                    0 => format!("  {group} closed: no call is running"),
                    n => format!("  {group} closed: {n} call(s) still running …{limit}"),
                }
            }
            Say::StillRunning { group, after, calls, .. } => {
                format!("  {group}, after {}: {}", duration(*after), calls::in_words(calls))
            }
            Say::StepBegan { step, limit, .. } => match limit {
                Some(limit) => format!("  {step} … (up to {})", duration(*limit)),
                None => format!("  {step} …"),
            },
            Say::StepEnded { step, outcome, error, ran, .. } => {
                let error = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
                format!("  {step} {} in {}{error}", outcome.as_str(), duration(*ran))
            }
            Say::AttemptFailed { step, attempt, of, outcome, error, pause, .. } => {
                let error = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
                let next = match pause {
                    Some(pause) => format!("again in {}", duration(*pause)),
                    None => "now its fallback".to_owned(),
                };
                format!("  {step} {} at attempt {attempt} of {of}{error}; {next}", outcome.as_str())
            }
            Say::CutOff { group, what } => format!("the time of {group} is up: {what}"),
            Say::Worker { worker, what } => match what {
                WorkerEvent::Started | WorkerEvent::Ended => return None,
                WorkerEvent::Restarting { after, error, .. } => {
                    let why = error.as_deref().unwrap_or("it ended");
                    format!("worker {worker}: {why}; begun again in {}", duration(*after))
                }
                WorkerEvent::Failed { error } => format!("worker {worker} failed: {error}"),
                WorkerEvent::Skipped { why } => format!("worker {worker} is skipped: {why}"),
            },
            Say::Paused => "paused: nothing new is taken".to_owned(),
            Say::Resumed => "resumed".to_owned(),
            // Who forces it says so itself.
            #[cfg(feature = "metrics")]
            Say::Forced { .. } => return None,
            Say::ServiceFailed { .. } => return None,
            Say::Health(event) => return health::narrate::line(event),
            Say::Over { exit_code, took, .. } => format!("over after {}, exit {exit_code}", duration(*took)),
        })
    }

    pub(super) fn emit(&self) {
        match self {
            Say::Starting { steps, shutdown_steps, worst } => {
                tracing::info!(target: "lifecycle", steps, shutdown_steps, worst = worst.as_str(), "starting");
            }
            Say::Warning(text) => tracing::warn!(target: "lifecycle", "{text}"),
            Say::Alarm(text) => tracing::error!(target: "lifecycle", "{text}"),
            Say::Ready { after } => tracing::info!(target: "lifecycle", after_ms = millis(*after), "ready"),
            Say::Triggered { id, reason, grace, .. } => {
                let (id, reason, grace) = (id.as_str(), reason.as_str(), grace.as_str());
                tracing::info!(target: "lifecycle", shutdown = id, reason, grace, "shutting down");
            }
            Say::Draining { id, gate, in_flight, limit } => {
                let (id, group, limit_ms) = (&**id, gate.name(), limit.map(millis));
                tracing::info!(target: "lifecycle", shutdown = id, group, in_flight, limit_ms, "draining");
            }
            Say::StillRunning { id, group, after, calls } => {
                let (id, after_ms, what) = (&**id, millis(*after), calls::in_words(calls));
                let in_flight = calls.iter().map(|site| site.count).sum::<usize>();
                let what = what.as_str();
                tracing::info!(target: "lifecycle", shutdown = id, group, in_flight, after_ms, what, "still draining");
            }
            Say::StepBegan { id, phase, step, limit } => {
                let (id, step, limit_ms) = (&**id, &**step, limit.map(millis));
                tracing::info!(target: "lifecycle", shutdown = id, ?phase, step, limit_ms, "step began");
            }
            Say::StepEnded { id, phase, step, outcome, error, ran, drained_in } => {
                let (id, step, outcome_text) = (&**id, &**step, outcome.as_str());
                let (error, ran_ms, drained_in_ms) = (error.as_deref(), millis(*ran), drained_in.map(millis));
                if outcome.is_degraded() {
                    tracing::error!(
                        target: "lifecycle", shutdown = id, ?phase, step, outcome = outcome_text, error, ran_ms, drained_in_ms,
                        "step ended"
                    );
                } else {
                    tracing::info!(
                        target: "lifecycle", shutdown = id, ?phase, step, outcome = outcome_text, error, ran_ms, drained_in_ms,
                        "step ended"
                    );
                }
            }
            Say::AttemptFailed { id, phase, step, attempt, of, outcome, error, pause } => {
                let (id, step, outcome, error) =
                    (id.as_str(), step.as_str(), outcome.as_str(), error.as_deref());
                let (pause_ms, fallback) = (pause.map(millis), pause.is_none());
                tracing::warn!(
                    target: "lifecycle", shutdown = id, ?phase, step, attempt, of, outcome, error, pause_ms, fallback,
                    "attempt failed"
                );
            }
            Say::CutOff { group, what } => {
                let what = what.as_str();
                tracing::error!(target: "lifecycle", group, what, "the drain's time is up, cutting off");
            }
            Say::Worker { worker, what } => {
                let worker = worker.as_str();
                match what {
                    WorkerEvent::Started => tracing::info!(target: "lifecycle", worker, "worker started"),
                    WorkerEvent::Ended => tracing::info!(target: "lifecycle", worker, "worker ended"),
                    WorkerEvent::Skipped { why } => {
                        tracing::info!(target: "lifecycle", worker, why = why.as_str(), "worker skipped");
                    }
                    WorkerEvent::Restarting { attempt, after, error } => {
                        let (after_ms, error) = (millis(*after), error.as_deref());
                        tracing::warn!(target: "lifecycle", worker, attempt, after_ms, error, "worker is begun again");
                    }
                    WorkerEvent::Failed { error } => {
                        tracing::error!(target: "lifecycle", worker, error = error.as_str(), "worker failed");
                    }
                }
            }
            #[cfg(feature = "metrics")]
            Say::Forced { .. } => {}
            Say::Paused => tracing::info!(target: "lifecycle", "paused"),
            Say::Resumed => tracing::info!(target: "lifecycle", "resumed"),
            Say::ServiceFailed { error } => {
                tracing::error!(target: "lifecycle", error = error.as_str(), "the service failed");
            }
            Say::Health(event) => health::narrate::emit(event),
            Say::Over { id, exit_code, took } => {
                let took_ms = millis(*took);
                tracing::info!(target: "lifecycle", shutdown = id.as_str(), exit_code, took_ms, "over");
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
