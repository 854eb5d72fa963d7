//! A function that a key names by its path, as in `fallback = write_to_disk`: no macro sees its signature.
//!
//! Every function implements `Fn` of exactly one list of arguments, so [`look`] lets the compiler find its parameters and
//! what it returns, and hands them out as the tags on which [`argument`](super::argument) and
//! [`outcome`](super::outcome) look up theirs. Generated code does not know how many there are: it asks for
//! all eight, and the rest are [`Absent`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;

use super::argument::{Arg, Kind, LastArg};
use super::function::{Arguments, Pending, asynchronous, ended, pending, synchronous};
use super::outcome::{End, Ending, Return};
use crate::hook::{CallResult, Function};

/// In the place of a parameter that a function does not have.
#[derive(Clone, Copy, Debug)]
pub struct Absent;

/// Functions that can be called by what their parameters' types stand for. `S` follows from the function.
#[diagnostic::on_unimplemented(
    message = "this is no function that the library can call",
    label = "not a safe function of at most eight parameters",
    note = "name a plain `fn` or `async fn`, whose parameters are found by their types as a step's are"
)]
pub trait Named<S>: Copy {
    /// The tags of the parameters and of what is returned.
    type Tags;
    /// Their value.
    const TAGS: Self::Tags;
}

/// Whatever is known. Looked up on a parameter's own type, so that of a generic function, whose parameters nothing tells,
/// rustc asks for that instead of naming every kind of argument that there is.
pub trait Known {
    /// Never called.
    fn lifecycle_known(&self) {}
}
impl<T: ?Sized> Known for T {}

/// A parameter of that type, which there never is.
pub fn parameter<P>(_: &LastArg<P>) -> P {
    unreachable!("it is only looked at by the compiler")
}

/// What a function is of.
pub fn look<F: Named<S>, S>(_: F) -> F::Tags {
    F::TAGS
}

/// Calls a function with what it is lent: `(first, (second, ()))`.
pub trait Apply<L> {
    /// What it returns.
    type Out;
    /// Calls it.
    fn apply(self, lent: L) -> Self::Out;
}

macro_rules! nested {
    () => { () };
    ($first:tt $($rest:tt)*) => { ($first, nested!($($rest)*)) };
}
macro_rules! absent {
    ($($there:ident)*) => {
        Absent
    };
}
macro_rules! arities {
    ($([$($there:ident)*] [$($missing:ident)*];)*) => {$(
        impl<X, R, $($there,)*> Named<fn($($there),*) -> R> for X
        where
            X: Fn($($there),*) -> R + Copy,
        {
            type Tags = ($(LastArg<$there>,)* $(LastArg<absent!($missing)>,)* Returned<R>,);
            const TAGS: Self::Tags = ($(LastArg::<$there>::NEW,)* $(LastArg::<absent!($missing)>::NEW,)* Returned::NEW,);
        }
        impl<X, R, $($there,)*> Apply<nested!($($there)*)> for X
        where
            X: FnOnce($($there),*) -> R,
        {
            type Out = R;
            #[allow(non_snake_case)]
            fn apply(self, nested!($($there)*): nested!($($there)*)) -> R {
                self($($there),*)
            }
        }
    )*};
}
arities! {
    [] [A B C D E F G H];
    [A] [B C D E F G H];
    [A B] [C D E F G H];
    [A B C] [D E F G H];
    [A B C D] [E F G H];
    [A B C D E] [F G H];
    [A B C D E F] [G H];
    [A B C D E F G] [H];
    [A B C D E F G H] [];
}

/// The kind of what is not there.
#[derive(Clone, Copy, Debug)]
pub struct NoKind;

impl Arg<Absent> {
    /// Its kind.
    pub fn lifecycle_kind(&self) -> NoKind {
        NoKind
    }
}

/// A kind as one of a list.
pub trait Listed<Rest> {
    /// The list that begins with it.
    type List;
    /// It.
    fn list(self, rest: Rest) -> Self::List;
}
impl<K: Kind, Rest> Listed<Rest> for K {
    type List = (K, Rest);
    fn list(self, rest: Rest) -> (K, Rest) {
        (self, rest)
    }
}
impl<Rest> Listed<Rest> for NoKind {
    type List = Rest;
    fn list(self, rest: Rest) -> Rest {
        rest
    }
}

/// The list of kinds that begins with this one.
pub fn list<K: Listed<Rest>, Rest>(kind: K, rest: Rest) -> K::List {
    kind.list(rest)
}

/// What a function returns, as a value to look methods up on: first for a future.
pub struct Returned<R>(PhantomData<fn() -> R>);
/// Anything else.
pub struct Immediate<R>(PhantomData<fn() -> R>);

impl<R> Returned<R> {
    const NEW: Self = Returned(PhantomData);
}
impl<R> Deref for Returned<R> {
    type Target = Immediate<R>;
    fn deref(&self) -> &Immediate<R> {
        &Immediate(PhantomData)
    }
}
impl<R> fmt::Debug for Returned<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Returned")
    }
}
impl<R> fmt::Debug for Immediate<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Immediate")
    }
}

impl<R: Future> Returned<R> {
    /// It is awaited, and what that comes to is looked at.
    pub fn lifecycle_called(&self) -> (Asynchronous, Return<R::Output>) {
        (Asynchronous, Return::NEW)
    }
}
impl<R> Immediate<R> {
    /// It is looked at.
    pub fn lifecycle_called(&self) -> (Synchronous, Return<R>) {
        (Synchronous, Return::NEW)
    }
}

/// How an async function is called.
#[derive(Clone, Copy, Debug)]
pub struct Asynchronous;
/// How a plain function is called.
#[derive(Clone, Copy, Debug)]
pub struct Synchronous;

impl Asynchronous {
    /// Calls it with what it is lent, and awaits it.
    pub fn call<'a, L, F, E>(self, function: F, lent: L, end: E) -> Pending<'a>
    where
        F: Apply<L, Out: Future + Send + 'a>,
        E: End<<F::Out as Future>::Output> + 'a,
    {
        pending(function.apply(lent), end)
    }

    /// The function.
    pub fn function<A, E, F>(self, arguments: A, end: E, call: F) -> Function
    where
        A: Arguments,
        E: Ending,
        F: for<'a> Fn(&'a mut A::Held, E) -> Pending<'a> + Copy + Send + Sync + 'static,
    {
        asynchronous(arguments, end, call)
    }
}

impl Synchronous {
    /// Calls it with what it is lent.
    pub fn call<L, F, E>(self, function: F, lent: L, end: E) -> CallResult
    where
        F: Apply<L>,
        E: End<F::Out>,
    {
        ended(function.apply(lent), end)
    }

    /// The function.
    pub fn function<A, E, F>(self, arguments: A, end: E, call: F) -> Function
    where
        A: Arguments,
        E: Ending,
        F: for<'a> Fn(&'a mut A::Held, E) -> CallResult + Copy + Send + Sync + 'static,
    {
        synchronous(arguments, end, call)
    }
}
