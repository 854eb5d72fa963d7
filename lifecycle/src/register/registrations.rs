//! What is registered by now, and under which names.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::hook::{Phase, StepSpec};

/// The registered steps of the process.
#[derive(Default)]
pub(crate) struct Registrations {
    pub(super) next: u64,
    pub(super) changes: u64,
    /// In the order in which they came.
    pub(super) steps: BTreeMap<u64, Registered>,
    pub(super) names: Names,
    /// The start hooks are being run, or were.
    pub(crate) started: bool,
    /// The shutdown's steps are fixed.
    pub(crate) stopping: bool,
}

pub(super) struct Registered {
    /// Its name, before it had a number.
    pub(super) given: String,
    pub(super) spec: StepSpec,
    /// It has been recorded that it owes something: it came when the coordinator knew its steps.
    pub(super) owes: bool,
}

/// The names of registered steps; many thousands may be given the same.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<(Phase, String)>,
    /// Of a name that is taken, a number below which all are.
    first_free: HashMap<(Phase, String), u64>,
}

impl Names {
    pub(super) fn take(&mut self, phase: Phase, given: &str) -> String {
        let mut key = (phase, given.to_owned());
        if self.taken.insert(key.clone()) {
            return key.1;
        }
        let number = self.first_free.entry(key.clone()).or_insert(2);
        loop {
            key.1 = format!("{given} #{number}");
            *number += 1;
            if self.taken.insert(key.clone()) {
                return key.1;
            }
        }
    }

    pub(super) fn give_back(&mut self, phase: Phase, given: String, name: &str) {
        self.taken.remove(&(phase, name.to_owned()));
        let number = name.strip_prefix(&*given).and_then(|rest| rest.strip_prefix(" #")?.parse::<u64>().ok());
        if let (Some(number), Some(first_free)) = (number, self.first_free.get_mut(&(phase, given))) {
            *first_free = number.min(*first_free);
        }
    }
}

impl Registrations {
    /// Nothing of this phase is added or taken back any more.
    pub(super) fn is_closed(&self, phase: Phase) -> bool {
        match phase {
            Phase::Start => self.started,
            Phase::Shutdown => self.stopping,
        }
    }

    /// How often a step was added or taken back.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn of(&self, phase: Phase) -> impl Iterator<Item = StepSpec> + '_ {
        self.of_phase(phase).cloned()
    }

    fn of_phase(&self, phase: Phase) -> impl Iterator<Item = &StepSpec> {
        self.steps.values().map(|step| &step.spec).filter(move |spec| spec.phase == phase)
    }

    /// Those that owe something of which nothing has been recorded.
    pub(crate) fn unrecorded(&self) -> impl Iterator<Item = String> + '_ {
        let owing = self.steps.values().filter(|step| step.spec.extra.compensate.is_some() && !step.owes);
        owing.filter(|step| step.spec.phase == Phase::Shutdown).map(|step| step.spec.identity())
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_the_first_number_that_is_free() {
        let mut names = Names::default();
        let mut take = |name| names.take(Phase::Shutdown, name);
        assert_eq!(["a", "a", "b", "a #3", "a"].map(&mut take), ["a", "a #2", "b", "a #3", "a #4"]);
        assert_eq!(names.take(Phase::Start, "a"), "a", "the other order has names of its own");
        names.give_back(Phase::Shutdown, "a".to_owned(), "a #2");
        names.give_back(Phase::Shutdown, "b".to_owned(), "b");
        let mut take = |name| names.take(Phase::Shutdown, name);
        assert_eq!(["a", "a", "b", "b"].map(&mut take), ["a #2", "a #5", "b", "b #2"]);
        names.give_back(Phase::Shutdown, "a".to_owned(), "a");
        assert_eq!(names.take(Phase::Shutdown, "a"), "a");
    }
}
