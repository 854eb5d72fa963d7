//! Runs a graph of works to its end. Knows nothing of orders, hooks, runtimes or signals, and reads no clock: the
//! caller brings the time and the events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::report::Outcome;

/// How long a work that was cut may take to say that it has stopped, before it counts as abandoned.
pub(crate) const SETTLE: Duration = Duration::from_millis(100);

/// A node's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// The error, or why it did not run.
    pub(crate) why: Option<String>,
}

impl End {
    pub(crate) fn new(outcome: Outcome, why: impl Into<String>) -> Self {
        End { outcome, why: Some(why.into()) }
    }

    pub(crate) const fn bare(outcome: Outcome) -> Self {
        End { outcome, why: None }
    }
}

/// Something to do at a node. Everything returns at once; what takes time happens elsewhere and is told to the
/// executor through [`Execution::ended`] and [`Execution::poked`].
pub(crate) trait Work {
    /// Begins it.
    fn begin(&mut self, now: Instant) -> Progress;
    /// The instant that the last [`Progress::Until`] named has come, or the work was poked.
    fn wake(&mut self, now: Instant) -> Progress;
    /// Stop: the limit has passed, or the whole graph is cut.
    fn cut(&mut self);
    /// How long it may run; `None` where it bounds itself.
    fn limit(&self) -> Option<Duration>;
}

/// A node's work; `None` joins others and does nothing.
pub(crate) type MaybeWork = Option<Box<dyn Work>>;

/// How a work goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its end comes as an event.
    Running,
    /// As above; wake it at this instant.
    Until(Instant),
    /// It has ended.
    Ended(End),
}

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) began: Option<Instant>,
    pub(crate) ended: Instant,
    pub(crate) end: End,
}

/// What happened to a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Began,
    /// Or it was decided that it will not run.
    Ended,
}

enum State {
    /// Waits for this many others.
    Waiting(usize),
    Running {
        began: Instant,
        wake_at: Option<Instant>,
        limit_at: Option<Instant>,
    },
    /// Was told to stop; abandoned at `until`.
    Cut {
        began: Instant,
        until: Instant,
        as_outcome: Outcome,
    },
    Ended(Record),
}

struct Node {
    work: MaybeWork,
    next: Vec<usize>,
    state: State,
}

/// What a work's failure means for those that have not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// Nothing: each has its turn.
    GoOn,
    /// None of them begins. What runs goes on until the caller stops it.
    BeginNothing,
}

/// A graph being executed.
pub(crate) struct Execution {
    nodes: Vec<Node>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    /// When everything is cut.
    deadline: Option<Instant>,
    open: usize,
    /// Everything was told to stop.
    stopped: bool,
    after_failure: AfterFailure,
    /// Nothing begins any more.
    halted: bool,
    /// What began or ended since the caller last asked.
    changes: Vec<(usize, Change)>,
}

