use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use super::*;

fn gate() -> &'static Gate {
    Box::leak(Box::new(Gate::new("Test")))
}

fn site(gate: &'static Gate, name: &'static str) -> &'static Site {
    Box::leak(Box::new(Site::new(name, "orders", "src/orders.rs", 7, false).at(gate)))
}

/// A callback, and how often it was called so far.
fn tell() -> (WhenEmpty, impl Fn() -> usize) {
    let (sender, receiver) = mpsc::channel();
    (Box::new(move || sender.send(()).unwrap()), move || receiver.try_iter().count())
}

#[test]
fn an_empty_gate_tells_when_it_is_closed() {
    let gate = gate();
    let (then, told) = tell();
    gate.on_empty(then);
    assert_eq!(told(), 0);
    gate.close();
    assert_eq!(told(), 1);
    gate.close();
    assert_eq!(told(), 0);
}

#[test]
fn a_closed_and_empty_gate_tells_at_once() {
    let gate = gate();
    gate.close();
    let (then, told) = tell();
    gate.on_empty(then);
    assert_eq!(told(), 1);
}

#[test]
fn the_last_to_leave_tells_after_the_close_alone() {
    let gate = gate();
    let site = site(gate, "create_order");
    let (then, told) = tell();
    gate.on_empty(then);
    drop(site.enter().unwrap());
    assert_eq!(told(), 0, "open");
    let (first, last) = (site.enter().unwrap(), site.enter().unwrap());
    gate.close();
    drop(first);
    assert_eq!(told(), 0, "one is still inside");
    assert_eq!(gate.in_flight(), 1);
    drop(last);
    assert_eq!(told(), 1);
    assert!(site.enter().is_err());
    assert_eq!(told(), 0, "a refused call does not tell again");
}

#[test]
fn who_is_inside_is_named_with_place_and_count() {
    let gate = gate();
    let (create, cancel, idle) = (site(gate, "create"), site(gate, "cancel"), site(gate, "idle"));
    drop(idle.enter().unwrap());
    let _inside = [create.enter().unwrap(), cancel.enter().unwrap(), create.enter().unwrap()];
    gate.close();
    assert!(idle.enter().is_err());
    let named = |name, in_flight, refused| CallStats {
        name,
        module: "orders",
        file: "src/orders.rs",
        line: 7,
        group: "Test",
        in_flight,
        refused,
    };
    assert_eq!(gate.awaited(), [named("create", 2, 0), named("cancel", 1, 0)]);
    assert_eq!(gate.sites(), [named("idle", 0, 1), named("create", 2, 0), named("cancel", 1, 0)]);
}

#[test]
fn a_site_is_listed_once_whoever_uses_it_first() {
    let gate = gate();
    let sites: Vec<_> = (0..8).map(|_| site(gate, "create")).collect();
    let start = Arc::new(Barrier::new(4));
    let users: Vec<_> = (0..4)
        .map(|_| {
            let (sites, start) = (sites.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                sites.iter().for_each(|site| drop(site.enter()));
            })
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());
    assert_eq!(gate.sites().len(), 8);
}

#[test]
fn under_load_a_close_loses_no_call() {
    for _ in 0..if cfg!(miri) { 3 } else { 200 } {
        let gate = gate();
        let site = site(gate, "create");
        let start = Arc::new(Barrier::new(3));
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let start = Arc::clone(&start);
                thread::spawn(move || {
                    start.wait();
                    // Ends by itself only because the gate closes.
                    while let Ok(call) = site.enter() {
                        drop(call);
                    }
                })
            })
            .collect();
        let (sender, receiver) = mpsc::channel();
        gate.on_empty(Box::new(move || sender.send(()).unwrap()));
        start.wait();
        gate.close();
        receiver.recv().unwrap();
        // Until then one may be counted for a moment on its way to being refused.
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(gate.awaited(), []);
        assert_eq!((gate.in_flight(), gate.refused()), (0, 2));
        assert!(receiver.recv().is_err(), "told twice");
    }
}

#[test]
fn a_paused_gate_refuses_until_it_is_resumed() {
    let gate = gate();
    let site = site(gate, "create_order");
    let held = site.enter().unwrap();
    for _ in 0..2 {
        gate.pause();
        assert!(gate.is_closed());
        assert_eq!(site.enter().err().map(|refused| refused.reason()), Some(RejectReason::Paused));
        assert_eq!(gate.in_flight(), 1, "what is inside stays there");
        gate.open();
        assert!(!gate.is_closed());
        drop(site.enter().unwrap());
    }
    drop(held);
    assert_eq!((gate.in_flight(), gate.refused()), (0, 2));
}

#[test]
fn a_pause_loses_no_word_of_the_close_after_it() {
    let gate = gate();
    let site = site(gate, "create_order");
    let held = site.enter().unwrap();
    gate.pause();
    let (then, told) = tell();
    gate.close();
    gate.on_empty(then);
    assert_eq!(told(), 0, "one is still inside");
    drop(held);
    assert_eq!(told(), 1);
    assert!(site.enter().is_err());
}

