//! Tasks that stay inside the call or step that started them.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Admitted, Gated};
use crate::__private::tracked::Never;
use crate::context::{self, Place, StepContext};

/// What the caller is inside of, held for somebody who goes on elsewhere.
enum Inherited {
    Nothing,
    /// The caller is still counted at this moment: whoever goes on for it is too, even if the gate has closed.
    Call(Admitted),
    Step(Arc<StepContext>),
}

impl Inherited {
    fn capture() -> Self {
        match context::place() {
            Place::Outside => Inherited::Nothing,
            Place::Call(site) => Inherited::Call(site.enter_always()),
            Place::Step => match context::current_step() {
                Some(step) => Inherited::Step(step),
                None => Inherited::Nothing,
            },
        }
    }
}

/// As `tokio::spawn`, but inside what the caller is inside of.
///
/// In a tracked call, the task is counted like the call, under the name of the outermost one, and its own calls are
/// admitted, also after the service began to drain: the drain waits for it. In a step, the task is in the step.
/// Elsewhere it is `tokio::spawn`.
///
/// # Panics
///
/// Outside a tokio runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match Inherited::capture() {
        Inherited::Nothing => tokio::spawn(future),
        Inherited::Call(admitted) => tokio::spawn(Gated::<_, Never>::begun(Some(admitted), future)),
        Inherited::Step(step) => tokio::spawn(context::in_step(step, future)),
    }
}

/// As `tokio::task::spawn_blocking`, but inside what the caller is inside of; see [`spawn`].
///
/// # Panics
///
/// Outside a tokio runtime, as `tokio::task::spawn_blocking` does.
#[track_caller]
pub fn spawn_blocking<F, R>(work: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match Inherited::capture() {
        Inherited::Nothing => tokio::task::spawn_blocking(work),
        Inherited::Call(admitted) => tokio::task::spawn_blocking(move || {
            let _call = admitted.scope();
            work()
        }),
        Inherited::Step(step) => tokio::task::spawn_blocking(move || {
            let _step = context::enter_step(step);
            work()
        }),
    }
}

/// Makes a future go on inside what the caller is inside of, wherever it is polled; see [`spawn`].
///
/// What it is inside of is decided here and not at the first poll: in a tracked call, the future counts from now on until
/// it has ended or is dropped. For spawning by other means than [`spawn`], as with a `JoinSet`.
pub fn inherit<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let (admitted, step) = match Inherited::capture() {
        Inherited::Nothing => (None, None),
        Inherited::Call(admitted) => (Some(admitted), None),
        Inherited::Step(step) => (None, Some(step)),
    };
    context::in_maybe_step(step, Gated::<_, Never>::begun(admitted, future))
}
