//! Counts tracked calls, refuses them once closed, tells when the last one has left.
//!
//! A call is counted by its annotated function on the thread it is on (see `threads`), so that nothing is shared while
//! calls come and go. A close marks each function of the gate, and from then on the calls that end also count themselves
//! down in one place, to where the last of them knows that it may be the last.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lifecycle --lib --release gate::model` runs this code under every interleaving
//! of a close with calls (see `model`), `.ci/loom` also with mistakes in it, `.ci/litmus` on the real processor.

mod fence;
mod mark;
mod site;
mod sync;
mod threads;

#[cfg(test)]
#[cfg(not(any(loom, miri)))]
mod litmus;
#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::fmt;
use std::sync::OnceLock;

pub(crate) use mark::Before;
pub use site::{Admitted, CallStats, Known, Site};
pub(crate) use threads::{Counts, with as on_thread};
use tokio_util::sync::CancellationToken;

use self::site::{CLOSED, FROZEN};
use self::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::rejected::{RejectReason, Rejected};

/// The gate of `lifecycle::Requests`, open until a lifecycle closes it.
pub(crate) static REQUESTS: Gate = Gate::new("Requests");

/// Does beforehand what takes long: with several threads the kernel waits for milliseconds before it lets a process use
/// `membarrier`, and the first close would wait with it.
pub(crate) fn prepare() {
    fence::light_suffices();
}

type WhenEmpty = Box<dyn FnOnce() + Send>;

/// The gate of one group: a `static` that `#[lifecycle::group]` leaves behind.
pub struct Gate {
    name: &'static str,
    listed: Mutex<Listed>,
    countdown: Countdown,
    drain: Mutex<Drain>,
    /// Since it was last closed.
    has_emptied: AtomicBool,
    /// What it refuses may come back.
    paused: AtomicBool,
    cut_off: OnceLock<CancellationToken>,
}

/// The functions that were called so far.
struct Listed {
    /// What holds for each of them.
    flags: u32,
    sites: Vec<&'static Site>,
}

/// Held by whoever closes, opens or looks whether any call is left, and never while a callback runs.
struct Drain {
    /// The functions are marked, and every thread knows: counts can be relied upon.
    closed: bool,
    when_empty: Option<WhenEmpty>,
}

/// The calls that end at a closed gate, one and all writing here.
#[repr(align(128))]
struct Countdown {
    ended: AtomicUsize,
    /// When to look whether any is left.
    look_at: AtomicUsize,
}

const NEVER: usize = usize::MAX;

impl Gate {
    /// The gate of the group of this name, open.
    pub const fn new(name: &'static str) -> Self {
        Gate {
            name,
            listed: Mutex::new(Listed { flags: 0, sites: Vec::new() }),
            countdown: Countdown { ended: AtomicUsize::new(0), look_at: AtomicUsize::new(NEVER) },
            drain: Mutex::new(Drain { closed: false, when_empty: None }),
            has_emptied: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            cut_off: OnceLock::new(),
        }
    }

