//! The thread that speaks while things happen: tracing events, lines on a terminal.
//!
//! A user's subscriber may block, on a full pipe for one. So nobody who must keep time emits an event: they hand it to
//! this thread, and wait for it only as long as they can afford.

use std::io::IsTerminal;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tracing::subscriber::NoSubscriber;

use crate::events::Event;
use crate::health;
use crate::hook::Phase;
use crate::render::duration;
use crate::report::Outcome;
use crate::sys;
use crate::worker::WorkerEvent;

/// Something to say.
#[derive(Debug)]
pub(crate) enum Say {
    Starting {
        steps: usize,
        shutdown_steps: usize,
        worst: String,
    },
    Warning(String),
    /// A warning that nobody may miss: it is about what outlives the process.
    Alarm(String),
    Ready {
        after: Duration,
    },
    Triggered {
        id: String,
        reason: String,
        grace: String,
    },
    Draining {
        id: Arc<str>,
        group: &'static str,
        in_flight: usize,
        limit: Option<Duration>,
    },
    StepBegan {
        id: Arc<str>,
        phase: Phase,
        step: Arc<str>,
        limit: Option<Duration>,
    },
    StepEnded {
        id: Arc<str>,
        phase: Phase,
        step: Arc<str>,
        outcome: Outcome,
        error: Option<String>,
        ran: Duration,
    },
    AttemptFailed {
        id: String,
        phase: Phase,
        step: String,
        attempt: u32,
        of: u32,
        outcome: Outcome,
        error: Option<String>,
        /// Until the next one; without it comes the fallback.
        pause: Option<Duration>,
    },
    CutOff {
        group: &'static str,
        what: String,
    },
    Worker {
        worker: String,
        what: WorkerEvent,
    },
    Paused,
    Resumed,
    ServiceFailed {
        error: String,
    },
    /// Of a health check.
    Health(Event),
    Over {
        id: String,
        exit_code: u8,
        took: Duration,
    },
}

/// A handle to the thread.
#[derive(Clone)]
pub(crate) struct Narrator {
    /// `None`: in a test it speaks where it stands, since no other thread must be running.
    to: Option<Arc<Handle>>,
}

/// Whoever has the last one lets the thread end.
struct Handle {
    queue: Arc<Queue>,
    thread: Thread,
}

/// What is to be said.
#[derive(Default)]
struct Queue {
    state: Mutex<Queued>,
}

#[derive(Default)]
struct Queued {
    says: Vec<Say>,
    flushes: Vec<Sender<()>>,
    /// The thread sleeps until it is woken; who makes it false wakes it.
    asleep: bool,
    /// It is not woken for what is said.
    held: bool,
    over: bool,
}

/// Once awake the thread looks this often whether there is more to say: whoever says much need not wake it each time.
const PACE: Duration = Duration::from_millis(1);

impl Narrator {
    /// Spawns the thread.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn spawn() -> std::io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let there = Arc::clone(&queue);
        let thread =
            thread::Builder::new().name("lifecycle-narrator".into()).spawn(move || narrate(&there))?;
        Ok(Narrator { to: Some(Arc::new(Handle { queue, thread: thread.thread().clone() })) })
    }

    /// One without a thread.
    #[cfg(feature = "testing")]
    pub(crate) fn inline() -> Self {
        Narrator { to: None }
    }

    pub(crate) fn say(&self, what: Say) {
        match &self.to {
            Some(to) => to.wake(|queued| queued.says.push(what)),
            None => what.emit(),
        }
    }

    /// The same of several.
    pub(crate) fn say_all(&self, all: Vec<Say>) {
        match &self.to {
            Some(to) if !all.is_empty() => to.wake(|queued| queued.says.extend(all)),
            Some(_) => {}
            None => all.iter().for_each(Say::emit),
        }
    }

    /// Keeps the thread asleep: it would only take time from what is more urgent than words.
    pub(crate) fn hold(&self) {
        if let Some(to) = &self.to {
            to.queue.lock().held = true;
        }
    }

    /// Wakes it again for what is and was said.
    pub(crate) fn release(&self) {
        if let Some(to) = &self.to {
            to.wake(|queued| queued.held = false);
        }
    }

    /// Waits until everything said so far is out, or the time is up. Returns whether it is out.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let Some(to) = &self.to else { return true };
        let (done, wait) = channel();
        to.wake(|queued| queued.flushes.push(done));
        // Whether it sleeps or paces itself.
        to.thread.unpark();
        wait.recv_timeout(within).is_ok()
    }
}

