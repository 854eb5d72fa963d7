//! What happens, as values: the lifecycle's state, and events for whoever subscribes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::process::lifecycle;
use crate::report::{CallSite, Outcome};
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
    /// The service is ready, as long as no health check fails: see [`is_ready`](crate::is_ready). Told once.
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
    /// The time of a group's calls is up: those that still run hear of it by [`cut_off`](crate::cut_off), and are dropped a
    /// moment later.
    CutOff {
        /// The group.
        group: String,
        /// What still runs, call by call where the function has an id: `#[tracked(id = …)]`.
        calls: Vec<CallSite>,
    },
    /// Something happened to a worker while it was not being stopped; of its stop the two above tell.
    Worker {
        /// Its name.
        worker: String,
        /// What.
        what: WorkerEvent,
    },
    /// A health check is good, for the first time or again after it was skipped.
    Healthy {
        /// Its name.
        check: String,
    },
    /// A health check has failed and is about to be recovered: the service is not ready. Told for each attempt.
    Recovering {
        /// Its name.
        check: String,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// How many there are.
        of: u32,
        /// What it, and the attempt before, said.
        error: String,
    },
    /// A health check that has failed is good again.
    Recovered {
        /// Its name.
        check: String,
    },
    /// No attempt has helped: the service stays not ready until the check is good again, as which it is still run.
    RecoveryFailed {
        /// Its name.
        check: String,
        /// What it said last.
        error: String,
    },
    /// The `when` of a health check says that it does not apply now; it no longer has a say in whether the service is
    /// ready.
    CheckSkipped {
        /// Its name.
        check: String,
        /// Why.
        why: String,
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
        receive(&mut self.receiver, lifecycle().over.cancelled()).await
    }
}

async fn receive(queue: &mut broadcast::Receiver<Event>, over: impl Future<Output = ()>) -> Option<Event> {
    let (mut next, mut over) = (pin!(queue.recv()), pin!(over));
    poll_fn(|cx| {
        let received = match next.as_mut().poll(cx) {
            Poll::Pending => {
                ready!(over.as_mut().poll(cx));
                // What came before the end is still to be received, also if it came since the look before this one.
                match next.as_mut().poll(cx) {
                    Poll::Ready(received) => received,
                    Poll::Pending => Err(RecvError::Closed),
                }
            }
            Poll::Ready(received) => received,
        };
        Poll::Ready(match received {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(RecvError::Closed) => None,
        })
    })
    .await
}

/// Everything that happens from now on, for as many subscribers as want it: each gets every event, all in the same
/// order. A slow one loses the oldest events and is told how many by [`Event::Missed`].
///
/// One made before the lifecycle runs, as in `setup`, misses nothing.
///
/// ```
/// use lifecycle::Event;
///
/// let mut events = lifecycle::events();
/// # let watch =
/// async move {
///     while let Some(event) = events.recv().await {
///         match event {
///             Event::RecoveryFailed { check, error } => eprintln!("page somebody: {check}: {error}"),
///             Event::Missed(lost) => eprintln!("too slow for {lost} events"),
///             _ => {}
///         }
///     }
/// }
/// # ;
/// ```
pub fn events() -> Events {
    Events { receiver: lifecycle().subscribe() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_event_is_received_also_when_the_end_comes_between_two_looks() {
        let queue = broadcast::Sender::new(8);
        let mut receiver = queue.subscribe();
        let ends = poll_fn(|_| {
            // The queue has just been looked at.
            queue.send(Event::State(State::Stopped)).unwrap();
            Poll::Ready(())
        });
        assert_eq!(receive(&mut receiver, ends).await, Some(Event::State(State::Stopped)));
        assert_eq!(receive(&mut receiver, std::future::ready(())).await, None);
    }
}
