//! What a step's function returns, classified by its type, in two looks.
//!
//! `(&&Return::<R>::NEW).open()` strips a `Result`; then, for a start hook, `(&&&&Value::<V>::NEW).give()` says what
//! the value provides. Both are looked up as in [`argument`](super::argument): the expression carries one `&` more than
//! the impl to be tried first.

use std::fmt::{self, Display};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use crate::hook::{CallResult, Gift, Signature};
use crate::resource::Resource;
use crate::settings::Settings;

/// A function's return type, as a value to look methods up on.
pub struct Return<R>(PhantomData<fn() -> R>);
/// What is inside its `Result`, if it is one.
pub struct Value<V>(PhantomData<fn() -> V>);

macro_rules! tags {
    ($($name:ident<$t:ident>)*) => {$(
        impl<$t> $name<$t> {
            /// The value.
            pub const NEW: Self = $name(PhantomData);
        }
        impl<$t> Clone for $name<$t> { fn clone(&self) -> Self { *self } }
        impl<$t> Copy for $name<$t> {}
        impl<$t> fmt::Debug for $name<$t> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(stringify!($name)) }
        }
    )*};
}
tags! { Return<R> Value<V> }

/// The tag of what a setup function returns, which is written nowhere that a macro could see.
pub fn given_by<R, F: FnOnce(&mut Settings) -> R>(_: &F) -> <R as Tagged>::Tag {
    R::TAG
}

/// Every type and its tag. Of a type that rustc could not make out, a projection is unknown as well, and rustc looks for
/// no method on it: a misspelt path is one error.
pub trait Tagged {
    /// `Return<Self>`.
    type Tag;
    /// The value.
    const TAG: Self::Tag;
}
impl<R> Tagged for R {
    type Tag = Return<R>;
    const TAG: Return<R> = Return::NEW;
}

/// A `Result<V, E>`.
pub struct Fallible<V, E>(PhantomData<fn() -> (V, E)>);
/// Anything else.
pub struct Plain<V>(PhantomData<fn() -> V>);

impl<V, E> Clone for Fallible<V, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V, E> Copy for Fallible<V, E> {}
impl<V> Clone for Plain<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for Plain<V> {}
impl<V, E> fmt::Debug for Fallible<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fallible")
    }
}
impl<V> fmt::Debug for Plain<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

impl<V, E: Display> Fallible<V, E> {
    /// The tag of what is inside.
    pub fn value(self) -> Value<V> {
        Value::NEW
    }
    /// The value, or the error as text.
    pub fn split(self, returned: Result<V, E>) -> Result<V, String> {
        returned.map_err(|error| format!("{error:#}"))
    }
}
impl<V> Plain<V> {
    /// The tag of what is inside.
    pub fn value(self) -> Value<V> {
        Value::NEW
    }
    /// The value.
    pub fn split(self, returned: V) -> Result<V, String> {
        Ok(returned)
    }
}

/// A `Result`.
pub trait OpenResult<V, E> {
    /// What it is.
    fn open(&self) -> Fallible<V, E>;
}
impl<V, E: Display> OpenResult<V, E> for &Return<Result<V, E>> {
    fn open(&self) -> Fallible<V, E> {
        Fallible(PhantomData)
    }
}
/// Anything else.
pub trait OpenPlain<V> {
    /// What it is.
    fn open(&self) -> Plain<V>;
}
impl<V> OpenPlain<V> for Return<V> {
    fn open(&self) -> Plain<V> {
        Plain(PhantomData)
    }
}

/// What `#[on_shutdown]` accepts inside or without a `Result`.
#[diagnostic::on_unimplemented(
    message = "a shutdown step returns `()` or `Result<(), E>` with `E: Display`, not `{Self}`",
    label = "nobody would take this value",
    note = "end the function with `;`, or report figures with `lifecycle::note(key, value)`"
)]
pub trait Nothing {}
impl Nothing for () {}

impl<V> Value<V> {
    /// The result of a step that provides nothing.
    pub fn end(self, value: Result<V, String>) -> CallResult
    where
        V: Nothing,
    {
        value.map(|_| Vec::new())
    }
}

