//! The thread that ends the process at the deadline, whatever else is stuck.
//!
//! It is spawned before anything can go wrong, sleeps until it is armed, takes no lock, and allocates and logs nothing.
//! What it says was prepared by others.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::sys;

/// The exit status when the deadline has passed.
pub(crate) const DEADLINE_PASSED: i32 = 124;

struct Shared {
    base: Instant,
    /// Nanoseconds after `base`; zero while unarmed.
    deadline: AtomicU64,
    /// What to say. Each slot is written once, so that it can be read without a lock; when all are used, the last
    /// line stays.
    lines: [OnceLock<String>; LINES],
    /// How many slots are written.
    written: AtomicUsize,
}

const LINES: usize = 512;

/// A handle to the thread.
#[derive(Clone)]
pub(crate) struct Watchdog {
    shared: &'static Shared,
    thread: Thread,
}

impl Watchdog {
    /// Spawns the thread, unarmed.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn spawn() -> io::Result<Self> {
        let shared: &'static Shared = Box::leak(Box::new(Shared {
            base: Instant::now(),
            deadline: AtomicU64::new(0),
            lines: [const { OnceLock::new() }; LINES],
            written: AtomicUsize::new(0),
        }));
        let thread = thread::Builder::new().name("lifecycle-watchdog".into()).spawn(move || watch(shared))?;
        Ok(Watchdog { shared, thread: thread.thread().clone() })
    }

    /// Ends the process at `deadline`, once the thread is awake. The first call counts; a shutdown's deadline never moves.
    pub(crate) fn arm(&self, deadline: Instant) {
        let nanos = u64::try_from(deadline.saturating_duration_since(self.shared.base).as_nanos())
            .unwrap_or(u64::MAX);
        // If it was armed before, that stays.
        let _ = self.shared.deadline.compare_exchange(0, nanos.max(1), Ordering::Release, Ordering::Relaxed);
    }

    /// Has the thread see that it is armed.
    pub(crate) fn wake(&self) {
        self.thread.unpark();
    }

    /// Replaces what it will say. Called by one thread, the coordinator.
    pub(crate) fn prepare(&self, line: String) {
        let next = self.shared.written.load(Ordering::Relaxed);
        if let Some(slot) = self.shared.lines.get(next) {
            if slot.set(line).is_ok() {
                self.shared.written.store(next + 1, Ordering::Release);
            }
        }
    }
}

fn watch(shared: &'static Shared) -> ! {
    loop {
        match shared.deadline.load(Ordering::Acquire) {
            0 => thread::park(),
            nanos => {
                let deadline = shared.base + Duration::from_nanos(nanos);
                match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => thread::park_timeout(left),
                    _ => end(shared),
                }
            }
        }
    }
}

fn end(shared: &'static Shared) -> ! {
    #[cfg(feature = "terminal")]
    sys::write_stderr(crate::narrator::terminal::restore(), Instant::now());
    let written = shared.written.load(Ordering::Acquire);
    if let Some(line) = written.checked_sub(1).and_then(|last| shared.lines[last].get()) {
        sys::write_stderr(line.as_bytes(), Instant::now());
    }
    sys::exit_now(DEADLINE_PASSED)
}
