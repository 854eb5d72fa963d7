//! The future of an async call.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Admission, admit};
use crate::gate::{Admitted, Before, Known, Site, on_thread};
use crate::rejected::Rejected;

/// What becomes of an async call that is run at once. It has no destructor, whose flags would be kept in the function's state.
#[must_use = "a counted call ends in `run(…)`"]
#[derive(Clone, Copy)]
pub enum Entry<S: Known> {
    /// As [`Admission::Counted`].
    Counted(S),
    /// As [`Admission::Nested`].
    Nested,
    /// As [`Admission::Refused`].
    Refused(Rejected),
}

/// Admits an async call, at its first poll.
#[inline(always)]
pub fn enter<S: Known>(site: S) -> Entry<S> {
    match admit(site) {
        Admission::Counted(admitted) => Entry::Counted(counted_by(admitted)),
        Admission::Nested => Entry::Nested,
        Admission::Refused(rejected) => Entry::Refused(rejected),
    }
}

/// Makes a future the call, unless that was refused.
#[inline(always)]
pub fn run<S: Known, F: Future>(entry: Entry<S>, body: F) -> Inside<S, F> {
    let call = match entry {
        Entry::Counted(site) => Call::Counted { body, site },
        Entry::Nested => Call::Nested { body },
        Entry::Refused(_) => Call::Ended,
    };
    Inside { call }
}

pin_project! {
    /// An async call. Its body is polled and dropped inside the call, which ends when the body is gone.
    ///
    /// A nested call is counted as a part of its caller; moved on to another task after its first poll, it is not
    /// counted there.
    #[must_use = "futures do nothing unless polled"]
    pub struct Inside<S: Known, F: Future> {
        #[pin]
        call: Call<S, F>,
    }

    impl<S: Known, F: Future> PinnedDrop for Inside<S, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut call = this.project().call;
            if let Call::Counted { site, .. } = *call {
                end(site, || call.set(Call::Ended));
            }
        }
    }
}

pin_project! {
    #[project = Projected]
    enum Call<S: Known, F: Future> {
        Counted { #[pin] body: F, site: S },
        Nested { #[pin] body: F },
        // Or it was cut.
        Ended,
    }
}

/// Who has counted a call, if that is the one that ends with the body; and the body.
pub(super) type Found<'a, S, F> = Option<(Option<S>, Pin<&'a mut F>)>;

/// A call that runs a body for as long as there is one.
pub(super) trait Running {
    type Site: Known;
    type Body: Future;

    fn running(self: Pin<&mut Self>) -> Found<'_, Self::Site, Self::Body>;

    fn drop_body(self: Pin<&mut Self>);
}

impl<S: Known, F: Future> Running for Call<S, F> {
    type Site = S;
    type Body = F;

    #[inline(always)]
    fn running(self: Pin<&mut Self>) -> Found<'_, S, F> {
        match self.project() {
            Projected::Counted { body, site } => Some((Some(*site), body)),
            Projected::Nested { body } => Some((None, body)),
            Projected::Ended => None,
        }
    }

    #[inline(always)]
    fn drop_body(mut self: Pin<&mut Self>) {
        self.set(Call::Ended);
    }
}

impl<S: Known, F: Future> Future for Inside<S, F> {
    type Output = F::Output;

    // Called from one place, the function's own state.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        poll(self.project().call, cx)
    }
}

/// Polls a call's body, and ends both together. What is not counted is only polled.
#[inline(always)]
pub(super) fn poll<R: Running>(
    mut call: Pin<&mut R>,
    cx: &mut Context<'_>,
) -> Poll<<R::Body as Future>::Output> {
    let Some((counted, body)) = call.as_mut().running() else { return Poll::Pending };
    if let Some(site) = counted {
        if site.site().is_frozen() {
            // What could not be polled any more must not hold up the drain.
            end(site, || call.drop_body());
            return Poll::Pending;
        }
    }
    let mut within = Within::new(counted);
    // In one place, or it would be compiled twice.
    let polled = body.poll(cx);
    if polled.is_ready() {
        within.ends = true;
        call.drop_body();
    }
    within.end();
    polled
}

/// Drops the body of a call inside it, and ends it.
#[cold]
#[inline(never)]
pub(super) fn end(site: impl Known, drop_body: impl FnOnce()) {
    let mut within = Within::new(Some(site));
    within.ends = true;
    drop_body();
    within.end();
}

/// The thread is in the call, if that is counted.
struct Within<S: Known> {
    entered: Entered<S>,
    /// What the call is in place of. Beside [`Entered`], which would be in memory with it.
    before: Before,
    /// Leaving it ends the call.
    ends: bool,
}

#[derive(Clone, Copy)]
enum Entered<S: Known> {
    /// The thread was in nothing. What is put back is then no value that was read, for which one poll would wait until
    /// another's is written.
    FromOutside(S),
    /// The thread was in what another task on it is in.
    FromElsewhere(S),
    /// It is not counted, and the thread is where it was.
    Not,
}

impl<S: Known> Within<S> {
    #[inline(always)]
    fn new(counted: Option<S>) -> Self {
        let (entered, before) = match counted {
            Some(site) if on_thread(|thread| thread.mark.is_clear()) => {
                on_thread(|thread| thread.mark.set(site.site()));
                (Entered::FromOutside(site), Before::NONE)
            }
            Some(site) => (Entered::FromElsewhere(site), enter_from_elsewhere(site.site())),
            None => (Entered::Not, Before::NONE),
        };
        Within { entered, before, ends: false }
    }

    /// As its drop does, which is left to panics: a destructor would be called, and all that it needs be in memory for it.
    #[inline(always)]
    fn end(self) {
        let Within { entered, before, ends } = self;
        mem::forget(self);
        match entered {
            Entered::FromOutside(site) => {
                on_thread(|thread| thread.mark.clear());
                if ends {
                    on_thread(|thread| site.site().leave(thread));
                }
            }
            Entered::FromElsewhere(site) => leave_slowly(site.site(), before, ends),
            Entered::Not => {}
        }
    }
}

impl<S: Known> Drop for Within<S> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.entered {
            Entered::FromOutside(site) | Entered::FromElsewhere(site) => {
                leave_slowly(site.site(), self.before, self.ends);
            }
            Entered::Not => {}
        }
    }
}

#[cold]
#[inline(never)]
fn enter_from_elsewhere(site: &'static Site) -> Before {
    on_thread(|thread| thread.mark.replace(site))
}

#[cold]
#[inline(never)]
fn leave_slowly(site: &'static Site, before: Before, ends: bool) {
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
