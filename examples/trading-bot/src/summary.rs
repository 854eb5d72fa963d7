//! What a shutdown has come to.

use std::collections::BTreeMap;
use std::fmt;

use lifecycle::{Outcome, Report};
use prometheus::{Gauge, GaugeVec, Opts, Registry};

use crate::book::Book;

pub(crate) struct Summary {
    canceled: usize,
    errors: usize,
    left_open: usize,
    flushed: bool,
}

impl Summary {
    pub(crate) fn of(report: &Report, book: &Book) -> Self {
        // An order of several attempts is as the last of them left it.
        let mut orders = BTreeMap::new();
        if let Some(step) = report.step("cancel_open_orders") {
            let items = step.attempts.iter().flat_map(|attempt| &attempt.items).chain(&step.items);
            orders.extend(items.map(|item| (&item.name, item.error.is_some())));
        }
        let errors = orders.values().filter(|failed| **failed).count();
        Summary {
            canceled: orders.len() - errors,
            errors,
            left_open: book.open_orders().len(),
            flushed: report.step("flush_state").is_some_and(|step| step.outcome == Outcome::Done),
        }
    }

    pub(crate) fn metrics(&self, report: &Report) -> prometheus::Result<Registry> {
        let metrics = Registry::new();
        let gauge = |name: &str, help: &str, value: f64| {
            let gauge = Gauge::new(name, help)?;
            gauge.set(value);
            metrics.register(Box::new(gauge))
        };
        gauge("shutdown_orders_canceled", "Orders that were cancelled.", self.canceled as f64)?;
        gauge("shutdown_cancel_errors", "Orders that could not be cancelled.", self.errors as f64)?;
        gauge("shutdown_orders_left_open", "Orders that may still be open.", self.left_open as f64)?;
        gauge("shutdown_state_flushed", "1 if the state is on the disk.", self.flushed.into())?;
        gauge("shutdown_degraded", "1 if it was degraded.", report.is_degraded().into())?;
        gauge("shutdown_seconds", "How long it took.", report.took.as_secs_f64())?;
        let steps = Opts::new("shutdown_step_seconds", "How long each step of it took.");
        let steps = GaugeVec::new(steps, &["step", "outcome"])?;
        for step in &report.steps {
            steps.with_label_values(&[&*step.name, step.outcome.as_str()]).set(step.ran.as_secs_f64());
        }
        metrics.register(Box::new(steps))?;
        Ok(metrics)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { canceled, errors, left_open, flushed } = self;
        let flushed = if *flushed { "yes" } else { "no" };
        write!(
            f,
            "orders canceled: {canceled}, cancel errors: {errors}, left open: {left_open}, state flushed: {flushed}"
        )
    }
}
