//! What a tracked function returns, classified by its type, and how a refused call is answered.
//!
//! `Returned::<R>::NEW.lifecycle_shape()` finds how a call of a function that is not async is wrapped, looked up as in
//! [`argument`](super::argument). The macro cannot tell it from the tokens: an alias may hide a boxed future, whose
//! call has hardly begun when the function returns.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use crate::rejected::Rejected;
use crate::tracked::{self, Site};
pub use crate::tracked::{Admission, Entry, Gated, Identified, Identity, admit, enter, run};

/// A type whose value can say that a call was refused.
#[diagnostic::on_unimplemented(
    message = "a refused call of this function has no `{Self}` to return",
    label = "not a `Result` whose error is `From<lifecycle::Rejected>`",
    note = "implement `From<lifecycle::Rejected>` for the error,",
    note = "or take one that has it: `io::Error`; with the feature `http` `StatusCode`, `(StatusCode, String)` and, without a \
            `Result`, `http::Response`; with `axum` its `Response`, with `tonic` its `Status`, with `rmcp` its `ErrorData`,",
    note = "or write the value of a refused call: `#[tracked(reject = expr)]`,",
    note = "or never refuse a call: `#[tracked(admit = always)]`"
)]
pub trait Refuse {
    /// That value.
    fn refuse(rejected: Rejected) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Rejected>> Refuse for Result<T, E> {
    #[inline]
    fn refuse(rejected: Rejected) -> Self {
        Err(E::from(rejected))
    }
}

/// The value of a refused call, by its type.
#[inline]
pub fn refuse<R: Refuse>(rejected: Rejected) -> R {
    R::refuse(rejected)
}

/// Tells the compiler what a block returns, in a branch that is never taken.
#[allow(clippy::unreachable, reason = "generated code has it in `if false`")]
pub fn hint<R>() -> R {
    unreachable!("a hint is never asked for its value")
}

/// Makes the compiler take a closure for one that is called once, so that it may return what it was given.
#[inline]
pub fn once<R, F: FnOnce() -> R>(body: F) -> F {
    body
}

/// How a refused call is answered.
pub trait Refusal<O> {
    /// The answer.
    fn answer(self, rejected: Rejected) -> O;
}

/// By the type of what the call returns. A pointer, so that who cannot be answered is complained of once.
pub struct ByType<O>(fn(Rejected) -> O);
impl<O> Refusal<O> for ByType<O> {
    #[inline]
    fn answer(self, rejected: Rejected) -> O {
        (self.0)(rejected)
    }
}
impl<O> std::fmt::Debug for ByType<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByType")
    }
}

/// `reject = expr`.
#[derive(Clone, Copy, Debug)]
pub struct With<C>(C);
impl<O, C: FnOnce() -> O> Refusal<O> for With<C> {
    #[inline]
    fn answer(self, _: Rejected) -> O {
        (self.0)()
    }
}

/// `admit = always`.
#[derive(Clone, Copy, Debug)]
pub struct Never;
impl<O> Refusal<O> for Never {
    #[allow(clippy::unreachable, reason = "the gate admits every call of such a site")]
    fn answer(self, _: Rejected) -> O {
        unreachable!("a call that is always admitted was refused")
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident $(=> $next:ident)?;)*) => {$(
        $(#[$doc])*
        pub struct $name<R>(PhantomData<fn() -> R>);
        impl<R> std::fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(stringify!($name)) }
        }
        $(impl<R> Deref for $name<R> {
            type Target = $next<R>;
            fn deref(&self) -> &$next<R> { &$next(PhantomData) }
        })?
    )*};
}
tags! {
    /// A function's return type, as a value to look methods up on: first for a boxed future.
    Returned => AnyReturned;
    /// Any other future.
    AnyReturned => AnyValue;
    /// Anything else.
    AnyValue;
    /// What is behind `-> impl Trait`: first for a future.
    Opaque => AnyOpaque;
    /// Anything else.
    AnyOpaque;
}

impl<R> Returned<R> {
    /// The value.
    pub const NEW: Self = Returned(PhantomData);
}

/// The same for a type that cannot be written.
pub fn returned_by<R, F: FnOnce() -> R>(_: &F) -> Returned<R> {
    Returned::NEW
}

