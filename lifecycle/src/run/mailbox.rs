//! How the coordinator is spoken to, and how it waits.
//!
//! The coordinator is written as a future, so that a test can poll it beside what it tests, on the test's own clock. In
//! a service it has a thread of its own, which it blocks while it waits: that future is ready at its first poll.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{self, SendError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::message::Message;
use crate::clock;

/// Where messages to the coordinator go.
#[derive(Clone)]
pub(crate) struct Mailbox {
    to: mpsc::Sender<Message>,
}

impl Mailbox {
    /// # Errors
    /// The coordinator is gone.
    pub(crate) fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        self.to.send(message)
    }
}

/// Where the coordinator hears from everyone else.
pub(crate) struct Inbox {
    from: mpsc::Receiver<Message>,
}

impl Inbox {
    /// The next message. `None`: the time is up, or nobody is left to speak.
    pub(super) async fn next(&self, until: Option<Instant>) -> Option<Message> {
        let Some(until) = until else { return self.from.recv().ok() };
        self.from.recv_timeout(until.saturating_duration_since(clock::now())).ok()
    }
}

#[cfg(test)]
impl Inbox {
    /// A message that is there.
    pub(crate) fn waiting(&self) -> Option<Message> {
        self.from.try_recv().ok()
    }

    /// The next message, within so long.
    pub(crate) fn within(&self, patience: std::time::Duration) -> Option<Message> {
        self.from.recv_timeout(patience).ok()
    }
}

/// A mailbox of a coordinator that has a thread of its own.
pub(crate) fn on_a_thread() -> (Mailbox, Inbox) {
    let (to, from) = mpsc::channel();
    (Mailbox { to }, Inbox { from })
}

/// Runs the coordinator on this thread.
pub(super) fn block<F: Future>(coordinator: F) -> F::Output {
    match pin!(coordinator).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits by blocking its thread"),
    }
}
