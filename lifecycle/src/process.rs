//! The process's one lifecycle: what every free function of the crate acts on.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::events::{Event, State};
use crate::health::Board;
use crate::journal::{Journal, PreviousRun};
use crate::narrator::{Narrator, Say};
use crate::pause::Pauses;
use crate::report::{Reason, Report};
use crate::resource::Resources;
use crate::run::mailbox::Mailbox;
use crate::run::message::Message;
use crate::run::service::ServiceControl;
use crate::watchdog::Watchdog;

/// How many events a subscriber may be behind before it loses the oldest.
const EVENTS_KEPT: usize = 1024;

/// See the module's words.
pub(crate) struct Lifecycle {
    /// A second `run` in one process is refused.
    claimed: AtomicBool,
    state: AtomicU8,
    ready: AtomicBool,
    pub(crate) resources: Resources,
    pub(crate) service: ServiceControl,
    pub(crate) health: Board,
    /// New tracked calls are about to be refused: `stopping()`.
    pub(crate) stopping: CancellationToken,
    /// The last request has ended, or the drain timed out.
    pub(crate) drained: CancellationToken,
    /// The report is there.
    pub(crate) over: CancellationToken,
    report: OnceLock<Arc<Report>>,
    trigger: OnceLock<Trigger>,
    /// The threads that keep the time of the shutdown were woken for it.
    woken: AtomicBool,
    running: OnceLock<Running>,
    events: broadcast::Sender<Event>,
    shutdown_steps: AtomicUsize,
    registrations: Mutex<crate::register::Registrations>,
    pub(crate) pauses: Pauses,
}

/// What a running lifecycle adds.
pub(crate) struct Running {
    pub(crate) mailbox: Mailbox,
    /// `None` inside a runtime that exists: that process is not ours to end.
    pub(crate) watchdog: Option<Watchdog>,
    pub(crate) narrator: Narrator,
    pub(crate) grace: Option<Duration>,
    pub(crate) began: Instant,
    pub(crate) journal: Option<Journal>,
    /// What the journal tells of the run before this one.
    pub(crate) previous: Option<PreviousRun>,
}

/// The one trigger of the shutdown.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) reason: Reason,
    pub(crate) at: Instant,
    pub(crate) wall: SystemTime,
    pub(crate) deadline: Option<Instant>,
}

static LIFECYCLE: LazyLock<Lifecycle> = LazyLock::new(Lifecycle::new);

/// The process's lifecycle.
pub(crate) fn lifecycle() -> &'static Lifecycle {
    &LIFECYCLE
}

impl Lifecycle {
    /// Not the process's own only where something of it is tested by itself.
    pub(crate) fn new() -> Self {
        Lifecycle {
            claimed: AtomicBool::new(false),
            state: AtomicU8::new(State::Idle as u8),
            ready: AtomicBool::new(false),
            resources: Resources::default(),
            service: ServiceControl::default(),
            health: Board::default(),
            stopping: CancellationToken::new(),
            drained: CancellationToken::new(),
            over: CancellationToken::new(),
            report: OnceLock::new(),
            trigger: OnceLock::new(),
            woken: AtomicBool::new(false),
            running: OnceLock::new(),
            events: broadcast::Sender::new(EVENTS_KEPT),
            shutdown_steps: AtomicUsize::new(0),
            registrations: Mutex::default(),
            pauses: Pauses::default(),
        }
    }

    /// Whether this caller is the first that wants to run it.
    pub(crate) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Makes it known to the free functions. From here on a trigger is heard.
    pub(crate) fn set_running(&self, running: Running) {
        if self.running.set(running).is_err() {
            unreachable!("only the one claimant of a lifecycle runs it");
        }
    }

    pub(crate) fn running(&self) -> Option<&Running> {
        self.running.get()
    }

    /// Starts the shutdown; only the first reason does. Arms the watchdog before anything else can go wrong.
    pub(crate) fn trigger(&self, reason: Reason) -> bool {
        let Some(running) = self.running.get() else { return false };
        let is_first = self.set_trigger(running, reason);
        if is_first {
            self.wake_all();
        }
        is_first
    }

    /// The same on a thread that has nothing else to do: it has the coordinator act at once, and wakes nobody for whom the
    /// first hooks would have to wait. The caller sees to it that somebody else calls [`wake_all`](Self::wake_all) soon.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "signals come to a thread of their own there")
    )]
    pub(crate) fn trigger_and_act(&self, reason: Reason) {
        if let Some(running) = self.running.get() {
            running.narrator.hold();
            self.set_trigger(running, reason);
            running.mailbox.send_and_act_alone(Message::Trigger);
            // They were woken before there was all of this to see: again, then.
            if self.woken.load(Ordering::SeqCst) {
                self.wake_all();
            }
        }
    }

    /// Wakes the threads that keep the time of the shutdown, and the one that tells of it.
    pub(crate) fn wake_all(&self) {
        self.woken.store(true, Ordering::SeqCst);
        if let Some(running) = self.running.get() {
            running.narrator.release();
            if let Some(watchdog) = &running.watchdog {
                watchdog.wake();
            }
            running.mailbox.send(Message::Trigger);
        }
    }

    fn set_trigger(&self, running: &Running, reason: Reason) -> bool {
        let at = clock::now();
        let deadline = running.grace.and_then(|grace| at.checked_add(grace));
        let trigger = Trigger { reason, at, wall: SystemTime::now(), deadline };
        if self.trigger.set(trigger).is_err() {
            return false;
        }
        if let (Some(watchdog), Some(deadline)) = (&running.watchdog, deadline) {
            watchdog.arm(deadline);
        }
        self.ready.store(false, Ordering::Release);
        true
    }

    pub(crate) fn triggered(&self) -> Option<&Trigger> {
        self.trigger.get()
    }

    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.enter(state);
        self.tell(Event::State(state));
    }

    /// Without telling anyone, for who will be told in its turn.
    pub(crate) fn enter(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// After a trigger it stays unready: readiness must not come back while the service goes.
    pub(crate) fn mark_ready(&self) {
        if self.trigger.get().is_none() && !self.ready.swap(true, Ordering::AcqRel) {
            // While it is paused it is not ready, whatever is said of it.
            if self.state() != State::Paused {
                self.tell(Event::Ready);
            }
            if let Some(running) = self.running.get() {
                running.narrator.say(Say::Ready { after: clock::since(running.began) });
            }
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
            && self.trigger.get().is_none()
            && self.state() == State::Running
            && self.health.is_healthy()
    }

    pub(crate) fn tell(&self, event: Event) {
        #[cfg(feature = "testing")]
        crate::testing::heard(&event);
        // An error says that nobody listens.
        drop(self.events.send(event));
    }

    /// The same of what is only made if anybody listens.
    pub(crate) fn tell_of(&self, event: impl FnOnce() -> Event) {
        if clock::in_test() || self.events.receiver_count() > 0 {
            self.tell(event());
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn finish(&self, report: Arc<Report>) {
        drop(self.report.set(report));
        self.set_state(State::Stopped);
        self.over.cancel();
    }

    pub(crate) fn report(&self) -> Option<&Arc<Report>> {
        self.report.get()
    }

    pub(crate) fn set_shutdown_steps(&self, steps: usize) {
        self.shutdown_steps.store(steps, Ordering::Relaxed);
    }

    pub(crate) fn shutdown_steps(&self) -> usize {
        self.shutdown_steps.load(Ordering::Relaxed)
    }

    pub(crate) fn registrations(&self) -> MutexGuard<'_, crate::register::Registrations> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
