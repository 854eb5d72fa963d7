//! From records to what they mean. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::event::Event;
use super::line::Entry;
use super::record::Record;
use super::{DeadLetter, PreviousRun, UncleanRun, UnfinishedStep};
use crate::report::{Outcome, Report};

/// What is owed for steps of earlier runs, by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Debts(BTreeMap<String, DeadLetter>);

impl Debts {
    pub(super) fn letters(&self) -> impl Iterator<Item = &DeadLetter> + '_ {
        self.0.values()
    }

    /// Whether it says anything of a debt.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Owed(letter) => drop(self.0.insert(letter.step.clone(), letter.clone())),
            Event::Compensating { step, attempt } => self.change(step, |letter| {
                letter.attempts = *attempt;
                // Until its end is recorded.
                letter.error = Some(INTERRUPTED.to_owned());
            }),
            Event::CompensationFailed { step, attempt, why } => self.change(step, |letter| {
                letter.attempts = *attempt;
                letter.error = Some(why.clone());
            }),
            Event::GivenUp { step } => self.change(step, |letter| letter.needs_person = true),
            Event::Compensated { step } => drop(self.settle(step)),
            Event::RunBegun { .. }
            | Event::Armed { .. }
            | Event::Begun { .. }
            | Event::Ended { .. }
            | Event::Declined { .. }
            | Event::Stopping { .. }
            | Event::RunEnded { .. }
            | Event::CompensationDeclined { .. } => {}
        }
    }

    fn change(&mut self, step: &str, change: impl FnOnce(&mut DeadLetter)) {
        if let Some(letter) = self.0.get_mut(step) {
            change(letter);
        }
    }

    fn settle(&mut self, step: &str) -> bool {
        self.0.remove(step).is_some()
    }
}

const INTERRUPTED: &str = "the process ended during the attempt";

/// What has happened in the runs of a journal.
#[derive(Debug, PartialEq)]
pub(super) struct History {
    pub(super) previous: PreviousRun,
    pub(super) debts: Debts,
    /// Steps that a person has settled, of which nothing was owed.
    pub(super) settled_in_vain: Vec<String>,
}

/// One run, as far as the records go.
struct Run {
    id: String,
    pid: u32,
    began: SystemTime,
    last: SystemTime,
    stopping: Option<String>,
    report: Option<String>,
    steps: BTreeMap<String, Step>,
}

#[derive(Default)]
struct Step {
    armed: bool,
    begun: bool,
    end: Option<(Outcome, Option<String>)>,
    /// It owes nothing, whatever its end.
    excused: bool,
}

impl Step {
    fn is_done(&self) -> bool {
        self.excused || matches!(self.end, Some((Outcome::Done, _)))
    }

    fn unfinished(&self) -> Option<(Option<Outcome>, Option<String>)> {
        match &self.end {
            _ if self.excused => None,
            Some((outcome, why)) if outcome.is_degraded() => Some((Some(*outcome), why.clone())),
            // Skipped or off, but something may have to be undone.
            Some((outcome, why)) if self.armed && *outcome != Outcome::Done => {
                Some((Some(*outcome), why.clone()))
            }
            Some(_) => None,
            None if self.begun => Some((None, None)),
            None => Some((Some(Outcome::NotReached), None)),
        }
    }
}

/// Replays a journal from its beginning.
pub(super) fn replay(entries: &[Entry]) -> History {
    let mut debts = Debts::default();
    let mut settled_in_vain = Vec::new();
    let mut run: Option<Run> = None;
    for entry in entries {
        match entry {
            Entry::SettledByHand { step } => {
                let of_earlier = debts.settle(step);
                let of_last = run.as_mut().and_then(|run| run.steps.get_mut(step));
                match of_last {
                    Some(of_last) if of_last.armed && !of_last.is_done() => of_last.excused = true,
                    _ if of_earlier => {}
                    _ => settled_in_vain.push(step.clone()),
                }
            }
            Entry::Record(Record { at, event, .. }) => {
                if let Event::RunBegun { run: id, pid } = event {
                    if let Some(before) = run.take() {
                        before.leave_debts(&mut debts);
                    }
                    run = Some(Run::new(id, *pid, *at));
                }
                debts.apply(event);
                if let Some(run) = &mut run {
                    run.apply(*at, event);
                }
            }
        }
    }
    let previous = match run {
        Some(run) => {
            run.leave_debts(&mut debts);
            run.into_previous()
        }
        None => PreviousRun::First,
    };
    History { previous, debts, settled_in_vain }
}

impl Run {
    fn new(id: &str, pid: u32, began: SystemTime) -> Self {
        let id = id.to_owned();
        Run { id, pid, began, last: began, stopping: None, report: None, steps: BTreeMap::new() }
    }

