//! Runs a graph of works to its end. Knows nothing of orders, hooks, runtimes or signals, and reads no clock: the
//! caller brings the time and the events.

#[cfg(test)]
mod tests;
mod work;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

pub(crate) use work::{Change, End, MaybeWork, Progress, Record, SETTLE, Work};

use crate::report::Outcome;

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
    /// `works`: each with the nodes that wait for it. None of them begins.
    pub(crate) fn new(works: impl IntoIterator<Item = (MaybeWork, Vec<usize>)>) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        nodes.extend(works.into_iter().map(|(work, next)| Node { work, next, state: State::Waiting(0) }));
        for node in 0..nodes.len() {
            for next in 0..nodes[node].next.len() {
                let next = nodes[node].next[next];
                if let State::Waiting(waits) = &mut nodes[next].state {
                    *waits += 1;
                }
            }
        }
        Execution {
            open: nodes.len(),
            timers: BinaryHeap::with_capacity(nodes.len()),
            changes: Vec::with_capacity(nodes.len()),
            nodes,
            deadline: None,
            stopped: false,
            after_failure: AfterFailure::GoOn,
            halted: false,
        }
    }

    /// Begins what waits for nothing.
    pub(crate) fn begin(&mut self, deadline: Option<Instant>, after_failure: AfterFailure, now: Instant) {
        (self.deadline, self.after_failure) = (deadline, after_failure);
        let waits_for_none = |(_, node): &(usize, &Node)| matches!(node.state, State::Waiting(0));
        let ready = self.nodes.iter().enumerate().filter(waits_for_none).map(|(index, _)| index).collect();
        self.begin_all(ready, now);
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
            State::Running { .. } => {
                let progress = match self.nodes[node].work.as_mut() {
                    Some(work) => work.told(end, now),
                    None => Progress::Ended(end),
                };
                self.go_on(node, progress, now);
            }
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

    fn begin_all(&mut self, mut ready: VecDeque<usize>, now: Instant) {
        // A loop and not recursion: a chain may be thousands of nodes long.
        while let Some(node) = ready.pop_front() {
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
            if let Some(deadline) = self.deadline {
                work.held_to(deadline);
            }
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
        let mut ready = VecDeque::new();
        self.close(node, Record { began, ended: now, end }, &mut ready);
        self.begin_all(ready, now);
    }

    fn close(&mut self, node: usize, record: Record, ready: &mut VecDeque<usize>) {
        let vital = self.nodes[node].work.as_ref().is_some_and(|work| work.is_vital());
        let failed = vital && record.end.outcome.is_degraded();
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
                    ready.push_back(next);
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
        let progress = work.wake(now);
        self.go_on(node, progress, now);
    }

    fn go_on(&mut self, node: usize, progress: Progress, now: Instant) {
        match progress {
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
