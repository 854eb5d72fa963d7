//! What few steps have, without room for it in those that do not: at 10,000 steps most of what the start costs is the
//! first touch of memory.

use std::ops::{Deref, DerefMut};

/// What can be absent, which is the same as its default.
pub(crate) trait Absent: Default + 'static {
    const NONE: &'static Self;
}

/// A value that takes memory of its own once something is written into it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rare<T>(Option<Box<T>>);

impl<T: Absent> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::NONE)
    }
}

impl<T: Absent> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Rare(Some(Box::new(value)))
    }
}
