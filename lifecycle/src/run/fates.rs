//! What became of steps, for those who take what they should have given.

use std::collections::HashMap;

use super::coordinator::Coordinator;
use super::track::Track;
use crate::report::{Outcome, StepReport};

/// Why resources may be absent without that being a fault of who takes them.
#[derive(Default)]
pub(super) struct Fates {
    /// Of each start step that gave nothing.
    pub(super) steps: HashMap<usize, String>,
    /// What was not provided by then may have been still to come.
    pub(super) start_was_cut_short: bool,
}

impl Fates {
    /// A provider without a fate has provided: if its resource cannot be had all the same, something else is wrong.
    pub(super) fn excuse(&self, provider: Option<usize>) -> Option<String> {
        match provider {
            Some(step) => self.steps.get(&step).cloned(),
            None => self.start_was_cut_short.then(|| "the start did not get that far".to_owned()),
        }
    }
}

impl Coordinator {
    /// Keeps what became of a graph's steps, and excuses who takes what a failed one should have given.
    pub(super) fn conclude(&mut self, track: &mut Track) {
        let mut reports = track.take_reports(|step, report| {
            if let Some(step) = step.filter(|_| report.outcome != Outcome::Done) {
                self.excuse_takers_of(step, report);
            }
        });
        // Those of the graph may be many; there is room for those before it.
        reports.splice(0..0, self.reports.drain(..));
        self.reports = reports;
    }

    pub(super) fn excuse_takers_of(&self, step: usize, report: &StepReport) {
        let fate = format!("`{}` {}", report.name, report.outcome.as_str());
        self.fates.borrow_mut().steps.insert(step, fate);
    }
}
