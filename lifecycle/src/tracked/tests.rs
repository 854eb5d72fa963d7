use std::future::poll_fn;
use std::task::Poll;

use super::*;
use crate::gate::Gate;

/// A gate that no other test touches.
fn gate() -> &'static Gate {
    Box::leak(Box::new(Gate::new()))
}

fn site(gate: &'static Gate) -> &'static Site {
    Box::leak(Box::new(Site::new("create_order", module_path!(), file!(), line!(), false).of(gate)))
}

#[test]
fn a_nested_call_is_admitted_after_the_close_and_counted_once() {
    let gate = gate();
    let outer = site(gate);
    let inner = site(gate);
    let mut call = Box::pin(run(admit(outer).unwrap(), async {
        let mut polls = 0;
        poll_fn(|_| {
            polls += 1;
            if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        run(admit(inner).unwrap(), async { gate.in_flight() }).await
    }));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    gate.close();
    assert!(admit(inner).is_err());
    assert!(matches!(call.as_mut().poll(&mut cx), Poll::Ready(1)));
    assert_eq!(gate.in_flight(), 0);
    assert_eq!(gate.refused(), 1);
}
