//! What stands at the nodes of a graph, as the executor knows it: how a work is begun, woken and cut, and how it ends.

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

    /// The same with more to say.
    pub(crate) fn and(self, more: impl Into<String>) -> Self {
        let more = more.into();
        let why = self.why.map_or(more.clone(), |why| format!("{why}; {more}"));
        End { why: Some(why), ..self }
    }
}

/// Something to do at a node. Everything returns at once; what takes time happens elsewhere and is told to the
/// executor through [`Execution::ended`] and [`Execution::poked`].
pub(crate) trait Work: Send {
    /// When the whole graph will be cut; told before it begins.
    fn held_to(&mut self, deadline: Instant) {
        let _ = deadline;
    }
    /// Begins it.
    fn begin(&mut self, now: Instant) -> Progress;
    /// The instant that the last [`Progress::Until`] named has come, or the work was poked.
    fn wake(&mut self, now: Instant) -> Progress;
    /// Something that it began has ended, within the limit. That need not be the end of the work.
    fn told(&mut self, end: End, now: Instant) -> Progress {
        let _ = now;
        Progress::Ended(end)
    }
    /// Stop: the limit has passed, or the whole graph is cut.
    fn cut(&mut self);
    /// How long it may run; `None` where it bounds itself.
    fn limit(&self) -> Option<Duration>;
    /// Whether its failure may keep others from beginning.
    fn is_vital(&self) -> bool {
        true
    }
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
