//! One annotated function, as the gate knows it.

use std::panic::Location;

use super::sync::{AtomicU32, AtomicUsize, Ordering};
use super::threads::{self, Counts, Thread};
use super::{Gate, REQUESTS, fence};
use crate::rejected::Rejected;

/// The `static` that `#[tracked]` leaves behind for its function: what it is called, and what a call has to know.
pub struct Site {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    /// `admit = always`.
    always: bool,
    home: Home,
    /// The function's number, and what stands against a call that does nothing but count. With any of the flags it is
    /// larger than every table of counts.
    word: AtomicU32,
    /// Counted on threads that are ending and have no counts of their own any more.
    late: [AtomicU32; 2],
    late_refused: AtomicUsize,
}

/// The gate is closed.
pub(super) const CLOSED: u32 = 1 << 31;
/// Running calls must not go on.
pub(super) const FROZEN: u32 = 1 << 30;
/// Calls have to fence for themselves.
pub(super) const FENCED: u32 = 1 << 29;
const NUMBER: u32 = FENCED - 1;
/// The function was not called yet, and has no number.
const UNLISTED: u32 = NUMBER;

/// Where a site's calls are counted.
#[derive(Clone, Copy)]
enum Home {
    Gate(&'static Gate),
    /// By its group's word: a type cannot name a `static` where the site is made.
    Group(fn() -> &'static Gate),
}

/// A tracked function and its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallStats {
    /// The function's name, or what `name = "…"` says.
    pub name: &'static str,
    /// The module it is in.
    pub module: &'static str,
    /// The file it is in.
    pub file: &'static str,
    /// The line of its attribute.
    pub line: u32,
    /// The group that its calls belong to.
    pub group: &'static str,
    /// How many calls of it are running.
    pub in_flight: usize,
    /// How many calls of it were refused.
    pub refused: u64,
}

impl Site {
    /// A function whose calls belong to `lifecycle::Requests`, where this is called: `file!()` and `line!()` would each be a
    /// macro to expand for every tracked function.
    #[track_caller]
    pub const fn here(name: &'static str, module: &'static str, always: bool) -> Self {
        let at = Location::caller();
        Site::new(name, module, at.file(), at.line(), always)
    }

    /// A function whose calls belong to `lifecycle::Requests`.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        always: bool,
    ) -> Self {
        Site {
            name,
            module,
            file,
            line,
            always,
            home: Home::Gate(&REQUESTS),
            word: AtomicU32::new(UNLISTED),
            late: [AtomicU32::new(0), AtomicU32::new(0)],
            late_refused: AtomicUsize::new(0),
        }
    }

    /// The same function, its calls belonging to another group.
    pub const fn of(mut self, group: fn() -> &'static Gate) -> Self {
        self.home = Home::Group(group);
        self
    }

    /// The same at a gate that is no group's.
    #[cfg(test)]
    pub(crate) fn at(mut self, gate: &'static Gate) -> Self {
        self.home = Home::Gate(gate);
        self
    }

