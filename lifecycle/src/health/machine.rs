//! What one check does when: no clock, no runtime. The time comes in as `now`, what is due goes out.
//!
//! ```text
//!            good                          good: recovered
//!   ┌─ interval ─ check ─┐        ┌──────────────────────────────────┐
//!   └────────────────────┘ failed │                                  │
//!                          ───────┴─▶ recovering n of N: recover, delay, check ──failed──▶ n + 1
//!                           good: recovered ◀─ interval ─ check ◀────┘ failed N times: recovery failed
//!                                                           └─ failed: recovering 1 of N, if there is a `recover`
//! ```

use std::time::Instant;

use super::CheckStatus;
use super::def::Timing;

/// One of the two functions of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Check,
    Recover,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Failed(String),
    /// `when` said why not.
    Skipped(String),
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It is to be run, and its end to be told by [`Machine::ended`].
    Begin(Part),
    /// It has had its time: it is to be stopped, and told as failed.
    TimedOut(Part),
}

/// What others are to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Healthy,
    Recovering,
    Recovered,
    RecoveryFailed,
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A resource is missing.
    Nothing,
    At(Instant, Part),
    Running(Part, Instant),
}

/// See the module's words.
#[derive(Debug)]
pub(super) struct Machine {
    timing: Timing,
    recovers: bool,
    next: Next,
    status: CheckStatus,
    error: Option<String>,
    /// What `recover` said, for the next failure of the check.
    recover_error: Option<String>,
    attempts: u32,
}

impl Machine {
    pub(super) fn new(timing: Timing, recovers: bool) -> Self {
        Machine {
            timing,
            recovers,
            next: Next::Nothing,
            status: CheckStatus::Waiting,
            error: None,
            recover_error: None,
            attempts: 0,
        }
    }

    pub(super) fn status(&self) -> CheckStatus {
        self.status
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Of this round; at most `retry`.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn timing(&self) -> Timing {
        self.timing
    }

    pub(super) fn has_begun(&self) -> bool {
        self.next != Next::Nothing
    }

    /// It lacks something, and begins nothing.
    pub(super) fn wait_for(&mut self, what: String) {
        self.error = Some(what);
    }

    /// Everything that it takes is there: the first run is due.
    pub(super) fn begin(&mut self, now: Instant) {
        self.error = None;
        self.next = Next::At(now, Part::Check);
    }

    /// When it wants to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.next {
            Next::Nothing => None,
            Next::At(due, _) | Next::Running(_, due) => Some(due),
        }
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Option<Due> {
        match self.next {
            Next::At(due, part) if due <= now => {
                self.next = Next::Running(part, now + self.timing.timeout);
                Some(Due::Begin(part))
            }
            Next::Running(part, due) if due <= now => Some(Due::TimedOut(part)),
            Next::Nothing | Next::At(..) | Next::Running(..) => None,
        }
    }

    /// What has been running has come to this.
    pub(super) fn ended(&mut self, verdict: Verdict, now: Instant) -> Option<Change> {
        let Next::Running(part, _) = self.next else { return None };
        match (part, verdict) {
            (Part::Recover, verdict) => {
                self.recover_error = match verdict {
                    Verdict::Good | Verdict::Skipped(_) => None,
                    Verdict::Failed(error) => Some(error),
                };
                // Whatever it says: the check knows whether it has helped.
                self.next = Next::At(now + self.timing.delay, Part::Check);
                None
            }
            (Part::Check, Verdict::Good) => self.good(now),
            (Part::Check, Verdict::Failed(error)) => self.failed(error, now),
            (Part::Check, Verdict::Skipped(why)) => self.skipped(why, now),
        }
    }

    fn rest(&mut self, status: CheckStatus, now: Instant) {
        self.status = status;
        self.recover_error = None;
        self.next = Next::At(now + self.timing.interval, Part::Check);
    }

    fn good(&mut self, now: Instant) -> Option<Change> {
        let change = match self.status {
            CheckStatus::Healthy => None,
            before if before.is_unhealthy() => Some(Change::Recovered),
            _ => Some(Change::Healthy),
        };
        (self.error, self.attempts) = (None, 0);
        self.rest(CheckStatus::Healthy, now);
        change
    }

    fn skipped(&mut self, why: String, now: Instant) -> Option<Change> {
        let change = (self.status != CheckStatus::Skipped).then_some(Change::Skipped);
        (self.error, self.attempts) = (Some(why), 0);
        self.rest(CheckStatus::Skipped, now);
        change
    }

