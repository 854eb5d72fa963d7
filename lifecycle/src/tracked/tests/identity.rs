//! Which calls are known by an id, and for how long.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::context::{StepContext, in_step};

fn ids(name: &'static str) -> &'static CallIds {
    Box::leak(Box::new(CallIds::here(name)))
}

/// As an annotated async function with an id.
async fn call_by<F: Future>(
    site: &'static Site,
    ids: &'static CallIds,
    id: &str,
    body: F,
) -> Result<F::Output, Rejected> {
    call(site, Identity::of(ids, id).future(body)).await
}

/// A function of which calls are awaited, how many, and the ids.
type Seen = (String, usize, Vec<String>);

fn seen(gate: &'static Gate) -> Vec<Seen> {
    let of_site = |site: crate::report::CallSite| {
        let ids = site.running.iter().map(|call| format!("{} {}", call.name, call.id));
        (site.name, site.count, ids.collect())
    };
    awaited(gate).into_iter().map(of_site).collect()
}

fn is(name: &str, count: usize, ids: &[&str]) -> Seen {
    (name.to_owned(), count, ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn a_sync_call_is_known_until_it_returns_or_panics() {
    let (gate, ids) = (gate(), ids("checkout"));
    let site = named(gate, "checkout");
    let run = |body: fn(&'static Gate) -> Vec<Seen>| {
        super::super::call(site, |_| Vec::new(), || Identity::of(ids, 42).call(|| body(gate)))
    };
    assert_eq!(run(seen), [is("checkout", 1, &["checkout 42"])]);
    assert_eq!(seen(gate), []);
    assert!(catch_unwind(AssertUnwindSafe(|| run(|_| panic!("in the call")))).is_err());
    assert_eq!(seen(gate), []);
    assert!(ids.listed().is_empty());
}

#[test]
fn an_async_call_is_known_from_its_first_poll_to_its_end() {
    let (gate, ids) = (gate(), ids("checkout"));
    let site = named(gate, "checkout");
    let mut first = pin!(call_by(site, ids, "order=1", pause()));
    let mut second = Box::pin(call_by(site, ids, "order=2", pause()));
    assert_eq!(seen(gate), [], "it has not begun");
    assert!(poll_once(second.as_mut()).is_pending());
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(
        seen(gate),
        [is("checkout", 2, &["checkout order=2", "checkout order=1"])],
        "the oldest first"
    );
    assert!(poll_once(first).is_ready());
    assert_eq!(seen(gate), [is("checkout", 1, &["checkout order=2"])]);
    drop(second);
    assert_eq!(seen(gate), []);
    assert!(ids.listed().is_empty(), "a future that is dropped is known no more");
}

#[test]
fn a_call_within_another_is_known_with_the_one_that_is_counted() {
    let (gate, ids) = (gate(), ids("checkout"));
    let (outer, inner) = (named(gate, "request"), named(gate, "checkout"));
    let mut running = pin!(call(outer, call_by(inner, ids, "order=7", pause())));
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(seen(gate), [is("request", 1, &["checkout order=7"])]);
    assert!(poll_once(running).is_ready());
    assert_eq!(seen(gate), []);
}

#[test]
fn a_refused_call_is_not_known() {
    let (gate, ids) = (gate(), ids("checkout"));
    gate.close();
    let refused = poll_once(pin!(call_by(site(gate), ids, "order=1", async {
        panic!("it runs after all");
    })));
    assert!(matches!(refused, Poll::Ready(Err(_))));
    assert!(ids.listed().is_empty());
}

#[test]
fn a_call_that_is_cut_is_known_no_more() {
    let (gate, ids) = (gate(), ids("checkout"));
    let mut running = pin!(call_by(site(gate), ids, "order=1", pause()));
    assert!(poll_once(running.as_mut()).is_pending());
    gate.close();
    gate.freeze();
    assert_eq!(ids.listed(), ["order=1"]);
    assert!(poll_once(running.as_mut()).is_pending());
    assert!(ids.listed().is_empty(), "though the future itself is still there");
}

#[test]
fn what_a_step_calls_is_no_call_that_a_drain_waits_for() {
    let (gate, ids) = (gate(), ids("checkout"));
    let step = std::sync::Arc::new(StepContext::default());
    let mut running = pin!(in_step(step, call_by(site(gate), ids, "order=1", pause())));
    assert!(poll_once(running.as_mut()).is_pending());
    assert!(ids.listed().is_empty());
    assert!(poll_once(running).is_ready());
}

#[test]
fn only_the_calls_of_the_gate_are_seen() {
    let (one, other, ids) = (gate(), gate(), ids("checkout"));
    let mut first = pin!(call_by(site(one), ids, "order=1", pause()));
    let mut second = pin!(call_by(site(other), ids, "order=2", pause()));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(seen(one), [is("create_order", 1, &["checkout order=1"])]);
    assert_eq!(seen(other), [is("create_order", 1, &["checkout order=2"])]);
}

#[test]
fn an_id_that_cannot_be_said_to_its_end_is_said_as_far_as_it_goes() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("order=")?;
            Err(fmt::Error)
        }
    }
    let (gate, ids) = (gate(), ids("checkout"));
    let mut running = pin!(call(site(gate), Identity::of(ids, Broken).future(pause())));
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(ids.listed(), ["order="]);
}
