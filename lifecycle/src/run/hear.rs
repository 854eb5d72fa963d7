//! What the coordinator waits for: every message comes through here, and what it means that concerns no graph is done
//! here too.

use std::time::Instant;

use super::background::Activity;
use super::call::drop_elsewhere;
use super::coordinator::Coordinator;
use super::executor::End;
use super::message::{Address, Message};
use super::service::ServiceEnd;
use super::track::{Track, TrackedNode};
use crate::clock;
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
            Heard::Ended(_, _, gifts) => Self::drop(gifts),
            Heard::Poked(_) | Heard::ServiceChanged | Heard::Other => {}
        }
    }

    fn drop(gifts: Vec<Resource>) {
        if !gifts.is_empty() {
            drop_elsewhere(gifts);
        }
    }
}

impl Coordinator {
    /// Waits for a message and does what does not concern a graph. `None`: the time is up, or nobody is left to speak.
    pub(super) async fn hear(&mut self, until: Option<Instant>) -> Option<Heard> {
        let message = self.next(until).await?;
        Some(self.understand(message))
    }

    fn understand(&mut self, message: Message) -> Heard {
        match message {
            Message::Ended { at, end, .. } if at.graph == Address::NOWHERE.graph => {
                match self.background.told(at.node, end, clock::now()) {
                    Some((at, end)) => Heard::Ended(at, end, Vec::new()),
                    None => Heard::Other,
                }
            }
            Message::Ended { at, end, gifts } => Heard::Ended(at, end, gifts),
            Message::Registered => {
                self.begin_registered();
                Heard::Other
            }
            Message::TakenBack(task) => {
                self.background.workers.dismiss(&task, clock::now());
                self.disarm_taken_back();
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
            Message::Provided => {
                self.arm();
                self.background.provided(clock::now());
                Heard::Other
            }
            Message::Health(told) => {
                self.background.monitor.told(told, clock::now());
                Heard::Other
            }
            #[cfg(feature = "systemd")]
            Message::Pulse(pulse) => {
                self.answer(pulse);
                Heard::Other
            }
        }
    }

    /// A service whose runtime does nothing any more is of no use. A shutdown gets by without it, on the rescue runtime
    /// and on time.
    #[cfg(feature = "systemd")]
    fn answer(&self, pulse: super::message::Pulse) {
        match &self.runtime {
            Some(runtime) if self.order.life.triggered().is_none() => {
                drop(runtime.spawn(async { pulse.answer() }));
            }
            _ => pulse.answer(),
        }
    }

    /// Waits for a message, and meanwhile lets happen what goes on beside the graphs.
    async fn next(&mut self, until: Option<Instant>) -> Option<Message> {
        loop {
            // However many messages there are, its time comes.
            self.background.on_time(clock::now());
            let first = until.into_iter().chain(self.background.next_timer()).min();
            let message = self.inbox.next(first).await;
            let was_own = first.is_some() && until.is_none_or(|until| clock::now() < until);
            if message.is_some() || !was_own {
                return message;
            }
        }
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

    /// Waits for whatever comes next in a graph, and lets it happen with all else that was told by then.
    pub(super) async fn turn(&mut self, track: &mut Track) {
        let words_due = self.prepare_last_words(track, clock::now());
        let until = track.execution.next_timer().into_iter().chain(words_due).min();
        let first = self.hear(until).await;
        let others = self.inbox.take_waiting();
        let now = clock::now();
        if let Some(first) = first {
            self.let_happen(track, first, now);
        }
        for message in others {
            let heard = self.understand(message);
            self.let_happen(track, heard, now);
        }
        track.execution.on_time(now);
    }

    fn let_happen(&mut self, track: &mut Track, heard: Heard, now: Instant) {
        match heard {
            Heard::Ended(at, end, gifts) if track.awaits(at) => {
                let end = self.accept(track, at.node, end, gifts);
                track.execution.ended(at.node, end, now);
            }
            // Nobody waits for it any more: what it gives came too late.
            late @ Heard::Ended(..) => late.ignore(),
            Heard::Poked(at) if at.graph == track.graph => track.execution.poked(at.node, now),
            Heard::ServiceChanged => {
                let requests = track.nodes.iter().position(TrackedNode::is_requests);
                if let Some(node) = requests {
                    track.execution.poked(node, now);
                }
            }
            Heard::Poked(_) | Heard::Other => {}
        }
    }

    /// Puts what a start hook gives into the store, before anyone who takes it begins.
    fn accept(&self, track: &Track, node: usize, end: End, gifts: Vec<Resource>) -> End {
        if gifts.is_empty() {
            return end;
        }
        if track.nodes[node].is_stopping() {
            Heard::drop(gifts);
            return end;
        }
        let refused: Vec<String> = gifts
            .into_iter()
            .filter_map(|gift| self.order.life.resources.insert(gift).err())
            .map(|error| error.to_string())
            .collect();
        self.arm();
        if refused.is_empty() { end } else { End::new(Outcome::Failed, refused.join("; ")) }
    }
}
