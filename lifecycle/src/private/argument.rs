//! A step's argument, classified by its type.
//!
//! Generated code asks `arg::<P>().lifecycle_kind().lifecycle_kind()` for a parameter of type `P`. The types that mean
//! something of their own have an inherent method of that name, which the compiler takes before a trait's; where none fits,
//! the trait [`Otherwise`] gives a tag on which the second call is looked up in the same way. An alias and a foreign type of
//! the same name are thus seen for what they are. The kind that is found knows how to name the need, to gather the value,
//! and to lend it to the call.
//!
//! The compiler tries every method of that name once for each way in which it may borrow or dereference a receiver, and
//! there is one receiver for each parameter of each step of each user. So there is nothing to dereference, all are taken
//! by value, and there are no more methods and no more tags than have to be.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::hook::{Missing, Need, Signature};
use crate::resource::{Inputs, Take};

/// A parameter, as a value to look methods up on: first for what has a meaning of its own. `W` is where it stands.
pub struct Tag<P, W>(PhantomData<fn() -> (P, W)>);
/// The rest: then for references and an `Option`.
pub struct Rest<P>(PhantomData<fn() -> P>);

/// Of a `last` step.
#[derive(Debug)]
pub struct Last;
/// Of any other function.
#[derive(Debug)]
pub struct Usual;

/// A parameter of a `last` step.
pub type LastArg<P> = Tag<P, Last>;
/// A parameter.
pub type Arg<P> = Tag<P, Usual>;

impl<P, W> Tag<P, W> {
    /// The value.
    pub const NEW: Self = Tag(PhantomData);

    /// As one of a function that is no `last` step's.
    pub fn usual(self) -> Arg<P> {
        Tag(PhantomData)
    }
}

/// A parameter.
pub const fn arg<P>() -> Arg<P> {
    Tag(PhantomData)
}
/// A parameter of a `last` step.
pub const fn last_arg<P>() -> LastArg<P> {
    Tag(PhantomData)
}

impl<P, W> fmt::Debug for Tag<P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag")
    }
}
impl<P> fmt::Debug for Rest<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

/// What a kind of argument does.
pub trait Kind: Copy + Send + Sync + 'static {
    /// What is held for the call.
    type Held: Lend + Send + 'static;
    /// Tells the plan what it has to know.
    fn note(self, signature: &mut Signature);
    /// Fetches it.
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing>;
}

/// What holds an argument until the call.
pub trait Lend {
    /// The argument.
    type Lent<'a>
    where
        Self: 'a;
    /// Lends it, once.
    fn lend(&mut self) -> Self::Lent<'_>;
}

/// Arguments that every step may have.
#[diagnostic::on_unimplemented(
    message = "`&Report` exists only once the other steps have ended",
    label = "this step is not `last`",
    note = "write `#[on_shutdown(last)]`"
)]
pub trait Anywhere {}

/// [`Report`](crate::Report) alone: as a parameter, for which a bound may fail.
pub trait IsReport {}
impl IsReport for crate::Report {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $(<$t:ident>)?;)*) => {$(
        $(#[$doc])*
        pub struct $name$(<$t: ?Sized>(PhantomData<fn() -> Box<$t>>))?;
        impl$(<$t: ?Sized>)? Clone for $name$(<$t>)? { fn clone(&self) -> Self { *self } }
        impl$(<$t: ?Sized>)? Copy for $name$(<$t>)? {}
        impl$(<$t: ?Sized>)? fmt::Debug for $name$(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(stringify!($name)) }
        }
        impl$(<$t: ?Sized>)? $name$(<$t>)? {
            /// It has been found.
            pub fn lifecycle_kind(self) -> Self { self }
        }
    )*};
}

kinds! {
    /// `&Report`.
    TheReport;
    /// `CancellationToken`.
    Token;
    /// `&T`.
    Borrow<T>;
    /// `Arc<T>`.
    Share<T>;
    /// `T: Clone`.
    Copied<T>;
    /// `Take<T>`.
    Taken<T>;
    /// `Take<Arc<T>>`.
    TakenArc<T>;
    /// `Option<&T>`.
    MaybeBorrow<T>;
    /// `Option<Arc<T>>`.
    MaybeShare<T>;
    /// `Option<T>`, `T: Clone`.
    MaybeCopied<T>;
    /// `Option<Take<T>>`.
    MaybeTaken<T>;
    /// `Option<Take<Arc<T>>>`.
    MaybeTakenArc<T>;
}

/// Holds a value until the call.
#[derive(Debug)]
pub struct Held<V>(Option<V>);
/// Holds an `Arc` that the call borrows from.
#[derive(Debug)]
pub struct HeldRef<T: ?Sized>(Arc<T>);
/// Holds an `Arc`, if there is one, that the call borrows from.
#[derive(Debug)]
pub struct HeldMaybeRef<T: ?Sized>(Option<Arc<T>>);

