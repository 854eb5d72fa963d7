//! The gate and its sites under every interleaving that loom finds.
//!
//! Calls and the step after them meet in two unordered (relaxed) atomics: a call that runs beside the step can see that
//! the step has begun, and a step that is not ordered after every call can miss what one did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Tally, Ordering::SeqCst};

use loom::thread;

use super::*;

struct World {
    gate: &'static Gate,
    site: &'static Site,
    /// What calls did, as they see it.
    done: AtomicUsize,
    /// What calls did, counted outside the model.
    truly_done: Tally,
    step_begun: AtomicBool,
    emptied: Tally,
}

impl World {
    fn new() -> Arc<Self> {
        let gate: &'static Gate = Box::leak(Box::new(Gate::new("Test")));
        let site: &'static Site = Box::leak(Box::new(Site::new("call", "", "", 0, false).at(gate)));
        // Made here, where every thread of the model comes from.
        assert_eq!((gate.in_flight(), gate.is_frozen()), (0, false));
        assert_eq!((site.snapshot().in_flight, site.snapshot().refused), (0, 0));
        drop(gate.when_empty.lock());
        let world = World {
            gate,
            site,
            done: AtomicUsize::new(0),
            truly_done: Tally::new(0),
            step_begun: AtomicBool::new(false),
            emptied: Tally::new(0),
        };
        assert_eq!(
            (world.done.load(Ordering::Relaxed), world.step_begun.load(Ordering::Relaxed)),
            (0, false)
        );
        Arc::new(world)
    }

    fn call(&self) -> bool {
        let Ok(admitted) = self.site.enter() else { return false };
        self.work(admitted);
        true
    }

    fn work(&self, admitted: Admitted) {
        assert!(!self.step_begun.load(Ordering::Relaxed), "a call runs beside the step");
        self.done.fetch_add(1, Ordering::Relaxed);
        self.truly_done.fetch_add(1, SeqCst);
        drop(admitted);
    }

    fn on_empty(self: &Arc<Self>) {
        let world = Arc::clone(self);
        self.gate.on_empty(Box::new(move || {
            world.step_begun.store(true, Ordering::Relaxed);
            assert_eq!(world.site.snapshot().in_flight, 0, "no call, yet its site has one");
            let truly_done = world.truly_done.load(SeqCst);
            assert_eq!(world.done.load(Ordering::Relaxed), truly_done, "the step misses what a call did");
            world.emptied.fetch_add(1, SeqCst);
        }));
    }

    /// Once every thread has ended.
    fn check(&self, calls: usize) {
        assert_eq!(self.truly_done.load(SeqCst), calls, "every admitted call ran");
        assert_eq!(self.emptied.load(SeqCst), 1, "told once that it is empty");
        assert_eq!(self.gate.in_flight(), 0);
        assert_eq!(self.gate.awaited(), []);
    }
}

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(model);
}

#[test]
fn a_close_between_two_calls() {
    explore(|| {
        let world = World::new();
        let calls = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.call())
        });
        world.on_empty();
        world.gate.close();
        let admitted = calls.map(|call| call.join().unwrap());
        let refused = admitted.iter().filter(|admitted| !**admitted).count();
        assert_eq!(world.gate.refused(), refused as u64);
        world.check(2 - refused);
    });
}

#[test]
fn waiting_begins_after_the_close() {
    explore(|| {
        let world = World::new();
        let held = world.site.enter().unwrap();
        let calls = [
            thread::spawn({
                let world = Arc::clone(&world);
                move || {
                    world.work(held);
                    true
                }
            }),
            thread::spawn({
                let world = Arc::clone(&world);
                move || world.call()
            }),
        ];
        world.gate.close();
        world.on_empty();
        let admitted = calls.map(|call| call.join().unwrap());
        world.check(admitted.iter().filter(|admitted| **admitted).count());
    });
}

#[test]
fn nobody_is_admitted_once_close_has_returned() {
    explore(|| {
        let world = World::new();
        let closed = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let late = thread::spawn({
            let (world, closed) = (Arc::clone(&world), Arc::clone(&closed));
            move || {
                let closed = closed.load(Ordering::Acquire);
                let admitted = world.call();
                assert!(!(closed && admitted), "admitted after the close");
                admitted
            }
        });
        world.on_empty();
        world.gate.close();
        closed.store(true, Ordering::Release);
        let admitted = late.join().unwrap();
        world.check(usize::from(admitted));
    });
}

#[test]
fn a_task_started_by_a_call_is_waited_for() {
    explore(|| {
        let world = World::new();
        let caller = world.site.enter().unwrap();
        let call = thread::spawn({
            let world = Arc::clone(&world);
            move || {
                let task = world.site.enter_always();
                let going_on = Arc::clone(&world);
                let task = thread::spawn(move || going_on.work(task));
                world.work(caller);
                task.join().unwrap();
            }
        });
        world.on_empty();
        world.gate.close();
        call.join().unwrap();
        world.check(2);
    });
}

#[test]
fn a_call_that_is_always_admitted_does_not_tell_again() {
    explore(|| {
        let world = World::new();
        let probe = thread::spawn({
            let world = Arc::clone(&world);
            // It may run beside the step.
            move || {
                let probe = Box::leak(Box::new(Site::new("probe", "", "", 0, true).at(world.gate)));
                drop(probe.enter().unwrap());
            }
        });
        world.on_empty();
        world.gate.close();
        assert!(!world.call());
        probe.join().unwrap();
        world.check(0);
    });
}

#[test]
fn a_pause_before_the_close() {
    explore(|| {
        let world = World::new();
        let late = thread::spawn({
            let world = Arc::clone(&world);
            move || world.call()
        });
        world.gate.pause();
        world.gate.resume();
        world.on_empty();
        world.gate.close();
        let admitted = late.join().unwrap();
        assert!(!world.call(), "closed for good");
        world.check(usize::from(admitted));
    });
}

#[test]
fn who_comes_after_a_pause_is_admitted() {
    explore(|| {
        let world = World::new();
        let during = thread::spawn({
            let world = Arc::clone(&world);
            move || world.call()
        });
        world.gate.pause();
        world.gate.resume();
        assert!(world.call());
        let admitted = during.join().unwrap();
        world.on_empty();
        world.gate.close();
        world.check(1 + usize::from(admitted));
    });
}
