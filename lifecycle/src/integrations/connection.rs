//! What a connection and the calls on it share. A server puts it into each request's extensions.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::gate::Gate;
use crate::tracked::Admitted;

/// One connection.
#[derive(Clone, Default)]
pub(crate) struct Connection(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Requests whose response has not begun.
    busy: AtomicUsize,
    http2: AtomicBool,
    /// It was told to end after what it is at.
    leaving: AtomicBool,
    /// It is no HTTP any more: whose drain is to end it.
    upgraded: OnceLock<&'static Gate>,
    stream: Mutex<Stream>,
}

#[derive(Default)]
struct Stream {
    closed: bool,
    /// The call that lasts as long as the stream.
    call: Option<Admitted>,
}

/// One request of it, until its response begins or is given up.
pub(crate) struct Busy(Connection);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Connection {
    pub(crate) fn request(&self, http2: bool) -> Busy {
        self.0.busy.fetch_add(1, Ordering::AcqRel);
        self.0.http2.store(http2, Ordering::Release);
        Busy(self.clone())
    }

    /// Whether it can be told to end without losing a request that is under way. In HTTP/2 the client is told which of
    /// its requests were taken.
    pub(crate) fn may_be_told(&self) -> bool {
        self.0.http2.load(Ordering::Acquire) || self.0.busy.load(Ordering::Acquire) > 0
    }

    pub(crate) fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Acquire)
    }

    /// Its response was the last of HTTP on it.
    pub(crate) fn upgrade(&self, gate: &'static Gate) {
        // Who said so first knows better: a layer has chosen the group, the server has not.
        let _ = self.0.upgraded.set(gate);
    }

    pub(crate) fn upgraded(&self) -> Option<&'static Gate> {
        self.0.upgraded.get().copied()
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.0.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call goes on until the stream is closed.
    #[cfg(feature = "tower")]
    pub(crate) fn hold(&self, call: Admitted) {
        let mut stream = self.stream();
        if !stream.closed {
            stream.call = Some(call);
        }
    }

    /// Nobody has the stream any more.
    pub(crate) fn closed(&self) {
        let call = {
            let mut stream = self.stream();
            stream.closed = true;
            stream.call.take()
        };
        drop(call);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
