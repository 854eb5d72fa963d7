//! A step's function, with its arguments and its outcome.
//!
//! What differs between two steps is in the types: generated code names the kinds of the arguments, how the outcome ends,
//! and calls the function with what is lent to it. Everything else is written here once, and not compiled again for each
//! step of each user.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::argument::{Kind, Lend};
use super::outcome::{End, Ending};
use crate::hook::{Call, CallResult, Function, Missing, Signature, When};
use crate::register::WhenResult;
use crate::resource::Inputs;

/// The kinds of a function's arguments: `(first, (second, ()))`.
pub trait Arguments: Copy + Send + Sync + 'static {
    /// What is held for the call.
    type Held: Lend + Send + 'static;
    /// Tells the plan what it has to know.
    fn note(self, signature: &mut Signature);
    /// Fetches all, in order.
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing>;
}

impl Arguments for () {
    type Held = ();
    fn note(self, _: &mut Signature) {}
    fn hold(self, _: &mut Inputs<'_>) -> Result<(), Missing> {
        Ok(())
    }
}
impl<K: Kind, Rest: Arguments> Arguments for (K, Rest) {
    type Held = (K::Held, Rest::Held);
    fn note(self, signature: &mut Signature) {
        self.0.note(signature);
        self.1.note(signature);
    }
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
        Ok((self.0.hold(inputs)?, self.1.hold(inputs)?))
    }
}

impl Lend for () {
    type Lent<'a> = ();
    fn lend(&mut self) {}
}
impl<H: Lend, Rest: Lend> Lend for (H, Rest) {
    type Lent<'a>
        = (H::Lent<'a>, Rest::Lent<'a>)
    where
        Self: 'a;
    fn lend(&mut self) -> Self::Lent<'_> {
        (self.0.lend(), self.1.lend())
    }
}

/// Tells the plan what a function takes.
pub fn note<A: Arguments>(arguments: A, signature: &mut Signature) {
    arguments.note(signature);
}

/// Fetches a function's arguments.
pub fn hold<A: Arguments>(arguments: A, inputs: &mut Inputs<'_>) -> Result<A::Held, Missing> {
    arguments.hold(inputs)
}

/// Lends a function its arguments.
pub fn lend<H: Lend>(held: &mut H) -> H::Lent<'_> {
    held.lend()
}

/// A call that is not done yet.
pub type Pending<'a> = Pin<Box<dyn Future<Output = CallResult> + Send + 'a>>;

/// Awaits a step's function.
pub fn pending<'a, F, E>(future: F, end: E) -> Pending<'a>
where
    F: Future + Send + 'a,
    E: End<F::Output> + 'a,
{
    Box::pin(async move { end.end(future.await) })
}

/// An async step.
pub fn asynchronous<A, E, F>(arguments: A, end: E, call: F) -> Function
where
    A: Arguments,
    E: Ending,
    F: for<'a> Fn(&'a mut A::Held, E) -> Pending<'a> + Copy + Send + Sync + 'static,
{
    Function::new(
        |signature| {
            arguments.note(signature);
            end.note(signature);
        },
        Arc::new(move |inputs: &mut Inputs<'_>| {
            let mut held = arguments.hold(inputs)?;
            Ok(Call::Async(Box::pin(async move { call(&mut held, end).await })))
        }),
    )
}

/// A plain step.
pub fn synchronous<A, E, F>(arguments: A, end: E, call: F) -> Function
where
    A: Arguments,
    E: Ending,
    F: for<'a> Fn(&'a mut A::Held, E) -> CallResult + Copy + Send + Sync + 'static,
{
    Function::new(
        |signature| {
            arguments.note(signature);
            end.note(signature);
        },
        Arc::new(move |inputs: &mut Inputs<'_>| {
            let mut held = arguments.hold(inputs)?;
            Ok(Call::Sync(Box::new(move || call(&mut held, end))))
        }),
    )
}

/// The result of a plain step's function.
pub fn ended<R, E: End<R>>(returned: R, end: E) -> CallResult {
    end.end(returned)
}

/// What decides whether a step runs.
pub fn condition<A, F>(arguments: A, ask: F) -> When
where
    A: Arguments,
    F: for<'a> Fn(&'a mut A::Held) -> Result<(), String> + Copy + Send + Sync + 'static,
{
    let mut signature = Signature::default();
    arguments.note(&mut signature);
    When {
        signature,
        ask: Arc::new(move |inputs: &mut Inputs<'_>| {
            let mut held = arguments.hold(inputs)?;
            Ok(Box::new(move || ask(&mut held)))
        }),
    }
}

/// What a condition says.
pub fn answer<R: WhenResult>(said: R) -> Result<(), String> {
    said.into_answer()
}
