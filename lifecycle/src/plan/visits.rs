//! Counts what planning looks at, in tests alone: their number is held against the steps and edges there are.

#[cfg(not(test))]
pub(super) fn add(_: usize) {}

#[cfg(test)]
pub(super) use counting::{add, of};

#[cfg(test)]
mod counting {
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn add(visits: usize) {
        COUNT.set(COUNT.get() + visits);
    }

    /// How many there are in a run.
    pub(in super::super) fn of(run: impl FnOnce()) -> usize {
        COUNT.set(0);
        run();
        COUNT.get()
    }
}
