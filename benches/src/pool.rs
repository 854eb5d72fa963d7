//! Threads that stay, and do the same at the same time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Does something so many times.
pub type Batch = Arc<dyn Fn(u64) + Send + Sync>;

/// How many threads can run at once here.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

struct Shared {
    threads: usize,
    start: Barrier,
    end: Barrier,
    /// What to do next; nothing means go home.
    job: Mutex<Option<(Batch, u64)>>,
    arrived: AtomicUsize,
    slowest_ns: AtomicU64,
    running_ns: AtomicU64,
}

/// See the module's words. Threads that were started for each batch would be new to a guard that remembers threads.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// So many threads.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            threads,
            start: Barrier::new(threads + 1),
            end: Barrier::new(threads + 1),
            job: Mutex::new(None),
            arrived: AtomicUsize::new(0),
            slowest_ns: AtomicU64::new(0),
            running_ns: AtomicU64::new(0),
        });
        let worker = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work())
        };
        Pool { threads: (0..threads).map(worker).collect(), shared }
    }

    /// Runs the batch on every thread at once. Nanoseconds of one core for one turn of it: by the clock if each thread
    /// has a core of its own, else by the time that the threads were running, without that of waiting for a core.
    pub fn sample(&self, batch: &Batch, turns: u64) -> f64 {
        let shared = &*self.shared;
        *shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(batch), turns));
        shared.slowest_ns.store(0, Ordering::SeqCst);
        shared.running_ns.store(0, Ordering::SeqCst);
        shared.arrived.store(0, Ordering::SeqCst);
        shared.start.wait();
        shared.end.wait();
        let (ns, threads) = match shared.fits() {
            true => (shared.slowest_ns.load(Ordering::SeqCst), 1),
            false => (shared.running_ns.load(Ordering::SeqCst), shared.threads),
        };
        ns as f64 / (threads as f64 * turns as f64)
    }
}

/// How many turns each of so many threads takes, so that all together take about this long.
pub fn turns_for(batch: &Batch, long: Duration, threads: usize) -> u64 {
    let wanted = long.as_nanos() as f64 * cores().min(threads) as f64 / threads as f64;
    let mut turns = 256;
    loop {
        let took = || {
            let began = Instant::now();
            batch(turns);
            began.elapsed().as_nanos() as f64
        };
        // What disturbs the one may spare the other.
        let took = (0..3).map(|_| took()).fold(f64::MAX, f64::min).max(1.0);
        if took > 50_000.0 || turns >= 1 << 26 {
            return ((wanted / took * turns as f64) as u64).max(256);
        }
        turns *= 4;
    }
}

impl Shared {
    /// Whether every thread has a core of its own.
    fn fits(&self) -> bool {
        self.threads <= cores()
    }

    fn work(&self) {
        loop {
            self.start.wait();
            let job = self.job.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some((batch, turns)) = job else { return };
            if self.fits() {
                // Waking from a barrier takes longer than some batches.
                self.arrived.fetch_add(1, Ordering::SeqCst);
                while self.arrived.load(Ordering::SeqCst) < self.threads {
                    std::hint::spin_loop();
                }
            }
            let (began, ran) = (Instant::now(), running());
            batch(turns);
            self.running_ns.fetch_add((running() - ran).as_nanos() as u64, Ordering::SeqCst);
            self.slowest_ns.fetch_max(began.elapsed().as_nanos() as u64, Ordering::SeqCst);
            self.end.wait();
        }
    }
}

/// How long this thread has been running, all in all.
fn running() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever below zero or above a second.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Drop for Pool {
    fn drop(&mut self) {
        *self.shared.job.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.shared.start.wait();
        for thread in self.threads.drain(..) {
            // A batch that panicked has said so.
            drop(thread.join());
        }
    }
}
