//! A tracked function drops its parameters, its locals and its temporaries in the order in which the same function
//! without the attribute does: when it ends, when it returns early, when it panics, and when it is dropped midway.

#![allow(clippy::toplevel_ref_arg, clippy::boxed_local, reason = "the shapes are the point")]

mod support;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;

use lifecycle::tracked;
use support::{D, block_on, log, logged, pause, poll};

struct Pair {
    x: D,
    y: D,
}
struct Tuple(D, D);
struct Unit;
impl Drop for Unit {
    fn drop(&mut self) {
        log("unit");
    }
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Ends,
    ReturnsEarly,
    Panics,
    /// Async only: dropped where it waits.
    IsDropped,
    /// Async only: dropped before its first poll.
    IsNeverPolled,
}

const ASYNC_WAYS: [Way; 5] = [Way::Ends, Way::ReturnsEarly, Way::Panics, Way::IsDropped, Way::IsNeverPolled];
const SYNC_WAYS: [Way; 3] = [Way::Ends, Way::ReturnsEarly, Way::Panics];

fn drive<F: Future<Output = D>>(way: Way, future: F) -> Vec<String> {
    logged();
    let _ = catch_unwind(AssertUnwindSafe(|| match way {
        Way::IsNeverPolled => drop(future),
        Way::IsDropped => {
            let mut future = Box::pin(future);
            assert!(poll(future.as_mut()).is_pending());
            log("dropped");
            drop(future);
        }
        _ => {
            let output = block_on(future);
            log("returned");
            drop(output);
        }
    }));
    logged()
}

fn call(f: impl FnOnce() -> D) -> Vec<String> {
    logged();
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let output = f();
        log("returned");
        drop(output);
    }));
    logged()
}

/// The body of every function: a local, a temporary in the tail, each way to end.
macro_rules! body {
    (async $way:ident) => {{
        let _local = D("local");
        pause().await;
        if $way == Way::ReturnsEarly {
            return D("early");
        }
        if $way == Way::Panics {
            // Like a panic, without its message.
            resume_unwind(Box::new(()));
        }
        (D("temporary"), D("output")).1
    }};
    (sync $way:ident) => {{
        let _local = D("local");
        if $way == Way::ReturnsEarly {
            return D("early");
        }
        if $way == Way::Panics {
            // Like a panic, without its message.
            resume_unwind(Box::new(()));
        }
        (D("temporary"), D("output")).1
    }};
}

/// A function of this shape, plain and tracked, async and sync; each pair is compared in every way.
macro_rules! shapes {
    ($($shape:ident($($pattern:pat => $ty:ty = $value:expr),*);)*) => {$(
        mod $shape {
            use super::*;

            #[allow(unused_variables, unused_mut)]
            async fn plain_async(way: Way, $($pattern: $ty),*) -> D { body!(async way) }
            #[tracked(admit = always)]
            #[allow(unused_variables, unused_mut)]
            async fn tracked_async(way: Way, $($pattern: $ty),*) -> D { body!(async way) }
            #[allow(unused_variables, unused_mut)]
            fn plain_sync(way: Way, $($pattern: $ty),*) -> D { body!(sync way) }
            #[tracked(admit = always)]
            #[allow(unused_variables, unused_mut)]
            fn tracked_sync(way: Way, $($pattern: $ty),*) -> D { body!(sync way) }
            #[allow(unused_variables, unused_mut)]
            fn plain_opaque(way: Way, $($pattern: $ty),*) -> impl Future<Output = D> {
                log("made");
                async move { body!(async way) }
            }
            #[tracked(admit = always)]
            #[allow(unused_variables, unused_mut)]
            fn tracked_opaque(way: Way, $($pattern: $ty),*) -> impl Future<Output = D> {
                log("made");
                async move { body!(async way) }
            }

            #[test]
            fn is_kept() {
                for way in ASYNC_WAYS {
                    let plain = drive(way, plain_async(way, $($value),*));
                    assert!(!plain.is_empty());
                    assert_eq!(drive(way, tracked_async(way, $($value),*)), plain, "async, {way:?}");
                    let plain = drive(way, plain_opaque(way, $($value),*));
                    assert_eq!(drive(way, tracked_opaque(way, $($value),*)), plain, "opaque, {way:?}");
                }
                for way in SYNC_WAYS {
                    let plain = call(|| plain_sync(way, $($value),*));
                    assert!(!plain.is_empty());
                    assert_eq!(call(|| tracked_sync(way, $($value),*)), plain, "sync, {way:?}");
                }
            }
        }
    )*};
}

