//! Compensations: start steps that do what a run before this one has left undone.
//!
//! Each is planned whether or not anything is owed, so that what is wrong with it shows before the first crash.

use crate::edge::Edges;
use crate::hook::{Extra, Phase, StepKeys, StepSpec, Task};

/// Which step a compensation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compensates {
    /// Its name in the journal.
    pub(crate) step: String,
    /// How many failures do not call for a person yet.
    pub(crate) retry: u32,
}

/// Adds the compensation of each step that has one and is not off.
pub(crate) fn add_to(steps: &mut Vec<StepSpec>) {
    let compensations: Vec<StepSpec> = steps.iter().filter_map(of).collect();
    steps.extend(compensations);
}

/// What is wrong with one elsewhere than on a shutdown hook, the plan says.
fn of(step: &StepSpec) -> Option<StepSpec> {
    let function = step.extra.compensate.clone()?;
    if step.off.is_some() || step.phase == Phase::Start || !matches!(step.task, Task::Hook(_)) {
        return None;
    }
    let compensates = Compensates { step: step.identity(), retry: step.extra.retry.unwrap_or(0) };
    Some(StepSpec {
        name: format!("compensate {}", step.name).into(),
        module: step.module.clone(),
        file: step.file.clone(),
        line: step.line,
        id: None,
        phase: Phase::Start,
        keys: StepKeys { timeout: step.keys.timeout, ..StepKeys::default() },
        extra: Extra {
            when: step.extra.when.clone(),
            compensates: Some(Box::new(compensates)),
            ..Extra::default()
        }
        .into(),
        edges: Edges::default(),
        signature: function.signature.into(),
        off: None,
        task: Task::Hook(function.begin),
    })
}
