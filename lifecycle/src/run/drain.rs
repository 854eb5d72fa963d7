//! A group as a work: no new calls, the running ones awaited, then told, then cut. `Requests` is the group with which
//! the service future is awaited, and whose moments are `stopping()` and `drained()`.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::executor::{End, Progress, SETTLE, Work};
use super::mailbox::Mailbox;
use super::message::{Address, Message};
use super::requests::{Seen, Service, Tally};
use super::shared::Shared;
use crate::clock;
use crate::events::{Event, State};
use crate::gate::Gate;
use crate::narrator::Say;
use crate::process::Lifecycle;
use crate::render::calls;
use crate::report::Outcome;
use crate::tracked::awaited;

/// How long the service's thread has to drop the service future once it was told to at the cut.
pub(crate) const SERVICE_SETTLE: Duration = SETTLE.saturating_mul(5);

pub(crate) struct DrainWork {
    pub(crate) life: &'static Lifecycle,
    pub(crate) gate: &'static Gate,
    pub(crate) tally: Shared<Tally>,
    /// Of `Requests` alone.
    pub(crate) service: Option<Shared<Seen>>,
    pub(crate) mailbox: Mailbox,
    pub(crate) at: Address,
    /// How long the calls are awaited.
    pub(crate) within: Option<Duration>,
    pub(crate) cut: Duration,
    /// When everything is cut, whatever `within` says.
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

impl DrainWork {
    /// The steps' time was over before its turn came: then everything goes at once.
    pub(crate) fn skip(mut self, now: Instant) {
        if !matches!(self.begin(now), Progress::Ended(_)) {
            self.cut();
        }
    }

    fn service_is_gone(&self) -> bool {
        self.service.as_ref().is_none_or(|seen| seen.borrow().service != Service::Running)
    }

    /// It cannot know of the shutdown, or waits for what only comes after it: nothing is gained by awaiting it.
    fn service_is_pointless(&self) -> bool {
        let service = &self.life.service;
        !service.aware.load(Ordering::Acquire) || service.awaits_report.load(Ordering::Acquire)
    }

