//! A journal of random runs, cut at every byte and with random bytes changed.

use std::collections::BTreeSet;

use super::super::event::Event;
use super::super::line::{Contents, Numbering, Unreadable, header, read};
use super::super::replay::{Debts, replay};
use super::{Random, at};
use crate::report::Outcome;

/// A file, and where each of its batches ends.
struct Journal {
    text: String,
    /// After the header and after each batch.
    ends: Vec<usize>,
}

const STEPS: [&str; 4] = ["shop::a", "shop::größe", "a b \"c\"\n", "shop::🦀"];

fn event(random: &mut Random) -> Event {
    let step = STEPS[random.below(STEPS.len())].to_owned();
    let why = [None, Some("ümlaut\nand more".to_owned())][random.below(2)].clone();
    match random.below(16) {
        0 | 1 => Event::RunBegun { run: format!("{:08x}", random.next() as u32), pid: 7 },
        2..=4 => Event::Armed { step },
        5 | 6 => Event::Begun { step },
        7 | 8 => Event::Ended { step, outcome: Outcome::Done, why: None },
        9 => Event::Ended { step, outcome: Outcome::ALL[random.below(Outcome::ALL.len())], why },
        10 => Event::Declined { step, why },
        11 => Event::Compensating { step, attempt: random.below(9) as u32 },
        12 => Event::Compensated { step },
        13 => Event::CompensationFailed { step, attempt: 1, why: "größer".into() },
        14 => Event::GivenUp { step },
        _ => Event::RunEnded { report: r#"{"größe":1}"#.into() },
    }
}

fn journal(random: &mut Random) -> Journal {
    let (mut text, mut numbering) = (header(), Numbering { next: 1 });
    let mut ends = vec![text.len()];
    let begin = Event::RunBegun { run: "r0".into(), pid: 1 };
    text += &numbering.batch([(at(1), &begin)]);
    ends.push(text.len());
    for second in 0..3 + random.below(8) as u64 {
        let events: Vec<Event> = (0..1 + random.below(3)).map(|_| event(random)).collect();
        text += &numbering.batch(events.iter().map(|event| (at(second), event)));
        ends.push(text.len());
    }
    Journal { text, ends }
}

fn dones(contents: &Contents) -> Vec<String> {
    let done = |record: &super::Record| match &record.event {
        Event::Ended { step, outcome: Outcome::Done, .. } | Event::Compensated { step } => {
            Some(format!("{} {step}", record.number))
        }
        _ => None,
    };
    super::records(contents).into_iter().filter_map(done).collect()
}

fn owed(debts: &Debts) -> BTreeSet<String> {
    debts.letters().map(|letter| letter.step.clone()).collect()
}

#[test]
fn a_cut_loses_nothing_that_was_durable_and_invents_nothing() {
    for seed in 0..12 {
        let journal = journal(&mut Random(seed));
        let bytes = journal.text.as_bytes();
        let whole = read(bytes).unwrap();
        for end in 0..=bytes.len() {
            let cut = read(&bytes[..end]).unwrap_or_else(|why| panic!("seed {seed}, cut at {end}: {why:?}"));
            let durable = journal.ends.iter().filter(|at| **at <= end).max().copied().unwrap_or(0);
            let before = read(&bytes[..durable]).unwrap();
            assert_eq!(cut.entries[..before.entries.len()], before.entries, "seed {seed}, cut at {end}");
            // Not acknowledged, but written.
            assert_eq!(cut.entries, whole.entries[..cut.entries.len()], "seed {seed}, cut at {end}");
            assert!(cut.sound <= end && cut.sound >= durable, "seed {seed}, cut at {end}");
            assert!(end == 0 || cut.sound == end || bytes[end - 1] != b'\n', "a whole line is kept");
            replay(&cut.entries);
        }
    }
}

#[test]
fn a_cut_and_a_new_run_are_read_as_one_journal() {
    for seed in 0..12 {
        let journal = journal(&mut Random(seed));
        for end in journal.ends[0]..=journal.text.len() {
            let cut = read(&journal.text.as_bytes()[..end]).unwrap();
            let run = Event::RunBegun { run: "new".into(), pid: 9 };
            let mut bytes = journal.text.as_bytes()[..cut.sound].to_vec();
            let before = replay(&cut.entries);
            let mut events = vec![run];
            events.extend(before.debts.letters().cloned().map(Event::Owed));
            let events = events.iter().map(|event| (at(99), event));
            bytes.extend(Numbering { next: cut.next }.batch(events).into_bytes());
            let again = read(&bytes).unwrap();
            assert_eq!(again.sound, bytes.len());
            assert_eq!(replay(&again.entries).debts, before.debts, "seed {seed}, cut at {end}");
        }
    }
}

#[test]
fn changed_bytes_invent_nothing() {
    let (mut kept, mut set_aside) = (0, 0);
    for seed in 0..4000 {
        let random = &mut Random(seed);
        let journal = journal(random);
        let mut bytes = journal.text.clone().into_bytes();
        let (mut first, mut like_a_crash) = (bytes.len(), false);
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len());
            let changed =
                [bytes[at] ^ 1 << random.below(8), random.next() as u8, b'\n', b' '][random.below(4)];
            if changed != bytes[at] {
                // Two batches made one, or zeros: that cannot be told from a crash.
                like_a_crash |= matches!(changed, 0 | b'+') || bytes[at] == b'\n';
                bytes[at] = changed;
                first = first.min(at);
            }
        }
        let whole = read(journal.text.as_bytes()).unwrap();
        match read(&bytes) {
            Ok(contents) => {
                kept += 1;
                assert_eq!(contents.entries, whole.entries[..contents.entries.len()], "seed {seed}");
                let real = dones(&whole);
                assert!(dones(&contents).iter().all(|done| real.contains(done)), "seed {seed}");
                assert!(owed(&replay(&contents.entries).debts).len() <= STEPS.len());
                // Everything durable before the damage is there; and what is left out was the last batch.
                assert!(
                    contents.sound + 1 >= first.min(bytes.len())
                        || contents.sound >= last_line(&bytes, first)
                );
                let last = journal.ends[journal.ends.len() - 2];
                assert!(first >= last || like_a_crash, "seed {seed}: more than the last batch is left out");
            }
            Err(Unreadable::Damaged { line, .. }) => {
                set_aside += 1;
                assert!(line <= 1 + bytes.iter().filter(|&&byte| byte == b'\n').count());
            }
            Err(Unreadable::Foreign) => assert!(first < header().len(), "seed {seed}"),
            Err(why) => panic!("seed {seed}: {why:?}"),
        }
    }
    assert!(kept > 100 && set_aside > 2000, "both were tried: {kept} {set_aside}");
}

/// Where the line begins that this byte is in.
fn last_line(bytes: &[u8], at: usize) -> usize {
    bytes[..at.min(bytes.len())].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}