    #[inline]
    pub(crate) fn gate(&self) -> &'static Gate {
        match self.home {
            Home::Gate(gate) => gate,
            Home::Group(gate) => gate(),
        }
    }

    /// Counts a call from outside, unless it is refused.
    #[cfg(test)]
    pub(crate) fn enter(&'static self) -> Result<Admitted, Rejected> {
        match threads::with(|thread| self.count(thread)) {
            Some(_) => Ok(Admitted(self)),
            None => self.count_slowly().map(|()| Admitted(self)),
        }
    }

    /// Counts a call on the calling thread, if nothing else has to be done for it. `None` has counted nothing.
    #[inline(always)]
    pub(crate) fn count(&'static self, thread: &Thread) -> Option<&'static Counts> {
        let word = self.word.load(Ordering::Relaxed);
        let counts = thread.counts(word as usize)?;
        counts.enter();
        fence::light();
        // Acquire: a call that a gate admits again has seen what happened while it was closed.
        if self.word.load(Ordering::Acquire) == word {
            Some(counts)
        } else {
            self.leave_slowly();
            None
        }
    }

    /// The first call, the first on its thread, one that has to fence, the first at a closed gate.
    pub(crate) fn count_slowly(&'static self) -> Result<(), Rejected> {
        if self.number() == UNLISTED {
            self.gate().list(self);
        }
        // Counted first, a storm of refused calls would keep the count above zero and the drain waiting.
        if self.is_refusing() {
            return Err(self.refuse());
        }
        self.count_begun();
        fence::full();
        if self.is_refusing() {
            self.leave_slowly();
            return Err(self.refuse());
        }
        Ok(())
    }

    #[inline]
    fn is_refusing(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0 && !self.always
    }

    /// Refuses a call if nothing else has to be done for that. There may be a storm of them.
    #[inline(always)]
    pub(crate) fn refuse_at_once(&self) -> Option<Rejected> {
        let refused = self.is_refusing() && threads::with(|thread| thread.refuse(self.number() as usize));
        refused.then(|| self.gate().rejected())
    }

    fn refuse(&self) -> Rejected {
        if !threads::with(|thread| thread.refuse_or_make(self.number() as usize)) {
            self.late_refused.fetch_add(1, Ordering::Relaxed);
        }
        self.gate().rejected()
    }

    /// Counts work that belongs to a call which is still counted itself. Whoever sees that one end sees this one begin.
    pub(crate) fn enter_always(&'static self) -> Admitted {
        self.count_begun();
        Admitted(self)
    }

    fn count_begun(&self) {
        match threads::with(|thread| thread.counts_or_make(self.number() as usize)) {
            Some(counts) => counts.enter(),
            None => drop(self.late[0].fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Ends a call that [`count`](Self::count) has counted, on the same thread.
    #[inline(always)]
    pub(crate) fn leave_here(&'static self, counts: &'static Counts) {
        counts.leave();
        fence::light();
        if self.word.load(Ordering::Relaxed) & CLOSED != 0 {
            self.gate().one_left();
        }
    }

    /// Ends a counted call, on any thread.
    #[inline(always)]
    pub(crate) fn leave(&'static self, thread: &Thread) {
        let word = self.word.load(Ordering::Relaxed);
        match thread.counts(word as usize) {
            Some(counts) => self.leave_here(counts),
            None => self.leave_slowly(),
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_slowly(&self) {
        match threads::with(|thread| thread.counts_or_make(self.number() as usize)) {
            Some(counts) => counts.leave(),
            None => drop(self.late[1].fetch_add(1, Ordering::Release)),
        }
        fence::full();
        if self.word.load(Ordering::Relaxed) & CLOSED != 0 {
            self.gate().one_left();
        }
    }

    /// Whether a running call must not go on. What may always be called is not cut either.
    #[inline]
    pub(crate) fn is_frozen(&self) -> bool {
        self.word.load(Ordering::Acquire) & FROZEN != 0 && self.may_be_cut()
    }

    #[cold]
    #[inline(never)]
    fn may_be_cut(&self) -> bool {
        !self.always
    }

    #[inline]
    fn number(&self) -> u32 {
        self.word.load(Ordering::Relaxed) & NUMBER
    }

    /// By its gate alone, whose other calls to the site this excludes.
    pub(super) fn list(&self, flags: u32) -> bool {
        let is_new = self.number() == UNLISTED;
        if is_new {
            let fenced = if fence::light_suffices() { 0 } else { FENCED };
            self.word.store(threads::number() | flags | fenced, Ordering::Release);
        }
        is_new
    }

    pub(super) fn set(&self, flag: u32) {
        self.word.fetch_or(flag, Ordering::Release);
    }

    pub(super) fn clear(&self, flag: u32) {
        self.word.fetch_and(!flag, Ordering::Release);
    }

    /// How often a call has ended. To be asked before [`entered`](Self::entered), see there.
    pub(super) fn left(&self) -> u32 {
        self.late[1].load(Ordering::Acquire).wrapping_add(threads::left(self.number() as usize))
    }

    /// How often one has begun.
    pub(super) fn entered(&self) -> u32 {
        self.late[0].load(Ordering::Relaxed).wrapping_add(threads::entered(self.number() as usize))
    }

    pub(crate) fn snapshot(&self) -> CallStats {
        let left = self.left();
        CallStats {
            name: self.name,
            module: self.module,
            file: self.file,
            line: self.line,
            group: self.gate().name(),
            in_flight: self.entered().wrapping_sub(left) as usize,
            refused: self.late_refused.load(Ordering::Relaxed) as u64
                + threads::refused(self.number() as usize),
        }
    }
}

/// How a call knows its site: by its type, so that the site takes no room in the call's future, or as a value.
pub trait Known: Copy {
    /// The site.
    fn site(self) -> &'static Site;
}

impl Known for &'static Site {
    #[inline(always)]
    fn site(self) -> &'static Site {
        self
    }
}

impl<F: Fn() -> &'static Site + Copy> Known for F {
    #[inline(always)]
    fn site(self) -> &'static Site {
        self()
    }
}

/// A call that is counted until this is dropped.
#[must_use = "a call ends when this is dropped"]
pub struct Admitted<S: Known = &'static Site>(pub(crate) S);

impl<S: Known> Drop for Admitted<S> {
    #[inline]
    fn drop(&mut self) {
        threads::with(|thread| self.0.site().leave(thread));
    }
}