    fn draining(&mut self, began: Instant, until: Option<Instant>, now: Instant) -> Progress {
        let empty = self.gate.has_emptied();
        if empty {
            self.drained(now.saturating_duration_since(began));
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

    /// The calls are no longer awaited, for the one reason or the other.
    fn drained(&self, after: Duration) {
        self.tally.borrow_mut().drained_in.get_or_insert(after);
        if self.service.is_some() {
            self.life.drained.cancel();
        }
    }

    fn time_is_up(&self, after: Duration) {
        self.tally.borrow_mut().cut_off = awaited(self.gate);
        self.drained(after);
        self.gate.cut_off().cancel();
        self.life.tell_of(|| Event::CutOff {
            group: self.gate.name().to_owned(),
            calls: self.tally.borrow().cut_off.clone(),
        });
        if let Some(running) = self.life.running() {
            running.narrator.say(Say::CutOff { group: self.gate.name(), what: self.still_running() });
        }
    }

    fn cutting(&mut self, until: Instant, now: Instant) -> Progress {
        if self.gate.has_emptied() && self.service_is_gone() {
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
        // Not those that ended when they were told to.
        self.tally.borrow_mut().cut_off = awaited(self.gate);
        self.gate.freeze();
        if let Some(seen) = &self.service {
            seen.borrow_mut().service_cut = true;
            self.life.service.drop_now.cancel();
        }
    }

    fn dropping(&mut self, until: Option<Instant>, in_time: bool, now: Instant) -> Progress {
        if self.service_is_gone() {
            return self.ended(if in_time { End::bare(Outcome::Done) } else { self.cut_off_end() });
        }
        match until {
            Some(until) if now < until => Progress::Until(until),
            None => Progress::Running,
            Some(_) => {
                if let Some(seen) = &self.service {
                    seen.borrow_mut().service = Service::Abandoned;
                }
                self.ended(self.cut_off_end())
            }
        }
    }

    /// The steps that follow begin before anyone else hears of it: for them the drain must be over.
    fn ended(&self, end: End) -> Progress {
        self.enter(State::Stopping);
        Progress::Ended(end)
    }

    /// The process's state is that of its requests.
    fn enter(&self, state: State) {
        if self.service.is_some() {
            self.life.enter(state);
        }
    }

    fn cut_off_end(&self) -> End {
        End::new(Outcome::CutOff, format!("still running: {}", self.still_running()))
    }

    fn still_running(&self) -> String {
        let tally = self.tally.borrow();
        let calls = Some(calls::in_words(&tally.cut_off)).filter(|words| !words.is_empty());
        let service = self.service.as_ref().and_then(|seen| match seen.borrow().service {
            Service::CutOff | Service::Running => Some("the service future".to_owned()),
            Service::Abandoned => Some("the service future, whose thread is stuck".to_owned()),
            _ => None,
        });
        let what: Vec<String> = calls.into_iter().chain(service).collect();
        what.join(", ")
    }
}

impl Work for DrainWork {
    fn held_to(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    fn begin(&mut self, now: Instant) -> Progress {
        self.enter(State::Draining);
        if self.service.is_some() {
            self.life.stopping.cancel();
        }
        self.gate.close();
        self.tally.borrow_mut().awaited = self.gate.in_flight();
        if !self.gate.has_emptied() {
            let (mailbox, at, life) = (self.mailbox.clone(), self.at, self.life);
            let is_requests = self.service.is_some();
            self.gate.on_empty(Box::new(move || {
                // On the thread of the last call: whoever waits for this need not wait for us as well.
                if is_requests {
                    life.drained.cancel();
                }
                mailbox.send(Message::Poked(at));
            }));
        }
        let drain_ends = self.within.and_then(|within| now.checked_add(within));
        // `cut_off()` must come early enough to be of use, even where the drain has no end of its own; but half of
        // what time there is belongs to the drain.
        let settle = if self.service.is_some() { SERVICE_SETTLE } else { Duration::ZERO };
        let told_by = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            now + left.saturating_sub(self.cut + settle).max(left / 2)
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
            self.time_is_up(clock::now().saturating_duration_since(began));
        }
        self.drop_everything();
        self.enter(State::Stopping);
        let end = self.cut_off_end();
        self.mailbox.send(Message::Ended { at: self.at, end, gifts: Vec::new() });
    }

    /// It bounds itself: at the end of the drain it still has the calls to cut.
    fn limit(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::gate::{Admitted, Site};
    use crate::process::lifecycle;
    use crate::run::mailbox::{Inbox, on_a_thread};
    use crate::run::requests::Tallies;

    const SECOND: Duration = Duration::from_secs(1);
    const AT: Address = Address { graph: 1, node: 7, turn: 0 };

    /// A group of its own with one tracked function.
    struct Rig {
        gate: &'static Gate,
        site: &'static Site,
        tallies: Tallies,
        inbox: Inbox,
        work: DrainWork,
        zero: Instant,
    }

    impl Rig {
        /// Of 10 seconds, then 2 to be cut.
        fn new(deadline: Option<Duration>) -> Self {
            let gate: &'static Gate = Box::leak(Box::new(Gate::new("Jobs")));
            let site = Site::new("job", "app", "src/jobs.rs", 7, false).at(gate);
            let (mut tallies, (mailbox, inbox)) = (Tallies::default(), on_a_thread());
            let zero = Instant::now();
            let work = DrainWork {
                life: lifecycle(),
                gate,
                tally: tallies.of(gate),
                service: None,
                mailbox,
                at: AT,
                within: Some(10 * SECOND),
                cut: 2 * SECOND,
                deadline: deadline.map(|deadline| zero + deadline),
                stage: Stage::NotBegun,
            };
            Rig { gate, site: Box::leak(Box::new(site)), tallies, inbox, work, zero }
        }

        fn call(&self) -> Admitted {
            self.site.enter().unwrap()
        }

        fn told(&self) -> bool {
            self.gate.cut_off().is_cancelled()
        }

        fn frozen(&self) -> bool {
            self.site.is_frozen()
        }
    }

    #[test]
    fn with_no_call_it_closes_and_is_done() {
        let mut rig = Rig::new(None);
        assert_eq!(rig.work.begin(rig.zero), Progress::Ended(End::bare(Outcome::Done)));
        assert!(rig.site.enter().is_err());
        let calls = rig.tallies.calls(rig.gate).unwrap();
        assert_eq!((calls.awaited, calls.refused, calls.cut_off.len()), (0, 1, 0));
        assert!(!rig.told() && !rig.frozen());
    }

    #[test]
    fn it_is_done_when_the_last_call_has_ended() {
        let mut rig = Rig::new(None);
        let (first, last) = (rig.call(), rig.call());
        assert_eq!(rig.work.begin(rig.zero), Progress::Until(rig.zero + 10 * SECOND));
        drop(first);
        assert!(rig.inbox.waiting().is_none(), "one is still inside");
        drop(last);
        assert!(matches!(rig.inbox.waiting(), Some(Message::Poked(AT))));
        assert_eq!(rig.work.wake(rig.zero + 3 * SECOND), Progress::Ended(End::bare(Outcome::Done)));
        let calls = rig.tallies.calls(rig.gate).unwrap();
        assert_eq!((calls.awaited, calls.drained_in), (2, 3 * SECOND));
        assert!(!rig.told() && !rig.frozen());
    }

    #[test]
    fn at_its_time_the_calls_are_told_and_the_cut_later_frozen() {
        let mut rig = Rig::new(None);
        let _deaf = rig.call();
        let listening = rig.call();
        rig.work.begin(rig.zero);
        assert_eq!(rig.work.wake(rig.zero + 9 * SECOND), Progress::Until(rig.zero + 10 * SECOND));
        assert!(!rig.told());
        assert_eq!(rig.work.wake(rig.zero + 10 * SECOND), Progress::Until(rig.zero + 12 * SECOND));
        assert!(rig.told() && !rig.frozen());
        drop(listening);
        let end = End::new(Outcome::CutOff, "still running: job ×1 (src/jobs.rs:7)");
        assert_eq!(rig.work.wake(rig.zero + 12 * SECOND), Progress::Ended(end));
        assert!(rig.frozen());
        let calls = rig.tallies.calls(rig.gate).unwrap();
        assert_eq!((calls.awaited, calls.drained_in), (2, 10 * SECOND));
        assert_eq!((calls.cut_off.len(), calls.cut_off[0].count, &*calls.cut_off[0].group), (1, 1, "Jobs"));
    }

    #[test]
    fn calls_that_end_when_they_are_told_are_not_cut() {
        let mut rig = Rig::new(None);
        let call = rig.call();
        rig.work.begin(rig.zero);
        rig.work.wake(rig.zero + 10 * SECOND);
        drop(call);
        let end = End::new(Outcome::TimedOut, "what still ran ended when cut_off() fired");
        assert_eq!(rig.work.wake(rig.zero + 11 * SECOND), Progress::Ended(end));
        assert!(!rig.frozen());
    }

    #[test]
    fn where_the_steps_time_ends_before_its_own_they_are_told_the_cut_before() {
        let mut rig = Rig::new(Some(6 * SECOND));
        let _call = rig.call();
        assert_eq!(rig.work.begin(rig.zero), Progress::Until(rig.zero + 4 * SECOND));
        let mut rig = Rig::new(Some(3 * SECOND));
        let _call = rig.call();
        assert_eq!(rig.work.begin(rig.zero), Progress::Until(rig.zero + 3 * SECOND / 2), "half is theirs");
    }

    #[test]
    fn cut_from_outside_everything_goes_at_once() {
        let mut rig = Rig::new(None);
        let _call = rig.call();
        rig.work.begin(rig.zero);
        rig.work.cut();
        assert!(rig.told() && rig.frozen());
        let Some(Message::Ended { at: AT, end, .. }) = rig.inbox.waiting() else { panic!("its end is told") };
        assert_eq!(end, End::new(Outcome::CutOff, "still running: job ×1 (src/jobs.rs:7)"));
    }
}
