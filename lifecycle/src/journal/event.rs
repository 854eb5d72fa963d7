//! What a journal is told, and what it answers to those who wait for it.

use std::time::Instant;

use super::DeadLetter;
use crate::report::Outcome;

/// Something that happened, to be known by the next run. A step is named by its module and its name or label, which
/// stay the same from build to build.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    RunBegun {
        run: String,
        pid: u32,
    },
    /// What the step takes has come up, and it has a compensation: from here on it owes a durable end.
    Armed {
        step: String,
    },
    Begun {
        step: String,
    },
    Ended {
        step: String,
        outcome: Outcome,
        why: Option<String>,
    },
    /// Its `when` said no: it owes nothing.
    Declined {
        step: String,
        why: Option<String>,
    },
    /// The shutdown was triggered.
    Stopping {
        reason: String,
    },
    /// With the report as [`Report::to_json`](crate::Report::to_json) writes it.
    RunEnded {
        report: String,
    },
    /// A debt of earlier runs.
    Owed(DeadLetter),
    Compensating {
        step: String,
        attempt: u32,
    },
    Compensated {
        step: String,
    },
    CompensationFailed {
        step: String,
        attempt: u32,
        why: String,
    },
    /// The hook's `when` said no: it stays owed, and that was no attempt.
    CompensationDeclined {
        step: String,
        why: Option<String>,
    },
    /// It has failed too often: a person is needed.
    GivenUp {
        step: String,
    },
}

impl Event {
    /// Of a step that will not have a turn.
    pub(crate) fn taken_back(step: String) -> Self {
        Event::Declined { step, why: Some("it was taken back".to_owned()) }
    }
}

/// Whether what waits for a record may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The record is durable.
    Durable,
    /// Not yet: ask again when poked, or at this instant.
    Wait(Instant),
    /// It may, but without the record. What to say about that, unless it has been said.
    Without(Option<String>),
}
