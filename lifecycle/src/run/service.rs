//! The service future: polled on the thread that called `run`, so that neither it nor its error need be `Send`.

use std::cell::Cell;
use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;

use super::call::panicked;
use super::mailbox::Mailbox;
use super::message::Message;

/// What a service future may return.
///
/// `()`, `Result<(), E>` with `E: Debug`, or an [`ExitCode`], of which any but success counts as a failure (exit 1).
#[diagnostic::on_unimplemented(
    message = "`main` cannot return `{Self}`",
    label = "not a service's result",
    note = "return `()`, `Result<(), E>` with `E: Debug`, or `std::process::ExitCode`"
)]
pub trait ServiceResult {
    /// The error as plain Rust's `main` would print it.
    #[doc(hidden)]
    fn conclude(self) -> Result<(), String>;
}

impl ServiceResult for () {
    fn conclude(self) -> Result<(), String> {
        Ok(())
    }
}

impl ServiceResult for std::convert::Infallible {
    fn conclude(self) -> Result<(), String> {
        match self {}
    }
}

impl<T: ServiceResult, E: Debug> ServiceResult for Result<T, E> {
    fn conclude(self) -> Result<(), String> {
        match self {
            Ok(value) => value.conclude(),
            Err(error) => Err(format!("{error:?}")),
        }
    }
}

impl ServiceResult for ExitCode {
    fn conclude(self) -> Result<(), String> {
        match self == ExitCode::SUCCESS {
            true => Ok(()),
            false => Err("it returned a failing exit code".to_owned()),
        }
    }
}

/// How the service future ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceEnd {
    /// It returned.
    Ended,
    /// It returned an error: `{:?}`, as plain Rust would print it.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// It was dropped, because it was told to or because nobody polls it any more.
    Dropped,
}

/// What the coordinator and the service share.
#[derive(Default)]
pub(crate) struct ServiceControl {
    /// `stopping()`, `drained()` or `stop_token()` was called while the service was polled: it knows of the end.
    pub(crate) aware: AtomicBool,
    /// It waits for the report, which comes only after it has gone.
    pub(crate) awaits_report: AtomicBool,
    /// Drop it.
    pub(crate) drop_now: CancellationToken,
}

thread_local! {
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the service future is being polled on this thread.
pub(crate) fn is_polled_here() -> bool {
    POLLING.with(Cell::get)
}

struct Polling(bool);

impl Polling {
    fn begin() -> Self {
        Polling(POLLING.with(|polling| polling.replace(true)))
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.with(|polling| polling.set(self.0));
    }
}

/// Polls the service until it ends or is to be dropped, and tells the coordinator which.
pub(crate) struct Drive<F> {
    service: Option<Pin<Box<F>>>,
    drop_now: Pin<Box<tokio_util::sync::WaitForCancellationFutureOwned>>,
    to: Mailbox,
    waits: bool,
}

impl<F> Drive<F> {
    pub(crate) fn new(service: F, control: &ServiceControl, to: Mailbox) -> Self {
        let drop_now = Box::pin(control.drop_now.clone().cancelled_owned());
        Drive { service: Some(Box::pin(service)), drop_now, to, waits: false }
    }

    fn end(&mut self, end: ServiceEnd, tell: fn(&Mailbox, Message)) {
        // Its own values may panic when they are dropped; that is no reason to lose the end.
        if let Some(service) = self.service.take() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(service))) {
                std::mem::forget(payload);
            }
            tell(&self.to, Message::Service(end));
        }
    }
}

impl<F> Future for Drive<F>
where
    F: Future,
    F::Output: ServiceResult,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.drop_now.as_mut().poll(cx).is_ready() {
            this.end(ServiceEnd::Dropped, Mailbox::send_and_act);
        }
        let Some(service) = this.service.as_mut() else { return Poll::Ready(()) };
        let polled = {
            let _polling = Polling::begin();
            catch_unwind(AssertUnwindSafe(|| service.as_mut().poll(cx)))
        };
        let end = match polled {
            Ok(Poll::Pending) => {
                if !std::mem::replace(&mut this.waits, true) {
                    this.to.send(Message::ServiceWaits);
                }
                return Poll::Pending;
            }
            Ok(Poll::Ready(result)) => match result.conclude() {
                Ok(()) => ServiceEnd::Ended,
                Err(error) => ServiceEnd::Failed(error),
            },
            Err(payload) => ServiceEnd::Panicked(panicked(payload).why.unwrap_or_default()),
        };
        this.end(end, Mailbox::send_and_act);
        Poll::Ready(())
    }
}

impl<F> Drop for Drive<F> {
    fn drop(&mut self) {
        self.end(ServiceEnd::Dropped, Mailbox::send);
    }
}

impl ServiceControl {
    /// Notes that the code being polled knows of the shutdown, if it is the service.
    pub(crate) fn note_aware(&self) {
        if is_polled_here() {
            self.aware.store(true, Ordering::Release);
        }
    }

    /// Notes that the service waits for the report, if it is the service that does. Returns whether that is news.
    pub(crate) fn note_awaits_report(&self) -> bool {
        is_polled_here() && !self.awaits_report.swap(true, Ordering::AcqRel)
    }
}
