//! A step's function, with its arguments and its outcome.
//!
//! What differs between two steps is in the types: generated code names the kinds of the arguments, how the outcome ends,
//! and calls the function with what is lent to it. Everything else is written here once, and not compiled again for each
//! step of each user. What the library wants to know of a function and its call are one generated function, since each
//! function and each closure is a body of its own that the compiler checks.

use std::future::Future;
use std::sync::Arc;

use super::argument::{Kind, Lend};
use super::outcome::{End, Ending};
use crate::hook::{Answer, Missing, Query, Signature, When};
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

/// A plain step's arguments, side by side: of a list in a list the compiler would have to look up each one.
#[derive(Clone, Copy, Debug)]
pub struct All<T>(pub T);

macro_rules! all {
    ($(($($kind:ident $index:tt),*))*) => {$(
        impl<$($kind: Kind),*> Arguments for All<($($kind,)*)> {
            type Held = All<($($kind::Held,)*)>;
            #[allow(unused_variables, reason = "there may be none")]
            fn note(self, signature: &mut Signature) {
                $(self.0.$index.note(signature);)*
            }
            #[allow(unused_variables, reason = "there may be none")]
            fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
                Ok(All(($(self.0.$index.hold(inputs)?,)*)))
            }
        }
        impl<$($kind: Lend),*> Lend for All<($($kind,)*)> {
            type Lent<'a>
                = ($($kind::Lent<'a>,)*)
            where
                Self: 'a;
            #[allow(clippy::unused_unit, reason = "there may be none")]
            fn lend(&mut self) -> Self::Lent<'_> {
                ($(self.0.$index.lend(),)*)
            }
        }
    )*};
}
all! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
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

/// What is lent to a function for its call; or the answer to what was asked in the place of a call.
pub type Lent<'a, A, E> = Result<(E, <<A as Arguments>::Held as Lend>::Lent<'a>), Answer<'a>>;

/// Asks an async function.
pub fn asynchronous<'a, A: Arguments, E: Ending>(
    query: Query<'a, '_>,
    arguments: A,
    end: E,
) -> Lent<'a, A, E> {
    asked(query, true, arguments, end)
}

/// Asks a plain function.
pub fn synchronous<'a, A: Arguments, E: Ending>(
    query: Query<'a, '_>,
    arguments: A,
    end: E,
) -> Lent<'a, A, E> {
    asked(query, false, arguments, end)
}

fn asked<'a, A: Arguments, E: Ending>(
    query: Query<'a, '_>,
    is_async: bool,
    arguments: A,
    end: E,
) -> Lent<'a, A, E> {
    match query {
        Query::Describe(description) => {
            arguments.note(&mut description.signature);
            end.note(&mut description.signature);
            Err(Answer::Described)
        }
        Query::Hold(inputs) => {
            let held = arguments.hold(inputs).map(|held| Box::new(held) as Box<_>);
            Err(Answer::Held(held, is_async))
        }
        Query::Call(held) => match held.downcast_mut::<A::Held>() {
            Some(held) => Ok((end, held.lend())),
            None => Err(Answer::Strange),
        },
    }
}

/// The call of an async function.
pub fn pending<'a, F, E>(future: F, end: E) -> Answer<'a>
where
    F: Future + Send + 'a,
    E: End<F::Output> + 'a,
{
    Answer::Pending(Box::pin(async move { end.end(future.await) }))
}

/// The call of a plain function.
pub fn ended<'a, R, E: End<R>>(returned: R, end: E) -> Answer<'a> {
    Answer::Ended(end.end(returned))
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
