//! Counts tracked calls, refuses them once closed, tells when the last one has left.
//!
//! One word holds the closed bit and the count, so that a call is either counted before the gate closes or sees it
//! closed. How it is represented is known in this file alone.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lifecycle --lib --release gate::model` runs this code under every interleaving
//! of a close with calls (see `model`).

mod site;
mod sync;

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::fmt;
use std::sync::OnceLock;

pub use site::{Admitted, CallStats, Site};
use tokio_util::sync::CancellationToken;

use self::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::process::lifecycle;
use crate::rejected::{RejectReason, Rejected};

/// The gate of `lifecycle::Requests`, open until a lifecycle closes it.
pub(crate) static REQUESTS: Gate = Gate::new("Requests");

type WhenEmpty = Box<dyn FnOnce() + Send>;

const CLOSED: usize = 1;
const CALL: usize = 2;

/// Every call writes it, every poll reads the flag beside it.
#[repr(align(128))]
struct Padded<T>(T);

/// The gate of one group: a `static` that `#[lifecycle::group]` leaves behind.
pub struct Gate {
    name: &'static str,
    /// `CLOSED` and the number of calls times `CALL`.
    word: Padded<AtomicUsize>,
    frozen: AtomicBool,
    /// It was closed by a pause: until a shutdown begins, what it refuses may come back.
    has_paused: AtomicBool,
    when_empty: Mutex<Option<WhenEmpty>>,
    first_site: OnceLock<&'static Site>,
    cut_off: OnceLock<CancellationToken>,
}

impl Gate {
    /// The gate of the group of this name, open.
    pub const fn new(name: &'static str) -> Self {
        Gate {
            name,
            word: Padded(AtomicUsize::new(0)),
            frozen: AtomicBool::new(false),
            has_paused: AtomicBool::new(false),
            when_empty: Mutex::new(None),
            first_site: OnceLock::new(),
            cut_off: OnceLock::new(),
        }
    }

    /// Its group's.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Counts a call from outside, unless the gate is closed.
    #[inline]
    fn enter(&self) -> Result<(), Rejected> {
        // Without this look a storm of refused calls would keep the count above zero and the drain waiting.
        if self.word.0.load(Ordering::Relaxed) & CLOSED != 0 {
            return Err(self.rejected());
        }
        if self.word.0.fetch_add(CALL, Ordering::Acquire) & CLOSED != 0 {
            self.leave();
            return Err(self.rejected());
        }
        Ok(())
    }

    /// Counts a call that must not be refused.
    #[inline]
    fn enter_always(&self) {
        self.word.0.fetch_add(CALL, Ordering::Acquire);
    }

    /// Ends what either of the two began, on any thread.
    #[inline]
    fn leave(&self) {
        // AcqRel: whoever brings the count to zero has seen all that the others did, and so has what it wakes.
        if self.word.0.fetch_sub(CALL, Ordering::AcqRel) == CLOSED + CALL {
            self.emptied();
        }
    }

    /// As [`close`](Self::close), until it is resumed.
    pub(crate) fn pause(&self) {
        self.has_paused.store(true, Ordering::Release);
        self.close();
    }

    /// Opens a gate that is paused. Whoever calls it sees to it that nobody closes it for good meanwhile.
    pub(crate) fn resume(&self) {
        self.word.0.fetch_and(!CLOSED, Ordering::AcqRel);
    }

    /// Refuses every call from outside that has not been counted when this returns.
    pub(crate) fn close(&self) {
        if self.word.0.fetch_or(CLOSED, Ordering::AcqRel) < CALL {
            self.emptied();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Cancelled when the time for its calls is up: a moment later they are dropped.
    pub(crate) fn cut_off(&self) -> &CancellationToken {
        self.cut_off.get_or_init(CancellationToken::new)
    }

    /// Calls `then` once, as soon as the gate is closed and no call is counted: at once, or on the thread on which the
    /// last call leaves. A later `then` replaces one that has not been called.
    pub(crate) fn on_empty(&self, then: WhenEmpty) {
        *self.when_empty.lock() = Some(then);
        if self.word.0.load(Ordering::Acquire) == CLOSED {
            self.emptied();
        }
    }

    #[cold]
    fn emptied(&self) {
        let then = self.when_empty.lock().take();
        if let Some(then) = then {
            then();
        }
    }

    /// From now on a call that is polled again is dropped instead, and stays pending.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::Release);
    }

    #[inline]
    fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// How many calls are counted.
    pub(crate) fn in_flight(&self) -> usize {
        self.word.0.load(Ordering::Relaxed) / CALL
    }

    /// The annotated functions that were called so far, with their counts.
    pub(crate) fn sites(&self) -> Vec<CallStats> {
        self.registered().map(Site::snapshot).collect()
    }

    /// The functions that are still running.
    pub(crate) fn awaited(&self) -> Vec<CallStats> {
        self.registered().map(Site::snapshot).filter(|site| site.in_flight > 0).collect()
    }

    /// How many calls were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.registered().map(|site| site.snapshot().refused).sum()
    }

    fn registered(&self) -> impl Iterator<Item = &'static Site> + use<> {
        std::iter::successors(self.first_site.get().copied(), |site| site.next())
    }

    #[cold]
    fn rejected(&self) -> Rejected {
        let resumes = self.has_paused.load(Ordering::Acquire) && lifecycle().triggered().is_none();
        Rejected::new(if resumes { RejectReason::Paused } else { RejectReason::ShuttingDown })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("name", &self.name).finish_non_exhaustive()
    }
}
