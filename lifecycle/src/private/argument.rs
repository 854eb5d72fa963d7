//! A step's argument, classified by its type.
//!
//! Generated code asks `(&&&&&Arg::<P>::NEW).kind()` for a parameter of type `P`, with every trait of this module in
//! scope. Method look-up takes references off the receiver one by one, and `kind` takes `&self`: so the trait whose impl
//! carries the most `&` wins, and an alias or a foreign type of the same name is seen for what it is (D. Tolnay, "autoref
//! specialization"). The kind it returns knows how to name the need, to gather the value, and to lend it to the call.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::hook::{Missing, Need, Signature};
use crate::resource::{Inputs, Take};

/// A parameter's type, as a value to look methods up on.
pub struct Arg<P>(PhantomData<fn() -> P>);

impl<P> Arg<P> {
    /// The value.
    pub const NEW: Self = Arg(PhantomData);
}

impl<P> fmt::Debug for Arg<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arg")
    }
}

/// What a kind of argument does.
pub trait Kind: Copy {
    /// What is held for the call; its inherent `lend` makes the argument.
    type Held;
    /// What the plan has to know, if it is a resource at all.
    fn need(self) -> Option<Need>;
    /// Whether it is `&Report`.
    fn is_report(self) -> bool {
        false
    }
    /// Fetches it.
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing>;
}

/// Arguments that every step may have.
#[diagnostic::on_unimplemented(
    message = "`&Report` exists only once the other steps have ended",
    label = "this step is not `last`",
    note = "write `#[on_shutdown(last)]`"
)]
pub trait Anywhere: Kind {}

impl Signature {
    /// Notes an argument of an ordinary step.
    pub fn takes<K: Anywhere>(&mut self, kind: K) {
        self.takes.extend(kind.need());
    }

    /// Notes an argument of a `last` step.
    pub fn takes_last<K: Kind>(&mut self, kind: K) {
        self.takes.extend(kind.need());
        self.takes_report |= kind.is_report();
    }
}

