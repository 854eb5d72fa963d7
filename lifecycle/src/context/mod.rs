//! What the code being polled is inside of: an admitted call, a step, neither.
//!
//! A mark in the thread (`gate/mark`) is set around every poll and restored after it. It names the task that was being polled
//! when it was set, and holds for that task alone: other tasks that the same poll drives (a `LocalSet`, a runtime in a sync
//! function) are not inside. Tasks of other executors have no id: what a call drives of them on its own thread counts as
//! a part of it.

mod step;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::task::Id;

pub(crate) use step::{Record, StepContext};
pub use step::{item, note, time_left};

use crate::gate::{Before, Site, on_thread};

/// Where code runs.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Outside,
    /// In a step: admitted, and counted by none.
    Step,
    /// In a call that this site counts.
    Call(&'static Site),
}

/// Stands for a step, whichever.
static STEP_SITE: Site = Site::new("", "", "", 0, true);

thread_local! {
    static STEP: RefCell<Option<(Option<Id>, Arc<StepContext>)>> = const { RefCell::new(None) };
}

/// Where the caller runs.
pub(crate) fn place() -> Place {
    match on_thread(|thread| thread.mark.here()) {
        None => Place::Outside,
        Some(site) if ptr::eq(site, &STEP_SITE) => Place::Step,
        Some(site) => Place::Call(site),
    }
}

/// Whether that is [`Place::Outside`].
#[inline]
pub(crate) fn is_outside() -> bool {
    on_thread(|thread| thread.mark.here()).is_none()
}

/// The step that the caller runs in.
pub(crate) fn current_step() -> Option<Arc<StepContext>> {
    // A destructor of another thread-local may ask after this one is gone.
    STEP.try_with(|step| match &*step.borrow() {
        Some((task, step)) if *task == tokio::task::try_id() => Some(Arc::clone(step)),
        _ => None,
    })
    .ok()
    .flatten()
}

/// Marks the thread until it is dropped.
pub(crate) struct Marked {
    before: Before,
    /// It must be dropped on the thread that it marked.
    _thread: PhantomData<*const ()>,
}

/// Marks the thread as in a call.
#[inline]
pub(crate) fn enter(site: &'static Site) -> Marked {
    Marked { before: on_thread(|thread| thread.mark.replace(site)), _thread: PhantomData }
}

impl Drop for Marked {
    #[inline]
    fn drop(&mut self) {
        on_thread(|thread| thread.mark.restore(self.before));
    }
}

/// Puts the thread into a step until it is dropped.
pub(crate) struct StepScope {
    before: Option<(Option<Id>, Arc<StepContext>)>,
    _marked: Marked,
}

pub(crate) fn enter_step(step: Arc<StepContext>) -> StepScope {
    let entered = Some((tokio::task::try_id(), step));
    let before = STEP.try_with(|current| current.replace(entered)).unwrap_or_default();
    StepScope { before, _marked: enter(&STEP_SITE) }
}

impl Drop for StepScope {
    fn drop(&mut self) {
        let before = self.before.take();
        let _ = STEP.try_with(|current| current.replace(before));
    }
}

pin_project! {
    /// A future whose every poll, and whose drop, is in a step.
    pub(crate) struct InStep<F> {
        #[pin]
        inner: Option<F>,
        step: Option<Arc<StepContext>>,
    }

    impl<F> PinnedDrop for InStep<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                let _step = this.step.clone().map(enter_step);
                this.inner.set(None);
            }
        }
    }
}

pub(crate) fn in_step<F: Future>(step: Arc<StepContext>, future: F) -> InStep<F> {
    in_maybe_step(Some(step), future)
}

/// With none, the future alone.
pub(crate) fn in_maybe_step<F: Future>(step: Option<Arc<StepContext>>, future: F) -> InStep<F> {
    InStep { inner: Some(future), step }
}

impl<F: Future> Future for InStep<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let _step = this.step.clone().map(enter_step);
        let output = ready!(inner.poll(cx));
        this.inner.set(None);
        Poll::Ready(output)
    }
}
