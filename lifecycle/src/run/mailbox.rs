//! How the coordinator is spoken to, and how it waits.
//!
//! The coordinator is written as a future. In a service it has a thread of its own, and a seat (see `seat`) from which
//! whoever tells it something may also have it act on that. In a `#[lifecycle::test]` it is polled beside the test, and
//! waits for a notification and on the runtime's timer.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use tokio::sync::Notify;

use super::message::Message;
use super::seat::{Home, Seat};
use crate::clock;

/// Where messages to the coordinator go.
#[derive(Clone)]
pub(crate) struct Mailbox {
    post: Arc<Post>,
}

/// What mailbox and inbox share.
pub(super) struct Post {
    state: Mutex<State>,
    kind: Kind,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) letters: VecDeque<Message>,
    /// When the coordinator wants to act, whatever it is told until then.
    pub(super) waits_until: Option<Instant>,
    /// It acts on its own thread alone.
    pub(super) stays_home: bool,
    /// It waits for its own thread to take over.
    pub(super) called_home: bool,
    /// Its own thread sleeps; who takes this away wakes it.
    pub(super) asleep: Option<Asleep>,
}

/// How the coordinator's own thread sleeps.
pub(super) struct Asleep {
    pub(super) until: Option<Instant>,
}

impl State {
    /// Whether what is to be done next is for the own thread, which would not wake up for it by itself.
    pub(super) fn wants_home(&self) -> bool {
        let sooner = match (self.waits_until, self.asleep.as_ref().and_then(|asleep| asleep.until)) {
            (Some(waits), Some(sleeps)) => waits < sleeps,
            (waits, None) => waits.is_some(),
            (None, Some(_)) => false,
        };
        sooner || self.called_home || !self.letters.is_empty()
    }
}

enum Kind {
    /// The coordinator has a thread of its own.
    Seated(Seat),
    /// It is polled by a runtime.
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only a test is run like that"))]
    Polled(Notify),
}

impl Mailbox {
    /// For its own thread to act on: who speaks may be a user's code, which holds who knows what.
    pub(crate) fn send(&self, message: Message) {
        let Post { kind, .. } = &*self.post;
        let mut state = self.post.state();
        state.letters.push_back(message);
        match kind {
            Kind::Seated(seat) => seat.ring(state),
            Kind::Polled(bell) => bell.notify_one(),
        }
    }

    /// For the caller to act on, unless somebody acts already, who then sees to it. For who holds nothing of a user's.
    pub(crate) fn send_and_act(&self, message: Message) {
        self.act_on(message, Home::IsWoken);
    }

    /// The same without waking its own thread for limits that have come to be: the caller sees to it that somebody else
    /// [`send`](Self::send)s something soon.
    pub(crate) fn send_and_act_alone(&self, message: Message) {
        self.act_on(message, Home::Sleeps);
    }

    fn act_on(&self, message: Message, home: Home) {
        let Kind::Seated(seat) = &self.post.kind else { return self.send(message) };
        let mut state = self.post.state();
        state.letters.push_back(message);
        match state.stays_home {
            true => seat.ring(state),
            false => {
                drop(state);
                seat.act(&self.post, home);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn home_sleeps(&self) -> bool {
        self.post.state().asleep.is_some()
    }

    /// Runs the coordinator to its end, with this thread as its own.
    pub(super) fn coordinate(
        &self,
        coordinator: impl Future<Output = ()> + Send + 'static,
        failed: impl Fn(Box<dyn Any + Send>) + Send + 'static,
    ) {
        let Kind::Seated(seat) = &self.post.kind else { unreachable!("it is polled elsewhere") };
        let mut coordinator = Box::pin(coordinator);
        seat.take(Box::pin(poll_fn(move |cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| coordinator.as_mut().poll(cx)));
            polled.unwrap_or_else(|payload| {
                failed(payload);
                Poll::Ready(())
            })
        })));
        seat.stay(&self.post);
    }
}

impl Post {
    /// Never held while the coordinator acts.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the coordinator hears from everyone else.
pub(crate) struct Inbox {
    post: Arc<Post>,
}

impl Inbox {
    /// The next message. `None`: the time is up.
    pub(super) async fn next(&self, until: Option<Instant>) -> Option<Message> {
        match &self.post.kind {
            Kind::Seated(_) => self.seated(until).await,
            Kind::Polled(bell) => self.polled(bell, until).await,
        }
    }

    async fn seated(&self, until: Option<Instant>) -> Option<Message> {
        poll_fn(|_| {
            let mut state = self.post.state();
            let message = state.letters.pop_front();
            if message.is_some() || until.is_some_and(|until| until <= clock::now()) {
                return Poll::Ready(message);
            }
            state.waits_until = until;
            Poll::Pending
        })
        .await
    }

    async fn polled(&self, bell: &Notify, until: Option<Instant>) -> Option<Message> {
        loop {
            let message = self.waiting();
            if message.is_some() {
                return message;
            }
            // A ring since that look is not lost: the bell keeps one.
            match until {
                None => bell.notified().await,
                Some(until) => {
                    if tokio::time::timeout_at(until.into(), bell.notified()).await.is_err() {
                        return self.waiting();
                    }
                }
            }
        }
    }

    /// All messages that are there.
    pub(super) fn take_waiting(&self) -> VecDeque<Message> {
        std::mem::take(&mut self.post.state().letters)
    }

    /// A message that is there.
    pub(crate) fn waiting(&self) -> Option<Message> {
        self.post.state().letters.pop_front()
    }

    /// Goes on on the coordinator's own thread, and stays there: what comes may block.
    pub(super) async fn go_home(&self) {
        let Kind::Seated(seat) = &self.post.kind else { return };
        poll_fn(|_| {
            let mut state = self.post.state();
            state.stays_home = true;
            state.called_home = !seat.is_home();
            if state.called_home { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// The next message, within so long.
    #[cfg(test)]
    pub(crate) fn within(&self, patience: std::time::Duration) -> Option<Message> {
        let Kind::Seated(seat) = &self.post.kind else { return self.waiting() };
        seat.make_home();
        self.post.state().waits_until = Some(Instant::now() + patience);
        seat.sleep(&self.post);
        self.waiting()
    }
}

/// A mailbox of a coordinator that has a thread of its own.
pub(crate) fn on_a_thread() -> (Mailbox, Inbox) {
    of_kind(Kind::Seated(Seat::default()))
}

/// A mailbox of a coordinator that is polled by a runtime.
#[cfg(feature = "testing")]
pub(super) fn on_a_runtime() -> (Mailbox, Inbox) {
    of_kind(Kind::Polled(Notify::new()))
}

fn of_kind(kind: Kind) -> (Mailbox, Inbox) {
    let post = Arc::new(Post { state: Mutex::default(), kind });
    (Mailbox { post: Arc::clone(&post) }, Inbox { post })
}
