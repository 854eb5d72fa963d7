//! What a step's own code can tell about it and ask of it while it runs.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::report::Item;

/// What one call of a step's function has noted, and how long it may take.
#[derive(Debug, Default)]
pub(crate) struct StepContext {
    state: Mutex<State>,
    /// Of a worker: the token that tells it to stop.
    told: Option<CancellationToken>,
}

#[derive(Debug, Default)]
struct State {
    deadline: Option<Instant>,
    record: Record,
    /// Its outcome is decided; what is noted after that would contradict it.
    closed: bool,
}

/// What a step noted, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) notes: Vec<(String, String)>,
    pub(crate) items: Vec<Item>,
}

impl StepContext {
    pub(crate) fn of_worker(token: CancellationToken) -> Self {
        StepContext { told: Some(token), ..StepContext::default() }
    }

    pub(crate) fn told(&self) -> Option<&CancellationToken> {
        self.told.as_ref()
    }

    /// Set before the call begins.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.state().deadline = deadline;
    }

    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.state().deadline?;
        Some(deadline.saturating_duration_since(clock::now()))
    }

    /// What was noted so far.
    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// What was noted, and all that will have been: tasks that outlive the call have no more say.
    pub(crate) fn close(&self) -> Record {
        let mut state = self.state();
        state.closed = true;
        state.record.clone()
    }

    fn note(&self, key: String, value: String) {
        self.write(|record| {
            // A worker may run for months: what it notes must not grow with that.
            let known = match self.told {
                Some(_) => record.notes.iter_mut().find(|(known, _)| *known == key),
                None => None,
            };
            match known {
                Some((_, known)) => *known = value,
                None => record.notes.push((key, value)),
            }
        });
    }

    fn item(&self, name: String, error: Option<String>) {
        // Of a worker only those of its end count: it may run for months.
        if self.told.as_ref().is_none_or(CancellationToken::is_cancelled) {
            self.write(|record| record.items.push(Item { name, error }));
        }
    }

    fn write(&self, write: impl FnOnce(&mut Record)) {
        let mut state = self.state();
        if !state.closed {
            write(&mut state.record);
        }
    }

    /// Never held while a user's code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a figure into the report of the step that is running.
///
/// It is found from wherever the step's code runs: its own task or thread, and what it has begun with
/// [`spawn`](crate::spawn), [`spawn_blocking`](crate::spawn_blocking) or [`inherit`](crate::inherit), for as long as the
/// step runs. Of several attempts each has figures of its own. Elsewhere it does nothing.
///
/// In a worker the last value of each key is kept.
///
/// ```
/// # async fn flush_rows() -> std::io::Result<u64> { Ok(7) }
/// # async fn flush() -> std::io::Result<()> {
/// let rows = flush_rows().await?;
/// lifecycle::note("rows flushed", rows);
/// # Ok(())
/// # }
/// ```
pub fn note(key: impl Into<String>, value: impl Display) {
    if let Some(step) = super::current_step() {
        let (key, value) = (key.into(), value.to_string());
        step.note(key, value);
    }
}

/// Puts the outcome of one of many things into the report of the step that is running; a failed one makes the step
/// *partial*.
///
/// Where it is found, and where it does nothing, is as for [`note`]. The error is written as `{:#}`, with its causes if it
/// is an `anyhow::Error`. In a worker it counts once that was told to stop.
///
/// ```
/// # async fn cancel(_: u64) -> Result<(), String> { Ok(()) }
/// # async fn cancel_open_orders(orders: &[u64]) {
/// for order in orders {
///     lifecycle::item(order.to_string(), cancel(*order).await);
/// }
/// lifecycle::item("order 7", Err("it has no exchange id"));
/// # }
/// ```
pub fn item<E: Display>(name: impl Into<String>, result: Result<(), E>) {
    if let Some(step) = super::current_step() {
        let (name, error) = (name.into(), result.err().map(|error| format!("{error:#}")));
        step.item(name, error);
    }
}

/// How long the step that is running may still take: of several attempts, this one. Zero once that time is over.
///
/// It is the least of the attempt's time, the step's own, and the whole shutdown's less its reserve. `None` outside a step.
///
/// It is `None` too in a worker that was not told to stop.
///
/// ```
/// # fn next_batch() -> Option<()> { None }
/// # fn write(_: ()) {}
/// # use std::time::Duration;
/// while lifecycle::time_left().is_none_or(|left| left > Duration::from_millis(200)) {
///     let Some(batch) = next_batch() else { break };
///     write(batch);
/// }
/// ```
pub fn time_left() -> Option<Duration> {
    super::current_step()?.time_left()
}
