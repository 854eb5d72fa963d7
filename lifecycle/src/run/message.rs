//! What the coordinator is told, and by whom.

use super::executor::End;
use super::mailbox::Mailbox;
use super::service::ServiceEnd;
use crate::health::Told;
use crate::hook::Task;
use crate::report::Outcome;
use crate::resource::Resource;

/// A message to the coordinator.
pub(crate) enum Message {
    /// A step has ended.
    Ended { at: Address, end: End, gifts: Vec<Resource> },
    /// Something that a step waits for has happened.
    Poked(Address),
    /// The shutdown was triggered; [`Lifecycle::triggered`](crate::process::Lifecycle::triggered) says by what.
    Trigger,
    /// The service future is no more.
    Service(ServiceEnd),
    /// The service future was polled and waits.
    ServiceWaits,
    /// The service future waits for the report, which comes only after it has gone.
    ServiceAwaitsReport,
    /// The service's runtime is there.
    Runtime(tokio::runtime::Handle),
    /// A resource was provided by hand.
    Provided,
    /// A step was registered that begins at once.
    Registered,
    /// A step was taken back that may be running, or that would owe something.
    TakenBack(Task),
    /// Something about a health check.
    Health(Told),
    /// Somebody asks whether the coordinator is there, and while the service runs its runtime.
    #[cfg(feature = "systemd")]
    Pulse(Pulse),
}

/// Has whoever can still do so answer.
#[cfg(feature = "systemd")]
pub(crate) struct Pulse(Box<dyn FnOnce() + Send>);

#[cfg(feature = "systemd")]
impl Pulse {
    pub(crate) fn new(answer: impl FnOnce() + Send + 'static) -> Self {
        Pulse(Box::new(answer))
    }

    pub(crate) fn answer(self) {
        (self.0)();
    }
}

/// A node of one of the graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Which graph: an abandoned start hook may end while the shutdown runs.
    pub(crate) graph: u32,
    pub(crate) node: usize,
    /// Of a step that is tried several times, which of its calls; else 0.
    pub(crate) turn: u32,
}

impl Address {
    /// Of a work that is in no graph. Graphs count from 1.
    pub(crate) const NOWHERE: Self = Address { graph: 0, node: 0, turn: 0 };

    /// Of what goes on beside the graphs; its runs count from 1.
    pub(crate) const fn beside(run: usize) -> Self {
        Address { graph: 0, node: run, turn: 0 }
    }
}

/// Tells a step's end, exactly once: dropped untold, it says that the step was dropped.
pub(crate) struct Teller {
    to: Option<Mailbox>,
    at: Address,
}

impl Teller {
    pub(crate) fn new(to: Mailbox, at: Address) -> Self {
        Teller { to: Some(to), at }
    }

    /// The call's values are gone, and nothing else of a user's is on this stack: what follows may begin here.
    pub(crate) fn tell(mut self, end: End, gifts: Vec<Resource>) {
        if let Some(to) = self.to.take() {
            to.send_and_act(Message::Ended { at: self.at, end, gifts });
        }
    }
}

impl Drop for Teller {
    /// Wherever that may be.
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to.send(Message::Ended { at: self.at, end: End::bare(Outcome::CutOff), gifts: Vec::new() });
        }
    }
}
