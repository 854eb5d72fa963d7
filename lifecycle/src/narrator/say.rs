//! What happens, for who tells others of it. Richer than the public events, and owned by whoever hears it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::events::Event;
use crate::gate::Gate;
use crate::hook::Phase;
use crate::report::{CallSite, Outcome};
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
        #[cfg_attr(
            not(any(feature = "systemd", feature = "terminal")),
            expect(dead_code, reason = "the words in `grace` say it")
        )]
        deadline: Option<Instant>,
    },
    Draining {
        id: Arc<str>,
        gate: &'static Gate,
        in_flight: usize,
        limit: Option<Duration>,
    },
    /// A drain that goes on: what it waits for by now.
    StillRunning {
        id: Arc<str>,
        group: &'static str,
        /// Since the drain began.
        after: Duration,
        calls: Vec<CallSite>,
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
        /// Of a group: how long its calls were awaited.
        drained_in: Option<Duration>,
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
    /// A second signal: the process is about to end.
    #[cfg(feature = "metrics")]
    Forced {
        signal: i32,
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
