//! What a step's function returns, classified by its type, in two looks.
//!
//! `Return::<R>::NEW.lifecycle_open()` strips a `Result`; what it returns has `lifecycle_give()`, which says what the value
//! provides. What is found for a type is the first inherent method that fits, of the tag, or of one that it dereferences to.
//! A shutdown step provides nothing: then its type alone says it, as [`Nothing`].

use std::fmt::{self, Display};
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use super::argument::{Fit, Never};
use crate::hook::{CallResult, Gift, Signature};
use crate::resource::Resource;
use crate::settings::Settings;

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident<$($t:ident),+>;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($t),+>(PhantomData<fn() -> ($($t,)+)>);
        impl<$($t),+> $name<$($t),+> {
            /// The value.
            pub const NEW: Self = $name(PhantomData);
        }
        impl<$($t),+> fmt::Debug for $name<$($t),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(stringify!($name)) }
        }
    )*};
}
tags! {
    /// What a setup function returns.
    SetupReturn<R>;
    /// A function's return type, as a value to look methods up on: first for a `Result`.
    Return<R>;
    /// Any return type.
    AnyReturn<R>;
    /// A `Result<V, E>`.
    Fallible<V, E>;
    /// Anything else.
    Plain<V>;
    /// What is returned, without its `Result`: first for what provides in a way of its own.
    Value<V>;
    /// A value that can be shared.
    Whole<V>;
    /// A value that can only be taken.
    Owned<V>;
    /// A value that nothing can provide.
    Unknown<V>;
}

macro_rules! next {
    ($([$($t:ident),+] $name:ty => $next:ident<$v:ident>;)*) => {$(
        impl<$($t),+> Deref for $name {
            type Target = $next<$v>;
            fn deref(&self) -> &$next<$v> { &$next(PhantomData) }
        }
    )*};
}
next! {
    [R] SetupReturn<R> => Return<R>;
    [R] Return<R> => AnyReturn<R>;
    [V, E] Fallible<V, E> => Value<V>;
    [V] Plain<V> => Value<V>;
    [V] Value<V> => Whole<V>;
    [V] Whole<V> => Owned<V>;
    [V] Owned<V> => Unknown<V>;
}

/// The tag of what a setup function returns, which is written nowhere that a macro could see.
pub fn given_by<R, F: FnOnce(&mut Settings) -> R>(_: &F) -> <R as Tagged>::Tag {
    R::TAG
}

/// Every type and its tag. Of a type that rustc could not make out, a projection is unknown as well, and rustc looks for
/// no method on it: a misspelt path is one error.
pub trait Tagged {
    /// `SetupReturn<Self>`.
    type Tag;
    /// The value.
    const TAG: Self::Tag;
}
impl<R> Tagged for R {
    type Tag = SetupReturn<R>;
    const TAG: SetupReturn<R> = SetupReturn::NEW;
}

impl<V, E: Display> Return<Result<V, E>> {
    /// Strips the `Result`.
    pub fn lifecycle_open(&self) -> Fallible<V, E> {
        Fallible::NEW
    }
}
impl<V> AnyReturn<V> {
    /// There is nothing to strip.
    pub fn lifecycle_open(&self) -> Plain<V> {
        Plain::NEW
    }
}

/// How a step's outcome becomes its result.
pub trait Ending: Copy + Send + Sync + 'static {
    /// Tells the plan what it provides.
    fn note(self, signature: &mut Signature);
}
/// The same, of a function that returns `R`.
pub trait End<R>: Ending {
    /// The result.
    fn end(self, returned: R) -> CallResult;
}

/// Of a value, provided as `K` does.
pub struct Always<V, K>(K, PhantomData<fn() -> V>);
/// Of a `Result` of a value, provided as `K` does.
pub struct OrError<V, K>(K, PhantomData<fn() -> V>);

macro_rules! endings {
    ($($name:ident)*) => {$(
        impl<V, K: Copy> Clone for $name<V, K> { fn clone(&self) -> Self { *self } }
        impl<V, K: Copy> Copy for $name<V, K> {}
        impl<V, K> fmt::Debug for $name<V, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(stringify!($name)) }
        }
        impl<V: 'static, K: Giving<V>> Ending for $name<V, K> {
            fn note(self, signature: &mut Signature) {
                self.0.gifts(&mut signature.gives);
            }
        }
    )*};
}
endings! { Always OrError }

impl<V: 'static, K: Giving<V>> End<V> for Always<V, K> {
    fn end(self, returned: V) -> CallResult {
        Ok(self.0.resources(returned))
    }
}
impl<V: 'static, E: Display, K: Giving<V>> End<Result<V, E>> for OrError<V, K> {
    fn end(self, returned: Result<V, E>) -> CallResult {
        match returned {
            Ok(value) => Ok(self.0.resources(value)),
            Err(error) => Err(format!("{error:#}")),
        }
    }
}

