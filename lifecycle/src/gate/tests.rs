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
    for _ in 0..200 {
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
        assert_eq!(gate.awaited(), []);
        callers.into_iter().for_each(|caller| caller.join().unwrap());
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
        gate.resume();
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
        gate.resume();
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
