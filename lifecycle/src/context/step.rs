//! What a step's own code can tell about it and ask of it while it runs.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::report::Item;

/// What one run of a step has noted, and how long it may take.
#[derive(Debug, Default)]
pub(crate) struct StepContext {
    state: Mutex<State>,
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
    /// Set when the step begins, and again for each attempt.
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

    fn note(&self, key: String, value: String) {
        self.state().record.notes.push((key, value));
    }

    fn item(&self, name: String, error: Option<String>) {
        self.state().record.items.push(Item { name, error });
    }

    /// Never held while a user's code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a figure into the report of the step that is running: `note("rows flushed", rows)`.
///
/// Outside a step it does nothing.
pub fn note(key: impl Into<String>, value: impl Display) {
    if let Some(step) = super::current_step() {
        let (key, value) = (key.into(), value.to_string());
        step.note(key, value);
    }
}

/// Puts the outcome of one of many things into the report of the step that is running; a failed one makes the step
/// *partial*.
///
/// Outside a step it does nothing. The error is written as `{:#}`, with its causes if it is an `anyhow::Error`.
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
/// `None` outside a step, and in one without a limit.
pub fn time_left() -> Option<Duration> {
    super::current_step()?.time_left()
}
