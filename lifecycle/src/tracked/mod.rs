//! Tracked calls: admission, what one runs in, what one is known by, and tasks that go on inside one.

mod call;
mod gated;
mod identity;
mod inherit;
mod inside;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::fmt;

pub(crate) use call::call;
pub use gated::Gated;
pub(crate) use identity::awaited;
pub use identity::{CallIds, Identified, Identity};
pub use inherit::{inherit, spawn, spawn_blocking};
pub use inside::{Entry, Inside, enter, run};

use crate::context::{self, Marked};
pub use crate::gate::{Admitted, Known, Site};
use crate::gate::{Gate, on_thread};
use crate::group;
use crate::rejected::Rejected;

/// What becomes of a call.
#[must_use = "a counted call ends when this is dropped"]
#[derive(Debug)]
pub enum Admission<S: Known> {
    /// It comes from outside, and is counted.
    Counted(Admitted<S>),
    /// It is part of another call or of a step.
    Nested,
    /// It must not run.
    Refused(Rejected),
}

/// Admits an async call, at its first poll.
#[inline(always)]
pub fn admit<S: Known>(site: S) -> Admission<S> {
    let counted = on_thread(|thread| thread.mark.is_clear() && site.site().count(thread).is_some());
    if counted {
        return Admission::Counted(Admitted(site));
    }
    match admit_slowly(site.site()) {
        Ok(true) => Admission::Counted(Admitted(site)),
        Ok(false) => Admission::Nested,
        Err(rejected) => Admission::Refused(rejected),
    }
}

/// All but the call from outside that finds everything ready; whether it is counted. The same code for all functions.
#[cold]
#[inline(never)]
fn admit_slowly(site: &'static Site) -> Result<bool, Rejected> {
    if !context::is_outside() {
        return Ok(false);
    }
    match site.refuse_at_once() {
        Some(rejected) => Err(rejected),
        None => site.count_slowly().map(|()| true),
    }
}

/// How many tracked calls are running, of all groups; [`stats`](crate::stats()) has each group's. What a call does
/// inside another one is part of that one.
pub fn in_flight() -> usize {
    group::gates().map(Gate::in_flight).sum()
}

impl<S: Known> Admitted<S> {
    /// Makes what the thread does until the scope is dropped the call.
    fn scope(self) -> Scope<S> {
        Scope { _marked: context::enter(self.0.site()), _admitted: self }
    }
}

struct Scope<S: Known> {
    _marked: Marked,
    _admitted: Admitted<S>,
}

macro_rules! opaque_debug {
    ($($name:ident [$($generics:tt)*] [$($names:tt)*])*) => {$(
        impl $($generics)* fmt::Debug for $name $($names)* {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque_debug! {
    Admitted [<S: Known>] [<S>]
    Entry [<S: Known>] [<S>]
    Inside [<S: Known, F: Future>] [<S, F>]
    Gated [<F: Future, K>] [<F, K>]
    CallIds [] []
    Identity [] []
    Identified [<F>] [<F>]
}
