//! How the coordinator is spoken to, and how it waits.
//!
//! The coordinator is written as a future. In a service it has a thread of its own, which it blocks while it waits: that
//! future is ready at its first poll. In a `#[lifecycle::test]` it is polled beside the test, and waits for a
//! notification and on the runtime's timer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{self, SendError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::Notify;

use super::message::Message;
use crate::clock;

/// Where messages to the coordinator go.
#[derive(Clone)]
pub(crate) struct Mailbox {
    to: mpsc::Sender<Message>,
    /// Of a coordinator that is polled.
    bell: Option<Arc<Notify>>,
}

impl Mailbox {
    /// # Errors
    /// The coordinator is gone.
    pub(crate) fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        self.to.send(message)?;
        if let Some(bell) = &self.bell {
            bell.notify_one();
        }
        Ok(())
    }
}

/// Where the coordinator hears from everyone else.
pub(crate) struct Inbox {
    from: mpsc::Receiver<Message>,
    bell: Option<Arc<Notify>>,
}

impl Inbox {
    /// The next message. `None`: the time is up, or nobody is left to speak.
    pub(super) async fn next(&self, until: Option<Instant>) -> Option<Message> {
        match &self.bell {
            Some(bell) => self.polled(bell, until).await,
            None => self.blocked(until),
        }
    }

    fn blocked(&self, until: Option<Instant>) -> Option<Message> {
        let Some(until) = until else { return self.from.recv().ok() };
        self.from.recv_timeout(until.saturating_duration_since(clock::now())).ok()
    }

    async fn polled(&self, bell: &Notify, until: Option<Instant>) -> Option<Message> {
        loop {
            match self.from.try_recv() {
                Ok(message) => return Some(message),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => {}
            }
            // A ring since that look is not lost: the bell keeps one.
            match until {
                None => bell.notified().await,
                Some(until) => {
                    if tokio::time::timeout_at(until.into(), bell.notified()).await.is_err() {
                        return self.from.try_recv().ok();
                    }
                }
            }
        }
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
    (Mailbox { to, bell: None }, Inbox { from, bell: None })
}

/// A mailbox of a coordinator that is polled by a runtime.
#[cfg(feature = "testing")]
pub(super) fn on_a_runtime() -> (Mailbox, Inbox) {
    let (to, from) = mpsc::channel();
    let bell = Some(Arc::new(Notify::new()));
    (Mailbox { to, bell: bell.clone() }, Inbox { from, bell })
}

/// Runs the coordinator on this thread.
pub(super) fn block<F: Future>(coordinator: F) -> F::Output {
    match pin!(coordinator).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits by blocking its thread"),
    }
}