    fn apply(&mut self, at: SystemTime, event: &Event) {
        self.last = self.last.max(at);
        match event {
            // Anew, should one of that name have been taken back before.
            Event::Armed { step } => *self.step(step) = Step { armed: true, ..Step::default() },
            Event::Begun { step } => self.step(step).begun = true,
            Event::Ended { step, outcome, why } => self.step(step).end = Some((*outcome, why.clone())),
            Event::Declined { step, .. } => self.step(step).excused = true,
            Event::Stopping { reason } => self.stopping = Some(reason.clone()),
            Event::RunEnded { report } => self.report = Some(report.clone()),
            Event::RunBegun { .. }
            | Event::Owed(_)
            | Event::Compensating { .. }
            | Event::Compensated { .. }
            | Event::CompensationFailed { .. }
            | Event::CompensationDeclined { .. }
            | Event::GivenUp { .. } => {}
        }
    }

    fn step(&mut self, name: &str) -> &mut Step {
        self.steps.entry(name.to_owned()).or_default()
    }

    /// A debt that is there already stays as it is: one compensation pays for both.
    fn leave_debts(&self, debts: &mut Debts) {
        for (name, _) in self.steps.iter().filter(|(_, step)| step.armed && !step.is_done()) {
            debts.0.entry(name.clone()).or_insert_with(|| DeadLetter {
                step: name.clone(),
                run: self.id.clone(),
                since: self.began,
                attempts: 0,
                error: None,
                needs_person: false,
            });
        }
    }

