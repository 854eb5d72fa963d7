//! What several parts of the coordinator hold together.

use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// An `Rc<RefCell<T>>` that may go from thread to thread, as the coordinator does. Nobody ever waits for it: only one thread
/// acts for the coordinator at a time, so two borrows that exclude each other are a mistake of that one.
pub(crate) struct Shared<T>(Arc<RwLock<T>>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Shared(Arc::new(RwLock::new(value)))
    }

    pub(crate) fn borrow(&self) -> RwLockReadGuard<'_, T> {
        match self.0.try_read() {
            Ok(borrowed) => borrowed,
            Err(TryLockError::Poisoned(borrowed)) => borrowed.into_inner(),
            Err(TryLockError::WouldBlock) => unreachable!("it is being changed by whoever asks"),
        }
    }

    pub(crate) fn borrow_mut(&self) -> RwLockWriteGuard<'_, T> {
        match self.0.try_write() {
            Ok(borrowed) => borrowed,
            Err(TryLockError::Poisoned(borrowed)) => borrowed.into_inner(),
            Err(TryLockError::WouldBlock) => unreachable!("it is being looked at by whoever changes it"),
        }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Shared::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
