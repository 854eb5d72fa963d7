//! The file as lines: each with its checksum, so that what a crash has left unfinished is told from what something
//! has damaged.
//!
//! Lines that are written and synced together are a batch: the first has a checksum of its own, those marked `+` go
//! on from the checksum of the line before. A crash can spoil only the last batch. So damage that a sound beginning
//! of a batch follows is no crash's work.

use std::time::SystemTime;

use super::event::Event;
use super::record::{Fields, Record};

/// What the first line says after its checksum.
const TITLE: &str = "lifecycle journal ";
/// Of this format. A library that meets a higher one does not touch the file.
const VERSION: &str = "1";
/// How a line begins that a person has added.
const BY_HAND: &str = "by hand: ";
/// What it says then, and the step after it.
const SETTLED: &str = "settled ";

const FIRST: char = ' ';
const FURTHER: char = '+';

/// The first line.
pub(super) fn header() -> String {
    line(None, &format!("{TITLE}{VERSION}")).1
}

fn line(before: Option<u32>, text: &str) -> (u32, String) {
    let mark = if before.is_some() { FURTHER } else { FIRST };
    let sum = checksum(before, format!("{mark} {text}").as_bytes());
    (sum, format!("{sum:08x}{mark} {text}\n"))
}

fn checksum(before: Option<u32>, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before.unwrap_or(0));
    hasher.update(bytes);
    hasher.finalize()
}

/// Numbers the records. Two writers on one file, or a piece lost from its middle, show in the numbers.
#[derive(Clone, Debug)]
pub(super) struct Numbering {
    pub(super) next: u64,
}

impl Numbering {
    /// The lines of a batch.
    pub(super) fn batch<'a>(&mut self, events: impl IntoIterator<Item = (SystemTime, &'a Event)>) -> String {
        let (mut lines, mut before) = (String::new(), None);
        for (at, event) in events {
            let record = Record { number: self.next, at, event: event.clone() };
            let (sum, line) = line(before, &record.to_string());
            lines.push_str(&line);
            before = Some(sum);
            self.next += 1;
        }
        lines
    }
}

/// One entry of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Record(Record),
    /// A person says that the step owes nothing any more.
    SettledByHand {
        step: String,
    },
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// The number of the next record.
    pub(super) next: u64,
    /// So many bytes at the beginning are whole; what follows a crash has left unfinished.
    pub(super) sound: usize,
}

impl Contents {
    pub(super) fn has_lines_by_hand(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::SettledByHand { .. }))
    }
}

