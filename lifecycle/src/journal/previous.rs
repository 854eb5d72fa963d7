//! What the journal tells of the runs before this one.

use std::time::SystemTime;

use crate::report::{Outcome, Report};

/// How the run before this one ended.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PreviousRun {
    /// There was none with this journal.
    First,
    /// It ended with everything done.
    Clean {
        /// What it reported.
        report: Box<Report>,
    },
    /// It was killed, or ended with something not done.
    Unclean(Box<UncleanRun>),
    /// The journal was damaged. It was set aside, and what it said is not known.
    Unknown {
        /// Where it is now.
        set_aside: std::path::PathBuf,
    },
}

/// A run that was killed, or ended with something not done.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct UncleanRun {
    /// Its id, which was on its events and in its report.
    pub id: String,
    /// Its process.
    pub pid: u32,
    /// When it began.
    #[cfg_attr(feature = "serde", serde(rename = "began_at_ms", with = "crate::report::epoch_ms"))]
    pub began_at: SystemTime,
    /// When it was last heard of. It lived on after that, for as long as no step began or ended.
    #[cfg_attr(feature = "serde", serde(rename = "last_seen_at_ms", with = "crate::report::epoch_ms"))]
    pub last_seen_at: SystemTime,
    /// It left no end: killed (at its own deadline too), aborted, or the power failed.
    pub killed: bool,
    /// What had begun its shutdown, if one had begun.
    pub stopping: Option<String>,
    /// What it reported, unless it was killed.
    pub report: Option<Report>,
    /// The steps that are not done.
    pub unfinished: Vec<UnfinishedStep>,
}

/// A step that a run has not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct UnfinishedStep {
    /// Its module and its name or label: `shop::orders::cancel_open_orders`.
    pub step: String,
    /// How it ended; `None` if it was running when the run ended.
    pub outcome: Option<Outcome>,
    /// Its error.
    pub error: Option<String>,
}

/// A step that a run before this one has not done, and whose compensation has not succeeded yet.
///
/// Its compensation is tried at every start, and once it has succeeded the letter is gone. docs/JOURNAL.md says what a
/// person can do about one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DeadLetter {
    /// The step's module and its name or label: `shop::orders::cancel_open_orders`.
    pub step: String,
    /// The id of the first run that has not done it.
    pub run: String,
    /// When that run began.
    #[cfg_attr(feature = "serde", serde(rename = "since_ms", with = "crate::report::epoch_ms"))]
    pub since: SystemTime,
    /// How often its compensation has been tried.
    pub attempts: u32,
    /// How the last attempt failed.
    pub error: Option<String>,
    /// It has failed as often as the step's `retry` allows: it is still tried at every start, but more of the same is
    /// not likely to help.
    pub needs_person: bool,
}