/// How a start hook's value becomes resources.
pub trait Giving<V>: Copy {
    /// The types it provides.
    fn gifts(self, gifts: &mut Vec<Gift>);
    /// The values.
    fn resources(self, value: V) -> Vec<Resource>;
}

impl Signature {
    /// Notes what a start hook provides.
    pub fn gives<V, K: Giving<V>>(&mut self, kind: K, _: Value<V>) {
        kind.gifts(&mut self.gives);
    }
}

/// The result of a start hook.
pub fn given<V, K: Giving<V>>(kind: K, value: Result<V, String>) -> CallResult {
    value.map(|value| kind.resources(value))
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
pub fn set_up<V, K: Giving<V>>(
    asked: Asked<'_>,
    kind: K,
    value: Value<V>,
    run: impl FnOnce(&mut Settings) -> Result<V, String>,
) -> CallResult {
    match asked {
        Asked::Types(signature) => {
            signature.gives(kind, value);
            Ok(Vec::new())
        }
        Asked::Values(settings) => given(kind, run(settings)),
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

/// What provides in a way of its own.
pub trait GiveItself {
    /// How.
    fn give(&self) -> Itself;
}
impl GiveItself for &&&Value<()> {
    fn give(&self) -> Itself {
        Itself
    }
}
impl<T: ?Sized + Send + Sync + 'static> GiveItself for &&&Value<Arc<T>> {
    fn give(&self) -> Itself {
        Itself
    }
}
impl<T: Send + Sync + 'static> GiveItself for &&&Value<Option<T>> {
    fn give(&self) -> Itself {
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
        impl<$($t: Send + Sync + 'static),+> GiveItself for &&&Value<($($t,)+)> {
            fn give(&self) -> Itself {
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

/// A `Result` whose error cannot be printed, which [`OpenResult`] therefore left closed.
pub trait GiveResult<E> {
    /// Never compiles.
    fn give(&self) -> Unfit
    where
        E: Reportable;
}
impl<V, E> GiveResult<E> for &&&Value<Result<V, E>> {
    fn give(&self) -> Unfit
    where
        E: Reportable,
    {
        Unfit
    }
}

/// A boxed future, which nobody would have polled.
pub trait GiveFuture<F: ?Sized> {
    /// Never compiles.
    fn give(&self) -> Unfit
    where
        Pin<Box<F>>: Done;
}
impl<F: ?Sized + Future> GiveFuture<F> for &&&Value<Pin<Box<F>>> {
    fn give(&self) -> Unfit
    where
        Pin<Box<F>>: Done,
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

/// A setup function that is async, before there is a runtime.
pub trait SetupIsAsync<R> {
    /// Never compiles.
    fn sync(&self) -> Return<R>
    where
        R: Done;
}
impl<R: Future> SetupIsAsync<R> for &Return<R> {
    fn sync(&self) -> Return<R>
    where
        R: Done,
    {
        **self
    }
}
/// Any other.
pub trait SetupIsSync<R> {
    /// The same tag.
    fn sync(&self) -> Return<R>;
}
impl<R> SetupIsSync<R> for Return<R> {
    fn sync(&self) -> Return<R> {
        *self
    }
}

/// A value that can be shared.
pub trait GiveShareable {
    /// How.
    fn give(&self) -> Shareable;
}
impl<T: Send + Sync + 'static> GiveShareable for &&Value<T> {
    fn give(&self) -> Shareable {
        Shareable
    }
}
/// A value that can only be taken.
pub trait GiveTakeOnly {
    /// How.
    fn give(&self) -> TakeOnly;
}
impl<T: Send + 'static> GiveTakeOnly for &Value<T> {
    fn give(&self) -> TakeOnly {
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
pub trait Provides {}

/// Nothing else fits: says what would.
pub trait GiveNothing<V> {
    /// Never compiles.
    fn give(&self) -> Unfit
    where
        V: Provides;
}
impl<V> GiveNothing<V> for Value<V> {
    fn give(&self) -> Unfit
    where
        V: Provides,
    {
        Unfit
    }
}
