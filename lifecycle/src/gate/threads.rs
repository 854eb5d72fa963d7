//! Each thread's own counts of calls begun and ended, one pair for each annotated function.
//!
//! A thread alone writes its counts, so that a call costs plain loads and stores and no other thread's cache line. A
//! call may end on another thread than it began on: only sums over all threads mean anything. A thread that ends leaves
//! its counts, with what they have counted, to one that begins. Until then it keeps them, so that a call which ends where
//! it began need not look for them again.

use std::cell::{Cell, RefCell};

use super::mark::Mark;
use super::sync::{AtomicU32, AtomicUsize, Mutex, MutexGuard, Ordering, per_program, per_thread};

/// One function's calls on one thread, which alone writes them. They wrap: of their sums only the difference is used.
pub(crate) struct Counts {
    entered: AtomicU32,
    left: AtomicU32,
}

impl Counts {
    const fn new() -> Self {
        Counts { entered: AtomicU32::new(0), left: AtomicU32::new(0) }
    }

    /// By the thread that they belong to.
    #[inline]
    pub(super) fn enter(&self) {
        self.entered.store(self.entered.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// By the thread that they belong to. Release: whoever sees the count has seen what the call did.
    #[inline]
    pub(super) fn leave(&self) {
        self.left.store(self.left.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }
}

/// The counts that belong to one thread at a time, by the functions' numbers. Never given back: scans hold on to it.
struct Table {
    counts: &'static [Counts],
    refused: &'static [AtomicUsize],
}

struct Registry {
    functions: u32,
    tables: Vec<&'static Table>,
    /// Those whose thread has ended.
    free: Vec<&'static Table>,
}

per_program! { registry: Registry = Registry { functions: 0, tables: Vec::new(), free: Vec::new() } }
per_thread! { THREAD: Thread = Thread::new() }
per_thread! { OWNED: Owned = Owned { tables: RefCell::new(Vec::new()) } }

/// All that a call needs to know of its thread, in one place that is found once. It has no destructor, which would have to
/// be looked for each time.
pub(crate) struct Thread {
    counts: Cell<&'static [Counts]>,
    refused: Cell<&'static [AtomicUsize]>,
    /// What the thread is in.
    pub(crate) mark: Mark,
}

/// The calling thread.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(f)
}

impl Thread {
    const fn new() -> Self {
        Thread { counts: Cell::new(&[]), refused: Cell::new(&[]), mark: Mark::new() }
    }

    /// Its counts of a function, if it has a table that is large enough.
    #[inline(always)]
    pub(super) fn counts(&self, function: usize) -> Option<&'static Counts> {
        self.counts.get().get(function)
    }

    /// The same, with a table if there is any way; a thread that is ending gets none.
    pub(super) fn counts_or_make(&self, function: usize) -> Option<&'static Counts> {
        self.counts(function).or_else(|| {
            own(self, function);
            self.counts(function)
        })
    }

    /// Counts a refused call, if the thread has a table that is large enough.
    #[inline(always)]
    pub(super) fn refuse(&self, function: usize) -> bool {
        let Some(refused) = self.refused.get().get(function) else { return false };
        refused.store(refused.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        true
    }

    /// The same, if the thread can have a table.
    pub(super) fn refuse_or_make(&self, function: usize) -> bool {
        self.refuse(function) || {
            own(self, function);
            self.refuse(function)
        }
    }

    fn set(&self, table: &Table) {
        self.counts.set(table.counts);
        self.refused.set(table.refused);
    }
}

/// Gives the thread's tables back at its end. Only the last is used, but a running call may know the one before it.
struct Owned {
    tables: RefCell<Vec<&'static Table>>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Destructors of other thread-locals may still make calls: they find no table, and none to own.
        let _ = THREAD.try_with(|thread| {
            thread.counts.set(&[]);
            thread.refused.set(&[]);
        });
        let tables = self.tables.take();
        if !tables.is_empty() {
            registry().free.extend(tables);
        }
    }
}

/// A number for one more function.
pub(super) fn number() -> u32 {
    let mut registry = registry();
    let number = registry.functions;
    registry.functions += 1;
    number
}

/// A table for the calling thread, in place of one that is too small.
#[cold]
fn own(thread: &Thread, function: usize) {
    let _ = OWNED.try_with(|owned| {
        let table = registry().take(function);
        owned.tables.borrow_mut().push(table);
        thread.set(table);
    });
}

impl Registry {
    fn take(&mut self, function: usize) -> &'static Table {
        if let Some(fits) = self.free.iter().position(|table| function < table.counts.len()) {
            return self.free.swap_remove(fits);
        }
        let functions = (function + 1).max(self.functions as usize).next_power_of_two().max(SMALLEST);
        let table: &'static Table = Box::leak(Box::new(Table::new(functions)));
        self.tables.push(table);
        table
    }
}

/// Functions in the smallest table.
const SMALLEST: usize = if cfg!(loom) { 1 } else { 64 };

impl Table {
    fn new(functions: usize) -> Self {
        // Room on both sides, so that no two threads write to one cache line, nor to a pair that is fetched together.
        const APART: usize = if cfg!(loom) { 0 } else { 128 / size_of::<Counts>() };
        let counts = Vec::leak((0..functions + 2 * APART).map(|_| Counts::new()).collect());
        let refused = Vec::leak((0..functions + 2 * APART).map(|_| AtomicUsize::new(0)).collect());
        let table = Table { counts: &counts[APART..][..functions], refused: &refused[APART..][..functions] };
        if cfg!(loom) {
            // Its atomics are made when they are first used, which must be before they are shared.
            for (counts, refused) in table.counts.iter().zip(table.refused) {
                let _ = counts.entered.load(Ordering::Relaxed) + counts.left.load(Ordering::Relaxed);
                refused.load(Ordering::Relaxed);
            }
        }
        table
    }
}

/// How often the calls of a function have ended, on all threads.
///
/// To be asked before [`entered`]: a call that it has seen ending, that one sees beginning, also where the thread had no
/// table yet when this began.
pub(super) fn left(function: usize) -> u32 {
    sum(function, |counts| counts.left.load(Ordering::Acquire))
}

/// How often they have begun.
pub(super) fn entered(function: usize) -> u32 {
    sum(function, |counts| counts.entered.load(Ordering::Relaxed))
}

fn sum(function: usize, count: impl Fn(&Counts) -> u32) -> u32 {
    let registry = registry();
    let counts = registry.tables.iter().filter_map(|table| table.counts.get(function));
    counts.map(count).fold(0, u32::wrapping_add)
}

/// How many of its calls were refused, on all threads.
pub(super) fn refused(function: usize) -> u64 {
    let registry = registry();
    let refused = registry.tables.iter().filter_map(|table| table.refused.get(function));
    refused.map(|refused| refused.load(Ordering::Relaxed) as u64).sum()
}