impl<V> Plain<V> {
    /// The value, provided as `kind` does.
    pub fn ending<K: Giving<V>>(&self, kind: K) -> Always<V, K> {
        Always(kind, PhantomData)
    }
}
impl<V, E: Display> Fallible<V, E> {
    /// The value, provided as `kind` does, or the error.
    pub fn ending<K: Giving<V>>(&self, kind: K) -> OrError<V, K> {
        OrError(kind, PhantomData)
    }
}

/// What is accepted of every function but a start step.
#[diagnostic::on_unimplemented(
    message = "a shutdown step, a worker or a health check returns `()` or `Result<(), E>` with `E: Display`, not `{Self}`",
    label = "nobody would take this value",
    note = "end the function with `;`, or report figures with `lifecycle::note(key, value)`"
)]
pub trait Nothing<By> {
    /// Of any other type, rustc knows no ending, and complains of that type alone.
    type Ending;
    /// The value.
    const ENDING: Self::Ending;
}
#[diagnostic::do_not_recommend]
impl Nothing<Fit> for () {
    type Ending = Always<(), Itself>;
    const ENDING: Self::Ending = Always(Itself, PhantomData);
}
#[diagnostic::do_not_recommend]
impl<E: Display> Nothing<Fit> for Result<(), E> {
    type Ending = OrError<(), Itself>;
    const ENDING: Self::Ending = OrError(Itself, PhantomData);
}

// Two, so that there is a choice even for what is neither.
#[diagnostic::do_not_recommend]
impl<T: Never> Nothing<Unfit> for T {
    type Ending = Unfit;
    const ENDING: Unfit = Unfit;
}
#[diagnostic::do_not_recommend]
impl<T: Never> Nothing<(Unfit,)> for T {
    type Ending = Unfit;
    const ENDING: Unfit = Unfit;
}

impl<R> Return<R> {
    /// How a shutdown step ends.
    pub fn lifecycle_end<E, By>(&self) -> E
    where
        R: Nothing<By, Ending = E>,
    {
        R::ENDING
    }
}

/// The same of a type that is named.
pub fn end<R: Nothing<By, Ending = E>, E, By>() -> E {
    R::ENDING
}

/// How a start hook's value becomes resources.
pub trait Giving<V>: Copy + Send + Sync + 'static {
    /// The types it provides.
    fn gifts(self, gifts: &mut Vec<Gift>);
    /// The values.
    fn resources(self, value: V) -> Vec<Resource>;
}

/// What a setup function is asked for.
#[derive(Debug)]
pub enum Asked<'a> {
    /// The types it gives, for a plan that runs nothing.
    Types(&'a mut Signature),
    /// To run.
    Values(&'a mut Settings),
}

/// A setup function's answer.
pub fn set_up<R, E: End<R>>(asked: Asked<'_>, end: E, run: impl FnOnce(&mut Settings) -> R) -> CallResult {
    match asked {
        Asked::Types(signature) => {
            end.note(signature);
            Ok(Vec::new())
        }
        Asked::Values(settings) => end.end(run(settings)),
    }
}

/// `()`, a tuple, an `Option`, an `Arc`: the type itself says how it provides.
#[derive(Clone, Copy, Debug)]
pub struct Itself;
/// Any other value that can be shared.
#[derive(Clone, Copy, Debug)]
pub struct Shareable;
/// Any other value that can only be taken.
#[derive(Clone, Copy, Debug)]
pub struct TakeOnly;

/// A value that no start hook can provide. It stands in for one, so that rustc complains of its type alone.
#[derive(Clone, Copy, Debug)]
pub struct Unfit;
impl<V> Giving<V> for Unfit {
    fn gifts(self, _: &mut Vec<Gift>) {}
    fn resources(self, _: V) -> Vec<Resource> {
        Vec::new()
    }
}

fn gift<T: ?Sized + 'static>() -> Gift {
    Gift { key: std::any::TypeId::of::<T>(), type_name: std::any::type_name::<T>() }
}