#[test]
fn pauses_beside_calls_lose_none() {
    const ROUNDS: usize = 200;
    let gate = gate();
    let calls = [(); 4].map(|()| {
        let site = site(gate, "create_order");
        thread::spawn(move || {
            let mut admitted = 0;
            while admitted < ROUNDS {
                match site.enter() {
                    Ok(call) => {
                        admitted += 1;
                        drop(call);
                    }
                    Err(refused) => {
                        assert_eq!(refused.reason(), RejectReason::Paused);
                        thread::yield_now();
                    }
                }
            }
        })
    });
    while calls.iter().any(|call| !call.is_finished()) {
        gate.pause();
        thread::yield_now();
        gate.open();
        thread::yield_now();
    }
    for call in calls {
        call.join().unwrap();
    }
    assert_eq!(gate.in_flight(), 0);
    let (then, told) = tell();
    gate.on_empty(then);
    gate.close();
    assert_eq!(told(), 1);
}

#[test]
fn an_emptied_gate_stays_so_whoever_comes_late() {
    let gate = gate();
    let site = site(gate, "create");
    let call = site.enter().unwrap();
    gate.close();
    assert!(!gate.has_emptied());
    drop(call);
    assert!(gate.has_emptied());
    let probe: &'static Site = Box::leak(Box::new(Site::new("probe", "", "", 0, true).at(gate)));
    let running = probe.enter().unwrap();
    assert_eq!((gate.in_flight(), gate.has_emptied()), (1, true));
    drop(running);
}

#[test]
fn a_gate_that_opens_again_admits_and_counts_and_tells_anew() {
    let gate = gate();
    let site = site(gate, "create");
    let (then, told) = tell();
    let held = site.enter().unwrap();
    gate.close();
    gate.on_empty(then);
    gate.open();
    assert!(!gate.is_closed() && !gate.has_emptied());
    drop(held);
    assert_eq!(told(), 0, "nobody waits for an open gate");
    let held = site.enter().unwrap();
    let (then, told) = tell();
    gate.on_empty(then);
    drop(site.enter().unwrap());
    assert_eq!(told(), 0);
    gate.close();
    assert!(site.enter().is_err());
    assert_eq!((gate.in_flight(), told()), (1, 0));
    drop(held);
    assert_eq!((gate.in_flight(), told()), (0, 1));
}

#[test]
fn a_call_may_end_on_any_thread_and_after_the_one_it_began_on() {
    let gate = gate();
    let site = site(gate, "create");
    let (then, told) = tell();
    let calls = thread::spawn(move || [(); 3].map(|()| site.enter().unwrap())).join().unwrap();
    assert_eq!(gate.in_flight(), 3);
    gate.on_empty(then);
    gate.close();
    for call in calls {
        assert_eq!(told(), 0);
        thread::spawn(move || drop(call)).join().unwrap();
    }
    assert_eq!((gate.in_flight(), told()), (0, 1));
}

#[test]
fn threads_take_over_the_counts_of_those_that_have_ended() {
    let gate = gate();
    let site = site(gate, "create");
    for round in 0..if cfg!(miri) { 3 } else { 50 } {
        let held: Vec<_> = (0..4).map(|_| thread::spawn(move || site.enter().unwrap())).collect();
        let held: Vec<_> = held.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(gate.in_flight(), 4, "{round}");
        drop(held);
        assert_eq!(gate.in_flight(), 0, "{round}");
    }
}

#[test]
fn more_functions_than_a_thread_has_counts_for() {
    let gate = gate();
    let sites: Vec<_> = (0..300).map(|_| site(gate, "create")).collect();
    let held: Vec<_> = sites.iter().map(|site| site.enter().unwrap()).collect();
    assert_eq!(gate.in_flight(), 300);
    assert!(gate.sites().iter().all(|site| site.in_flight == 1));
    gate.close();
    assert!(sites.iter().all(|site| site.enter().is_err()));
    assert_eq!(gate.refused(), 300);
    drop(held);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_thread_that_is_ending_still_makes_calls() {
    struct CallsLate {
        site: &'static Site,
        seen: mpsc::Sender<(bool, usize)>,
    }
    impl Drop for CallsLate {
        fn drop(&mut self) {
            let call = self.site.enter();
            self.seen.send((call.is_ok(), self.site.gate().in_flight())).unwrap();
        }
    }
    thread_local! { static LATE: std::cell::RefCell<Vec<CallsLate>> = const { std::cell::RefCell::new(Vec::new()) } }

    let gate = gate();
    let site = site(gate, "create");
    let (seen, late) = mpsc::channel();
    let ending = |closed: bool| {
        let seen = seen.clone();
        let thread = thread::spawn(move || {
            // Used before the thread's counts, and so destroyed after them.
            LATE.with_borrow_mut(|late| late.push(CallsLate { site, seen: seen.clone() }));
            drop(site.enter());
            if closed {
                gate.close();
            }
        });
        thread.join().unwrap();
    };
    ending(false);
    assert_eq!(late.try_recv(), Ok((true, 1)));
    assert_eq!(gate.in_flight(), 0);
    let (then, told) = tell();
    let held = site.enter().unwrap();
    gate.on_empty(then);
    ending(true);
    assert_eq!(late.try_recv(), Ok((false, 1)));
    assert_eq!(gate.refused(), 1);
    drop(held);
    assert_eq!((gate.in_flight(), told()), (0, 1));
}