impl Handle {
    fn wake(&self, queue: impl FnOnce(&mut Queued)) {
        let asleep = {
            let mut queued = self.queue.lock();
            queue(&mut queued);
            !queued.held && std::mem::take(&mut queued.asleep)
        };
        if asleep {
            self.thread.unpark();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.wake(|queued| queued.over = true);
    }
}

impl Queue {
    /// Never held while anything is said.
    fn lock(&self) -> MutexGuard<'_, Queued> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said next; `None`: nothing any more.
    fn next(&self) -> Option<(Vec<Say>, Vec<Sender<()>>)> {
        loop {
            let mut queued = self.lock();
            if !queued.says.is_empty() || !queued.flushes.is_empty() {
                return Some((std::mem::take(&mut queued.says), std::mem::take(&mut queued.flushes)));
            }
            if queued.over {
                return None;
            }
            queued.asleep = true;
            drop(queued);
            thread::park();
        }
    }
}

/// Whether the service has a tracing subscriber.
pub(crate) fn has_subscriber() -> bool {
    tracing::dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
}

fn narrate(queue: &Queue) {
    let terminal = std::io::stderr().is_terminal();
    while let Some((says, flushes)) = queue.next() {
        for say in says {
            let is_alarm = matches!(say, Say::Alarm(_));
            let wanted = (terminal || is_alarm) && !has_subscriber();
            if let Some(line) = wanted.then(|| say.line()).flatten() {
                let line = format!("lifecycle: {line}\n");
                sys::write_stderr(line.as_bytes(), Instant::now() + LINE_PATIENCE);
            }
            say.emit();
        }
        for done in flushes {
            // Who asked may have gone.
            let _ = done.send(());
        }
        thread::park_timeout(PACE);
    }
}

/// A terminal that was stopped (Ctrl-S) loses lines rather than time.
pub(crate) const LINE_PATIENCE: Duration = Duration::from_millis(100);

impl Say {
    /// The line for a person, where nothing else says it.
    fn line(&self) -> Option<String> {
        Some(match self {
            Say::Starting { steps, shutdown_steps, worst } => {
                format!("starting {steps} step(s); the shutdown has {shutdown_steps}, {worst}")
            }
            Say::Warning(text) | Say::Alarm(text) => format!("warning: {text}"),
            Say::Ready { after } => format!("ready after {}", duration(*after)),
            Say::Triggered { reason, grace, .. } => {
                format!("{reason}: shutting down, {grace}; press Ctrl-C again to leave at once")
            }
            Say::Draining { group, in_flight, limit, .. } => {
                let limit = limit.map_or_else(String::new, |limit| format!(" (up to {})", duration(limit)));
                match in_flight {
                    0 => format!("  {group} closed: no call is running"),
                    n => format!("  {group} closed: {n} call(s) still running …{limit}"),
                }
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
            Say::ServiceFailed { .. } => return None,
            Say::Health(event) => return health::narrate::line(event),
            Say::Over { exit_code, took, .. } => format!("over after {}, exit {exit_code}", duration(*took)),
        })
    }

    fn emit(&self) {
        match self {
            Say::Starting { steps, shutdown_steps, worst } => {
                tracing::info!(target: "lifecycle", steps, shutdown_steps, worst = worst.as_str(), "starting");
            }
            Say::Warning(text) => tracing::warn!(target: "lifecycle", "{text}"),
            Say::Alarm(text) => tracing::error!(target: "lifecycle", "{text}"),
            Say::Ready { after } => tracing::info!(target: "lifecycle", after_ms = millis(*after), "ready"),
            Say::Triggered { id, reason, grace } => {
                let (id, reason, grace) = (id.as_str(), reason.as_str(), grace.as_str());
                tracing::info!(target: "lifecycle", shutdown = id, reason, grace, "shutting down");
            }
            Say::Draining { id, group, in_flight, limit } => {
                let (id, limit_ms) = (&**id, limit.map(millis));
                tracing::info!(target: "lifecycle", shutdown = id, group, in_flight, limit_ms, "draining");
            }
            Say::StepBegan { id, phase, step, limit } => {
                let (id, step, limit_ms) = (&**id, &**step, limit.map(millis));
                tracing::info!(target: "lifecycle", shutdown = id, ?phase, step, limit_ms, "step began");
            }
            Say::StepEnded { id, phase, step, outcome, error, ran } => {
                let (id, step, outcome_text) = (&**id, &**step, outcome.as_str());
                let (error, ran_ms) = (error.as_deref(), millis(*ran));
                if outcome.is_degraded() {
                    tracing::error!(
                        target: "lifecycle", shutdown = id, ?phase, step, outcome = outcome_text, error, ran_ms, "step ended"
                    );
                } else {
                    tracing::info!(
                        target: "lifecycle", shutdown = id, ?phase, step, outcome = outcome_text, error, ran_ms, "step ended"
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
