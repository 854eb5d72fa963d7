mod calls;
mod groups;
mod identity;
mod size;
mod tasks;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::gate::Gate;

/// A gate that no other test touches.
fn gate() -> &'static Gate {
    Box::leak(Box::new(Gate::new("Test")))
}

fn named(gate: &'static Gate, name: &'static str) -> &'static Site {
    Box::leak(Box::new(Site::new(name, module_path!(), file!(), line!(), false).at(gate)))
}

fn site(gate: &'static Gate) -> &'static Site {
    named(gate, "create_order")
}

/// As an annotated async function.
async fn call<F: Future>(site: &'static Site, body: F) -> Result<F::Output, Rejected> {
    match enter(site) {
        Entry::Refused(rejected) => Err(rejected),
        entry => Ok(run(entry, body).await),
    }
}

/// As an annotated sync function.
fn call_sync<R>(site: &'static Site, body: impl FnOnce() -> R) -> Result<R, Rejected> {
    super::call(site, Err, || Ok(body()))
}

/// The rest of the thread's time is a call.
fn scope(site: &'static Site) -> Scope<&'static Site> {
    match admit(site) {
        Admission::Counted(admitted) => admitted.scope(),
        _ => panic!("it was not counted"),
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending once.
async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn is_inside() -> bool {
    !context::is_outside()
}

/// Notes whether it was dropped inside a call, and how many calls were counted then.
struct SeesDrop<'a> {
    gate: &'static Gate,
    seen: &'a Mutex<Option<(bool, usize)>>,
}

impl Drop for SeesDrop<'_> {
    fn drop(&mut self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((is_inside(), self.gate.in_flight()));
    }
}