shapes! {
    one(a => D = D("a"));
    several(a => D = D("a"), b => D = D("b"), c => D = D("c"));
    mutable(mut a => D = D("a"), b => D = D("b"));
    wild(a => D = D("a"), _ => D = D("_"), c => D = D("c"));
    only_wild(_ => D = D("_"));
    underscored(_a => D = D("_a"), _b => D = D("_b"));
    tuple(a => D = D("a"), (b, c) => (D, D) = (D("b"), D("c")), d => D = D("d"));
    nested(((a, mut b), c) => ((D, D), D) = ((D("a"), D("b")), D("c")), d => D = D("d"));
    tuple_struct(Tuple(a, b) => Tuple = Tuple(D("a"), D("b")), c => D = D("c"));
    record(Pair { x, y } => Pair = Pair { x: D("x"), y: D("y") }, c => D = D("c"));
    record_in_another_order(Pair { y, x } => Pair = Pair { x: D("x"), y: D("y") }, c => D = D("c"));
    record_renamed(Pair { x: y, y: x } => Pair = Pair { x: D("x"), y: D("y") }, c => D = D("c"));
    wild_inside(a => D = D("a"), (b, _) => (D, D) = (D("b"), D("_")), c => D = D("c"));
    wild_first_inside((_, b) => (D, D) = (D("_"), D("b")), _ => D = D("second"), c => D = D("c"));
    rest(a => D = D("a"), (b, ..) => (D, D) = (D("b"), D("..")), c => D = D("c"));
    record_rest(a => D = D("a"), Pair { y, .. } => Pair = Pair { x: D("x"), y: D("y") }, c => D = D("c"));
    by_reference(a => D = D("a"), ref b => D = D("b"), c => D = D("c"));
    by_mutable_reference(a => D = D("a"), ref mut b => D = D("b"), c => D = D("c"));
    reference_inside(a => D = D("a"), (ref b, c) => (D, D) = (D("b"), D("c")), d => D = D("d"));
    all_wild_inside(a => D = D("a"), (_, _) => (D, D) = (D("1"), D("2")), b => D = D("b"));
    at(a => D = D("a"), b @ Tuple(..) => Tuple = Tuple(D("b0"), D("b1")), c => D = D("c"));
    unit_struct(a => D = D("a"), Unit => Unit = Unit, b => D = D("b"));
    array(a => D = D("a"), [b, c] => [D; 2] = [D("b"), D("c")], d => D = D("d"));
    array_rest(a => D = D("a"), [b, .., c] => [D; 3] = [D("b"), D("-"), D("c")], d => D = D("d"));
    shared(a => D = D("a"), &b => &u8 = &1, c => Arc<D> = Arc::new(D("c")));
    boxed(a => Box<D> = Box::new(D("a")), b => Option<D> = Some(D("b")), c => Vec<D> = vec![D("c0"), D("c1")]);
    generic(a => impl Sized = D("a"), b => impl Sized = (D("b0"), D("b1")));
}

/// A receiver, and what a method of it drops.
#[allow(dead_code, reason = "held to be dropped")]
struct Me(D, D);

trait Methods: Sized {
    async fn by_value(self, way: Way, a: D) -> D;
    async fn mutable(self, way: Way, a: D) -> D;
    async fn boxed(self: Box<Self>, way: Way, a: D) -> D;
    async fn shared(self: Arc<Self>, way: Way, a: D) -> D;
    async fn pinned(self: Pin<Box<Self>>, way: Way, a: D, b: (D, D)) -> D;
    async fn used(self, way: Way, _: D, a: D) -> D;
    async fn partly(self, way: Way, a: D) -> D;
    fn sync_by_value(self, way: Way, a: D) -> D;
    fn sync_mutable(self, way: Way, a: D) -> D;
    fn sync_boxed(self: Box<Self>, way: Way, a: D) -> D;
    fn sync_shared(self: Arc<Self>, way: Way, _: D, a: D) -> D;
    fn sync_pinned(self: Pin<Box<Self>>, way: Way, a: D, b: (D, D)) -> D;
    fn sync_partly(self, way: Way, a: D) -> D;
}

