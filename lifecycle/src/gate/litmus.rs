//! The race that the fences decide, on the processor at hand: loom and the like check the portable fences alone.
//!
//! A call and a close at the same moment. Either the call sees the gate closed, or the close sees the call: a call that
//! is admitted beside an empty gate is what must never be. To make it likely where a fence is missing, the caller fills
//! its store buffer first, so that its count stays there while it looks at the gate. `.ci/litmus` removes the fence.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const RUN: Duration = Duration::from_millis(900);
const LAST: usize = usize::MAX;
/// Far more than a processor's caches hold, in words.
const FAR: usize = 1 << 23;

#[derive(Default)]
struct Round {
    begun: AtomicUsize,
    /// How long the caller waits before it calls, in turns of an empty loop.
    head_start: AtomicUsize,
    called: AtomicUsize,
    closed: AtomicUsize,
    admitted: AtomicUsize,
}

/// Left to itself, the system may keep both threads on one processor.
fn stay_on(processor: usize) {
    #[cfg(target_os = "linux")]
    crate::sys::stay_on(processor);
    #[cfg(not(target_os = "linux"))]
    let _ = processor;
}

fn wait_for(moment: &AtomicUsize, round: usize) -> usize {
    for spins in 0_u32.. {
        let now = moment.load(SeqCst);
        if now >= round {
            return now;
        }
        // On one processor the other side needs it.
        if spins % 10_000 == 9_999 { thread::yield_now() } else { hint::spin_loop() }
    }
    LAST
}

fn spin(turns: usize) {
    (0..turns).for_each(|_| hint::spin_loop());
}

fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

fn caller(site: &'static Site, rounds: &Round) {
    stay_on(1);
    let mut far = vec![0; FAR];
    let mut state = 88_172_645_463_325_252;
    for round in 1.. {
        if wait_for(&rounds.begun, round) == LAST {
            return;
        }
        spin(rounds.head_start.load(SeqCst));
        for _ in 0..random(&mut state) % 64 {
            let at = random(&mut state) % FAR;
            far[at] = round;
            // Else the compiler sees that nobody reads it.
            hint::black_box(&mut far);
        }
        let call = site.enter();
        rounds.admitted.store(usize::from(call.is_ok()), SeqCst);
        rounds.called.store(round, SeqCst);
        wait_for(&rounds.closed, round);
        drop(call);
    }
}

#[test]
fn a_call_and_a_close_never_miss_each_other() {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("skipped: with one processor nothing happens at the same moment");
        return;
    }
    let gate: &'static Gate = Box::leak(Box::new(Gate::new("Test")));
    let site: &'static Site = Box::leak(Box::new(Site::new("call", "", "", 0, false).at(gate)));
    let rounds = Arc::new(Round::default());
    let calls = thread::spawn({
        let rounds = Arc::clone(&rounds);
        move || caller(site, &rounds)
    });
    stay_on(0);
    let (mut state, mut later) = (1_234_567, 0_isize);
    let until = Instant::now() + RUN;
    let (mut round, mut admitted, mut empty, mut missed) = (0, 0, 0, 0);
    while Instant::now() < until {
        round += 1;
        rounds.head_start.store(later.min(0).unsigned_abs(), SeqCst);
        rounds.begun.store(round, SeqCst);
        spin(later.max(0).unsigned_abs() + random(&mut state) % 32);
        gate.close();
        let was_empty = gate.has_emptied();
        wait_for(&rounds.called, round);
        let was_admitted = rounds.admitted.load(SeqCst) == 1;
        // Towards the moment at which either may be first.
        later = (later + if was_admitted { -1 } else { 1 }).clamp(-2_000, 2_000);
        admitted += usize::from(was_admitted);
        empty += usize::from(was_empty);
        missed += usize::from(was_admitted && was_empty);
        gate.open();
        rounds.closed.store(round, SeqCst);
    }
    rounds.begun.store(LAST, SeqCst);
    calls.join().unwrap();
    println!("{round} rounds: {admitted} admitted, {empty} found empty, {missed} missed");
    assert_eq!(missed, 0, "of {round} calls that met a close, so many ran beside what follows the drain");
}