    /// Its group's.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// As [`close`](Self::close), until it is opened again.
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
        self.close();
    }

    /// What a pause has closed stays closed.
    pub(crate) fn end_pause(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    /// Refuses every call from outside that has not been counted when this returns.
    pub(crate) fn close(&self) {
        let mut drain = self.drain.lock();
        self.mark(|listed| {
            listed.flags |= CLOSED;
            listed.sites.iter().for_each(|site| site.set(CLOSED));
        });
        fence::heavy();
        drain.closed = true;
        self.look(drain);
    }

    /// Admits calls again. Whoever calls it sees to it that nobody closes it for good meanwhile. Nobody is told any more that the gate is empty, until it is closed again.
    pub(crate) fn open(&self) {
        let mut drain = self.drain.lock();
        drain.closed = false;
        let untold = drain.when_empty.take();
        self.countdown.look_at.store(NEVER, Ordering::Relaxed);
        self.has_emptied.store(false, Ordering::Relaxed);
        self.mark(|listed| {
            listed.flags &= !CLOSED;
            listed.sites.iter().for_each(|site| site.clear(CLOSED));
        });
        drop(drain);
        drop(untold);
    }

    /// From now on a call that is polled again is dropped instead, and stays pending.
    pub(crate) fn freeze(&self) {
        self.mark(|listed| {
            listed.flags |= FROZEN;
            listed.sites.iter().for_each(|site| site.set(FROZEN));
        });
    }

    fn mark(&self, all: impl FnOnce(&mut Listed)) {
        all(&mut self.listed.lock());
    }

    fn list(&self, site: &'static Site) {
        let mut listed = self.listed.lock();
        if site.list(listed.flags) {
            listed.sites.push(site);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.drain.lock().closed
    }

    /// Cancelled when the time for its calls is up: a moment later they are dropped.
    pub(crate) fn cut_off(&self) -> &CancellationToken {
        self.cut_off.get_or_init(CancellationToken::new)
    }

    /// Calls `then` once, as soon as the gate is closed and no call is counted: at once, or on the thread on which the
    /// last call leaves. A later `then` replaces one that has not been called.
    pub(crate) fn on_empty(&self, then: WhenEmpty) {
        let mut drain = self.drain.lock();
        let replaced = drain.when_empty.replace(then);
        self.look(drain);
        drop(replaced);
    }

    /// Whether no call was counted at some moment since the gate was closed. What has begun since was refused, or may run
    /// at any time.
    pub(crate) fn has_emptied(&self) -> bool {
        self.has_emptied.load(Ordering::Acquire)
    }

    /// A call has ended at a closed gate.
    #[cold]
    fn one_left(&self) {
        let ended = self.countdown.ended.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        if ended >= self.countdown.look_at.load(Ordering::Relaxed) {
            self.look(self.drain.lock());
        }
    }

    /// Tells that the gate is empty, or says at which count to look again.
    fn look(&self, mut drain: MutexGuard<'_, Drain>) {
        if !drain.closed {
            return;
        }
        let Countdown { ended, look_at } = &self.countdown;
        loop {
            // Before the calls are counted: who is among them has yet to count itself down.
            let ended_before = ended.load(Ordering::Acquire);
            let inside = self.in_flight();
            if inside == 0 {
                break;
            }
            let all_ended = ended_before.wrapping_add(inside);
            look_at.store(all_ended, Ordering::Relaxed);
            // A write, so that whoever counts itself down later reads where to look, and we see all who did before.
            if ended.fetch_add(0, Ordering::AcqRel) < all_ended {
                return;
            }
        }
        look_at.store(NEVER, Ordering::Relaxed);
        self.has_emptied.store(true, Ordering::Release);
        let then = drain.when_empty.take();
        drop(drain);
        if let Some(then) = then {
            then();
        }
    }

    /// How many calls are counted. Zero is exact at a closed gate.
    pub(crate) fn in_flight(&self) -> usize {
        let listed = self.listed.lock();
        let sum = |count: fn(&Site) -> u32| {
            listed.sites.iter().fold(0, |sum: u32, site| sum.wrapping_add(count(site)))
        };
        // In this order: a call that ends between the two sums must not cancel another that begins.
        let left = sum(Site::left);
        sum(Site::entered).wrapping_sub(left) as usize
    }

    /// The annotated functions that were called so far, with their counts.
    pub(crate) fn sites(&self) -> Vec<CallStats> {
        self.listed.lock().sites.iter().map(|site| site.snapshot()).collect()
    }

    /// The annotated functions that were called so far.
    pub(crate) fn listed(&self) -> Vec<&'static Site> {
        self.listed.lock().sites.clone()
    }

    /// The functions that are still running.
    #[cfg(test)]
    pub(crate) fn awaited(&self) -> Vec<CallStats> {
        self.sites().into_iter().filter(|site| site.in_flight > 0).collect()
    }

    #[inline]
    fn rejected(&self) -> Rejected {
        let paused = self.paused.load(Ordering::Relaxed);
        Rejected::new(if paused { RejectReason::Paused } else { RejectReason::ShuttingDown })
    }

    /// How many calls were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.sites().iter().map(|site| site.refused).sum()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("name", &self.name).finish_non_exhaustive()
    }
}
