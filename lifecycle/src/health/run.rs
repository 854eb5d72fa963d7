//! One run of a check, or of its `recover`: async on the service's runtime, sync on a thread of its own.

use std::any::Any;
use std::cell::OnceCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::board::CheckId;
use super::machine::{Part, Verdict};
use super::monitor::Told;
use crate::context::{self, InStep, StepContext};
use crate::hook::{Ask, Begin, Call, CallResult, Missing, Question};
use crate::process::Lifecycle;
use crate::resource::Inputs;
use crate::run::mailbox::Mailbox;
use crate::run::message::Message;
use crate::run::{on_a_thread, panicked};

/// What every run is made with.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) life: &'static Lifecycle,
    pub(super) mailbox: Mailbox,
    pub(super) runtime: Handle,
}

/// Which run of which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunId {
    pub(super) check: CheckId,
    pub(super) number: u64,
}

/// A run that has not told its end.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) part: Part,
    /// If it asked for one.
    token: Option<CancellationToken>,
    abort: Option<AbortHandle>,
}

/// What is to be run.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) call: &'a Begin,
    pub(super) when: Option<&'a Ask>,
    /// When its time is up.
    pub(super) until: Instant,
}

impl Run {
    /// Gathers the arguments, as for a hook, and begins; an error says why it could not.
    pub(super) fn begin(tools: &Tools, id: RunId, part: Part, wanted: &Wanted<'_>) -> Result<Self, String> {
        let token = OnceCell::new();
        let (ask, call) = gather(tools, &token, wanted)?;
        let context = Arc::new(StepContext::default());
        context.set_deadline(Some(wanted.until));
        let teller = Teller { to: Some(tools.mailbox.clone()), id };
        let life = tools.life;
        let abort = match call {
            Call::Async(future) => {
                let asked = async move {
                    if let Some(Err(why)) = ask.map(|ask| ask()) {
                        return Came::Skipped(why);
                    }
                    Came::Ran(future.await)
                };
                let call: CallFuture = Box::pin(asked);
                let call = Some(context::in_step(Arc::clone(&context), call));
                let running = Running { call, context, begun: false, teller: Some(teller), life };
                Some(tools.runtime.spawn(running).abort_handle())
            }
            Call::Sync(call) => {
                let run = move || {
                    if life.triggered().is_some() {
                        drop((ask, call));
                        return drop(teller);
                    }
                    let came = {
                        let _step = context::enter_step(Arc::clone(&context));
                        catch_unwind(AssertUnwindSafe(|| match ask.map(|ask| ask()) {
                            Some(Err(why)) => Came::Skipped(why),
                            Some(Ok(())) | None => Came::Ran(call()),
                        }))
                    };
                    teller.tell(verdict(came, &context));
                };
                on_a_thread(wanted.name, &tools.runtime, run)
                    .map_err(|error| format!("the system gave it no thread: {error}"))?;
                None
            }
        };
        Ok(Run { id, part, token: token.into_inner(), abort })
    }

    /// Tells it to end, and does not wait for that.
    pub(super) fn stop(&self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

fn gather(
    tools: &Tools,
    token: &OnceCell<CancellationToken>,
    wanted: &Wanted<'_>,
) -> Result<(Option<Question>, Call), String> {
    let mut inputs = Inputs {
        resources: &tools.life.resources,
        token,
        token_given: false,
        report: None,
        step: wanted.name,
    };
    let gathered = catch_unwind(AssertUnwindSafe(|| -> Result<_, Missing> {
        let ask = wanted.when.map(|when| when(&mut inputs)).transpose()?;
        Ok((ask, wanted.call.begin(&mut inputs)?))
    }));
    match gathered {
        Ok(gathered) => gathered.map_err(|missing| missing.to_string()),
        Err(payload) => Err(panic_text(payload)),
    }
}

/// What the functions came to, if they did not panic.
enum Came {
    Ran(CallResult),
    Skipped(String),
}

type CallFuture = Pin<Box<dyn Future<Output = Came> + Send>>;

fn verdict(came: Result<Came, Box<dyn Any + Send>>, context: &StepContext) -> Verdict {
    match came {
        Ok(Came::Ran(Ok(_nothing))) => {
            let items = context.record().items;
            match items.iter().filter(|item| item.error.is_some()).count() {
                0 => Verdict::Good,
                failed => Verdict::Failed(format!("{failed} of {} items failed", items.len())),
            }
        }
        Ok(Came::Ran(Err(error))) => Verdict::Failed(error),
        Ok(Came::Skipped(why)) => Verdict::Skipped(why),
        Err(payload) => Verdict::Failed(panic_text(payload)),
    }
}

fn panic_text(payload: Box<dyn Any + Send>) -> String {
    format!("it panicked: {}", panicked(payload).why.unwrap_or_default())
}

/// An async run. Its fields are dropped in this order: what the call holds is gone before its end is told.
struct Running {
    call: Option<InStep<CallFuture>>,
    context: Arc<StepContext>,
    begun: bool,
    teller: Option<Teller>,
    life: &'static Lifecycle,
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Between the coordinator's last look and this one there may have been a trigger.
        if !this.begun && this.life.triggered().is_some() {
            this.call = None;
        }
        this.begun = true;
        let Some(call) = this.call.as_mut() else { return Poll::Ready(()) };
        let came = match catch_unwind(AssertUnwindSafe(|| Pin::new(call).poll(cx))) {
            Ok(came) => Ok(ready!(came)),
            Err(payload) => Err(payload),
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.call = None));
        let verdict = verdict(came.and_then(|came| dropped.map(|()| came)), &this.context);
        if let Some(teller) = this.teller.take() {
            teller.tell(verdict);
        }
        Poll::Ready(())
    }
}

/// Tells a run's end, exactly once: dropped untold, it says that the run was dropped.
struct Teller {
    to: Option<Mailbox>,
    id: RunId,
}

impl Teller {
    fn tell(mut self, verdict: Verdict) {
        self.send(Some(verdict));
    }

    fn send(&mut self, verdict: Option<Verdict>) {
        if let Some(to) = self.to.take() {
            to.send(Message::Health(Told::Ended { run: self.id, verdict }));
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.send(None);
    }
}
