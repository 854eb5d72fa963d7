//! What a record says, and its text.

use std::fmt;
use std::time::SystemTime;

use super::time;
use super::{DeadLetter, Event};
use crate::render::json::quoted;
use crate::report::Outcome;

/// An event with its place and time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) at: SystemTime,
    pub(super) event: Event,
}

/// Of a text in a record. A service's error may be of any length, and every start reads the journal.
const LONGEST: usize = 4096;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} {} {}", self.number, time::format(self.at), self.event)
    }
}

impl Record {
    /// Reads what `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, rest) = text.trim_start_matches(' ').split_once(' ')?;
        let (at, event) = rest.split_once(' ')?;
        Some(Record { number: number.parse().ok()?, at: time::parse(at)?, event: Event::parse(event)? })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::RunBegun { run, pid } => write!(f, "run-begun run={} pid={pid}", Word(run)),
            Event::Armed { step } => write!(f, "armed {}", Word(step)),
            Event::Begun { step } => write!(f, "begun {}", Word(step)),
            Event::Ended { step, outcome: Outcome::Done, why: None } => write!(f, "done {}", Word(step)),
            Event::Ended { step, outcome, why } => {
                write!(f, "ended {} outcome={}{}", Word(step), Word(outcome.as_str()), Why("why", why))
            }
            Event::Declined { step, why } => write!(f, "declined {}{}", Word(step), Why("why", why)),
            Event::Stopping { reason } => write!(f, "stopping reason={}", quoted(shortened(reason))),
            Event::RunEnded { report } => write!(f, "run-ended {report}"),
            Event::Owed(DeadLetter { step, run, since, attempts, error, needs_person }) => write!(
                f,
                "owed {} run={} since={} attempts={attempts} needs-person={}{}",
                Word(step),
                Word(run),
                time::format(*since),
                if *needs_person { "yes" } else { "no" },
                Why("error", error)
            ),
            Event::Compensating { step, attempt } => {
                write!(f, "compensating {} attempt={attempt}", Word(step))
            }
            Event::Compensated { step } => write!(f, "compensated {}", Word(step)),
            Event::CompensationFailed { step, attempt, why } => {
                let why = quoted(shortened(why));
                write!(f, "compensation-failed {} attempt={attempt} why={why}", Word(step))
            }
            Event::CompensationDeclined { step, why } => {
                write!(f, "compensation-declined {}{}", Word(step), Why("why", why))
            }
            Event::GivenUp { step } => write!(f, "given-up {}", Word(step)),
        }
    }
}

impl Event {
    fn parse(text: &str) -> Option<Self> {
        let (keyword, rest) = text.split_once(' ')?;
        if keyword == "run-ended" {
            return Some(Event::RunEnded { report: rest.to_owned() });
        }
        let mut fields = Fields { rest };
        let event = match keyword {
            "run-begun" => {
                Event::RunBegun { run: fields.value("run")?, pid: fields.value("pid")?.parse().ok()? }
            }
            "stopping" => Event::Stopping { reason: fields.value("reason")? },
            _ => {
                let step = fields.text()?;
                Event::of_step(keyword, step, &mut fields)?
            }
        };
        fields.rest.is_empty().then_some(event)
    }

    fn of_step(keyword: &str, step: String, fields: &mut Fields<'_>) -> Option<Self> {
        Some(match keyword {
            "armed" => Event::Armed { step },
            "begun" => Event::Begun { step },
            "done" => Event::Ended { step, outcome: Outcome::Done, why: None },
            "ended" => {
                let outcome = serde_json::from_value(fields.value("outcome")?.into()).ok()?;
                Event::Ended { step, outcome, why: fields.maybe("why")? }
            }
            "declined" => Event::Declined { step, why: fields.maybe("why")? },
            "owed" => Event::Owed(DeadLetter {
                step,
                run: fields.value("run")?,
                since: time::parse(&fields.value("since")?)?,
                attempts: fields.value("attempts")?.parse().ok()?,
                needs_person: match &*fields.value("needs-person")? {
                    "yes" => true,
                    "no" => false,
                    _ => return None,
                },
                error: fields.maybe("error")?,
            }),
            "compensating" => Event::Compensating { step, attempt: fields.value("attempt")?.parse().ok()? },
            "compensated" => Event::Compensated { step },
            "compensation-failed" => Event::CompensationFailed {
                step,
                attempt: fields.value("attempt")?.parse().ok()?,
                why: fields.value("why")?,
            },
            "compensation-declined" => Event::CompensationDeclined { step, why: fields.maybe("why")? },
            "given-up" => Event::GivenUp { step },
            _ => return None,
        })
    }
}

