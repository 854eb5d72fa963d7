//! What happens, as values: the lifecycle's state, and events for whoever subscribes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::process::lifecycle;
use crate::report::Outcome;
use crate::worker::WorkerEvent;

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
#[repr(u8)]
pub enum State {
    /// No lifecycle runs (yet): a unit test, or before `run`.
    Idle,
    /// Start hooks run.
    Starting,
    /// The service runs.
    Running,
    /// The service runs, but takes nothing new: see [`pause`](crate::pause).
    Paused,
    /// A shutdown has begun, and requests are still served: the lame-duck time and the steps of negative order.
    LameDuck,
    /// New requests are refused, running ones are awaited.
    Draining,
    /// The steps after the drain run.
    Stopping,
    /// The report is there.
    Stopped,
}

impl State {
    pub(crate) fn from_u8(value: u8) -> Self {
        const ALL: [State; 8] = [
            State::Idle,
            State::Starting,
            State::Running,
            State::Paused,
            State::LameDuck,
            State::Draining,
            State::Stopping,
            State::Stopped,
        ];
        ALL.get(usize::from(value)).copied().unwrap_or(State::Idle)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The state is now this one.
    State(State),
    /// The service is ready: see [`is_ready`](crate::is_ready).
    Ready,
    /// A step has begun.
    StepBegan {
        /// Its name.
        step: String,
    },
    /// A step has ended, or will not run.
    StepEnded {
        /// Its name.
        step: String,
        /// How.
        outcome: Outcome,
        /// The error, or why it did not run.
        error: Option<String>,
    },
    /// Something happened to a worker while it was not being stopped; of its stop the two above tell.
    Worker {
        /// Its name.
        worker: String,
        /// What.
        what: WorkerEvent,
    },
    /// This subscriber was too slow and has lost this many of the oldest events.
    Missed(u64),
}

/// A subscription to [`events`].
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

impl Events {
    /// The next event; `None` once the lifecycle is over and everything was received. Cancel safe.
    pub async fn recv(&mut self) -> Option<Event> {
        let mut next = pin!(self.receiver.recv());
        let mut over = pin!(lifecycle().over.cancelled());
        // The queue first: what came before the end is still to be received.
        poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(Ok(event)) => Poll::Ready(Some(event)),
            Poll::Ready(Err(RecvError::Lagged(missed))) => Poll::Ready(Some(Event::Missed(missed))),
            Poll::Ready(Err(RecvError::Closed)) => Poll::Ready(None),
            Poll::Pending => over.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}

/// Everything that happens from now on, for as many subscribers as want it. A slow one loses the oldest events and is
/// told how many by [`Event::Missed`].
pub fn events() -> Events {
    Events { receiver: lifecycle().subscribe() }
}