/// Why a file is not read.
#[derive(Debug, PartialEq)]
pub(super) enum Unreadable {
    /// Something has damaged it, in this line.
    Damaged { line: usize, what: &'static str },
    /// It is something else.
    Foreign,
    /// Of a later version of the format, or of the library.
    Newer { line: usize },
    /// A person wrote what cannot be understood.
    ByHand { line: usize, text: String },
}

const CHECKSUM: &str = "its checksum is wrong";

enum Parsed<'a> {
    Sound { sum: u32, first: bool, text: &'a str },
    Unsound,
}

/// A line without its line feed. `before` is the checksum of the line above, if that is sound.
fn parse(line: &[u8], before: Option<u32>) -> Parsed<'_> {
    let sound = || {
        let (sum, rest) = line.split_at_checked(8)?;
        let sum = std::str::from_utf8(sum).ok()?;
        if sum.bytes().any(|c| !matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let sum = u32::from_str_radix(sum, 16).ok()?;
        let rest = std::str::from_utf8(rest).ok()?;
        let first = rest.starts_with(FIRST);
        let text = rest.strip_prefix([FIRST, FURTHER])?.strip_prefix(' ')?;
        let before = if first { None } else { Some(before?) };
        (checksum(before, rest.as_bytes()) == sum).then_some(Parsed::Sound { sum, first, text })
    };
    sound().unwrap_or(Parsed::Unsound)
}

/// Whether a crash can have left this unsound line behind another one: then both are of one batch. What a system has
/// not got to write it gives back as zeros.
fn can_be_further(line: &[u8]) -> bool {
    line.get(8).is_none_or(|&mark| mark == FURTHER as u8) || line.contains(&0)
}

/// Reads a file.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Unreadable> {
    let header = header();
    let mut contents = Contents { entries: Vec::new(), next: 1, sound: 0 };
    if header.len() > bytes.len() && header.as_bytes().starts_with(bytes) {
        return Ok(contents);
    }
    let (mut at, mut before, mut unsound) = (0, None, None);
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let (line, whole) = match line {
            [line @ .., b'\n'] => (line, true),
            line => (line, false),
        };
        let number = index + 1;
        let end = at + line.len() + usize::from(whole);
        let fault = match parse(line, before) {
            _ if !whole => true,
            _ if line.is_empty() && index > 0 => false,
            _ if line.starts_with(BY_HAND.as_bytes()) && index > 0 => {
                contents.entries.push(by_hand(line, number)?);
                false
            }
            Parsed::Sound { sum, first, text } => {
                if let (Some(line), true) = (unsound, first) {
                    return Err(Unreadable::Damaged { line, what: CHECKSUM });
                }
                before = Some(sum);
                if index == 0 {
                    check_title(text)?;
                } else {
                    let record = Record::parse(text).ok_or(Unreadable::Newer { line: number })?;
                    if record.number != contents.next {
                        return Err(Unreadable::Damaged {
                            line: number,
                            what: "records before it are missing",
                        });
                    }
                    contents.next += 1;
                    contents.entries.push(Entry::Record(record));
                }
                false
            }
            Parsed::Unsound => true,
        };
        if fault {
            before = None;
            match unsound {
                None => unsound = Some(number),
                Some(first) if !can_be_further(line) => {
                    return Err(Unreadable::Damaged { line: first, what: CHECKSUM });
                }
                Some(_) => {}
            }
        } else if unsound.is_none() {
            contents.sound = end;
        }
        at = end;
    }
    match unsound {
        // Nothing in it is ours, unless a disk has given back zeros.
        Some(1) if bytes.iter().any(|&byte| byte != 0) => Err(Unreadable::Foreign),
        Some(1) => Err(Unreadable::Damaged { line: 1, what: "it is nothing but zeros" }),
        _ => Ok(contents),
    }
}

fn check_title(text: &str) -> Result<(), Unreadable> {
    match text.strip_prefix(TITLE) {
        Some(VERSION) => Ok(()),
        Some(_) => Err(Unreadable::Newer { line: 1 }),
        None => Err(Unreadable::Foreign),
    }
}

