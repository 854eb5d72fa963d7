//! The future of an async call.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Admission, admit};
use crate::__private::tracked::{By, Never, Refusal};
use crate::gate::{Admitted, Before, Known, Site, on_thread};
use crate::rejected::Rejected;

/// Makes a future the call, or the value that says that it was refused.
#[inline(always)]
pub fn track<S: Known, F: Future, C: FnOnce(Rejected) -> F::Output + Copy>(
    site: S,
    refuse: C,
    body: F,
) -> Inside<S, F, By<C>> {
    let call = match admit(site) {
        Admission::Counted(admitted) => Call::Counted { body, site: counted_by(admitted) },
        Admission::Nested => Call::Nested { body },
        Admission::Refused(rejected) => Call::Refused { rejected, refusal: By(refuse) },
    };
    Inside { call }
}

/// Makes a future the call, unless that was refused.
#[inline(always)]
pub fn run<S: Known, F: Future>(admission: Admission<S>, body: F) -> Inside<S, F, Never> {
    let call = match admission {
        Admission::Counted(admitted) => Call::Counted { body, site: counted_by(admitted) },
        Admission::Nested => Call::Nested { body },
        Admission::Refused(_) => Call::Ended,
    };
    Inside { call }
}

pin_project! {
    /// An async call. Its body is polled and dropped inside the call, which ends when the body is gone.
    ///
    /// A nested call is counted as a part of its caller; moved on to another task after its first poll, it is not
    /// counted there.
    #[must_use = "futures do nothing unless polled"]
    pub struct Inside<S: Known, F: Future, K> {
        #[pin]
        call: Call<S, F, K>,
    }

    impl<S: Known, F: Future, K> PinnedDrop for Inside<S, F, K> {
        fn drop(this: Pin<&mut Self>) {
            let call = this.project().call;
            if let Call::Counted { site, .. } = *call {
                end(Some(site.site()), call);
            }
        }
    }
}

pin_project! {
    #[project = Projected]
    enum Call<S: Known, F: Future, K> {
        Counted { #[pin] body: F, site: S },
        Nested { #[pin] body: F },
        Refused { rejected: Rejected, refusal: K },
        // Or it was cut.
        Ended,
    }
}

impl<S: Known, F: Future, K: Refusal<F::Output> + Copy> Call<S, F, K> {
    #[cold]
    #[inline(never)]
    fn refuse(mut self: Pin<&mut Self>) -> Poll<F::Output> {
        let Call::Refused { rejected, refusal } = *self else { return Poll::Pending };
        self.set(Call::Ended);
        Poll::Ready(refusal.answer(rejected))
    }
}

/// What a call runs.
pub(super) trait Body {
    type Output;

    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output>;

    fn drop_body(self: Pin<&mut Self>);
}

impl<S: Known, F: Future, K> Body for Call<S, F, K> {
    type Output = F::Output;

    #[inline(always)]
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            Projected::Counted { body, .. } | Projected::Nested { body } => body.poll(cx),
            _ => Poll::Pending,
        }
    }

    #[inline(always)]
    fn drop_body(mut self: Pin<&mut Self>) {
        self.set(Call::Ended);
    }
}

impl<S: Known, F: Future, K: Refusal<F::Output> + Copy> Future for Inside<S, F, K> {
    type Output = F::Output;

    // Called from one place, the function's own state.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let call = self.project().call;
        // The body is polled in one place, or it would be compiled twice.
        let counted = match *call {
            Call::Counted { site, .. } => Some(site.site()),
            Call::Nested { .. } => None,
            _ => return call.refuse(),
        };
        poll(counted, call, cx)
    }
}

/// Polls a call's body, and ends both together. What is not counted is only polled.
#[inline(always)]
pub(super) fn poll<B: Body>(
    counted: Option<&'static Site>,
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<B::Output> {
    if counted.is_some_and(Site::is_frozen) {
        // What could not be polled any more must not hold up the drain.
        end(counted, body);
        return Poll::Pending;
    }
    let mut within = Within::new(counted);
    let polled = body.as_mut().poll_body(cx);
    if polled.is_ready() {
        within.ends = true;
        body.drop_body();
    }
    within.end();
    polled
}

/// Drops the body of a call inside it, and ends it.
#[cold]
#[inline(never)]
pub(super) fn end<B: Body>(counted: Option<&'static Site>, body: Pin<&mut B>) {
    let mut within = Within::new(counted);
    within.ends = true;
    body.drop_body();
    within.end();
}

/// The thread is in the call, if that is counted.
struct Within {
    counted: Option<&'static Site>,
    before: Before,
    /// Leaving it ends the call.
    ends: bool,
}

impl Within {
    #[inline(always)]
    fn new(counted: Option<&'static Site>) -> Self {
        let before = match counted {
            Some(site) => on_thread(|thread| thread.mark.replace(site)),
            None => Before::NONE,
        };
        Within { counted, before, ends: false }
    }

    /// As its drop does, which is left to panics: a destructor would be called, and all that it needs be in memory for it.
    #[inline(always)]
    fn end(self) {
        let Within { counted, before, ends } = self;
        mem::forget(self);
        leave(counted, before, ends);
    }
}

impl Drop for Within {
    #[inline(always)]
    fn drop(&mut self) {
        leave_after_a_panic(self.counted, self.before, self.ends);
    }
}

#[cold]
#[inline(never)]
fn leave_after_a_panic(counted: Option<&'static Site>, before: Before, ends: bool) {
    leave(counted, before, ends);
}

#[inline(always)]
fn leave(counted: Option<&'static Site>, before: Before, ends: bool) {
    let Some(site) = counted else { return };
    on_thread(|thread| {
        thread.mark.restore(before);
        if ends {
            site.leave(thread);
        }
    });
}

/// Who has counted a call that ends with a future.
#[inline(always)]
pub(super) fn counted_by<S: Known>(admitted: Admitted<S>) -> S {
    let site = admitted.0;
    mem::forget(admitted);
    site
}
