//! The one place that is asked for the time.
//!
//! In a process that runs a `#[lifecycle::test]` that is the clock of the test's runtime, which stands still while
//! anything can run and then jumps to the next timer.

use std::time::{Duration, Instant};

#[cfg(feature = "testing")]
mod test_clock {
    use std::sync::atomic::{AtomicBool, Ordering};

    static IN_TEST: AtomicBool = AtomicBool::new(false);

    /// From here on this process runs one `#[lifecycle::test]`, and nothing else.
    pub(crate) fn enter_test() {
        IN_TEST.store(true, Ordering::Relaxed);
    }

    /// Whether this process runs one `#[lifecycle::test]`.
    #[inline]
    pub(crate) fn in_test() -> bool {
        IN_TEST.load(Ordering::Relaxed)
    }
}

#[cfg(feature = "testing")]
pub(crate) use test_clock::{enter_test, in_test};

/// Without the feature there are no tests of this kind.
#[cfg(not(feature = "testing"))]
#[inline]
pub(crate) const fn in_test() -> bool {
    false
}

/// What all limits and deadlines count from.
pub(crate) fn now() -> Instant {
    if in_test() { tokio::time::Instant::now().into_std() } else { Instant::now() }
}

/// How long ago that was.
pub(crate) fn since(then: Instant) -> Duration {
    now().saturating_duration_since(then)
}
