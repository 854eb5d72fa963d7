//! What a step's own code can tell about it and ask of it while it runs.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::report::Item;

/// What one run of a step has noted, and how long it may take.
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

    /// Set when the step begins, and again for each attempt.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.state().deadline = deadline;
    }

    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.state().deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// What was noted so far.
    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    fn note(&self, key: String, value: String) {
        let mut state = self.state();
        let notes = &mut state.record.notes;
        // A worker may run for months: what it notes must not grow with that.
        match notes.iter_mut().find(|(known, _)| self.told.is_some() && *known == key) {
            Some((_, known)) => *known = value,
            None => notes.push((key, value)),
        }
    }

    fn item(&self, name: String, error: Option<String>) {
        if self.told.as_ref().is_none_or(CancellationToken::is_cancelled) {
            self.state().record.items.push(Item { name, error });
        }
    }

    /// Never held while a user's code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a figure into the report of the step that is running: `note("rows flushed", rows)`.
///
/// In a worker the last value of each key is kept. Outside a step it does nothing.
pub fn note(key: impl Into<String>, value: impl Display) {
    if let Some(step) = super::current_step() {
        let (key, value) = (key.into(), value.to_string());
        step.note(key, value);
    }
}

/// Puts the outcome of one of many things into the report of the step that is running; a failed one makes the step
/// *partial*.
///
/// In a worker it counts once that was told to stop. Outside a step it does nothing. The error is written as `{:#}`, with its causes if it is an `anyhow::Error`.
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

/// How long the step that is running may still take; zero once its time is over.
///
/// `None` outside a step, in one without a limit, and in a worker that was not told to stop.
pub fn time_left() -> Option<Duration> {
    super::current_step()?.time_left()
}