impl Giving<()> for Itself {
    fn gifts(self, _: &mut Vec<Gift>) {}
    fn resources(self, (): ()) -> Vec<Resource> {
        Vec::new()
    }
}
impl<T: ?Sized + Send + Sync + 'static> Giving<Arc<T>> for Itself {
    fn gifts(self, gifts: &mut Vec<Gift>) {
        gifts.push(gift::<T>());
    }
    fn resources(self, value: Arc<T>) -> Vec<Resource> {
        vec![Resource::shared(value)]
    }
}
impl<T: Send + Sync + 'static> Giving<Option<T>> for Itself {
    fn gifts(self, gifts: &mut Vec<Gift>) {
        gifts.push(gift::<T>());
    }
    fn resources(self, value: Option<T>) -> Vec<Resource> {
        value.into_iter().map(|value| Resource::shared(Arc::new(value))).collect()
    }
}
impl<T: Send + Sync + 'static> Giving<T> for Shareable {
    fn gifts(self, gifts: &mut Vec<Gift>) {
        gifts.push(gift::<T>());
    }
    fn resources(self, value: T) -> Vec<Resource> {
        vec![Resource::shared(Arc::new(value))]
    }
}
impl<T: Send + 'static> Giving<T> for TakeOnly {
    fn gifts(self, gifts: &mut Vec<Gift>) {
        gifts.push(gift::<T>());
    }
    fn resources(self, value: T) -> Vec<Resource> {
        vec![Resource::owned(value)]
    }
}

impl Value<()> {
    /// It provides nothing.
    pub fn lifecycle_give(&self) -> Itself {
        Itself
    }
}
impl<T: ?Sized + Send + Sync + 'static> Value<Arc<T>> {
    /// It provides what it holds.
    pub fn lifecycle_give(&self) -> Itself {
        Itself
    }
}
impl<T: Send + Sync + 'static> Value<Option<T>> {
    /// It provides what it holds.
    pub fn lifecycle_give(&self) -> Itself {
        Itself
    }
}

macro_rules! tuples {
    ($(($($t:ident $v:ident),+))*) => {$(
        impl<$($t: Send + Sync + 'static),+> Giving<($($t,)+)> for Itself {
            fn gifts(self, gifts: &mut Vec<Gift>) {
                $(gifts.push(gift::<$t>());)+
            }
            fn resources(self, ($($v,)+): ($($t,)+)) -> Vec<Resource> {
                vec![$(Resource::shared(Arc::new($v))),+]
            }
        }
        impl<$($t: Send + Sync + 'static),+> Value<($($t,)+)> {
            /// It provides its members.
            pub fn lifecycle_give(&self) -> Itself {
                Itself
            }
        }
    )*};
}
tuples! {
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
}

/// An error that can be reported.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` cannot be reported: it is not `Display`",
    label = "the error of this `Result` is not `Display`",
    note = "implement `std::fmt::Display` for it, or turn it into a `String` or an `anyhow::Error`"
)]
pub trait Reportable {}

impl<V, E> Value<Result<V, E>> {
    /// Never compiles: a `Result` that was left closed, because its error cannot be printed.
    pub fn lifecycle_give(&self) -> Unfit
    where
        E: Reportable,
    {
        Unfit
    }
}

/// A value that is what it seems, rather than a promise of one.
#[diagnostic::on_unimplemented(
    message = "this function returns before its work is done: its value is a future",
    label = "a future, which nobody would poll",
    note = "a start hook is an `async fn`, or a plain function that blocks; `setup` is a plain function"
)]
pub trait Done {}

impl<F: ?Sized + Future> Value<Pin<Box<F>>> {
    /// Never compiles: nobody would have polled it.
    pub fn lifecycle_give(&self) -> Unfit
    where
        Pin<Box<F>>: Done,
    {
        Unfit
    }
}
impl<R: Future> SetupReturn<R> {
    /// Never compiles: there is no runtime yet.
    pub fn lifecycle_open(&self) -> Plain<R>
    where
        R: Done,
    {
        Plain::NEW
    }
}

impl<T: Send + Sync + 'static> Whole<T> {
    /// It provides itself.
    pub fn lifecycle_give(&self) -> Shareable {
        Shareable
    }
}

impl<T: Send + 'static> Owned<T> {
    /// It provides itself, to be taken.
    pub fn lifecycle_give(&self) -> TakeOnly {
        TakeOnly
    }
}

/// A type that a start hook can provide.
#[diagnostic::on_unimplemented(
    message = "a start hook cannot provide a `{Self}`",
    label = "a resource is `Send + 'static`, and `Sync` too unless it is only taken",
    note = "return `()`, a value, an `Arc`, an `Option` of a value or a tuple of values, or a `Result` of one of these \
            with an error that is `Display`"
)]
pub trait Provides {
    /// Of any other type, rustc knows no way to provide it, and complains of that type alone.
    type Giving;
}

impl<V> Unknown<V> {
    /// Never compiles: says what a start hook returns.
    #[allow(clippy::unreachable, reason = "what would call it does not compile")]
    pub fn lifecycle_give<K>(&self) -> K
    where
        V: Provides<Giving = K>,
    {
        unreachable!("an unfit value does not compile")
    }
}
