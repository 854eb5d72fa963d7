//! What goes on beside the graphs, whichever is being executed: heard in `hear`, with timers of its own.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;

use super::crew::Crew;
use super::executor::End;
use super::mailbox::Mailbox;
use super::message::Address;
use super::shared::Shared;
use super::workers::Workers;
use crate::health::Monitor;
use crate::process::Lifecycle;

/// Something that goes on beside the graphs. The time is brought to it.
pub(super) trait Activity {
    /// When [`on_time`](Self::on_time) wants to be called.
    fn next_timer(&self) -> Option<Instant>;
    /// Time has passed, or something else has.
    fn on_time(&mut self, now: Instant);
}

/// What an activity's runs are begun with.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) life: &'static Lifecycle,
    pub(super) mailbox: Mailbox,
    pub(super) runtime: Handle,
    pub(super) crew: Arc<Crew>,
    runs: Shared<usize>,
}

impl Means {
    /// A number for a run, by which its end is known.
    pub(super) fn next_run(&self) -> usize {
        let mut runs = self.runs.borrow_mut();
        *runs += 1;
        *runs
    }
}

/// All activities.
pub(super) struct Background {
    pub(super) workers: Workers,
    pub(super) monitor: Monitor,
    runs: Shared<usize>,
}

impl Background {
    pub(super) fn new(monitor: Monitor) -> Self {
        Background { workers: Workers::default(), monitor, runs: Shared::default() }
    }

    /// There are resources that were not there before.
    pub(super) fn provided(&mut self, now: Instant) {
        self.workers.begin_ready(now);
        self.monitor.on_provided(now);
    }

    pub(super) fn means(
        &self,
        life: &'static Lifecycle,
        mailbox: Mailbox,
        runtime: Handle,
        crew: Arc<Crew>,
    ) -> Means {
        Means { life, mailbox, runtime, crew, runs: self.runs.clone() }
    }

    /// A run has ended. Returns the node that was waiting for that.
    pub(super) fn told(&mut self, run: usize, end: End, now: Instant) -> Option<(Address, End)> {
        self.workers.told(run, end, now)
    }
}

impl Activity for Background {
    fn next_timer(&self) -> Option<Instant> {
        self.workers.next_timer().into_iter().chain(self.monitor.next_timer()).min()
    }

    fn on_time(&mut self, now: Instant) {
        self.workers.on_time(now);
        self.monitor.on_time(now);
    }
}
