//! The node `Requests`: no new tracked calls, the running ones and the service future awaited, then cut.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::executor::{End, Progress, SETTLE, Work};
use super::message::{Address, Message};
use super::service::ServiceEnd;
use crate::events::State;
use crate::gate::{CallStats, REQUESTS};
use crate::narrator::Say;
use crate::process::Lifecycle;
use crate::report::Outcome;

/// How long the service's thread has to drop the service future once it was told to at the cut.
pub(crate) const SERVICE_SETTLE: Duration = SETTLE.saturating_mul(5);

/// What the coordinator and this node share.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) service: Service,
    /// The service was told to go because the time was up.
    pub(crate) service_cut: bool,
    /// Calls in flight when the gate closed.
    pub(crate) awaited: usize,
    pub(crate) cut_off: Vec<CallStats>,
    pub(crate) drained_in: Duration,
}

/// What is known of the service future.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Service {
    #[default]
    NotStarted,
    Running,
    Ended,
    Failed(String),
    /// It could not know of the shutdown and was dropped once the calls were done.
    Dropped,
    /// It knew, and was dropped when the time was up.
    CutOff,
    /// Its thread is stuck: it could not be dropped.
    Abandoned,
}

impl Seen {
    /// The service future is no more.
    pub(crate) fn service_ended(&mut self, end: ServiceEnd) {
        self.service = match end {
            ServiceEnd::Ended => Service::Ended,
            ServiceEnd::Failed(error) => Service::Failed(error),
            ServiceEnd::Panicked(message) => Service::Failed(format!("it panicked: {message}")),
            ServiceEnd::Dropped if self.service_cut => Service::CutOff,
            ServiceEnd::Dropped => Service::Dropped,
        };
    }
}

pub(crate) struct RequestsWork {
    pub(crate) life: &'static Lifecycle,
    pub(crate) seen: Rc<RefCell<Seen>>,
    pub(crate) mailbox: Sender<Message>,
    pub(crate) at: Address,
    pub(crate) drain: Option<Duration>,
    pub(crate) cut: Duration,
    /// When everything is cut, whatever `drain` says.
    pub(crate) deadline: Option<Instant>,
    pub(crate) stage: Stage,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    NotBegun,
    /// The running calls are awaited, and the service if it knows.
    Draining {
        began: Instant,
        until: Option<Instant>,
    },
    /// `cut_off()` has fired.
    Cutting {
        until: Instant,
    },
    /// The service was told to go.
    Dropping {
        until: Option<Instant>,
        in_time: bool,
    },
}

impl RequestsWork {
    /// The steps' time was over before its turn came: then everything goes at once.
    pub(crate) fn skip(mut self, now: Instant) {
        if !matches!(self.begin(now), Progress::Ended(_)) {
            self.cut();
        }
    }

    fn service_is_gone(&self) -> bool {
        self.seen.borrow().service != Service::Running
    }

    /// It cannot know of the shutdown, or waits for what only comes after it: nothing is gained by awaiting it.
    fn service_is_pointless(&self) -> bool {
        let service = &self.life.service;
        !service.aware.load(Ordering::Acquire) || service.awaits_report.load(Ordering::Acquire)
    }

    fn draining(&mut self, began: Instant, until: Option<Instant>, now: Instant) -> Progress {
        let empty = REQUESTS.in_flight() == 0;
        if empty && !self.life.drained.is_cancelled() {
            self.seen.borrow_mut().drained_in = now.saturating_duration_since(began);
            self.life.drained.cancel();
        }
        if empty && self.service_is_gone() {
            return self.ended(End::bare(Outcome::Done));
        }
        if empty && self.service_is_pointless() {
            self.life.service.drop_now.cancel();
            // Where the drain is over at this very moment, it still needs one to go.
            let until = until.map(|until| until.max(now + SERVICE_SETTLE));
            self.stage = Stage::Dropping { until, in_time: true };
            return until.map_or(Progress::Running, Progress::Until);
        }
        if until.is_some_and(|until| until <= now) {
            self.time_is_up(now.saturating_duration_since(began));
            self.stage = Stage::Cutting { until: now + self.cut };
        }
        match self.stage {
            Stage::Cutting { until } => self.cutting(until, now),
            _ => until.map_or(Progress::Running, Progress::Until),
        }
    }