    fn failed(&mut self, error: String, now: Instant) -> Option<Change> {
        self.error = Some(match self.recover_error.take() {
            Some(recover) => format!("{error}; recover: {recover}"),
            None => error,
        });
        if self.status == CheckStatus::RecoveryFailed {
            // What no attempt has helped may be helped by one when its cause has gone. Without a `recover` there is
            // nothing to attempt that the interval does not.
            if !self.recovers || self.timing.retry == 0 {
                self.rest(CheckStatus::RecoveryFailed, now);
                return None;
            }
            self.attempts = 0;
        }
        if self.attempts >= self.timing.retry {
            self.rest(CheckStatus::RecoveryFailed, now);
            return Some(Change::RecoveryFailed);
        }
        self.attempts += 1;
        self.status = CheckStatus::Recovering;
        self.next = match self.recovers {
            true => Next::At(now, Part::Recover),
            false => Next::At(now + self.timing.delay, Part::Check),
        };
        Some(Change::Recovering)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TIMING: Timing = Timing {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(5),
        retry: 2,
        delay: Duration::from_secs(3),
    };

    /// A machine and its clock.
    struct Played {
        machine: Machine,
        from: Instant,
        now: Instant,
    }

    fn played(timing: Timing, recovers: bool) -> Played {
        let now = Instant::now();
        let mut machine = Machine::new(timing, recovers);
        assert_eq!((machine.due(), machine.on_time(now)), (None, None), "it waits for its resources");
        machine.begin(now);
        Played { machine, from: now, now }
    }

    impl Played {
        /// Lets the time come for what is due: when, and what.
        fn next(&mut self) -> (u64, Due) {
            let due = self.machine.due().unwrap();
            if due > self.now {
                assert_eq!(self.machine.on_time(due - Duration::from_nanos(1)), None, "not before its time");
                self.now = due;
            }
            let due = self.machine.on_time(self.now).unwrap();
            ((self.now - self.from).as_secs(), due)
        }
        fn good(&mut self) -> Option<Change> {
            self.machine.ended(Verdict::Good, self.now)
        }
        fn fails(&mut self, error: &str) -> Option<Change> {
            self.machine.ended(Verdict::Failed(error.into()), self.now)
        }
        fn skips(&mut self) -> Option<Change> {
            self.machine.ended(Verdict::Skipped("a standby".into()), self.now)
        }
        fn says(&self) -> (CheckStatus, Option<&str>, u32) {
            (self.machine.status(), self.machine.error(), self.machine.attempts())
        }
    }

    use CheckStatus::{Healthy, Recovering, RecoveryFailed, Skipped};
    const CHECK: Due = Due::Begin(Part::Check);
    const RECOVER: Due = Due::Begin(Part::Recover);

    #[test]
    fn a_good_one_is_said_once_and_asked_at_its_interval() {
        let mut played = played(TIMING, true);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.good(), Some(Change::Healthy));
        for at in [30, 60, 90] {
            assert_eq!(played.next(), (at, CHECK));
            played.now += Duration::from_millis(1);
            played.from += Duration::from_millis(1);
            assert_eq!(played.good(), None);
        }
        assert_eq!(played.says(), (Healthy, None, 0));
    }

