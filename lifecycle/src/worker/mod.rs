//! Workers: functions that run beside the service, from the start until their place in the shutdown.
//!
//! What is here reads no clock and spawns nothing; `run/workers` does.

mod builder;
mod policy;
mod state;

pub use builder::Worker;
pub(crate) use policy::Policy;
pub(crate) use state::{After, Machine, Stopped};

use std::time::Duration;

/// When a worker that has ended while the service runs is begun again.
///
/// A panic is a failure. Before each restart there is a pause, which doubles from one failure to the next. What fails more
/// often than `retry` in a row ends the service, with exit code 1 and a reason that names the worker; the count starts anew
/// once it has run longer than the longest pause (and than a second).
///
/// ```
/// use lifecycle::{Restart, Worker};
///
/// # async fn import_once() -> Result<(), String> { Ok(()) }
/// let import = Worker::new("import", |_| import_once()).restart(Restart::Never);
/// # drop(import);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Restart {
    /// Never: when it fails, the service ends.
    Never,
    /// When it fails.
    #[default]
    OnFailure,
    /// Whenever it ends: `backoff` after a good end, which is no failure.
    Always,
}

impl Restart {
    /// As the key has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Restart::Never => "never",
            Restart::OnFailure => "on_failure",
            Restart::Always => "always",
        }
    }
}

/// The page's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/WORKERS.md")]
struct Page;

/// What `#[worker]` says that no other attribute does.
#[derive(Clone, Copy, Debug)]
pub struct WorkerDef {
    /// `restart = …`.
    pub restart: Option<Restart>,
}

/// Something that happened to a worker.
///
/// ```no_run
/// use lifecycle::{Event, WorkerEvent};
///
/// # async fn example() {
/// let mut events = lifecycle::events();
/// while let Some(event) = events.recv().await {
///     if let Event::Worker { worker, what: WorkerEvent::Restarting { attempt, after, error } } = event {
///         eprintln!("{worker}: restart {attempt} in {after:?}: {error:?}");
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// It was begun, or begun again.
    Started,
    /// It has ended and is begun again after a pause.
    Restarting {
        /// Which restart in a row this is, from 1; 0 after a good end.
        attempt: u32,
        /// How long until then.
        after: Duration,
        /// Why it ended, unless it ended well.
        error: Option<String>,
    },
    /// It has failed and is not begun again.
    Failed {
        /// Why.
        error: String,
    },
    /// It has ended well, for good.
    Ended,
    /// It is not begun at all.
    Skipped {
        /// What its `when` says.
        why: String,
    },
}
