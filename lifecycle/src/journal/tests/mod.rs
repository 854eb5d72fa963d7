//! What the journal's tests share.

mod files;
mod processes;
mod property;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};

use super::event::Event;
use super::line::{Contents, Entry, Numbering, header};
use super::record::Record;
use super::{DeadLetter, Journal, NotWritten, Request};
use crate::report::{Outcome, example};

impl Journal {
    /// As [`note`](Journal::note), and `then` is told what became of it.
    fn record(&self, event: Event, then: impl FnOnce(Result<(), NotWritten>) + Send + 'static) {
        self.ask(Some(event), Some(Box::new(then)));
    }
}

/// A journal whose disk answers when the test says so.
pub(crate) struct Disk(Receiver<Request>);

impl Disk {
    pub(crate) fn new() -> (Journal, Self) {
        let (to, requests) = channel();
        (Journal { to, debts: Arc::default(), late: Arc::default() }, Disk(requests))
    }

    /// The oldest record that was handed over becomes durable, or cannot.
    pub(crate) fn answer(&self, written: Result<(), &str>) -> Option<Event> {
        let Request { event, then } = self.0.try_recv().ok()?;
        if let Some(then) = then {
            then(written.map_err(|why| NotWritten(why.to_owned())));
        }
        event.map(|(_, event)| event)
    }
}

/// So many seconds after 1970.
pub(super) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// One of each, and one more for each field that may be absent.
pub(super) fn every_event(step: &str) -> Vec<Event> {
    let (step, why) = (step.to_owned(), Some(format!("{step} \"why\"\n")));
    let letter = DeadLetter {
        step: step.clone(),
        run: "6f1a09".into(),
        since: at(3),
        attempts: 2,
        error: why.clone(),
        needs_person: true,
    };
    let mut events = vec![
        Event::RunBegun { run: step.clone(), pid: u32::MAX },
        Event::Armed { step: step.clone() },
        Event::Begun { step: step.clone() },
        Event::Declined { step: step.clone(), why: why.clone() },
        Event::Declined { step: step.clone(), why: None },
        Event::Stopping { reason: step.clone() },
        Event::RunEnded { report: example::degraded().to_json() },
        Event::Owed(DeadLetter { error: None, needs_person: false, ..letter.clone() }),
        Event::Owed(letter),
        Event::Compensating { step: step.clone(), attempt: 1 },
        Event::Compensated { step: step.clone() },
        Event::CompensationFailed { step: step.clone(), attempt: 1, why: step.clone() },
        Event::CompensationDeclined { step: step.clone(), why: why.clone() },
        Event::CompensationDeclined { step: step.clone(), why: None },
        Event::GivenUp { step: step.clone() },
    ];
    for &outcome in Outcome::ALL {
        events.push(Event::Ended { step: step.clone(), outcome, why: why.clone() });
        events.push(Event::Ended { step: step.clone(), outcome, why: None });
    }
    events
}

/// A file of these batches, each event a second after the one before.
pub(super) fn file_of(batches: &[&[Event]]) -> String {
    let (mut text, mut numbering) = (header(), Numbering { next: 1 });
    for batch in batches {
        let first = numbering.next;
        text += &numbering.batch(batch.iter().zip(first..).map(|(event, second)| (at(second), event)));
    }
    text
}

pub(super) fn records<'a>(contents: &'a Contents) -> Vec<&'a Record> {
    let record = |entry: &'a Entry| match entry {
        Entry::Record(record) => Some(record),
        Entry::SettledByHand { .. } => None,
    };
    contents.entries.iter().filter_map(record).collect()
}

/// The steps that have begun.
pub(super) fn steps(contents: &Contents) -> Vec<String> {
    let begun = |record: &Record| match &record.event {
        Event::Begun { step } => Some(step.clone()),
        _ => None,
    };
    records(contents).into_iter().filter_map(begun).collect()
}

/// splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

#[test]
fn the_example_of_the_documentation_is_a_journal() {
    let page = include_str!("../../../../docs/JOURNAL.md");
    let example = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let contents = super::line::read(example.as_bytes()).unwrap();
    assert_eq!(contents.sound, example.len());
    assert!(records(&contents).len() > 5);
    let history = super::replay::replay(&contents.entries);
    assert_eq!(history.debts.letters().count(), 1, "{:?}", history.debts);
}
