//! What a worker is at: waiting, running, between two runs, told to stop, over.

use std::time::{Duration, Instant};

use super::{Policy, Restart};
use crate::report::Outcome;
use crate::run::executor::End;

/// One worker's state. The caller brings the time, begins the runs and tells how they end.
#[derive(Debug)]
pub(crate) struct Machine {
    policy: Policy,
    state: State,
    /// Failures since it last ran for long.
    row: u32,
    restarts: u32,
    last_error: Option<String>,
}

#[derive(Debug)]
enum State {
    /// For the end of the start, or for a resource.
    Waiting,
    Running {
        since: Instant,
    },
    Pausing {
        until: Instant,
        last: End,
    },
    /// It still runs, but knows that it has to end.
    Told,
    Over(End),
}

/// What follows from the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is to be begun again. `attempt`: which restart in a row.
    Again { attempt: u32, after: Duration },
    /// It has ended well, for good.
    Done,
    /// It has failed, for good.
    GaveUp,
    /// It has ended after it was told to.
    Stopped,
}

/// What a worker was at when it was told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It runs; its end will be told.
    Running,
    /// Nothing runs, and it ended so.
    Over(End),
    NeverBegan,
}

impl Machine {
    pub(crate) fn new(policy: Policy) -> Self {
        Machine { policy, state: State::Waiting, row: 0, restarts: 0, last_error: None }
    }

