//! The gate and its sites under every interleaving that loom finds.
//!
//! Calls and the step after them meet in two unordered (relaxed) atomics: a call that runs beside the step can see that
//! the step has begun, and a step that is not ordered after every call can miss what one did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Tally, Ordering::SeqCst};

use loom::thread::{self, JoinHandle};

use super::site::FENCED;
use super::*;

struct World {
    gate: &'static Gate,
    site: &'static Site,
    /// Threads have counts.
    ready: bool,
    /// What calls did, as they see it.
    done: AtomicUsize,
    /// What calls did, counted outside the model.
    truly_done: Tally,
    step_begun: AtomicBool,
    emptied: Tally,
}

/// How a call is counted.
#[derive(Clone, Copy)]
enum Calls {
    /// The function was called before, and each thread has counts.
    Ready,
    /// Each call fences for itself, as under a sandbox.
    Fenced,
    /// The function was never called, and no thread has counts.
    First,
}

impl World {
    fn new(calls: Calls) -> Arc<Self> {
        let gate: &'static Gate = Box::leak(Box::new(Gate::new("Test")));
        let site: &'static Site = Box::leak(Box::new(Site::new("call", "", "", 0, false).at(gate)));
        // Made here, where every thread of the model comes from.
        let countdown = &gate.countdown;
        assert_eq!((site.snapshot().in_flight, gate.in_flight(), gate.is_closed()), (0, 0, false));
        let flags = (gate.has_emptied(), gate.paused.load(Ordering::Relaxed));
        assert_eq!((countdown.ended.load(Ordering::Relaxed), flags), (0, (false, false)));
        assert_eq!(countdown.look_at.load(Ordering::Relaxed), NEVER);
        match calls {
            Calls::Ready => gate.list(site),
            Calls::Fenced => {
                gate.list(site);
                site.set(FENCED);
            }
            Calls::First => {}
        }
        let world = World {
            gate,
            site,
            ready: !matches!(calls, Calls::First),
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

    /// A thread that has made calls before.
    fn thread<T: 'static>(self: &Arc<Self>, run: impl FnOnce(&Arc<Self>) -> T + 'static) -> JoinHandle<T> {
        let world = Arc::clone(self);
        thread::spawn(move || {
            if world.ready {
                threads::with(|thread| assert!(thread.counts_or_make(0).is_some()));
            }
            run(&world)
        })
    }

    fn call(&self) -> bool {
        let Ok(admitted) = self.site.enter() else { return false };
        self.work(admitted);
        true
    }

    /// The same as a sync function does it: it ends where it began, and remembers the counts.
    fn call_here(&self) -> bool {
        let Some(counts) = threads::with(|thread| self.site.count(thread)) else { return self.call() };
        self.do_it();
        self.site.leave_here(counts);
        true
    }

    fn work(&self, admitted: Admitted) {
        self.do_it();
        drop(admitted);
    }

    fn do_it(&self) {
        assert!(!self.step_begun.load(Ordering::Relaxed), "a call runs beside the step");
        self.done.fetch_add(1, Ordering::Relaxed);
        self.truly_done.fetch_add(1, SeqCst);
    }

    fn on_empty(self: &Arc<Self>) {
        let world = Arc::clone(self);
        self.gate.on_empty(Box::new(move || {
            world.step_begun.store(true, Ordering::Relaxed);
            let truly_done = world.truly_done.load(SeqCst);
            assert_eq!(world.done.load(Ordering::Relaxed), truly_done, "the step misses what a call did");
            world.emptied.fetch_add(1, SeqCst);
        }));
    }

    /// Once every thread has ended.
    fn check(&self, calls: usize) {
        assert_eq!(self.truly_done.load(SeqCst), calls, "every admitted call ran");
        self.check_told();
    }

    fn check_told(&self) {
        assert!(self.gate.has_emptied());
        assert_eq!(self.emptied.load(SeqCst), 1, "told once that it is empty");
        assert_eq!(self.gate.in_flight(), 0);
        assert_eq!(self.gate.awaited(), []);
    }
}

/// With at most so many switches away from a thread that could go on, unless the environment says otherwise.
fn explore(switches: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(switches);
    builder.check(move || {
        threads::begin();
        model();
    });
}

/// Each in the ways in which calls can be counted.
macro_rules! models {
    ($($(#[$doc:meta])* fn $name:ident($calls:ident, $switches:literal) $model:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            #[test]
            fn ready() {
                run(Calls::Ready, $switches);
            }

            #[test]
            fn fenced() {
                run(Calls::Fenced, $switches);
            }

            #[test]
            fn first() {
                // These take locks, and each is one more point to switch at.
                run(Calls::First, $switches - 1);
            }

            fn run($calls: Calls, switches: usize) {
                explore(switches, move || $model);
            }
        }
    )*};
}

fn admitted(calls: impl IntoIterator<Item = JoinHandle<bool>>) -> usize {
    calls.into_iter().map(|call| usize::from(call.join().unwrap())).sum()
}

models! {
    fn a_close_between_two_calls(calls, 3) {
        let world = World::new(calls);
        let calls = [(); 2].map(|()| world.thread(|world| world.call()));
        world.on_empty();
        world.gate.close();
        let admitted = admitted(calls);
        assert_eq!(world.gate.refused(), 2 - admitted as u64);
        world.check(admitted);
    }

    fn calls_one_after_the_other(calls, 3) {
        let world = World::new(calls);
        let calls = world.thread(|world| usize::from(world.call()) + usize::from(world.call()));
        world.on_empty();
        world.gate.close();
        let admitted = calls.join().unwrap();
        world.check(admitted);
    }

    fn sync_calls_one_after_the_other(calls, 3) {
        let world = World::new(calls);
        let calls =
            world.thread(|world| usize::from(world.call_here()) + usize::from(world.call_here()));
        world.on_empty();
        world.gate.close();
        let admitted = calls.join().unwrap();
        world.check(admitted);
    }

    /// The table that it began with is too small for another function, and must not go to another thread yet.
    fn a_thread_outgrows_its_counts_within_a_call(calls, 2) {
        let world = World::new(calls);
        let outer = world.thread(|world| {
            let Some(counts) = threads::with(|thread| world.site.count(thread)) else { return world.call() };
            // As a function that was called nowhere before makes it do.
            threads::with(|thread| assert!(thread.counts_or_make(1).is_some()));
            world.do_it();
            world.site.leave_here(counts);
            true
        });
        let other = world.thread(|world| world.call());
        let admitted = admitted([outer, other]);
        assert_eq!(world.gate.in_flight(), 0, "calls were lost");
        world.on_empty();
        world.gate.close();
        world.check(admitted);
    }

    fn waiting_begins_after_the_close(calls, 2) {
        let world = World::new(calls);
        let held = world.site.enter().unwrap();
        let calls = [
            world.thread(|world| {
                world.work(held);
                true
            }),
            world.thread(|world| world.call()),
        ];
        world.gate.close();
        world.on_empty();
        let admitted = admitted(calls);
        world.check(admitted);
    }

    fn nobody_is_admitted_once_close_has_returned(calls, 3) {
        let world = World::new(calls);
        let closed = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let late = world.thread({
            let closed = Arc::clone(&closed);
            move |world| {
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
    }

    /// The call starts it on a thread that had no counts when the gate closed, and then ends on one that had.
    fn a_task_started_by_a_call_is_waited_for(calls, 3) {
        let world = World::new(calls);
        let caller = world.site.enter().unwrap();
        let call = world.thread(|world| {
            let elsewhere = Arc::clone(world);
            let task = thread::spawn(move || elsewhere.site.enter_always()).join().unwrap();
            drop(caller);
            world.work(task);
        });
        world.on_empty();
        world.gate.close();
        call.join().unwrap();
        world.check(1);
    }

    fn a_call_ends_on_another_thread_than_it_began_on(calls, 3) {
        let world = World::new(calls);
        let handed_over = Arc::new(loom::sync::Mutex::new(None));
        let begins = world.thread({
            let handed_over = Arc::clone(&handed_over);
            move |world| match world.site.enter() {
                Ok(call) => {
                    *handed_over.lock().unwrap() = Some(call);
                    true
                }
                Err(_) => false,
            }
        });
        let ends = world.thread(move |world| {
            let call = handed_over.lock().unwrap().take();
            if let Some(call) = call {
                world.work(call);
            }
        });
        world.on_empty();
        world.gate.close();
        let admitted = begins.join().unwrap();
        ends.join().unwrap();
        // Where nobody took it over, it ended with the threads.
        world.check_told();
        assert!(world.truly_done.load(SeqCst) <= usize::from(admitted));
    }

    fn a_thread_ends_and_another_takes_its_counts(calls, 2) {
        let world = World::new(calls);
        let first = world.thread(|world| {
            let held = world.site.enter().unwrap();
            assert!(world.call());
            held
        });
        let held = first.join().unwrap();
        assert_eq!(world.gate.in_flight(), 1);
        let next = [
            world.thread(|world| world.call()),
            world.thread(|world| {
                world.work(held);
                true
            }),
        ];
        world.on_empty();
        world.gate.close();
        let admitted = 1 + admitted(next);
        world.check(admitted);
    }

    fn a_gate_opens_and_closes_again(calls, 3) {
        let world = World::new(calls);
        let call = world.thread(|world| usize::from(world.call()) + usize::from(world.call()));
        world.gate.close();
        world.gate.open();
        assert!(!world.gate.has_emptied());
        world.on_empty();
        world.gate.close();
        let admitted = call.join().unwrap();
        world.check(admitted);
    }

    fn a_call_sees_what_was_done_while_the_gate_was_closed(calls, 3) {
        let world = World::new(calls);
        let call = world.thread(|world| {
            let opened_again = world.emptied.load(SeqCst) == 1;
            if let Ok(call) = world.site.enter() {
                let seen = world.step_begun.load(Ordering::Relaxed);
                assert!(seen || !opened_again, "a call misses what was done before it");
                drop(call);
            }
        });
        world.gate.close();
        if world.gate.has_emptied() {
            world.step_begun.store(true, Ordering::Relaxed);
            world.gate.open();
            world.emptied.fetch_add(1, SeqCst);
        }
        call.join().unwrap();
    }

    fn a_call_that_is_always_admitted_does_not_tell_again(calls, 3) {
        let world = World::new(calls);
        // It may run beside the step.
        let probe = world.thread(|world| {
            let probe: &'static Site =
                Box::leak(Box::new(Site::new("probe", "", "", 0, true).at(world.gate)));
            probe.snapshot();
            drop(probe.enter().unwrap());
        });
        world.on_empty();
        world.gate.close();
        assert!(!world.call());
        probe.join().unwrap();
        world.check(0);
    }

    fn a_pause_before_the_close(calls, 2) {
        let world = World::new(calls);
        let late = world.thread(|world| world.call());
        world.gate.pause();
        world.gate.open();
        world.on_empty();
        world.gate.close();
        let admitted = late.join().unwrap();
        assert!(!world.call(), "closed for good");
        world.check(usize::from(admitted));
    }

    fn who_comes_after_a_pause_is_admitted(calls, 2) {
        let world = World::new(calls);
        let during = world.thread(|world| world.call());
        world.gate.pause();
        world.gate.open();
        assert!(world.call());
        let admitted = during.join().unwrap();
        world.on_empty();
        world.gate.close();
        world.check(1 + usize::from(admitted));
    }
}
