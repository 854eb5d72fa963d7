//! What attributes leave behind, collected before `main`.
//!
//! Each of them adds one static to the program: the address of [`collect`] for a type of its own, in the section of the
//! functions that the system calls before `main` ([`__collected!`](crate::__collected)). So a step costs the user's compiler
//! no function and no closure for its registration. The sections are those of the platform's own start-up code, which no
//! linker drops from what it has taken in, as it may a section of our own (`--gc-sections`, `-z start-stop-gc`).
//!
//! # Why the `unsafe` attribute is right
//! `link_section` asks that what is put into a section is what its reader expects. These are read by the system's loader
//! as addresses of C functions, to be called once, on one thread, before `main`. The static is of exactly that type. What
//! it calls must do without what is set up for `main`. It locks a [`Mutex`] and pushes to a [`Vec`]: of std's parts these need
//! no more than the system's locks and the global allocator, which any static of C++ would use as early. Were memory short it
//! would abort, since no panic may leave it.

use std::sync::{Mutex, PoisonError};

use crate::expect::ExpectDef;
use crate::group::GroupDef;
use crate::health::CheckDef;
use crate::hook::{Asked, Step};
use crate::run::MainDef;

/// What one attribute, or one `expect_hooks!`, leaves behind.
#[derive(Clone, Copy)]
pub enum Left {
    /// `#[on_start]`, `#[on_shutdown]` or `#[worker]`: its function.
    Step(Asked),
    /// `#[lifecycle::group]`.
    Group(&'static GroupDef),
    /// `#[health_check]`.
    Check(&'static CheckDef),
    /// `expect_hooks!`.
    Expected(&'static ExpectDef),
    /// `#[lifecycle::main]`.
    Main(&'static MainDef),
    /// The library's own.
    Canary,
}

static COLLECTED: Mutex<Vec<Left>> = Mutex::new(Vec::new());

/// What is picked of everything that has been collected, in the order in which the linker has put it.
pub(crate) fn collected<T>(pick: impl FnMut(&Left) -> Option<T>) -> Vec<T> {
    COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(pick).collect()
}

fn add(left: Left) {
    COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).push(left);
}

/// A type that leaves something behind.
pub trait Collected: 'static {
    /// It.
    const LEFT: Left;
}

/// Called before `main`.
pub extern "C" fn collect<T: Collected>() {
    add(T::LEFT);
}

/// Called before `main`. Steps are many, so they are collected without a constant of their own.
pub extern "C" fn collect_step<T: Step>() {
    add(Left::Step(T::lifecycle_answer));
}

/// There are platforms where what should be called before `main` is not: then this is missing too.
#[cfg(feature = "macros")]
mod canary {
    #![expect(unsafe_code, reason = "as in every program that uses the macro")]

    struct Canary;
    impl super::Collected for Canary {
        const LEFT: super::Left = super::Left::Canary;
    }
    crate::__private::collected!(Canary);
}

/// Has a function called before `main`: `collected!(Jobs)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __collected {
    ($type:ty) => {
        #[used]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
        #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
        static COLLECT: extern "C" fn() = $crate::__private::collect::<$type>;
    };
}

/// A step's type, which is collected: `step! { close_db … "close_db" Shutdown [Free] [pub struct close_db {}] }`; or with edges, beside
/// the type, `step! { close_db … = NODE }`.
///
/// In the place of the dots is what answers the library's `query`: an expression, `query { … }`, or what it is made of,
/// `(asynchronous end { pending(close_db(argument0), end) } [.keys()] [argument0 (its kind)]: end [()])`, for the last two of which a
/// start step has `= { how it ends }`.
///
/// An error is shown where the words stand by which it is found: so those are given. Of what is matched by itself only a `tt` keeps its
/// place, and not beside another one that is matched in the same place (rustc takes them for the macro's own); in a group each does.
///
/// This is not in the attributes' own output: what a procedural macro makes is more work for the compiler than what it
/// expands itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __step {
    (
        $type:tt
        $($query:ident $answer:tt)?
        $((
            $asks:tt $ending:tt $call:tt [$($key:tt)*] [$($argument:tt ($($kind:tt)+))*]
            $(: $end:tt [$($returned:tt)+])?
            $(= $($ends:tt)+)?
        ))?
        $($name:literal $phase:ident [$($place:tt)+] [$($item:tt)+])?
        $(= $node:ident)?
    ) => {
        $(
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code, missing_copy_implementations, missing_debug_implementations)]
            #[allow(clippy::restriction)]
            $($item)+
        )?
        #[allow(deprecated)]
        impl $crate::Step for $type {
            fn lifecycle_answer<'a>(
                query: $crate::__private::Query<'a, '_>,
            ) -> $crate::__private::Answer<'a> {
                use $crate::__private::Otherwise as _;
                let query = query.of(Self::lifecycle_node(), $crate::__private::module_path!());
                $(
                    let $query = query;
                    $answer
                )?
                $(
                    match $crate::__private::$asks(
                        query $($key)*,
                        $crate::__private::All(($($($kind)+,)*)),
                        $($crate::__private::$end::<$($returned)+, _, _>())?
                        $($($ends)+)?
                    ) {
                        $crate::__private::Ok(($ending, ($($argument,)*))) => $call,
                        $crate::__private::Err(answer) => answer,
                    }
                )?
            }
        }
        impl $type {
            #[doc(hidden)]
            #[inline(never)]
            pub const fn lifecycle_node() -> &'static $crate::__private::NodeDef {
                #[used]
                #[cfg_attr(
                    target_vendor = "apple",
                    unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")
                )]
                #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
                static COLLECT: extern "C" fn() = $crate::__private::collect_step::<$type>;
                $(&$crate::__private::NodeDef {
                    name: $name,
                    phase: $crate::Phase::$phase,
                    id: $crate::__private::type_id::<$type>,
                    place: $crate::__private::PlaceDef::$($place)+,
                    after: &[],
                    before: &[],
                })?
                $(&$node)?
            }
        }
    };
}