    #[test]
    fn a_bad_one_is_recovered_so_many_times_and_then_asked_at_its_interval() {
        let mut played = played(TIMING, true);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.fails("a"), Some(Change::Recovering));
        assert_eq!(played.says(), (Recovering, Some("a"), 1));
        assert_eq!(played.next(), (0, RECOVER));
        assert_eq!(played.fails("no route"), None);
        assert_eq!(played.next(), (3, CHECK));
        assert_eq!(played.fails("b"), Some(Change::Recovering));
        assert_eq!(played.says(), (Recovering, Some("b; recover: no route"), 2));
        assert_eq!(played.next(), (3, RECOVER));
        assert_eq!(played.good(), None);
        assert_eq!(played.next(), (6, CHECK));
        assert_eq!(played.fails("c"), Some(Change::RecoveryFailed));
        assert_eq!(played.says(), (RecoveryFailed, Some("c"), 2));
        assert_eq!(played.next(), (36, CHECK));
        assert_eq!(played.good(), Some(Change::Recovered));
        assert_eq!(played.says(), (Healthy, None, 0));
        assert_eq!(played.next(), (66, CHECK));
        assert_eq!(played.fails("d"), Some(Change::Recovering), "with all its attempts again");
        assert_eq!(played.says(), (Recovering, Some("d"), 1));
    }

    #[test]
    fn what_did_not_recover_has_all_its_attempts_again_at_its_next_interval() {
        let mut played = played(Timing { retry: 1, ..TIMING }, true);
        for round in [0, 33, 66] {
            assert_eq!(played.next(), (round, CHECK));
            assert_eq!(played.fails("a"), Some(Change::Recovering));
            assert_eq!(played.says(), (Recovering, Some("a"), 1));
            assert_eq!(played.next(), (round, RECOVER));
            assert_eq!(played.fails("no route"), None);
            assert_eq!(played.next(), (round + 3, CHECK));
            assert_eq!(played.fails("b"), Some(Change::RecoveryFailed));
            assert_eq!(played.says(), (RecoveryFailed, Some("b; recover: no route"), 1));
        }
        assert_eq!(played.next(), (99, CHECK));
        assert_eq!(played.fails("a"), Some(Change::Recovering));
        assert_eq!(played.next(), (99, RECOVER));
        assert_eq!(played.good(), None);
        assert_eq!(played.next(), (102, CHECK));
        assert_eq!(played.good(), Some(Change::Recovered));
    }

    #[test]
    fn what_has_nothing_that_recovers_it_is_said_once_to_have_failed() {
        for (timing, recovers) in
            [(Timing { retry: 0, ..TIMING }, true), (Timing { retry: 1, ..TIMING }, false)]
        {
            let mut played = played(timing, recovers);
            played.next();
            while played.fails("a") != Some(Change::RecoveryFailed) {
                assert_eq!(played.next().1, CHECK);
            }
            let (failed, _) = played.next();
            assert_eq!(played.fails("b"), None, "nothing is done, so nothing is told");
            assert_eq!(played.says(), (RecoveryFailed, Some("b"), timing.retry));
            assert_eq!(played.next(), (failed + 30, CHECK));
            assert_eq!(played.good(), Some(Change::Recovered));
        }
    }

    #[test]
    fn what_recovers_is_asked_at_its_interval_again() {
        let mut played = played(TIMING, false);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.fails("a"), Some(Change::Recovering));
        assert_eq!(played.next(), (3, CHECK), "there is no function to recover it: only the pause");
        assert_eq!(played.good(), Some(Change::Recovered));
        assert_eq!(played.next(), (33, CHECK));
    }

    #[test]
    fn without_attempts_it_has_failed_at_once() {
        let mut played = played(Timing { retry: 0, ..TIMING }, true);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.fails("a"), Some(Change::RecoveryFailed));
        assert_eq!(played.next(), (30, CHECK));
        assert_eq!(played.good(), Some(Change::Recovered));
    }

    #[test]
    fn each_run_has_its_own_time() {
        let mut played = played(TIMING, true);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.next(), (5, Due::TimedOut(Part::Check)));
        assert_eq!(played.fails("too long"), Some(Change::Recovering));
        assert_eq!(played.next(), (5, RECOVER));
        assert_eq!(played.next(), (10, Due::TimedOut(Part::Recover)));
        assert_eq!(played.fails("too long"), None);
        assert_eq!(played.next(), (13, CHECK));
    }

    #[test]
    fn one_that_does_not_apply_is_neither_good_nor_bad() {
        let mut played = played(TIMING, true);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.fails("a"), Some(Change::Recovering));
        assert_eq!(played.next(), (0, RECOVER));
        assert_eq!(played.skips(), None, "only the check says so");
        assert_eq!(played.next(), (3, CHECK));
        assert_eq!(played.skips(), Some(Change::Skipped));
        assert_eq!(played.says(), (Skipped, Some("a standby"), 0));
        assert_eq!(played.next(), (33, CHECK));
        assert_eq!(played.skips(), None);
        assert_eq!(played.next(), (63, CHECK));
        assert_eq!(played.good(), Some(Change::Healthy));
    }

    #[test]
    fn an_end_that_nobody_waits_for_changes_nothing() {
        let mut played = played(TIMING, true);
        assert_eq!(played.good(), None);
        assert_eq!(played.next(), (0, CHECK));
        assert_eq!(played.good(), Some(Change::Healthy));
        assert_eq!(played.fails("late"), None);
        assert_eq!(played.says(), (Healthy, None, 0));
    }
}
