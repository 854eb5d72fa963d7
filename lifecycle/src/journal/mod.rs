//! The durable form of what happened, across runs: docs/JOURNAL.md has the format and the guarantees.
//!
//! A run opens the journal before anything is started. From then on its records are written by a thread of the
//! journal's own: whoever has something to record hands it over, and is told when it is durable.

mod event;
mod file;
mod line;
mod pending;
mod previous;
mod record;
mod replay;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod writer;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SendError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use self::event::{Event, Standing};
pub(crate) use self::file::OpenError;
use self::file::{Held, hold};
pub(crate) use self::pending::Pending;
pub use self::previous::{DeadLetter, PreviousRun, UncleanRun, UnfinishedStep};
use self::replay::Debts;
pub(crate) use self::writer::NotWritten;
use self::writer::{Pen, Request, Then, write};

/// The page's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/JOURNAL.md")]
struct Page;

/// A handle to the open journal.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    to: Sender<Request>,
    debts: Arc<Mutex<Debts>>,
    /// The disk has kept somebody waiting for too long.
    late: Arc<AtomicBool>,
}

/// What opening a journal brings.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) previous: PreviousRun,
    /// What a person should know of the file.
    pub(crate) warnings: Vec<String>,
}

impl Journal {
    /// Takes hold of the journal at `path`, finds out what has happened before, and records durably that the run
    /// `run` begins. Waits for the disk.
    ///
    /// # Errors
    /// It cannot be used: see [`OpenError`].
    pub(crate) fn open(path: &Path, run: &str) -> Result<Opened, OpenError> {
        let Held { file, length, numbering, previous, debts, warnings, lock } =
            hold(path, run, SystemTime::now())?;
        let (to, requests) = channel();
        let pen = Pen::new(file, length, numbering);
        let writing = move || {
            // Held for as long as anything may be written.
            let _lock = lock;
            write(&requests, pen);
        };
        thread::Builder::new()
            .name("lifecycle-journal".into())
            .spawn(writing)
            .map_err(|error| OpenError::by_system(format!("the system gives no more threads: {error}")))?;
        let journal = Journal { to, debts: Arc::new(Mutex::new(debts)), late: Arc::default() };
        Ok(Opened { journal, previous, warnings })
    }

    /// Has an event recorded, and returns at once.
    pub(crate) fn note(&self, event: Event) {
        self.ask(Some(event), None);
    }

    /// The same, for what must not begin before the record is durable, with all that was handed over before: `poke` is
    /// called on the journal's thread when it is time to ask, and must return at once too.
    pub(crate) fn before(&self, event: Event, now: Instant, poke: impl FnOnce() + Send + 'static) -> Pending {
        self.pending(Some(event), now, poke)
    }

    /// For what must not begin before everything handed over so far is durable.
    pub(crate) fn barrier(&self, now: Instant, poke: impl FnOnce() + Send + 'static) -> Pending {
        self.pending(None, now, poke)
    }

    /// Has an event recorded, and blocks until it is durable or the disk is late. An error is that it is not, with what to
    /// say of that, unless it has been said.
    pub(crate) fn wait_for(&self, event: Event) -> Result<(), Option<String>> {
        let waiting = thread::current();
        let pending = self.before(event, Instant::now(), move || waiting.unpark());
        loop {
            match pending.standing(Instant::now()) {
                Standing::Durable => return Ok(()),
                Standing::Without(why) => return Err(why),
                Standing::Wait(until) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
            }
        }
    }

    fn pending(&self, event: Option<Event>, now: Instant, poke: impl FnOnce() + Send + 'static) -> Pending {
        let pending = Pending::new(now, &self.late);
        self.ask(event, Some(pending.teller(poke)));
        pending
    }

    fn ask(&self, event: Option<Event>, then: Option<Then>) {
        if let Some(event) = &event {
            self.debts().apply(event);
        }
        let event = event.map(|event| (SystemTime::now(), event));
        if let Err(SendError(Request { then: Some(then), .. })) = self.to.send(Request { event, then }) {
            then(Err(NotWritten("the journal's thread has failed".to_owned())));
        }
    }

    /// Waits until everything handed over so far is durable, at most so long.
    ///
    /// # Errors
    /// Not all of it is, or not by then.
    pub(crate) fn flush(&self, within: Duration) -> Result<(), NotWritten> {
        let (done, wait) = channel();
        self.ask(None, Some(Box::new(move |written| drop(done.send(written)))));
        let late = || Err(NotWritten(format!("the disk has not answered within {within:?}")));
        wait.recv_timeout(within).unwrap_or_else(|_| late())
    }

    /// What is owed for steps of earlier runs at this moment.
    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.debts().letters().cloned().collect()
    }

    fn debts(&self) -> MutexGuard<'_, Debts> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