impl<V> Lend for Held<V> {
    type Lent<'a>
        = V
    where
        V: 'a;
    /// # Panics
    /// If called twice; the one call there is lends once.
    #[allow(clippy::expect_used, reason = "a call lends once, what has just been held for it")]
    fn lend(&mut self) -> V {
        self.0.take().expect("an argument is lent once")
    }
}
impl<T: ?Sized> Lend for HeldRef<T> {
    type Lent<'a>
        = &'a T
    where
        T: 'a;
    fn lend(&mut self) -> &T {
        &self.0
    }
}
impl<T: ?Sized> Lend for HeldMaybeRef<T> {
    type Lent<'a>
        = Option<&'a T>
    where
        T: 'a;
    fn lend(&mut self) -> Option<&T> {
        self.0.as_deref()
    }
}

fn shared<T: ?Sized + Send + Sync + 'static>(inputs: &Inputs<'_>) -> Result<Arc<T>, Missing> {
    inputs.resources.share().ok_or_else(|| inputs.missing::<T>(&Need::share::<T>()))
}

fn taken<T: Send + 'static>(inputs: &Inputs<'_>) -> Result<T, Missing> {
    let need = Need::take::<T>();
    match inputs.resources.take::<T>(inputs.step) {
        Some(Ok(value)) => Ok(value),
        Some(Err(holders)) => {
            let mut missing = inputs.missing::<T>(&need);
            missing.hint = Some(format!("it was, but {holders} other(s) still hold an Arc of it"));
            Err(missing)
        }
        None => Err(inputs.missing::<T>(&need)),
    }
}

impl Kind for TheReport {
    type Held = HeldRef<crate::Report>;
    fn note(self, signature: &mut Signature) {
        signature.takes_report = true;
    }
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
        match inputs.report {
            Some(report) => Ok(HeldRef(Arc::clone(report))),
            None => Err(inputs.missing::<crate::Report>(&Need::share::<crate::Report>())),
        }
    }
}

impl Kind for Token {
    type Held = Held<CancellationToken>;
    fn note(self, _: &mut Signature) {}
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
        Ok(Held(Some(inputs.stop_token())))
    }
}

macro_rules! resource_kinds {
    ($($kind:ident [$($bound:tt)*] holds $held:ty, needs $need:expr, by $hold:expr;)*) => {$(
        impl<T: $($bound)*> Kind for $kind<T> {
            type Held = $held;
            fn note(self, signature: &mut Signature) {
                signature.takes.push($need);
            }
            fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
                let hold: fn(&Inputs<'_>) -> Result<Self::Held, Missing> = $hold;
                hold(inputs)
            }
        }
    )*};
}