    /// It may begin for the first time.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    /// When it is to be begun again.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        match self.state {
            State::Pausing { until, .. } => Some(until),
            _ => None,
        }
    }

    /// A run has begun.
    pub(crate) fn began(&mut self, now: Instant) {
        self.restarts += u32::from(!self.is_waiting());
        self.state = State::Running { since: now };
    }

    /// The run has ended.
    pub(crate) fn ended(&mut self, end: End, now: Instant) -> After {
        let failed = end.outcome.is_degraded();
        if failed {
            self.last_error = Some(end.why.clone().unwrap_or_else(|| end.outcome.as_str().to_owned()));
        }
        let State::Running { since } = self.state else {
            self.state = State::Over(end);
            return After::Stopped;
        };
        if !failed || !self.policy.is_in_a_row(now.saturating_duration_since(since)) {
            self.row = 0;
        }
        self.row += u32::from(failed);
        let again = match self.policy.restart {
            Restart::Never => false,
            Restart::OnFailure => failed && self.row <= self.policy.retry,
            Restart::Always => self.row <= self.policy.retry,
        };
        if again {
            let after = self.policy.pause(self.row.max(1));
            self.state = State::Pausing { until: now + after, last: end };
            return After::Again { attempt: self.row, after };
        }
        self.state = State::Over(end);
        if failed { After::GaveUp } else { After::Done }
    }

    /// It will not begin, and that is its end.
    pub(crate) fn settle(&mut self, end: End) {
        if end.outcome.is_degraded() {
            self.last_error.clone_from(&end.why);
        }
        self.state = State::Over(end);
    }

    /// It must end, and is not begun again.
    pub(crate) fn stop(&mut self) -> Stopped {
        let over = match &self.state {
            State::Running { .. } | State::Told => {
                self.state = State::Told;
                return Stopped::Running;
            }
            State::Waiting => None,
            State::Pausing { last, .. } => Some(last.clone()),
            State::Over(end) => Some(end.clone()),
        };
        self.state = State::Over(over.clone().unwrap_or(End::bare(Outcome::Done)));
        over.map_or(Stopped::NeverBegan, Stopped::Over)
    }

    /// How often it was begun again.
    pub(crate) fn restarts(&self) -> u32 {
        self.restarts
    }

    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Duration = Duration::from_secs(2);
    const SHORT: Duration = Duration::from_millis(1);

    /// Runs one after the other, each begun when it is due.
    struct Rig {
        machine: Machine,
        now: Instant,
    }

    impl Rig {
        fn new(restart: Restart, retry: u32) -> Self {
            let machine = Machine::new(Policy { restart, retry, backoff: BACKOFF });
            Rig { machine, now: Instant::now() }
        }

        fn run(&mut self, lasting: Duration, end: End) -> After {
            self.now = self.machine.next_timer().unwrap_or(self.now);
            self.machine.began(self.now);
            self.now += lasting;
            self.machine.ended(end, self.now)
        }

        fn fail(&mut self, lasting: Duration) -> After {
            self.run(lasting, failed())
        }

        /// Fails; the number of the restart that follows.
        #[track_caller]
        fn attempt(&mut self, lasting: Duration) -> u32 {
            match self.fail(lasting) {
                After::Again { attempt, after } => {
                    let whole = BACKOFF * 2_u32.pow(attempt - 1);
                    assert!((whole / 2..=whole).contains(&after), "{after:?}");
                    assert_eq!(self.machine.next_timer(), Some(self.now + after));
                    attempt
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn failed() -> End {
        End::new(Outcome::Failed, "no broker")
    }

    fn done() -> End {
        End::bare(Outcome::Done)
    }

    #[test]
    fn it_is_begun_again_so_many_times_and_then_given_up() {
        let mut rig = Rig::new(Restart::OnFailure, 3);
        assert_eq!([(); 3].map(|()| rig.attempt(SHORT)), [1, 2, 3]);
        assert_eq!(rig.run(SHORT, End::new(Outcome::Panicked, "oh")), After::GaveUp);
        assert_eq!((rig.machine.restarts(), rig.machine.last_error()), (3, Some("oh")));
        assert_eq!(rig.machine.stop(), Stopped::Over(End::new(Outcome::Panicked, "oh")));
        assert_eq!(rig.machine.next_timer(), None);
    }

    #[test]
    fn the_count_starts_anew_once_it_has_run_longer_than_the_longest_pause() {
        let longest = BACKOFF * 2;
        let mut rig = Rig::new(Restart::OnFailure, 2);
        assert_eq!([SHORT, longest].map(|lasting| rig.attempt(lasting)), [1, 2]);
        assert_eq!(rig.attempt(longest + SHORT), 1);
        assert_eq!(rig.attempt(SHORT), 2);
        assert_eq!(rig.fail(SHORT), After::GaveUp);
        // However short the pauses are, a run of less than a second is none.
        let policy = Policy { restart: Restart::OnFailure, retry: 2, backoff: Duration::ZERO };
        let second = Duration::from_secs(1);
        assert!(policy.is_in_a_row(second) && !policy.is_in_a_row(second + SHORT));
    }

    #[test]
    fn what_may_not_be_begun_again_is_not() {
        let mut rig = Rig::new(Restart::Never, 3);
        assert_eq!(rig.fail(SHORT), After::GaveUp);
        assert_eq!(Rig::new(Restart::Never, 3).run(SHORT, done()), After::Done);
        assert_eq!(Rig::new(Restart::OnFailure, 0).fail(SHORT), After::GaveUp);
    }

    #[test]
    fn a_good_end_is_the_end_unless_it_is_always_begun_again() {
        let mut rig = Rig::new(Restart::OnFailure, 3);
        assert_eq!(rig.run(SHORT, done()), After::Done);
        assert_eq!(rig.machine.stop(), Stopped::Over(done()));

        let mut rig = Rig::new(Restart::Always, 1);
        for _ in 0..9 {
            let After::Again { attempt: 0, after } = rig.run(SHORT, done()) else { panic!("begun again") };
            assert!((BACKOFF / 2..=BACKOFF).contains(&after), "{after:?}");
        }
        assert_eq!(rig.attempt(SHORT), 1);
        assert!(matches!(rig.run(SHORT, done()), After::Again { attempt: 0, .. }));
        assert_eq!(rig.attempt(SHORT), 1);
        assert_eq!(rig.fail(SHORT), After::GaveUp);
    }

    #[test]
    fn told_to_stop_it_is_awaited_and_not_begun_again() {
        let mut rig = Rig::new(Restart::Always, 3);
        rig.machine.began(rig.now);
        assert_eq!([rig.machine.stop(), rig.machine.stop()], [Stopped::Running, Stopped::Running]);
        assert_eq!(rig.machine.ended(failed(), rig.now), After::Stopped);
        assert!(rig.machine.is_over() && rig.machine.next_timer().is_none());
        assert_eq!(rig.machine.last_error(), Some("no broker"));
    }

    #[test]
    fn between_two_runs_it_ends_as_it_last_ended() {
        let mut rig = Rig::new(Restart::OnFailure, 3);
        rig.attempt(SHORT);
        assert_eq!(rig.machine.stop(), Stopped::Over(failed()));
        assert!(rig.machine.is_over() && rig.machine.next_timer().is_none());
        let mut rig = Rig::new(Restart::OnFailure, 3);
        assert_eq!(rig.machine.stop(), Stopped::NeverBegan);
        assert!(!rig.machine.is_waiting());
    }
}
