//! What others are told while a graph is executed: events, the narrator, and the watchdog's last words.

use super::coordinator::Coordinator;
use super::executor::Change;
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
        let mut went = Went::Well;
        for (node, change) in track.execution.take_changes() {
            self.stale.set(true);
            let Some(report) = track.report(node) else { continue };
            let is_start = report.kind.section() == StepKind::Start;
            let phase = if is_start { Phase::Start } else { Phase::Shutdown };
            let (id, step) = (self.id.clone(), report.name.clone());
            let requests = track.nodes[node].is_requests();
            match change {
                Change::Began => {
                    self.record_begin(&track.nodes[node], &report);
                    if requests {
                        life.tell(Event::State(State::Draining));
                    }
                    self.order.narrator.say(match track.nodes[node].kind {
                        Kind::Group(gate) => {
                            let calls = self.tallies.borrow().calls(gate);
                            let in_flight = calls.map_or(0, |calls| calls.awaited);
                            Say::Draining { id, group: gate.name(), in_flight, limit: report.limit }
                        }
                        Kind::Hook(_) | Kind::Worker(_) | Kind::Join => {
                            Say::StepBegan { id, phase, step: step.clone(), limit: report.limit }
                        }
                    });
                    life.tell(Event::StepBegan { step });
                }
                Change::Ended => {
                    self.record_end(&track.nodes[node], &report);
                    let (outcome, error, ran) = (report.outcome, report.error, report.ran);
                    if outcome.is_degraded() && report.kind.counts() {
                        went = Went::Wrong;
                    }
                    let told = Event::StepEnded { step: step.clone(), outcome, error: error.clone() };
                    let calls = match track.nodes[node].kind {
                        Kind::Group(gate) => self.tallies.borrow().calls(gate),
                        Kind::Hook(_) | Kind::Worker(_) | Kind::Join => None,
                    };
                    let drained_in = calls.map(|calls| calls.drained_in);
                    self.order.narrator.say(Say::StepEnded {
                        id,
                        phase,
                        step,
                        outcome,
                        error,
                        ran,
                        drained_in,
                    });
                    life.tell(told);
                    if requests {
                        life.tell(Event::State(State::Stopping));
                    }
                }
            }
        }
        went
    }

    /// Tells the watchdog what runs, for it to say should it come to that. Asked for before each wait, and so once for
    /// many changes.
    pub(super) fn prepare_last_words(&self, track: &Track) {
        let triggered = self.order.life.triggered().is_some();
        if self.order.watchdog.is_none() || !triggered || !self.stale.replace(false) {
            return;
        }
        let running: Vec<String> = track
            .execution
            .running()
            .filter_map(|(node, _)| track.nodes[node].draft.as_ref())
            .map(|step| match step.line {
                0 => step.name.clone(),
                line => format!("{} ({}:{line})", step.name, step.file),
            })
            .collect();
        let running = running.join(", ");
        self.last_words(if running.is_empty() { "no step" } else { &running });
    }

    /// What the watchdog says should it come to that.
    pub(super) fn last_words(&self, running: &str) {
        let grace = self.order.settings.grace.value;
        if let Some(watchdog) = &self.order.watchdog {
            watchdog.prepare(format!(
                "lifecycle: {grace} have passed, the watchdog ends the process, exit 124; still running: {running}\n"
            ));
        }
    }
}
