//! Tracked calls: admission, the future that one runs in, and tasks that go on inside one.

mod inherit;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pub use inherit::{inherit, spawn, spawn_blocking};

use crate::context::{self, Marked};
use crate::gate::Gate;
pub use crate::gate::{Admitted, Site};
use crate::group;
use crate::rejected::Rejected;

/// Admits a call: at its first poll, or at the call itself if it is sync.
#[inline]
pub fn admit(site: &'static Site) -> Result<Admitted, Rejected> {
    if context::is_outside() { site.enter() } else { Ok(Admitted::uncounted()) }
}

/// How many tracked calls are running, of all groups; [`stats`](crate::stats()) has each group's. What a call does
/// inside another one is part of that one.
pub fn in_flight() -> usize {
    group::gates().map(Gate::in_flight).sum()
}

impl Admitted {
    /// Makes the rest of a sync function's body the call.
    #[inline]
    pub fn scope(self) -> Scope {
        Scope { _marked: self.mark(), _admitted: self }
    }

    #[inline]
    fn mark(&self) -> Option<Marked> {
        self.site().map(context::enter)
    }
}

/// A sync call that runs until this is dropped.
#[must_use = "the call ends when this is dropped"]
pub struct Scope {
    _marked: Option<Marked>,
    _admitted: Admitted,
}

/// Makes a future the call.
#[inline]
pub fn run<F: Future>(admitted: Admitted, body: F) -> Inside<F> {
    Inside { call: Some(Call { body, admitted }) }
}

pin_project! {
    /// An async call. Its body is polled and dropped inside the call, which ends when the body is gone.
    ///
    /// A nested call is counted as a part of its caller; moved on to another task after its first poll, it is not
    /// counted there.
    #[must_use = "futures do nothing unless polled"]
    pub struct Inside<F> {
        // `None` once it has ended or was cut.
        #[pin]
        call: Option<Call<F>>,
    }

    impl<F> PinnedDrop for Inside<F> {
        fn drop(this: Pin<&mut Self>) {
            this.cut();
        }
    }
}

pin_project! {
    struct Call<F> {
        #[pin]
        body: F,
        // After the body.
        admitted: Admitted,
    }
}

impl<F> Inside<F> {
    /// A call that has yet to be admitted.
    #[inline]
    pub(crate) fn waiting(body: F) -> Self {
        Inside { call: Some(Call { body, admitted: Admitted::uncounted() }) }
    }

    /// Admits a call that was waiting, before its first poll.
    #[inline]
    pub(crate) fn begin(self: Pin<&mut Self>, admitted: Admitted) {
        if let Some(call) = self.project().call.as_pin_mut() {
            *call.project().admitted = admitted;
        }
    }

    /// Drops the body and leaves, on a thread that is marked to be in the call.
    #[inline]
    fn end(self: Pin<&mut Self>, marked: Option<Marked>) {
        self.project().call.set(None);
        drop(marked);
    }

    /// The same from outside of the call.
    pub(crate) fn cut(mut self: Pin<&mut Self>) {
        let call = self.as_mut().project().call.as_pin_mut();
        let marked = call.and_then(|call| call.project().admitted.mark());
        self.end(marked);
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(call) = self.as_mut().project().call.as_pin_mut() else { return Poll::Pending };
        let call = call.project();
        if call.admitted.site().is_some_and(Site::is_frozen) {
            self.cut();
            return Poll::Pending;
        }
        let marked = call.admitted.mark();
        let output = ready!(call.body.poll(cx));
        self.end(marked);
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