    fn time_is_up(&self, after: Duration) {
        let mut seen = self.seen.borrow_mut();
        seen.cut_off = REQUESTS.awaited();
        if !self.life.drained.is_cancelled() {
            seen.drained_in = after;
            self.life.drained.cancel();
        }
        drop(seen);
        self.life.cut_off.cancel();
        if let Some(running) = self.life.running() {
            running.narrator.say(Say::CutOff { what: self.still_running() });
        }
    }

    fn cutting(&mut self, until: Instant, now: Instant) -> Progress {
        if REQUESTS.in_flight() == 0 && self.service_is_gone() {
            return self.ended(End::new(Outcome::TimedOut, "what still ran ended when cut_off() fired"));
        }
        if now < until {
            return Progress::Until(until);
        }
        self.drop_everything();
        self.stage = Stage::Dropping { until: Some(now + SERVICE_SETTLE), in_time: false };
        self.dropping(Some(now + SERVICE_SETTLE), false, now)
    }

    /// Calls are dropped when they are next polled, the service at once.
    fn drop_everything(&self) {
        let mut seen = self.seen.borrow_mut();
        // Not those that ended when they were told to.
        seen.cut_off = REQUESTS.awaited();
        seen.service_cut = true;
        drop(seen);
        REQUESTS.freeze();
        self.life.service.drop_now.cancel();
    }

    fn dropping(&mut self, until: Option<Instant>, in_time: bool, now: Instant) -> Progress {
        if self.service_is_gone() {
            return self.ended(if in_time { End::bare(Outcome::Done) } else { self.cut_off_end() });
        }
        match until {
            Some(until) if now < until => Progress::Until(until),
            None => Progress::Running,
            Some(_) => {
                self.seen.borrow_mut().service = Service::Abandoned;
                self.ended(self.cut_off_end())
            }
        }
    }

    /// The steps that follow begin before anyone else hears of it: for them the drain must be over.
    fn ended(&self, end: End) -> Progress {
        self.life.enter(State::Stopping);
        Progress::Ended(end)
    }

    fn cut_off_end(&self) -> End {
        End::new(Outcome::CutOff, format!("still running: {}", self.still_running()))
    }

    fn still_running(&self) -> String {
        let seen = self.seen.borrow();
        let calls = seen
            .cut_off
            .iter()
            .map(|call| format!("{} ×{} ({}:{})", call.name, call.in_flight, call.file, call.line));
        let service = match seen.service {
            Service::CutOff | Service::Running => Some("the service future".to_owned()),
            Service::Abandoned => Some("the service future, whose thread is stuck".to_owned()),
            _ => None,
        };
        let what: Vec<String> = calls.chain(service).collect();
        what.join(", ")
    }
}

impl Work for RequestsWork {
    fn begin(&mut self, now: Instant) -> Progress {
        self.life.enter(State::Draining);
        self.life.stopping.cancel();
        REQUESTS.close();
        self.seen.borrow_mut().awaited = REQUESTS.in_flight();
        let (mailbox, at) = (self.mailbox.clone(), self.at);
        REQUESTS.on_empty(Box::new(move || drop(mailbox.send(Message::Poked(at)))));
        let drain_ends = self.drain.and_then(|drain| now.checked_add(drain));
        // `cut_off()` must come early enough to be of use, even where the drain has no end of its own; but half of
        // what time there is belongs to the drain.
        let told_by = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            now + left.saturating_sub(self.cut + SERVICE_SETTLE).max(left / 2)
        });
        let until = drain_ends.into_iter().chain(told_by).min();
        self.stage = Stage::Draining { began: now, until };
        self.draining(now, until, now)
    }

    fn wake(&mut self, now: Instant) -> Progress {
        match self.stage {
            Stage::NotBegun => Progress::Running,
            Stage::Draining { began, until } => self.draining(began, until, now),
            Stage::Cutting { until } => self.cutting(until, now),
            Stage::Dropping { until, in_time } => self.dropping(until, in_time, now),
        }
    }

    fn cut(&mut self) {
        if let Stage::Draining { began, .. } = self.stage {
            self.time_is_up(Instant::now().saturating_duration_since(began));
        }
        self.drop_everything();
        self.life.enter(State::Stopping);
        let end = self.cut_off_end();
        drop(self.mailbox.send(Message::Ended { at: self.at, end, gifts: Vec::new() }));
    }

    /// It bounds itself: at the end of the drain it still has the calls to cut.
    fn limit(&self) -> Option<Duration> {
        None
    }
}