impl Execution {
    /// `nodes`: each work with the nodes that wait for it. Begins what waits for nothing.
    pub(crate) fn begin(
        nodes: Vec<(MaybeWork, Vec<usize>)>,
        deadline: Option<Instant>,
        after_failure: AfterFailure,
        now: Instant,
    ) -> Self {
        let mut waits = vec![0; nodes.len()];
        for next in nodes.iter().flat_map(|(_, next)| next) {
            waits[*next] += 1;
        }
        let nodes: Vec<Node> = nodes
            .into_iter()
            .zip(&waits)
            .map(|((work, next), waits)| Node { work, next, state: State::Waiting(*waits) })
            .collect();
        let mut this = Execution {
            open: nodes.len(),
            nodes,
            timers: BinaryHeap::new(),
            deadline,
            stopped: false,
            after_failure,
            halted: false,
            changes: Vec::new(),
        };
        let ready =
            waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(index, _)| index).collect();
        this.begin_all(ready, now);
        this
    }

    /// When [`on_time`](Self::on_time) wants to be called.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        let first = self.timers.peek().map(|Reverse((at, _))| *at);
        let deadline = self.deadline.filter(|_| !self.stopped);
        first.into_iter().chain(deadline).min()
    }

    /// Time has passed.
    pub(crate) fn on_time(&mut self, now: Instant) {
        if !self.stopped && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.stop(now, Outcome::CutOff);
        }
        while let Some(&Reverse((at, node))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            self.timer(node, now);
        }
    }

    /// A work has told its end.
    pub(crate) fn ended(&mut self, node: usize, end: End, now: Instant) {
        match self.nodes[node].state {
            State::Running { began, .. } => self.finish(node, Some(began), end, now),
            // However it ended, it had not when its time was up.
            State::Cut { began, as_outcome, .. } => {
                self.finish(node, Some(began), End { outcome: as_outcome, why: end.why }, now);
            }
            // Abandoned, and nobody waits for it any more.
            State::Waiting(_) | State::Ended(_) => {}
        }
    }

    /// Something that a work waits for has happened.
    pub(crate) fn poked(&mut self, node: usize, now: Instant) {
        if matches!(self.nodes[node].state, State::Running { .. }) {
            self.wake(node, now);
        }
    }

    /// Begins nothing more and cuts what runs; `outcome` is what the cut ones end with.
    pub(crate) fn stop(&mut self, now: Instant, outcome: Outcome) {
        (self.stopped, self.halted) = (true, true);
        for node in 0..self.nodes.len() {
            match self.nodes[node].state {
                State::Running { .. } => self.cut(node, outcome, now),
                State::Waiting(_) => {
                    let outcome = match self.nodes[node].work {
                        Some(_) => Outcome::NotReached,
                        None => Outcome::Done,
                    };
                    self.finish(node, None, End::bare(outcome), now);
                }
                State::Cut { .. } | State::Ended(_) => {}
            }
        }
    }

    /// Every node has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.open == 0
    }

    /// The works that began or ended since the last call, in that order.
    pub(crate) fn take_changes(&mut self) -> Vec<(usize, Change)> {
        std::mem::take(&mut self.changes)
    }

    /// What became of a node, once it has ended.
    pub(crate) fn record(&self, node: usize) -> Option<&Record> {
        match &self.nodes[node].state {
            State::Ended(record) => Some(record),
            _ => None,
        }
    }

    /// The nodes that run now, with the instant they began.
    pub(crate) fn running(&self) -> impl Iterator<Item = (usize, Instant)> + '_ {
        self.nodes.iter().enumerate().filter_map(|(index, node)| match node.state {
            State::Running { began, .. } | State::Cut { began, .. } => Some((index, began)),
            State::Waiting(_) | State::Ended(_) => None,
        })
    }

    fn begin_all(&mut self, mut ready: Vec<usize>, now: Instant) {
        // A loop and not recursion: a chain may be thousands of nodes long.
        while let Some(node) = ready.pop() {
            if self.halted {
                continue;
            }
            let Some(work) = self.nodes[node].work.as_mut() else {
                self.close(
                    node,
                    Record { began: None, ended: now, end: End::bare(Outcome::Done) },
                    &mut ready,
                );
                continue;
            };
            let limit = work.limit();
            let progress = work.begin(now);
            self.changes.push((node, Change::Began));
            let limit_at = limit.and_then(|limit| now.checked_add(limit));
            self.nodes[node].state = State::Running { began: now, wake_at: None, limit_at };
            match progress {
                Progress::Ended(end) => {
                    self.close(node, Record { began: Some(now), ended: now, end }, &mut ready);
                }
                Progress::Running => self.schedule(node, None),
                Progress::Until(at) => self.schedule(node, Some(at)),
            }
        }
    }

    fn finish(&mut self, node: usize, began: Option<Instant>, end: End, now: Instant) {
        let mut ready = Vec::new();
        self.close(node, Record { began, ended: now, end }, &mut ready);
        self.begin_all(ready, now);
    }

    fn close(&mut self, node: usize, record: Record, ready: &mut Vec<usize>) {
        let failed = record.end.outcome.is_degraded();
        self.halted |= failed && self.after_failure == AfterFailure::BeginNothing;
        self.nodes[node].state = State::Ended(record);
        self.open -= 1;
        if self.nodes[node].work.is_some() {
            self.changes.push((node, Change::Ended));
        }
        for next in std::mem::take(&mut self.nodes[node].next) {
            if let State::Waiting(waits) = &mut self.nodes[next].state {
                *waits -= 1;
                if *waits == 0 {
                    ready.push(next);
                }
            }
        }
    }

    /// Sets the running node's wake-up and puts its timers where they will be found.
    fn schedule(&mut self, node: usize, at: Option<Instant>) {
        if let State::Running { wake_at, limit_at, .. } = &mut self.nodes[node].state {
            *wake_at = at;
            let first = [*wake_at, *limit_at].into_iter().flatten().min();
            self.timers.extend(first.map(|at| Reverse((at, node))));
        }
    }

    fn timer(&mut self, node: usize, now: Instant) {
        match self.nodes[node].state {
            State::Running { limit_at: Some(at), .. } if at <= now => self.cut(node, Outcome::TimedOut, now),
            State::Running { wake_at: Some(at), .. } if at <= now => self.wake(node, now),
            State::Cut { began, until, .. } if until <= now => {
                self.finish(node, Some(began), End::bare(Outcome::Abandoned), now);
            }
            // A timer of an earlier state; the present one has its own in the heap.
            _ => {}
        }
    }

    fn wake(&mut self, node: usize, now: Instant) {
        let Some(work) = self.nodes[node].work.as_mut() else { return };
        match work.wake(now) {
            Progress::Running => self.schedule(node, None),
            Progress::Until(at) => self.schedule(node, Some(at)),
            Progress::Ended(end) => {
                if let State::Running { began, .. } = self.nodes[node].state {
                    self.finish(node, Some(began), end, now);
                }
            }
        }
    }

    fn cut(&mut self, node: usize, outcome: Outcome, now: Instant) {
        if let State::Running { began, .. } = self.nodes[node].state {
            if let Some(work) = self.nodes[node].work.as_mut() {
                work.cut();
            }
            let until = now + SETTLE;
            self.nodes[node].state = State::Cut { began, until, as_outcome: outcome };
            self.timers.push(Reverse((until, node)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Default)]
    struct Script {
        log: Vec<String>,
    }

    struct Fake {
        name: &'static str,
        limit: Option<Duration>,
        wake_after: Option<Duration>,
        script: Rc<RefCell<Script>>,
    }

    impl Work for Fake {
        fn begin(&mut self, now: Instant) -> Progress {
            self.script.borrow_mut().log.push(format!("begin {}", self.name));
            self.wake_after.map_or(Progress::Running, |after| Progress::Until(now + after))
        }
        fn wake(&mut self, _: Instant) -> Progress {
            self.script.borrow_mut().log.push(format!("wake {}", self.name));
            Progress::Running
        }
        fn cut(&mut self) {
            self.script.borrow_mut().log.push(format!("cut {}", self.name));
        }
        fn limit(&self) -> Option<Duration> {
            self.limit
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    struct Rig {
        script: Rc<RefCell<Script>>,
        zero: Instant,
    }

    impl Rig {
        fn new() -> Self {
            Rig { script: Rc::default(), zero: Instant::now() }
        }
        fn work(&self, name: &'static str, limit: Option<Duration>) -> MaybeWork {
            Some(Box::new(Fake { name, limit, wake_after: None, script: Rc::clone(&self.script) }))
        }
        fn log(&self) -> Vec<String> {
            std::mem::take(&mut self.script.borrow_mut().log)
        }
    }

    fn done() -> End {
        End::bare(Outcome::Done)
    }

    #[test]
    fn a_node_begins_when_all_it_waits_for_have_ended_and_no_sooner() {
        let rig = Rig::new();
        // a, b ─▶ (join) ─▶ c
        let nodes = vec![
            (rig.work("a", None), vec![2]),
            (rig.work("b", None), vec![2]),
            (None, vec![3]),
            (rig.work("c", None), vec![]),
        ];
        let mut run = Execution::begin(nodes, None, AfterFailure::GoOn, rig.zero);
        assert_eq!(rig.log().len(), 2);
        run.ended(0, End::new(Outcome::Failed, "no"), rig.zero);
        assert!(rig.log().is_empty(), "c waits for b");
        run.ended(1, done(), rig.zero);
        assert_eq!(rig.log(), ["begin c"]);
        run.ended(3, done(), rig.zero);
        assert!(run.is_done());
        assert_eq!(run.record(0).unwrap().end.outcome, Outcome::Failed);
    }

    #[test]
    fn past_its_limit_a_node_is_cut_and_ends_as_timed_out_if_it_stops() {
        let rig = Rig::new();
        let nodes = vec![(rig.work("a", Some(SECOND)), vec![1]), (rig.work("b", None), vec![])];
        let mut run = Execution::begin(nodes, None, AfterFailure::GoOn, rig.zero);
        assert_eq!(run.next_timer(), Some(rig.zero + SECOND));
        run.on_time(rig.zero + SECOND / 2);
        assert_eq!(rig.log(), ["begin a"]);
        run.on_time(rig.zero + SECOND);
        assert_eq!(rig.log(), ["cut a"]);
        run.ended(0, End::bare(Outcome::CutOff), rig.zero + SECOND);
        assert_eq!(rig.log(), ["begin b"]);
        assert_eq!(run.record(0).unwrap().end.outcome, Outcome::TimedOut);
    }

    #[test]
    fn one_that_returns_because_it_was_cut_has_timed_out_and_keeps_its_words() {
        for end in [done(), End::new(Outcome::Failed, "2 files left")] {
            let rig = Rig::new();
            let mut run = Execution::begin(
                vec![(rig.work("a", Some(SECOND)), vec![])],
                None,
                AfterFailure::GoOn,
                rig.zero,
            );
            run.on_time(rig.zero + SECOND);
            run.ended(0, end.clone(), rig.zero + SECOND);
            let timed_out = End { outcome: Outcome::TimedOut, why: end.why };
            assert_eq!(run.record(0).unwrap().end, timed_out);
        }
    }

    #[test]
    fn one_that_does_not_stop_is_abandoned_and_its_late_end_changes_nothing() {
        let rig = Rig::new();
        let nodes = vec![(rig.work("a", Some(SECOND)), vec![1]), (rig.work("b", None), vec![])];
        let mut run = Execution::begin(nodes, None, AfterFailure::GoOn, rig.zero);
        run.on_time(rig.zero + SECOND);
        run.on_time(rig.zero + SECOND + SETTLE);
        assert_eq!(rig.log(), ["begin a", "cut a", "begin b"]);
        run.ended(0, done(), rig.zero + 2 * SECOND);
        assert_eq!(run.record(0).unwrap().end.outcome, Outcome::Abandoned);
        run.ended(1, done(), rig.zero + 2 * SECOND);
        assert!(run.is_done());
    }

    #[test]
    fn at_the_deadline_what_runs_is_cut_and_the_rest_is_not_reached() {
        let rig = Rig::new();
        let nodes = vec![(rig.work("a", None), vec![1]), (None, vec![2]), (rig.work("b", None), vec![])];
        let mut run = Execution::begin(nodes, Some(rig.zero + SECOND), AfterFailure::GoOn, rig.zero);
        assert_eq!(run.next_timer(), Some(rig.zero + SECOND));
        run.on_time(rig.zero + SECOND);
        run.ended(0, End::bare(Outcome::CutOff), rig.zero + SECOND);
        assert!(run.is_done());
        assert_eq!(rig.log(), ["begin a", "cut a"]);
        assert_eq!(run.record(0).unwrap().end.outcome, Outcome::CutOff);
        assert_eq!(run.record(2).unwrap().end.outcome, Outcome::NotReached);
        assert!(run.record(2).unwrap().began.is_none());
    }

    #[test]
    fn a_work_is_woken_when_it_asked_to_be_and_still_held_to_its_limit() {
        let rig = Rig::new();
        let work = Fake {
            name: "a",
            limit: Some(SECOND),
            wake_after: Some(SECOND / 4),
            script: Rc::clone(&rig.script),
        };
        let mut run =
            Execution::begin(vec![(Some(Box::new(work)), vec![])], None, AfterFailure::GoOn, rig.zero);
        run.on_time(rig.zero + SECOND / 4);
        assert_eq!(rig.log(), ["begin a", "wake a"]);
        run.on_time(rig.zero + SECOND);
        assert_eq!(rig.log(), ["cut a"]);
    }

    #[test]
    fn a_chain_of_joins_as_long_as_you_like_does_not_overflow_the_stack() {
        let rig = Rig::new();
        let length = 100_000;
        let mut nodes: Vec<(MaybeWork, Vec<usize>)> = (0..length).map(|i| (None, vec![i + 1])).collect();
        nodes.push((rig.work("end", None), vec![]));
        let run = Execution::begin(nodes, None, AfterFailure::GoOn, rig.zero);
        assert_eq!(rig.log(), ["begin end"]);
        assert!(!run.is_done());
    }

    #[test]
    fn after_a_failure_nothing_begins_if_it_is_so_wanted() {
        let rig = Rig::new();
        let nodes = vec![
            (rig.work("a", None), vec![2]),
            (rig.work("b", None), vec![3]),
            (rig.work("after a", None), vec![]),
            (rig.work("after b", None), vec![]),
        ];
        let mut run = Execution::begin(nodes, None, AfterFailure::BeginNothing, rig.zero);
        assert_eq!(rig.log().len(), 2);
        run.ended(0, End::new(Outcome::Failed, "no"), rig.zero);
        run.ended(1, done(), rig.zero);
        assert!(rig.log().is_empty() && !run.is_done());
        run.stop(rig.zero, Outcome::CutOff);
        assert!(run.is_done());
        assert_eq!(run.record(1).unwrap().end.outcome, Outcome::Done);
        for node in [2, 3] {
            assert_eq!(run.record(node).unwrap().end.outcome, Outcome::NotReached);
        }
    }
}