/// A name: as it is if nothing in it could be taken for something else, else quoted.
pub(super) struct Word<'a>(pub(super) &'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-' | '#');
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            f.write_str(&quoted(self.0))
        }
    }
}

/// A field that may be absent.
struct Why<'a>(&'static str, &'a Option<String>);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(why) => write!(f, " {}={}", self.0, quoted(shortened(why))),
            None => Ok(()),
        }
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What is left of a record.
pub(super) struct Fields<'a> {
    pub(super) rest: &'a str,
}

impl Fields<'_> {
    /// The next text, quoted or not, with the space that follows it.
    pub(super) fn text(&mut self) -> Option<String> {
        let (text, rest) = if self.rest.starts_with('"') {
            let mut json = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
            let text = json.next()?.ok()?;
            (text, &self.rest[json.byte_offset()..])
        } else {
            let (text, rest) = self.rest.split_at(self.rest.find(' ').unwrap_or(self.rest.len()));
            if text.is_empty() {
                return None;
            }
            (text.to_owned(), rest)
        };
        self.rest = match rest.strip_prefix(' ') {
            // A space announces something.
            Some(rest) if !rest.is_empty() => rest,
            None if rest.is_empty() => rest,
            _ => return None,
        };
        Some(text)
    }

    fn value(&mut self, key: &str) -> Option<String> {
        self.rest = self.rest.strip_prefix(key)?.strip_prefix('=')?;
        self.text()
    }

    /// A field that may be absent as the last one; the outer `None` says that something else is there.
    fn maybe(&mut self, key: &str) -> Option<Option<String>> {
        if self.rest.is_empty() { Some(None) } else { self.value(key).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, every_event};
    use super::*;

    #[test]
    fn every_event_is_one_line_and_read_back() {
        let names = ["shop::orders::r#cancel", "größe::fn_1", "", "a b", "\"", "x\ny\\", "\u{202e}é\u{85}"];
        for name in names {
            for (number, event) in every_event(name).into_iter().enumerate() {
                let record = Record { number: number as u64, at: at(17), event };
                let text = record.to_string();
                assert!(!text.chars().any(char::is_control), "{text:?}");
                assert_eq!(Record::parse(&text), Some(record), "{text}");
            }
        }
    }

    #[test]
    fn a_person_can_read_it() {
        let said = |event: Event| Record { number: 7, at: at(1_795_165_612), event }.to_string();
        assert_eq!(
            said(Event::Ended {
                step: "shop::close_db".into(),
                outcome: Outcome::TimedOut,
                why: Some("3 are\nin use".into())
            }),
            r#"     7 2026-11-20T09:06:52.000000Z ended shop::close_db outcome="timed out" why="3 are\nin use""#
        );
        assert_eq!(
            said(Event::Ended { step: "shop::close_db".into(), outcome: Outcome::Done, why: None }),
            "     7 2026-11-20T09:06:52.000000Z done shop::close_db"
        );
    }

    #[test]
    fn only_what_is_written_is_read() {
        let all = every_event("a::b");
        for text in all.iter().map(ToString::to_string) {
            if text.starts_with("run-ended") {
                continue;
            }
            for wrong in
                [format!("{text} "), format!("{text} more=1"), format!(" {text}"), format!("un{text}")]
            {
                assert_eq!(Event::parse(&wrong), None, "{wrong}");
            }
        }
        for wrong in ["armed", "armed ", "armed \"a", "ended a outcome=fine", "compensating a attempt=-1"] {
            assert_eq!(Event::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_endless_error_does_not_make_an_endless_journal() {
        let why = "é".repeat(LONGEST);
        let event = Event::CompensationFailed { step: "a".into(), attempt: 1, why };
        let text = event.to_string();
        assert!(text.len() < LONGEST + 100, "{}", text.len());
        assert!(Event::parse(&text).is_some(), "it was cut between two characters");
    }
}