    fn into_previous(self) -> PreviousRun {
        let killed = self.report.is_none();
        // One that a later library has written may say what this one cannot read.
        let report: Option<Report> = self.report.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let unfinished: Vec<UnfinishedStep> = self
            .steps
            .iter()
            .filter_map(|(name, step)| {
                let (outcome, error) = step.unfinished()?;
                Some(UnfinishedStep { step: name.clone(), outcome, error })
            })
            .collect();
        match report {
            Some(report) if report.exit_code == 0 && unfinished.is_empty() => {
                PreviousRun::Clean { report: Box::new(report) }
            }
            report => PreviousRun::Unclean(Box::new(UncleanRun {
                id: self.id,
                pid: self.pid,
                began_at: self.began,
                last_seen_at: self.last,
                killed,
                stopping: self.stopping,
                report,
                unfinished,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;
    use crate::report::example;

    const A: &str = "shop::a";
    const B: &str = "shop::b";

    fn armed(step: &str) -> Event {
        Event::Armed { step: step.into() }
    }
    fn begun(step: &str) -> Event {
        Event::Begun { step: step.into() }
    }
    fn ended(step: &str, outcome: Outcome) -> Event {
        let why = (outcome != Outcome::Done).then(|| "why".to_owned());
        Event::Ended { step: step.into(), outcome, why }
    }
    fn run(id: &str) -> Event {
        Event::RunBegun { run: id.into(), pid: 7 }
    }
    fn over() -> Event {
        Event::RunEnded { report: example::clean().to_json() }
    }

    fn entries(events: Vec<Event>) -> Vec<Entry> {
        let numbered = events.into_iter().zip(1..);
        numbered.map(|(event, number)| Entry::Record(Record { number, at: at(number), event })).collect()
    }

    fn after(events: Vec<Event>) -> History {
        replay(&entries(events))
    }

    fn owed(history: &History) -> Vec<&str> {
        history.debts.letters().map(|letter| &*letter.step).collect()
    }

    fn unclean(history: History) -> UncleanRun {
        match history.previous {
            PreviousRun::Unclean(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_recorded_is_the_first_run() {
        let history = after(vec![]);
        assert_eq!(history.previous, PreviousRun::First);
        assert_eq!(owed(&history), [""; 0]);
    }

    #[test]
    fn a_clean_end_brings_its_report_and_leaves_no_debt() {
        let history = after(vec![run("r1"), armed(A), begun(A), ended(A, Outcome::Done), over()]);
        assert_eq!(owed(&history), [""; 0]);
        let PreviousRun::Clean { report } = history.previous else { panic!("{:?}", history.previous) };
        assert_eq!(*report, example::clean());
    }

    #[test]
    fn everything_but_a_recorded_done_leaves_an_armed_step_owed() {
        assert_eq!(owed(&after(vec![run("r1"), armed(A)])), [A], "killed before its turn");
        assert_eq!(owed(&after(vec![run("r1"), armed(A), begun(A)])), [A], "killed while it ran");
        for &outcome in Outcome::ALL {
            for end in [None, Some(over())] {
                let mut events = vec![run("r1"), armed(A), begun(A), ended(A, outcome)];
                events.extend(end);
                let expected: &[&str] = if outcome == Outcome::Done { &[] } else { &[A] };
                assert_eq!(owed(&after(events)), expected, "{outcome}");
            }
        }
    }

    #[test]
    fn a_step_that_never_was_armed_or_declined_owes_nothing() {
        let begun_only = after(vec![run("r1"), begun(A), ended(A, Outcome::Failed)]);
        assert_eq!(owed(&begun_only), [""; 0], "nothing to undo, or no compensation");
        let declined = Event::Declined { step: A.into(), why: Some("not the leader".into()) };
        assert_eq!(owed(&after(vec![run("r1"), armed(A), declined.clone()])), [""; 0]);
        let again = vec![run("r1"), armed(A), declined, armed(A)];
        assert_eq!(owed(&after(again)), [A], "one of that name was taken back, and another registered");
    }

    #[test]
    fn a_killed_run_says_what_it_was_at() {
        let history = after(vec![
            run("r1"),
            armed(A),
            armed(B),
            begun("shop::open"),
            ended("shop::open", Outcome::Done),
            Event::Stopping { reason: "SIGTERM".into() },
            begun(A),
        ]);
        let unfinished = |step: &str, outcome| UnfinishedStep { step: step.into(), outcome, error: None };
        let expected = UncleanRun {
            id: "r1".into(),
            pid: 7,
            began_at: at(1),
            last_seen_at: at(7),
            killed: true,
            stopping: Some("SIGTERM".into()),
            report: None,
            unfinished: vec![unfinished(A, None), unfinished(B, Some(Outcome::NotReached))],
        };
        assert_eq!(unclean(history), expected);
    }

    #[test]
    fn a_run_that_ended_with_something_undone_is_unclean_and_has_its_report() {
        let failed = vec![run("r1"), begun(A), ended(A, Outcome::Failed), over()];
        let run_ = unclean(after(failed));
        assert!(!run_.killed && run_.report.is_some());
        let expected =
            UnfinishedStep { step: A.into(), outcome: Some(Outcome::Failed), error: Some("why".into()) };
        assert_eq!(run_.unfinished, [expected]);
        let report = example::degraded().to_json();
        let degraded = unclean(after(vec![run("r1"), Event::RunEnded { report }]));
        assert_eq!(degraded.report, Some(example::degraded()));
        let strange = unclean(after(vec![run("r1"), Event::RunEnded { report: r#"{"id":1}"#.into() }]));
        assert!(!strange.killed && strange.report.is_none(), "it is known to have ended");
    }

    #[test]
    fn a_debt_stays_until_its_compensation_succeeds() {
        let failed =
            |attempt| Event::CompensationFailed { step: A.into(), attempt, why: format!("no {attempt}") };
        let tries = |attempt| Event::Compensating { step: A.into(), attempt };
        let mut events = vec![run("r1"), armed(A), run("r2"), tries(1), failed(1)];
        let letter = DeadLetter {
            step: A.into(),
            run: "r1".into(),
            since: at(1),
            attempts: 1,
            error: Some("no 1".into()),
            needs_person: false,
        };
        let letters = |events: &[Event]| -> Vec<DeadLetter> {
            after(events.to_vec()).debts.letters().cloned().collect()
        };
        assert_eq!(letters(&events), std::slice::from_ref(&letter));
        // The step's own success in a later run is not its.
        events.extend([armed(A), begun(A), ended(A, Outcome::Done), over(), run("r3"), tries(2)]);
        let interrupted = DeadLetter { attempts: 2, error: Some(INTERRUPTED.into()), ..letter.clone() };
        assert_eq!(letters(&events), [interrupted]);
        events.extend([failed(2), Event::GivenUp { step: A.into() }]);
        let given_up =
            DeadLetter { attempts: 2, error: Some("no 2".into()), needs_person: true, ..letter.clone() };
        assert_eq!(letters(&events), std::slice::from_ref(&given_up));
        let declined = Event::CompensationDeclined { step: A.into(), why: None };
        events.extend([run("r4"), Event::Owed(given_up.clone()), declined, run("r5")]);
        assert_eq!(letters(&events), [given_up], "no attempt");
        events.extend([tries(3), Event::Compensated { step: A.into() }]);
        assert_eq!(letters(&events), []);
        events.extend([armed(A), run("r6")]);
        let anew = DeadLetter {
            run: "r5".into(),
            since: letters(&events)[0].since,
            attempts: 0,
            error: None,
            ..letter
        };
        assert_eq!(letters(&events), [anew], "a new debt has nothing of the old one");
    }

    #[test]
    fn a_person_can_settle_a_debt() {
        let settled = |step: &str| Entry::SettledByHand { step: step.into() };
        let mut entries = entries(vec![run("r1"), armed(A), armed(B)]);
        entries.extend([settled(A), settled("shop::typo")]);
        let history = replay(&entries);
        assert_eq!(owed(&history), [B]);
        assert_eq!(history.settled_in_vain, ["shop::typo"]);
        assert_eq!(unclean(history).unfinished.len(), 1);
        // It settles what was owed then.
        let later = [run("r2"), armed(A), run("r3")].into_iter().zip(4..);
        entries.extend(later.map(|(event, number)| Entry::Record(Record { number, at: at(number), event })));
        assert_eq!(owed(&replay(&entries)), [A, B]);
        entries.push(settled(A));
        let history = replay(&entries);
        assert_eq!(owed(&history), [B]);
        assert_eq!(history.settled_in_vain, ["shop::typo"]);
    }
}
