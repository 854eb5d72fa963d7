//! Tracked calls: admission, the future that one runs in, and tasks that go on inside one.

mod inherit;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pub use inherit::{inherit, spawn, spawn_blocking};

use crate::context::{self, Marked, Place};
pub use crate::gate::Site;
use crate::gate::{Counted, REQUESTS};
use crate::rejected::Rejected;

/// Admits a call: at its first poll, or at the call itself if it is sync.
#[inline]
pub fn admit(site: &'static Site) -> Result<Admitted, Rejected> {
    match context::place() {
        Place::Outside => site.enter().map(|counted| Admitted(Some(counted))),
        Place::Step | Place::Call(_) => Ok(Admitted(None)),
    }
}

/// How many tracked calls are running, those inside another one not counted again.
pub fn in_flight() -> usize {
    REQUESTS.in_flight()
}

/// The right to run a call. Counted, unless it is inside another call or a step.
#[must_use = "a call runs in `scope()` or in `run(…)`"]
pub struct Admitted(Option<Counted>);

impl Admitted {
    /// Makes the rest of a sync function's body the call.
    #[inline]
    pub fn scope(self) -> Scope {
        Scope {
            _marked: self.0.as_ref().map(|counted| context::enter(Place::Call(counted.site()))),
            _counted: self.0,
        }
    }
}

/// A sync call that runs until this is dropped.
#[must_use = "the call ends when this is dropped"]
pub struct Scope {
    // In this order: what leaving the gate wakes is not inside the call.
    _marked: Option<Marked>,
    _counted: Option<Counted>,
}

/// Makes a future the call.
#[inline]
pub fn run<F: Future>(admitted: Admitted, body: F) -> Inside<F> {
    Inside { inner: Some(body), counted: admitted.0 }
}

pin_project! {
    /// An async call. Its body is polled and dropped inside the call, which ends when the body is gone.
    ///
    /// A nested call is whatever its caller is; moved on to another task after its first poll, it is not counted there.
    #[must_use = "futures do nothing unless polled"]
    pub struct Inside<F> {
        // `None` once it has ended or was cut.
        #[pin]
        inner: Option<F>,
        counted: Option<Counted>,
    }

    impl<F> PinnedDrop for Inside<F> {
        fn drop(this: Pin<&mut Self>) {
            this.end();
        }
    }
}

impl<F> Inside<F> {
    /// Drops the body, inside the call, then leaves it.
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Some(counted) = this.counted {
            let _inside = context::enter(Place::Call(counted.site()));
            this.inner.set(None);
        } else {
            this.inner.set(None);
        }
        *this.counted = None;
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.as_mut().project();
        let Some(body) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let inside = match this.counted {
            None => None,
            Some(counted) if counted.site().is_frozen() => {
                self.end();
                return Poll::Pending;
            }
            Some(counted) => Some(context::enter(Place::Call(counted.site()))),
        };
        let output = ready!(body.poll(cx));
        this.inner.set(None);
        drop(inside);
        *this.counted = None;
        Poll::Ready(output)
    }
}

macro_rules! opaque_debug {
    ($($name:ident [$($generics:tt)*])*) => {$(
        impl $($generics)* fmt::Debug for $name $($generics)* {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque_debug! { Admitted [] Scope [] Inside [<F>] }
