//! One call: admission, nesting, its end.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use futures_util::future::{join, join_all, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::*;
use crate::rejected::RejectReason;

#[test]
fn an_open_gate_admits_and_counts() {
    let gate = gate();
    let site = site(gate);
    let seen = call_sync(site, || (is_inside(), gate.in_flight()));
    assert_eq!(seen, Ok((true, 1)));
    assert!(!is_inside());
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_closed_gate_refuses_and_counts_the_refusals() {
    let gate = gate();
    let (one, other) = (named(gate, "one"), named(gate, "other"));
    gate.close();
    let rejected = Rejected::new(RejectReason::ShuttingDown);
    assert_eq!(call_sync(one, || ()), Err(rejected));
    assert_eq!(call_sync(one, || ()), Err(rejected));
    assert!(matches!(poll_once(pin!(call(other, async {}))), Poll::Ready(Err(_))));
    assert_eq!((gate.refused(), gate.in_flight()), (3, 0));
    let refused: Vec<_> = gate.sites().iter().map(|site| (site.name, site.refused)).collect();
    assert_eq!(refused, [("one", 2), ("other", 1)]);
}

#[test]
fn a_call_that_is_always_admitted_is_counted_and_never_refused_nor_cut() {
    let gate = gate();
    let probe = Box::leak(Box::new(Site::new("probe", "", "", 0, true).at(gate)));
    gate.close();
    gate.freeze();
    let mut running = pin!(call(probe, async {
        pause().await;
        gate.in_flight()
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(gate.awaited()[0].name, "probe");
    assert_eq!(poll_once(running), Poll::Ready(Ok(1)));
    assert_eq!((gate.refused(), gate.in_flight()), (0, 0));
}

#[test]
fn what_an_always_admitted_call_calls_is_admitted() {
    let gate = gate();
    let probe = Box::leak(Box::new(Site::new("probe", "", "", 0, true).at(gate)));
    gate.close();
    assert_eq!(call_sync(probe, || call_sync(site(gate), || ())), Ok(Ok(())));
}

#[test]
fn admission_is_at_the_first_poll() {
    let gate = gate();
    let mut early = pin!(call(site(gate), async {}));
    assert_eq!(gate.in_flight(), 0);
    gate.close();
    assert!(matches!(poll_once(early.as_mut()), Poll::Ready(Err(_))));
}

#[test]
fn nested_calls_are_admitted_after_the_close_and_counted_by_the_outermost() {
    let gate = gate();
    let (outer, inner) = (named(gate, "outer"), named(gate, "inner"));
    let mut running = pin!(call(outer, async {
        pause().await;
        call(inner, async {
            pause().await;
            call_sync(inner, || gate.awaited())
        })
        .await
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    gate.close();
    assert!(call_sync(inner, || ()).is_err(), "the mark is gone between two polls");
    assert!(poll_once(running.as_mut()).is_pending());
    let Poll::Ready(Ok(Ok(Ok(awaited)))) = poll_once(running) else { panic!("a nested call was refused") };
    let awaited: Vec<_> = awaited.iter().map(|site| (site.name, site.in_flight)).collect();
    assert_eq!(awaited, [("outer", 1)]);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_sync_call_admits_what_it_calls() {
    let gate = gate();
    let site = site(gate);
    let inner = call_sync(site, || {
        gate.close();
        let inner = call_sync(site, || ());
        (inner, is_inside())
    });
    assert_eq!(inner, Ok((Ok(()), true)), "and the inner one's end does not end the outer one's");
}

#[test]
fn futures_polled_together_inside_a_call_are_inside() {
    let gate = gate();
    let (outer, inner) = (named(gate, "outer"), named(gate, "inner"));
    let nested = || {
        call(inner, async {
            pause().await;
            gate.in_flight()
        })
    };
    let mut running = pin!(call(outer, async {
        gate.close();
        let joined = join(nested(), nested()).await;
        let all = join_all([nested(), nested()]).await;
        let unordered: Vec<_> =
            [nested(), nested()].into_iter().collect::<FuturesUnordered<_>>().collect().await;
        let selected = select(pin!(nested()), pin!(nested())).await.factor_first().0;
        [vec![joined.0, joined.1], all, unordered, vec![selected]].concat()
    }));
    let results = loop {
        if let Poll::Ready(results) = poll_once(running.as_mut()) {
            break results.unwrap();
        }
    };
    assert_eq!(results, [Ok(1); 7]);
    assert_eq!(gate.in_flight(), 0);
}

/// The call that the thread is in.
fn here() -> &'static str {
    match context::place() {
        context::Place::Call(site) => site.snapshot().name,
        _ => "outside",
    }
}

#[test]
fn calls_polled_in_turn_keep_apart() {
    let gate = gate();
    let (one, other) = (named(gate, "one"), named(gate, "other"));
    let body = || async move {
        let before = here();
        pause().await;
        (before, here())
    };
    let mut first = pin!(call(one, body()));
    let mut second = pin!(call(other, body()));
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(here(), "outside");
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(gate.in_flight(), 2);
    assert_eq!(poll_once(first), Poll::Ready(Ok(("one", "one"))));
    assert_eq!(gate.in_flight(), 1);
    assert_eq!(poll_once(second), Poll::Ready(Ok(("other", "other"))));
    assert_eq!(here(), "outside");
}

#[test]
fn a_call_that_has_begun_elsewhere_gives_back_the_place_of_who_polls_it() {
    let gate = gate();
    let (one, other) = (named(gate, "one"), named(gate, "other"));
    let begun = |panics: bool| {
        let mut running = Box::pin(call(one, async move {
            pause().await;
            let before = here();
            assert!(!panics, "in a call");
            pause().await;
            (before, here())
        }));
        assert!(poll_once(running.as_mut()).is_pending());
        running
    };
    let (mut ends, mut panics, dropped) = (begun(false), begun(true), begun(false));
    call_sync(other, || {
        assert!(poll_once(ends.as_mut()).is_pending());
        assert_eq!(here(), "other", "after a poll");
        assert_eq!(poll_once(ends.as_mut()), Poll::Ready(Ok(("one", "one"))));
        assert_eq!(here(), "other", "after the end");
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(panics.as_mut()))).is_err());
        assert_eq!(here(), "other", "after a panic");
        drop((dropped, panics));
        assert_eq!((here(), gate.in_flight()), ("other", 1), "after a drop");
    })
    .unwrap();
    assert_eq!((here(), gate.in_flight()), ("outside", 0));
}

#[test]
fn a_panic_ends_the_call_and_the_mark() {
    let gate = gate();
    let site = site(gate);
    let sync = catch_unwind(|| call_sync(site, || panic!("in a sync call")));
    assert!(sync.is_err());
    assert!(!is_inside());
    assert_eq!(gate.in_flight(), 0);

    let mut running = Box::pin(call(site, async {
        pause().await;
        panic!("in an async call")
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    let polled = catch_unwind(AssertUnwindSafe(|| poll_once(running.as_mut()).is_pending()));
    assert!(polled.is_err());
    assert!(!is_inside());
    drop(running);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_panic_in_a_nested_call_that_is_caught_leaves_the_outer_one_running() {
    let gate = gate();
    let site = site(gate);
    let seen = call_sync(site, || {
        let nested = catch_unwind(|| call_sync(site, || panic!("nested")));
        (nested.is_err(), is_inside(), gate.in_flight())
    });
    assert_eq!(seen, Ok((true, true, 1)));
}

#[test]
fn a_panic_while_the_body_is_dropped_ends_the_call_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a drop")
        }
    }
    let gate = gate();
    let bomb = Bomb;
    let mut running = Box::pin(call(site(gate), async move {
        let _bomb = bomb;
        pause().await;
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(running))).is_err());
    assert!(!is_inside());
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_call_dropped_midway_drops_its_body_inside_and_then_leaves() {
    let (gate, seen) = (gate(), Mutex::new(None));
    let held = SeesDrop { gate, seen: &seen };
    let mut running = Box::pin(call(site(gate), async move {
        pause().await;
        drop(held);
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    drop(running);
    assert_eq!(*seen.lock().unwrap(), Some((true, 1)));
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_body_that_is_ready_is_dropped_inside_before_the_call_ends() {
    struct Ready<'a>(#[allow(dead_code, reason = "for its drop")] SeesDrop<'a>);
    impl Future for Ready<'_> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    let (gate, seen) = (gate(), Mutex::new(None));
    let body = Ready(SeesDrop { gate, seen: &seen });
    let mut running = pin!(run(enter(site(gate)), body));
    assert!(poll_once(running.as_mut()).is_ready());
    assert_eq!(*seen.lock().unwrap(), Some((true, 1)));
    assert_eq!(gate.in_flight(), 0, "though the future itself is still there");
}

#[test]
fn a_call_that_was_admitted_and_never_run_leaves() {
    let gate = gate();
    drop(admit(site(gate)));
    drop(run(enter(site(gate)), async {}));
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn a_frozen_call_is_dropped_at_its_next_poll_and_stays_pending() {
    let (gate, seen, went_on) = (gate(), Mutex::new(None), Cell::new(false));
    let held = SeesDrop { gate, seen: &seen };
    let mut running = pin!(call(site(gate), async {
        let _held = held;
        pause().await;
        went_on.set(true);
    }));
    assert!(poll_once(running.as_mut()).is_pending());
    gate.close();
    gate.freeze();
    assert_eq!(gate.in_flight(), 1, "counted until it is polled");
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(*seen.lock().unwrap(), Some((true, 1)));
    assert_eq!(gate.in_flight(), 0);
    assert!(poll_once(running.as_mut()).is_pending());
    assert!(!went_on.get() && !is_inside());
}

#[test]
fn the_last_frozen_call_empties_the_gate() {
    let gate = gate();
    let (sender, emptied) = mpsc::channel();
    let mut running = pin!(call(site(gate), pause()));
    assert!(poll_once(running.as_mut()).is_pending());
    gate.close();
    gate.on_empty(Box::new(move || sender.send(()).unwrap_or_default()));
    gate.freeze();
    assert_eq!(emptied.try_iter().count(), 0);
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(emptied.try_iter().count(), 1);
}

#[test]
fn nested_calls_are_frozen_with_the_outermost_and_not_before_it() {
    let gate = gate();
    let site = site(gate);
    let running = pin!(call(site, async {
        gate.freeze();
        let mut nested = pin!(call(site, pause()));
        assert!(poll_once(nested.as_mut()).is_pending());
        poll_once(nested).is_ready()
    }));
    assert_eq!(poll_once(running), Poll::Ready(Ok(true)), "a poll that has begun is not cut");
}