resource_kinds! {
    Borrow [?Sized + Send + Sync + 'static] holds HeldRef<T>, needs Need::share::<T>(),
        by |i| shared(i).map(HeldRef);
    Share [?Sized + Send + Sync + 'static] holds Held<Arc<T>>, needs Need::share::<T>(),
        by |i| shared(i).map(|v| Held(Some(v)));
    Copied [Clone + Send + Sync + 'static] holds Held<T>, needs Need::share::<T>(),
        by |i| shared::<T>(i).map(|v| Held(Some(T::clone(&v))));
    Taken [Send + 'static] holds Held<Take<T>>, needs Need::take::<T>(),
        by |i| taken(i).map(|v| Held(Some(Take(v))));
    TakenArc [?Sized + Send + Sync + 'static] holds Held<Take<Arc<T>>>, needs Need::take::<T>(),
        by |i| i.resources.take_arc::<T>(i.step).map(|v| Held(Some(Take(v))))
            .ok_or_else(|| i.missing::<T>(&Need::take::<T>()));
    MaybeBorrow [?Sized + Send + Sync + 'static] holds HeldMaybeRef<T>, needs Need::share::<T>().optional(),
        by |i| Ok(HeldMaybeRef(i.resources.share()));
    MaybeShare [?Sized + Send + Sync + 'static] holds Held<Option<Arc<T>>>, needs Need::share::<T>().optional(),
        by |i| Ok(Held(Some(i.resources.share())));
    MaybeCopied [Clone + Send + Sync + 'static] holds Held<Option<T>>, needs Need::share::<T>().optional(),
        by |i| Ok(Held(Some(i.resources.share::<T>().map(|v| T::clone(&v)))));
    MaybeTaken [Send + 'static] holds Held<Option<Take<T>>>, needs Need::take::<T>().optional(),
        // Absent is fine, still held by another is not.
        by |i| match i.resources.has(&Need::take::<T>()) {
            true => taken(i).map(|v| Held(Some(Some(Take(v))))),
            false => Ok(Held(Some(None))),
        };
    MaybeTakenArc [?Sized + Send + Sync + 'static] holds Held<Option<Take<Arc<T>>>>,
        needs Need::take::<T>().optional(),
        by |i| Ok(Held(Some(i.resources.take_arc::<T>(i.step).map(Take))));
}

impl<R: IsReport> LastArg<&R> {
    /// Its kind.
    pub fn lifecycle_kind(self) -> TheReport {
        TheReport
    }
}
impl<R: IsReport> Arg<&R> {
    /// Compiles for no step that is not `last`.
    pub fn lifecycle_kind(self) -> TheReport
    where
        R: Anywhere,
    {
        TheReport
    }
}
impl<W> Tag<CancellationToken, W> {
    /// Its kind.
    pub fn lifecycle_kind(self) -> Token {
        Token
    }
}

macro_rules! kinds_of {
    ($($p:ty => $kind:ident;)*) => {$(
        impl<T: ?Sized + Send + Sync + 'static, W> Tag<$p, W> {
            /// Its kind.
            pub fn lifecycle_kind(self) -> $kind<T> {
                $kind(PhantomData)
            }
        }
    )*};
}
kinds_of! {
    Arc<T> => Share;
    Option<Arc<T>> => MaybeShare;
    Option<&T> => MaybeBorrow;
    Take<Arc<T>> => TakenArc;
    Option<Take<Arc<T>>> => MaybeTakenArc;
}

impl<T: ?Sized + Send + Sync + 'static> Rest<&T> {
    /// Its kind.
    pub fn lifecycle_kind(self) -> Borrow<T> {
        Borrow(PhantomData)
    }
}
impl<T: Optional> Rest<Option<T>> {
    /// Its kind.
    pub fn lifecycle_kind(self) -> T::Kind {
        T::KIND
    }
}

/// What may be in an `Option`, if it is no reference and no `Arc`.
pub trait Optional {
    /// Its kind there.
    type Kind;
    /// The value.
    const KIND: Self::Kind;
}
impl<T: Send + 'static> Optional for Take<T> {
    type Kind = MaybeTaken<T>;
    const KIND: MaybeTaken<T> = MaybeTaken(PhantomData);
}
impl<T: Clone + Send + Sync + 'static> Optional for T {
    type Kind = MaybeCopied<T>;
    const KIND: MaybeCopied<T> = MaybeCopied(PhantomData);
}

/// Where no other method fits.
pub trait Otherwise {
    /// What says the kind.
    type By;
    /// It.
    fn lifecycle_kind<K, By>(self) -> K
    where
        Self::By: Argument<By, Kind = K>;
}
impl<P, W> Otherwise for Tag<P, W> {
    type By = Rest<P>;
    fn lifecycle_kind<K, By>(self) -> K
    where
        Rest<P>: Argument<By, Kind = K>,
    {
        <Rest<P> as Argument<By>>::KIND
    }
}
impl<P> Otherwise for Rest<P> {
    type By = P;
    fn lifecycle_kind<K, By>(self) -> K
    where
        P: Argument<By, Kind = K>,
    {
        <P as Argument<By>>::KIND
    }
}
/// The next look, in the place of a kind.
#[diagnostic::do_not_recommend]
impl<P> Argument<Fit> for Rest<P> {
    type Kind = Self;
    const KIND: Self = Rest(PhantomData);
}

/// A type that a step can take as an argument.
#[diagnostic::on_unimplemented(
    message = "a step cannot take an argument of type `{Self}`",
    label = "not a resource",
    note = "write `&T` or `Arc<T>` where `T: Send + Sync`, `T` where `T: Clone` too, or `Take<T>` to move it out (`T: Send`)",
    note = "`Option<…>` around any of these may be absent; `CancellationToken` is the step's own stop token"
)]
pub trait Argument<By> {
    /// Of a type that is no argument, rustc knows no kind either, and complains of that type alone.
    type Kind;
    /// The value.
    const KIND: Self::Kind;
}
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Argument<Fit> for Take<T> {
    type Kind = Taken<T>;
    const KIND: Taken<T> = Taken(PhantomData);
}
/// Where a type fits.
#[derive(Debug)]
pub struct Fit;
/// It never does. By it there is a choice for every type, and rustc assumes no kind of one that fits nowhere.
#[derive(Debug)]
pub struct Unfit;
/// Holds for nothing.
pub trait Never {}
#[diagnostic::do_not_recommend]
impl<T: Never> Argument<Unfit> for T {
    type Kind = Unfit;
    const KIND: Unfit = Unfit;
}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Argument<Fit> for T {
    type Kind = Copied<T>;
    const KIND: Copied<T> = Copied(PhantomData);
}