fn by_hand(line: &[u8], number: usize) -> Result<Entry, Unreadable> {
    let text = String::from_utf8_lossy(line);
    let step = text.strip_prefix(BY_HAND).and_then(|text| text.strip_prefix(SETTLED)).and_then(|rest| {
        let mut fields = Fields { rest: rest.trim() };
        fields.text().filter(|_| fields.rest.is_empty())
    });
    match step {
        Some(step) => Ok(Entry::SettledByHand { step }),
        None => Err(Unreadable::ByHand { line: number, text: text.into_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, file_of, records};
    use super::*;

    fn two_batches() -> String {
        file_of(&[
            &[Event::RunBegun { run: "1f".into(), pid: 7 }],
            &[
                Event::Armed { step: "a".into() },
                Event::Begun { step: "b".into() },
                Event::Begun { step: "c".into() },
            ],
            &[Event::Stopping { reason: "SIGTERM".into() }],
        ])
    }

    fn damaged(line: usize, what: &'static str) -> Result<Contents, Unreadable> {
        Err(Unreadable::Damaged { line, what })
    }

    #[test]
    fn what_is_written_is_read() {
        let text = two_batches();
        let contents = read(text.as_bytes()).unwrap();
        assert_eq!(contents.sound, text.len());
        assert_eq!(contents.next, 6);
        assert_eq!(records(&contents).len(), 5);
        let lines: Vec<&str> = text.lines().collect();
        let marks: Vec<&str> = lines.iter().map(|line| &line[8..9]).collect();
        assert_eq!(marks, [" ", " ", " ", "+", "+", " "], "{text}");
        assert_eq!(lines[0], "308232f8  lifecycle journal 1", "the first line is of version 1 for ever");
        assert_eq!(lines[1], "320c8b0b       1 1970-01-01T00:00:01.000000Z run-begun run=1f pid=7");
    }

    #[test]
    fn the_last_batch_may_be_spoilt_in_any_place() {
        let text = file_of(&[
            &[Event::RunBegun { run: "1f".into(), pid: 7 }],
            &[
                Event::Armed { step: "a".into() },
                Event::Begun { step: "b".into() },
                Event::Begun { step: "c".into() },
            ],
        ]);
        let second = text.find("armed").unwrap();
        for at in second..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = 0;
            let contents = read(&bytes).unwrap();
            assert!(contents.sound <= at, "{at}");
            assert!(!records(&contents).is_empty(), "the first batch is whole");
        }
    }

    #[test]
    fn damage_before_a_sound_batch_is_no_crash() {
        let text = two_batches();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines[..5].iter().enumerate() {
            let bytes = text.replacen(line, &line.replacen(' ', "_", 1), 1);
            assert_eq!(read(bytes.as_bytes()), damaged(index + 1, CHECKSUM), "{bytes}");
        }
        let without = text.replacen(&format!("{}\n", lines[1]), "", 1);
        assert_eq!(read(without.as_bytes()), damaged(2, "records before it are missing"));
        let twice = format!("{text}{}\n", lines[5]);
        assert_eq!(read(twice.as_bytes()), damaged(7, "records before it are missing"));
        let two_spoilt = text.replace("armed a", "armed b").replace("SIGTERM", "SIGKILL");
        assert_eq!(read(two_spoilt.as_bytes()), damaged(3, CHECKSUM), "a crash spoils one");
        assert_eq!(read(&[0; 100]), damaged(1, "it is nothing but zeros"));
    }

    #[test]
    fn what_is_not_ours_is_not_touched() {
        for foreign in
            ["SQLite format 3\0", "root:x:0:0:root:/root:/bin/bash\n", "\n", "by hand: settled a\n"]
        {
            assert_eq!(read(foreign.as_bytes()), Err(Unreadable::Foreign), "{foreign}");
        }
        let other = line(None, "somebody else's file").1;
        assert_eq!(read(other.as_bytes()), Err(Unreadable::Foreign));
    }

    #[test]
    fn what_is_newer_is_not_touched() {
        let title = line(None, "lifecycle journal 2").1;
        assert_eq!(read(title.as_bytes()), Err(Unreadable::Newer { line: 1 }));
        let record = line(None, "     1 2026-11-20T09:06:52.000000Z paused by=admin").1;
        assert_eq!(read(format!("{}{record}", header()).as_bytes()), Err(Unreadable::Newer { line: 2 }));
    }

    #[test]
    fn a_beginning_of_the_first_line_is_an_empty_journal() {
        let header = header();
        for end in 0..header.len() {
            let contents = read(&header.as_bytes()[..end]).unwrap();
            assert_eq!((contents.entries.len(), contents.next, contents.sound), (0, 1, 0));
        }
        assert_eq!(read(header.as_bytes()).unwrap().sound, header.len());
    }

    #[test]
    fn a_person_may_add_lines() {
        let whole = two_batches();
        let settled = |step: &str| Entry::SettledByHand { step: step.into() };
        for (torn, added) in [("", "by hand: settled a::b\n"), ("04", "\nby hand: settled a::b\n")] {
            let contents = read(format!("{whole}{torn}{added}").as_bytes()).unwrap();
            assert_eq!(contents.entries.last(), Some(&settled("a::b")));
            assert!(contents.has_lines_by_hand());
        }
        let name = read(format!("{whole}by hand: settled \"a b\" \n").as_bytes()).unwrap();
        assert_eq!(name.entries.last(), Some(&settled("a b")));
        let mut numbering = Numbering { next: 6 };
        let further = numbering.batch([(at(2), &Event::Begun { step: "d".into() })]);
        let between = read(format!("{whole}by hand: settled a::b\n{further}").as_bytes()).unwrap();
        assert_eq!(between.entries[5], settled("a::b"));
        assert_eq!(between.next, 7);
        for wrong in ["by hand: ", "by hand: settle a", "by hand: settled", "by hand: settled a b"] {
            let error = Unreadable::ByHand { line: 7, text: wrong.into() };
            assert_eq!(read(format!("{whole}{wrong}\n").as_bytes()), Err(error));
        }
        let unfinished = read(format!("{whole}by hand: settled a").as_bytes()).unwrap();
        assert!(!unfinished.has_lines_by_hand(), "the name may go on");
        assert_eq!(unfinished.sound, whole.len());
    }
}
