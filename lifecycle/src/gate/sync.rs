//! The primitives that the gate is built on: the standard library's, or loom's, which explore every interleaving.

#[cfg(not(loom))]
pub(super) use self::plain::*;

#[cfg(not(loom))]
mod plain {
    use std::sync::{MutexGuard, PoisonError};

    pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Mutex(std::sync::Mutex::new(value))
        }

        /// Nothing that can panic runs under it.
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
