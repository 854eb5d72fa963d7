//! The two fences between calls and whoever closes their gate.
//!
//! A call stores (its count) and then loads (whether the gate is closed); a close stores (the gate is closed) and then
//! loads (the counts). Each fence keeps a store before the load behind it, so that at least one side sees the other.
//! Calls are many and closes are few: where the system can fence all threads of the process on behalf of one, calls
//! only keep the compiler from swapping the two, and the close pays for everybody.

use super::sync::{Ordering, fence};

pub(super) use self::side::{heavy, light, light_suffices};

/// A fence that needs nothing from the other side.
pub(super) fn full() {
    fence(Ordering::SeqCst);
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(loom), not(miri)))]
mod side {
    use std::sync::OnceLock;
    use std::sync::atomic::compiler_fence;
    use std::thread;
    use std::time::Duration;

    use super::{Ordering, full};
    use crate::sys;

    /// Longer than any processor keeps a store to itself.
    const STORES_ARE_OUT: Duration = Duration::from_millis(10);

    #[inline(always)]
    pub(in super::super) fn light() {
        compiler_fence(Ordering::SeqCst);
    }

    /// Whether [`heavy`] reaches the other threads: a sandbox may refuse it.
    pub(in super::super) fn light_suffices() -> bool {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        *REGISTERED.get_or_init(sys::register_membarrier)
    }

    pub(in super::super) fn heavy() {
        full();
        if light_suffices() && !sys::membarrier() {
            // A sandbox that was entered since. Calls already rely on us, and time is all that is left.
            thread::sleep(STORES_ARE_OUT);
        }
        full();
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(loom),
    not(miri)
)))]
mod side {
    use super::full;

    #[inline]
    pub(in super::super) fn light() {
        full();
    }

    pub(in super::super) fn light_suffices() -> bool {
        true
    }

    pub(in super::super) fn heavy() {
        full();
    }
}
