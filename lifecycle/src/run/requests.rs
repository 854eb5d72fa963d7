//! What is known of the service future and of the tracked calls, shared by the coordinator and the gates' works.

use std::time::Duration;

use super::service::ServiceEnd;
use super::shared::Shared;
use crate::gate::Gate;
use crate::report::{CallSite, Calls};

/// What the coordinator and the node `Requests` share.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) service: Service,
    /// The service was told to go because the time was up.
    pub(crate) service_cut: bool,
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

/// What became of a group's calls.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) gate: &'static Gate,
    /// In flight when the gate closed.
    pub(crate) awaited: usize,
    pub(crate) cut_off: Vec<CallSite>,
    /// How long they were awaited, once that is over.
    pub(crate) drained_in: Option<Duration>,
}

/// Those of all groups that had their turn, or should have.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    all: Vec<Shared<Tally>>,
}

impl Tallies {
    pub(crate) fn of(&mut self, gate: &'static Gate) -> Shared<Tally> {
        let known = self.all.iter().find(|tally| std::ptr::eq(tally.borrow().gate, gate));
        if let Some(tally) = known {
            return Shared::clone(tally);
        }
        let tally = Tally { gate, awaited: 0, cut_off: Vec::new(), drained_in: None };
        self.all.push(Shared::new(tally));
        Shared::clone(&self.all[self.all.len() - 1])
    }

    /// Whether its calls are no longer awaited.
    pub(crate) fn is_over(&self, gate: &'static Gate) -> bool {
        self.all.iter().any(|tally| {
            let tally = tally.borrow();
            std::ptr::eq(tally.gate, gate) && tally.drained_in.is_some()
        })
    }

    /// One group's calls, by now.
    pub(crate) fn calls(&self, gate: &'static Gate) -> Option<Calls> {
        let tally = self.all.iter().find(|tally| std::ptr::eq(tally.borrow().gate, gate))?;
        Some(tally.borrow().calls())
    }
}

impl Tally {
    fn calls(&self) -> Calls {
        Calls {
            awaited: self.awaited,
            cut_off: self.cut_off.clone(),
            refused: self.gate.refused(),
            drained_in: self.drained_in.unwrap_or_default(),
        }
    }
}
