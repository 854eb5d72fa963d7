//! The journal of a build without the feature: there is none, as the types say, so that nobody else has to ask.

mod event;
mod previous;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use self::event::{Event, Standing};
pub use self::previous::{DeadLetter, PreviousRun, UncleanRun, UnfinishedStep};

/// Hidden in the types below, or rustc would call the code that uses them unreachable.
#[derive(Clone, Copy, Debug)]
enum Never {}

#[derive(Clone, Debug)]
pub(crate) struct Journal(Never);

#[derive(Debug)]
pub(crate) struct Pending(Never);

#[derive(Debug)]
pub(crate) struct NotWritten(Never);

#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) previous: PreviousRun,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct OpenError {
    pub(crate) is_invalid: bool,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this program was built without lifecycle's feature `journal`")
    }
}

impl fmt::Display for NotWritten {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl Journal {
    pub(crate) fn open(_: &Path, _: &str) -> Result<Opened, OpenError> {
        Err(OpenError { is_invalid: true })
    }

    pub(crate) fn note(&self, _: Event) {
        match self.0 {}
    }

    pub(crate) fn before(&self, _: Event, _: Instant, _: impl FnOnce() + Send + 'static) -> Pending {
        match self.0 {}
    }

    pub(crate) fn wait_for(&self, _: Event) -> Result<(), Option<String>> {
        match self.0 {}
    }

    pub(crate) fn barrier(&self, _: Instant, _: impl FnOnce() + Send + 'static) -> Pending {
        match self.0 {}
    }

    pub(crate) fn flush(&self, _: Duration) -> Result<(), NotWritten> {
        match self.0 {}
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        match self.0 {}
    }
}

impl Pending {
    pub(crate) fn standing(&self, _: Instant) -> Standing {
        match self.0 {}
    }
}
