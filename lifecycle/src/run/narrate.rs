//! What others are told while a graph is executed: events, the narrator, and the watchdog's last words.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::Coordinator;
use super::executor::{Change, End};
use super::track::{Kind, Track};
use crate::events::{Event, State};
use crate::hook::Phase;
use crate::narrator::Say;
use crate::report::StepKind;

/// What a batch of changes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    Well,
    Wrong,
}

impl Coordinator {
    /// Says what has begun and ended since the last call, and whether anything went wrong.
    pub(super) fn narrate(&self, track: &mut Track) -> Went {
        let life = self.order.life;
        let changes = track.execution.take_changes();
        let (mut went, mut says) = (Went::Well, Vec::with_capacity(changes.len()));
        for (node, change) in changes {
            self.last_words.touch();
            let tracked = &track.nodes[node];
            let Some(draft) = track.draft(node) else { continue };
            let is_start = draft.kind.section() == StepKind::Start;
            let phase = if is_start { Phase::Start } else { Phase::Shutdown };
            let (id, step) = (Arc::clone(&self.id), Arc::clone(&tracked.name));
            let requests = tracked.is_requests();
            match change {
                Change::Began => {
                    self.record_begin(tracked, draft);
                    if requests {
                        life.tell(Event::State(State::Draining));
                    }
                    says.push(match tracked.kind {
                        Kind::Group(gate) => {
                            let calls = self.tallies.borrow().calls(gate);
                            let in_flight = calls.map_or(0, |calls| calls.awaited);
                            Say::Draining { id, gate, in_flight, limit: draft.limit }
                        }
                        Kind::Hook(_) | Kind::Worker(_) | Kind::Join => {
                            Say::StepBegan { id, phase, step, limit: draft.limit }
                        }
                    });
                    life.tell_of(|| Event::StepBegan { step: draft.name.clone() });
                }
                Change::Ended => {
                    let Some((ran, end)) = track.end(node) else { continue };
                    self.record_end(tracked, draft, end);
                    let End { outcome, why } = end;
                    if outcome.is_degraded() && draft.kind.counts() {
                        went = Went::Wrong;
                    }
                    let (outcome, error) = (*outcome, why.clone());
                    let calls = match tracked.kind {
                        Kind::Group(gate) => self.tallies.borrow().calls(gate),
                        Kind::Hook(_) | Kind::Worker(_) | Kind::Join => None,
                    };
                    let drained_in = calls.map(|calls| calls.drained_in);
                    says.push(Say::StepEnded { id, phase, step, outcome, error, ran, drained_in });
                    let step = || draft.name.clone();
                    life.tell_of(|| Event::StepEnded { step: step(), outcome, error: why.clone() });
                    if requests {
                        life.tell(Event::State(State::Stopping));
                    }
                }
            }
        }
        self.order.narrator.say_all(says);
        went
    }

    /// Tells the watchdog what runs, for it to say should it come to that. Not at each change, of which there may be
    /// thousands: when the words have been wrong for a moment. Returns when that will be.
    pub(super) fn prepare_last_words(&self, track: &Track, now: Instant) -> Option<Instant> {
        let triggered = self.order.life.triggered().is_some();
        if self.order.watchdog.is_none() || !triggered {
            return None;
        }
        let due = self.last_words.due(now)?;
        if due > now {
            return Some(due);
        }
        let mut running = track.execution.running().filter_map(|(node, _)| track.draft(node));
        let named = running.by_ref().take(NAMED).map(|step| match step.line {
            0 => step.name.clone(),
            line => format!("{} ({}:{line})", step.name, step.file),
        });
        let mut named: Vec<String> = named.collect();
        match running.count() {
            0 => {}
            more => named.push(format!("and {more} more")),
        }
        let running = named.join(", ");
        self.prepare_to_say(if running.is_empty() { "no step" } else { &running });
        None
    }

    /// What the watchdog says should it come to that.
    pub(super) fn prepare_to_say(&self, running: &str) {
        let grace = self.order.settings.grace.value;
        if let Some(watchdog) = &self.order.watchdog {
            watchdog.prepare(format!(
                "lifecycle: {grace} have passed, the watchdog ends the process, exit 124; still running: {running}\n"
            ));
        }
    }
}

/// How many steps the watchdog names.
const NAMED: usize = 20;

/// Whether the watchdog's last words name steps that have begun or ended since.
#[derive(Default)]
pub(super) struct LastWords {
    stale: Cell<bool>,
    due: Cell<Option<Instant>>,
}

impl LastWords {
    /// How long they may be wrong.
    const PACE: Duration = Duration::from_millis(10);

    fn touch(&self) {
        self.stale.set(true);
    }

    /// When they are to be prepared again. Once that is now, they count as right.
    fn due(&self, now: Instant) -> Option<Instant> {
        if !self.stale.get() {
            return None;
        }
        let due = self.due.get().unwrap_or(now + Self::PACE);
        let is_due = due <= now;
        self.stale.set(!is_due);
        self.due.set(Some(due).filter(|_| !is_due));
        Some(due)
    }
}