/// The same for one that is hidden altogether.
pub fn hidden_by<R, F: FnOnce() -> R>(_: &F) -> Opaque<R> {
    Opaque(PhantomData)
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident<$($l:lifetime,)? $t:ident>;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($l,)? $t>(PhantomData<($(fn(&$l ()),)? fn() -> $t,)>);
        impl<$($l,)? $t> std::fmt::Debug for $name<$($l,)? $t> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(stringify!($name)) }
        }
    )*};
}
shapes! {
    /// An ordinary value: the call is over when the function returns.
    Value<R>;
    /// A future that cannot be wrapped. It stands in for a value, so that rustc complains of its type alone.
    Unfit<F>;
    /// The value behind `-> impl Trait` when it is no future.
    OpaqueValue<R>;
    /// The value behind `-> impl Future`.
    OpaqueFuture<F>;
    /// `Pin<Box<dyn Future<Output = O> + 'a>>`.
    Boxed<'a, O>;
    /// The same with `Send`.
    BoxedSend<'a, O>;
    /// The same with `Send + Sync`.
    BoxedSendSync<'a, O>;
}

#[inline(always)]
fn call<R>(site: &'static Site, refusal: impl Refusal<R>, body: impl FnOnce() -> R) -> R {
    tracked::call(site, |rejected| refusal.answer(rejected), body)
}

/// A call that is over when the function returns is known for as long as that runs.
macro_rules! identified_until_return {
    ($($shape:ident)*) => {$(
        impl<R> $shape<R> {
            /// The same of a call that is known by something.
            pub fn identified<F: FnOnce() -> R>(self, identity: Identity, body: F) -> (Self, impl FnOnce() -> R) {
                (self, move || identity.call(body))
            }
        }
    )*};
}
identified_until_return! { Value OpaqueValue Unfit }

impl<R> Value<R> {
    /// Calls it; a refused call is answered by its type.
    pub fn refuse_by_type(self, site: &'static Site, body: impl FnOnce() -> R) -> R
    where
        R: Refuse,
    {
        call(site, ByType(R::refuse), body)
    }
    /// Calls it; a refused call is answered by `value`.
    pub fn refuse_with(self, site: &'static Site, value: impl FnOnce() -> R, body: impl FnOnce() -> R) -> R {
        call(site, With(value), body)
    }
    /// Calls it.
    pub fn never_refuse(self, site: &'static Site, body: impl FnOnce() -> R) -> R {
        call(site, Never, body)
    }
}

/// Never satisfied: what is behind `impl Trait` is the function's secret, and may change.
#[diagnostic::on_unimplemented(
    message = "a refused call of a function that returns `impl Trait` has nothing to return",
    label = "the library cannot make a value of this",
    note = "write the value of a refused call: `#[tracked(reject = expr)]`,",
    note = "or name the type, a `Result` whose error is `From<lifecycle::Rejected>`,",
    note = "or never refuse a call: `#[tracked(admit = always)]`"
)]
pub trait Unhidden {}

