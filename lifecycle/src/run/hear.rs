//! What the coordinator waits for: every message comes through here, and what it means that concerns no graph is done
//! here too.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Instant;

use super::background::Activity;
use super::coordinator::Coordinator;
use super::executor::End;
use super::hook_task::drop_elsewhere;
use super::message::{Address, Message};
use super::service::ServiceEnd;
use super::track::{Track, TrackedNode};
use crate::narrator::{LINE_PATIENCE, Say};
use crate::report::{Outcome, Reason};
use crate::resource::Resource;
use crate::settings::Ready;
use crate::sys;

/// What was heard that concerns a graph.
pub(super) enum Heard {
    Ended(Address, End, Vec<Resource>),
    Poked(Address),
    ServiceChanged,
    Other,
}

impl Heard {
    /// Of a graph that is over, or of none.
    pub(super) fn ignore(self) {
        match self {
            Heard::Ended(_, _, gifts) if !gifts.is_empty() => drop_elsewhere(gifts),
            Heard::Ended(..) | Heard::Poked(_) | Heard::ServiceChanged | Heard::Other => {}
        }
    }
}

impl Coordinator {
    /// Waits for a message and does what does not concern a graph. `None`: the time is up, or nobody is left to speak.
    pub(super) fn hear(&mut self, until: Option<Instant>) -> Option<Heard> {
        let own = self.background.next_timer();
        let message = match until.into_iter().chain(own).min() {
            Some(first) => match self.inbox.recv_timeout(first.saturating_duration_since(Instant::now())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    let now = Instant::now();
                    self.background.on_time(now);
                    return until.is_none_or(|until| now < until).then_some(Heard::Other);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            },
            None => self.inbox.recv().ok()?,
        };
        let now = Instant::now();
        // However many messages there are, its time comes.
        self.background.on_time(now);
        Some(match message {
            Message::Ended { at, end, .. } if at.graph == Address::NOWHERE.graph => {
                match self.background.told(at.node, end, now) {
                    Some((at, end)) => Heard::Ended(at, end, Vec::new()),
                    None => Heard::Other,
                }
            }
            Message::Ended { at, end, gifts } => Heard::Ended(at, end, gifts),
            Message::Provided => {
                self.background.workers.begin_ready(now);
                Heard::Other
            }
            Message::Registered => {
                self.begin_registered();
                Heard::Other
            }
            Message::TakenBack(task) => {
                self.background.workers.dismiss(&task, now);
                Heard::Other
            }
            Message::Poked(at) => Heard::Poked(at),
            Message::Trigger => Heard::Other,
            Message::Service(end) => {
                self.service_ended(end);
                Heard::ServiceChanged
            }
            Message::ServiceAwaitsReport => Heard::ServiceChanged,
            Message::ServiceWaits => {
                if self.order.settings.ready.value == Ready::Auto {
                    self.order.life.mark_ready();
                }
                Heard::Other
            }
            Message::Runtime(runtime) => {
                self.runtime = Some(runtime);
                Heard::Other
            }
        })
    }

    pub(super) fn service_ended(&mut self, end: ServiceEnd) {
        let reason = match &end {
            ServiceEnd::Failed(error) => {
                // As plain Rust prints what `main` returns, whoever else is told.
                sys::write_stderr(format!("Error: {error}\n").as_bytes(), Instant::now() + LINE_PATIENCE);
                self.order.narrator.say(Say::ServiceFailed { error: error.clone() });
                Reason::ServiceFailed
            }
            // The panic's own message is on stderr already.
            ServiceEnd::Panicked(error) => {
                self.order.narrator.say(Say::ServiceFailed { error: error.clone() });
                Reason::ServiceFailed
            }
            ServiceEnd::Ended | ServiceEnd::Dropped => Reason::ServiceEnded,
        };
        self.seen.borrow_mut().service_ended(end);
        self.order.life.trigger(reason);
    }

    /// Waits for whatever comes next in a graph, and lets it happen.
    pub(super) fn turn(&mut self, track: &mut Track) {
        self.prepare_last_words(track);
        let heard = self.hear(track.execution.next_timer());
        let now = Instant::now();
        match heard {
            Some(Heard::Ended(at, end, gifts)) => {
                let end = self.accept(track, at, end, gifts);
                if at.graph == track.graph {
                    track.execution.ended(at.node, end, now);
                }
            }
            Some(Heard::Poked(at)) if at.graph == track.graph => track.execution.poked(at.node, now),
            Some(Heard::ServiceChanged) => {
                let requests = track.nodes.iter().position(TrackedNode::is_requests);
                if let Some(node) = requests {
                    track.execution.poked(node, now);
                }
            }
            Some(Heard::Poked(_) | Heard::Other) | None => {}
        }
        track.execution.on_time(now);
    }

    /// Puts what a start hook gives into the store, before anyone who takes it begins.
    fn accept(&self, track: &Track, at: Address, end: End, gifts: Vec<Resource>) -> End {
        let expected = at.graph == track.graph && track.execution.record(at.node).is_none();
        if !expected {
            // Of a hook that nobody waits for any more: what it gives came too late.
            if !gifts.is_empty() {
                drop_elsewhere(gifts);
            }
            return end;
        }
        let refused: Vec<String> = gifts
            .into_iter()
            .filter_map(|gift| self.order.life.resources.insert(gift).err())
            .map(|error| error.to_string())
            .collect();
        if refused.is_empty() { end } else { End::new(Outcome::Failed, refused.join("; ")) }
    }
}