/// Fetches an argument.
pub fn hold<K: Kind>(kind: K, inputs: &mut Inputs<'_>) -> Result<K::Held, Missing> {
    kind.hold(inputs)
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $(<$t:ident>)?;)*) => {$(
        $(#[$doc])*
        pub struct $name$(<$t: ?Sized>(PhantomData<fn() -> Box<$t>>))?;
        impl$(<$t: ?Sized>)? Clone for $name$(<$t>)? { fn clone(&self) -> Self { *self } }
        impl$(<$t: ?Sized>)? Copy for $name$(<$t>)? {}
        impl$(<$t: ?Sized>)? fmt::Debug for $name$(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(stringify!($name)) }
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

impl<V> Held<V> {
    /// The argument.
    ///
    /// # Panics
    /// If called twice; generated code calls it once.
    #[allow(clippy::expect_used, reason = "generated code calls it once, on a value it has just made")]
    pub fn lend(&mut self) -> V {
        self.0.take().expect("an argument is lent once")
    }
}
impl<T: ?Sized> HeldRef<T> {
    /// The argument.
    pub fn lend(&mut self) -> &T {
        &self.0
    }
}
impl<T: ?Sized> HeldMaybeRef<T> {
    /// The argument.
    pub fn lend(&mut self) -> Option<&T> {
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
    fn need(self) -> Option<Need> {
        None
    }
    fn is_report(self) -> bool {
        true
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
    fn need(self) -> Option<Need> {
        None
    }
    fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
        inputs.token_given = true;
        Ok(Held(Some(inputs.token.clone())))
    }
}
impl Anywhere for Token {}

macro_rules! resource_kinds {
    ($($kind:ident [$($bound:tt)*] holds $held:ty, needs $need:expr, by $hold:expr;)*) => {$(
        impl<T: $($bound)*> Kind for $kind<T> {
            type Held = $held;
            fn need(self) -> Option<Need> {
                Some($need)
            }
            fn hold(self, inputs: &mut Inputs<'_>) -> Result<Self::Held, Missing> {
                let hold: fn(&Inputs<'_>) -> Result<Self::Held, Missing> = $hold;
                hold(inputs)
            }
        }
        impl<T: $($bound)*> Anywhere for $kind<T> {}
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

macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident { $($depth:tt [$($g:tt)*] $p:ty => $kind:ident$(<$t:ident>)?;)* })*) => {$(
        $(#[$doc])*
        pub trait $level {
            /// The kind found.
            type Kind;
            /// Looks it up.
            fn kind(&self) -> Self::Kind;
        }
        $(levels!(@ $level $depth [$($g)*] $p => $kind$(<$t>)?);)*
    )*};
    (@ $level:ident ($($r:tt)*) [$($g:tt)*] $p:ty => $kind:ident<$t:ident>) => {
        impl<$($g)*> $level for $($r)* Arg<$p> {
            type Kind = $kind<$t>;
            fn kind(&self) -> $kind<$t> { $kind(PhantomData) }
        }
    };
    (@ $level:ident ($($r:tt)*) [$($g:tt)*] $p:ty => $kind:ident) => {
        impl<$($g)*> $level for $($r)* Arg<$p> {
            type Kind = $kind;
            fn kind(&self) -> $kind { $kind }
        }
    };
}

levels! {
    /// What has a meaning of its own, or is more special than the next level.
    BySpecial {
        (&&&&) ['a] &'a crate::Report => TheReport;
        (&&&&) [] CancellationToken => Token;
        (&&&&) [T: ?Sized + Send + Sync + 'static] Take<Arc<T>> => TakenArc<T>;
        (&&&&) [T: ?Sized + Send + Sync + 'static] Option<Take<Arc<T>>> => MaybeTakenArc<T>;
    }
    /// References and the wrappers.
    ByWrapper {
        (&&&) ['a, T: ?Sized + Send + Sync + 'static] &'a T => Borrow<T>;
        (&&&) [T: ?Sized + Send + Sync + 'static] Arc<T> => Share<T>;
        (&&&) [T: Send + 'static] Take<T> => Taken<T>;
        (&&&) ['a, T: ?Sized + Send + Sync + 'static] Option<&'a T> => MaybeBorrow<T>;
        (&&&) [T: ?Sized + Send + Sync + 'static] Option<Arc<T>> => MaybeShare<T>;
        (&&&) [T: Send + 'static] Option<Take<T>> => MaybeTaken<T>;
    }
    /// An optional clone.
    ByOption {
        (&&) [T: Clone + Send + Sync + 'static] Option<T> => MaybeCopied<T>;
    }
    /// A clone.
    ByClone {
        (&) [T: Clone + Send + Sync + 'static] T => Copied<T>;
    }
}

/// A type that a step can take as an argument.
#[diagnostic::on_unimplemented(
    message = "a step cannot take an argument of type `{Self}`",
    label = "not a resource",
    note = "write `&T` or `Arc<T>` where `T: Send + Sync`, `T` where `T: Clone` too, or `Take<T>` to move it out (`T: Send`)",
    note = "`Option<…>` around any of these may be absent; `CancellationToken` is the step's own stop token"
)]
pub trait Argument {}

/// An argument that no step can have. It stands in for one, so that rustc complains of its type alone.
pub struct Unfit<P>(PhantomData<fn() -> P>);
/// Never held.
#[derive(Debug)]
pub struct HeldUnfit<P>(PhantomData<fn() -> P>);

impl<P> Clone for Unfit<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Unfit<P> {}
impl<P> fmt::Debug for Unfit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unfit")
    }
}
impl<P> Kind for Unfit<P> {
    type Held = HeldUnfit<P>;
    fn need(self) -> Option<Need> {
        None
    }
    fn hold(self, _: &mut Inputs<'_>) -> Result<HeldUnfit<P>, Missing> {
        Ok(HeldUnfit(PhantomData))
    }
}
impl<P> Anywhere for Unfit<P> {}
impl<P> HeldUnfit<P> {
    /// Never called: what would call it does not compile.
    #[allow(clippy::unreachable, reason = "what would call it does not compile")]
    pub fn lend(&mut self) -> P {
        unreachable!("an unfit argument does not compile")
    }
}

/// Nothing else fits: says what would.
pub trait ByNothing<P> {
    /// Never compiles.
    fn kind(&self) -> Unfit<P>
    where
        P: Argument;
}
impl<P> ByNothing<P> for Arg<P> {
    fn kind(&self) -> Unfit<P>
    where
        P: Argument,
    {
        Unfit(PhantomData)
    }
}