impl<R> OpaqueValue<R> {
    /// Never compiles.
    pub fn refuse_by_type(self, site: &'static Site, body: impl FnOnce() -> R) -> R
    where
        R: Unhidden,
    {
        call(site, Never, body)
    }
    /// Calls it; a refused call is answered by `value`.
    pub fn refuse_with(self, site: &'static Site, value: impl FnOnce() -> R, body: impl FnOnce() -> R) -> R {
        call(site, With(value), body)
    }
    /// Calls it.
    pub fn never_refuse(self, site: &'static Site, body: impl FnOnce() -> R) -> R {
        call(site, Never, body)
    }
}

impl<F: Future> OpaqueFuture<F> {
    /// The same of a call that is known by something.
    pub fn identified(
        self,
        identity: Identity,
        body: impl FnOnce() -> F,
    ) -> (OpaqueFuture<Identified<F>>, impl FnOnce() -> Identified<F>) {
        (OpaqueFuture(PhantomData), move || identity.future(body()))
    }
    /// Makes it a call; a refused call is answered by its type.
    pub fn refuse_by_type(self, site: &'static Site, body: impl FnOnce() -> F) -> Gated<F, ByType<F::Output>>
    where
        F::Output: Refuse,
    {
        Gated::new(site, ByType(F::Output::refuse), body())
    }
    /// Makes it a call; a refused call is answered by `value`.
    pub fn refuse_with<C>(self, site: &'static Site, value: C, body: impl FnOnce() -> F) -> Gated<F, With<C>>
    where
        C: FnOnce() -> F::Output,
    {
        Gated::new(site, With(value), body())
    }
    /// Makes it a call.
    pub fn never_refuse(self, site: &'static Site, body: impl FnOnce() -> F) -> Gated<F, Never> {
        Gated::new(site, Never, body())
    }
}

macro_rules! boxed {
    ($($shape:ident [$($auto:tt)*])*) => {$(
        impl<'a, O> Returned<Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>> {
            /// How its call is wrapped.
            pub fn lifecycle_shape(&self) -> $shape<'a, O> {
                $shape(PhantomData)
            }
        }

        impl<'a, O: 'a> $shape<'a, O> {
            /// The same of a call that is known by something.
            pub fn identified<F: FnOnce() -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>>(
                self,
                identity: Identity,
                body: F,
            ) -> (Self, impl FnOnce() -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>) {
                (self, move || {
                    let identified: Pin<Box<dyn Future<Output = O> $($auto)* + 'a>> = Box::pin(identity.future(body()));
                    identified
                })
            }
            /// Makes it a call; a refused call is answered by its type.
            pub fn refuse_by_type(
                self,
                site: &'static Site,
                body: impl FnOnce() -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>,
            ) -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>
            where
                O: Refuse,
            {
                Box::pin(Gated::new(site, ByType(O::refuse), body()))
            }
            /// Makes it a call; a refused call is answered by `value`.
            pub fn refuse_with(
                self,
                site: &'static Site,
                value: impl FnOnce() -> O $($auto)* + 'a,
                body: impl FnOnce() -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>,
            ) -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>> {
                Box::pin(Gated::new(site, With(value), body()))
            }
            /// Makes it a call.
            pub fn never_refuse(
                self,
                site: &'static Site,
                body: impl FnOnce() -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>>,
            ) -> Pin<Box<dyn Future<Output = O> $($auto)* + 'a>> {
                Box::pin(Gated::new(site, Never, body()))
            }
        }
    )*};
}
boxed! {
    Boxed []
    BoxedSend [+ Send]
    BoxedSendSync [+ Send + Sync]
}

/// Never satisfied: a future that cannot be replaced by one that is counted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future of its own kind: this function returns before the work is done",
    label = "it cannot be counted until it ends",
    note = "write an `async fn`, or return `impl Future` or `Pin<Box<dyn Future<Output = …> + Send>>`",
    note = "for a spawned task, track the function that it runs, and spawn with `lifecycle::spawn`"
)]
pub trait Wrappable {}

impl<F> Unfit<F> {
    /// Never called.
    pub fn refuse_by_type(self, site: &'static Site, body: impl FnOnce() -> F) -> F {
        call(site, Never, body)
    }
    /// Never called.
    pub fn refuse_with<O>(self, site: &'static Site, _: impl FnOnce() -> O, body: impl FnOnce() -> F) -> F {
        call(site, Never, body)
    }
    /// Never called.
    pub fn never_refuse(self, site: &'static Site, body: impl FnOnce() -> F) -> F {
        call(site, Never, body)
    }
}

impl<F: Future> AnyReturned<F> {
    /// Never compiles.
    pub fn lifecycle_shape(&self) -> Unfit<F>
    where
        F: Wrappable,
    {
        Unfit(PhantomData)
    }
}
impl<R> AnyValue<R> {
    /// How its call is wrapped.
    pub fn lifecycle_shape(&self) -> Value<R> {
        Value(PhantomData)
    }
}
impl<F: Future> Opaque<F> {
    /// How its call is wrapped.
    pub fn lifecycle_shape(&self) -> OpaqueFuture<F> {
        OpaqueFuture(PhantomData)
    }
}
impl<R> AnyOpaque<R> {
    /// How its call is wrapped.
    pub fn lifecycle_shape(&self) -> OpaqueValue<R> {
        OpaqueValue(PhantomData)
    }
}