macro_rules! methods {
    ($ty:ident $(#[$attr:meta])*) => {
        struct $ty(#[allow(dead_code)] Me);
        #[allow(unused_variables, unused_mut)]
        impl Methods for $ty {
            $(#[$attr])* async fn by_value(self, way: Way, a: D) -> D { body!(async way) }
            $(#[$attr])* async fn mutable(mut self, way: Way, a: D) -> D { body!(async way) }
            $(#[$attr])* async fn boxed(self: Box<Self>, way: Way, a: D) -> D { body!(async way) }
            $(#[$attr])* async fn shared(self: Arc<Self>, way: Way, a: D) -> D { body!(async way) }
            $(#[$attr])* async fn pinned(self: Pin<Box<Self>>, way: Way, a: D, (b, _): (D, D)) -> D { body!(async way) }
            $(#[$attr])* async fn used(self, way: Way, _: D, a: D) -> D {
                let _first = self;
                body!(async way)
            }
            $(#[$attr])* async fn partly(self, way: Way, a: D) -> D {
                let _taken = self.0.1;
                body!(async way)
            }
            $(#[$attr])* fn sync_by_value(self, way: Way, a: D) -> D { body!(sync way) }
            $(#[$attr])* fn sync_mutable(mut self, way: Way, a: D) -> D { body!(sync way) }
            $(#[$attr])* fn sync_boxed(self: Box<Self>, way: Way, a: D) -> D { body!(sync way) }
            $(#[$attr])* fn sync_shared(self: Arc<Self>, way: Way, _: D, a: D) -> D { body!(sync way) }
            $(#[$attr])* fn sync_pinned(self: Pin<Box<Self>>, way: Way, a: D, (b, _): (D, D)) -> D { body!(sync way) }
            $(#[$attr])* fn sync_partly(self, way: Way, a: D) -> D {
                let _taken = self.0.1;
                body!(sync way)
            }
        }
        impl $ty {
            fn new() -> Self {
                $ty(Me(D("self.0"), D("self.1")))
            }
        }
    };
}
methods! { Plain }
methods! { Tracked #[tracked(admit = always)] }

#[test]
fn of_every_receiver() {
    fn all<M: Methods + 'static>(new: fn() -> M) -> Vec<(Way, &'static str, Vec<String>)> {
        let mut seen = Vec::new();
        let (a, b, c) = (|| D("a"), || (D("b"), D("_b")), || D("_"));
        for way in ASYNC_WAYS {
            seen.push((way, "by_value", drive(way, new().by_value(way, a()))));
            seen.push((way, "mutable", drive(way, new().mutable(way, a()))));
            seen.push((way, "boxed", drive(way, Box::new(new()).boxed(way, a()))));
            seen.push((way, "shared", drive(way, Arc::new(new()).shared(way, a()))));
            seen.push((way, "pinned", drive(way, Box::pin(new()).pinned(way, a(), b()))));
            seen.push((way, "used", drive(way, new().used(way, c(), a()))));
            seen.push((way, "partly", drive(way, new().partly(way, a()))));
        }
        for way in SYNC_WAYS {
            seen.push((way, "sync_by_value", call(|| new().sync_by_value(way, a()))));
            seen.push((way, "sync_mutable", call(|| new().sync_mutable(way, a()))));
            seen.push((way, "sync_boxed", call(|| Box::new(new()).sync_boxed(way, a()))));
            seen.push((way, "sync_shared", call(|| Arc::new(new()).sync_shared(way, c(), a()))));
            seen.push((way, "sync_pinned", call(|| Box::pin(new()).sync_pinned(way, a(), b()))));
            seen.push((way, "sync_partly", call(|| new().sync_partly(way, a()))));
        }
        seen
    }
    let (plain, tracked) = (all(Plain::new), all(Tracked::new));
    assert_eq!(plain.len(), tracked.len());
    for (plain, tracked) in plain.iter().zip(&tracked) {
        assert!(plain.2.len() > 2, "{plain:?}");
        assert_eq!(plain, tracked);
    }
}

#[test]
fn an_abandoned_future_is_the_same_on_the_stack() {
    #[tracked(admit = always)]
    async fn f(a: D, (b, _): (D, D)) {
        pause().await;
        drop((a, b));
    }
    logged();
    {
        let mut future = pin!(f(D("a"), (D("b"), D("rest"))));
        assert!(poll(future.as_mut()).is_pending());
    }
    assert_eq!(logged(), ["b", "rest", "a"]);
}
