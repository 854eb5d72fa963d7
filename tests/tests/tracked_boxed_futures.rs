//! A function that returns a boxed future, under any spelling, is counted from the first poll until the future is done,
//! and still returns the type that it names.

mod support;

use std::boxed::Box as Bx;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, LocalBoxFuture};
use lifecycle::{in_flight, tracked};
use support::{block_on, pause, poll};

type Aliased<'a, T> = Pin<Bx<dyn Future<Output = T> + Send + 'a>>;
type Twice<T> = BoxFuture<'static, T>;

#[tracked(admit = always)]
fn aliased(x: &u8) -> Aliased<'_, u8> {
    Box::pin(async move {
        pause().await;
        *x
    })
}
#[tracked(admit = always)]
fn of_futures(x: &u8) -> BoxFuture<'_, u8> {
    async move {
        pause().await;
        *x
    }
    .boxed()
}
#[tracked(admit = always)]
fn twice(x: &u8) -> Twice<u8> {
    let x = *x;
    async move {
        pause().await;
        x
    }
    .boxed()
}
#[tracked(admit = always)]
fn local(x: &u8) -> LocalBoxFuture<'_, Rc<u8>> {
    let x = Rc::new(*x);
    async move {
        pause().await;
        x
    }
    .boxed_local()
}
#[tracked(admit = always)]
fn qualified(x: &u8) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8> + '_>> {
    ::std::boxed::Box::pin(async move {
        pause().await;
        *x
    })
}
#[tracked(admit = always)]
fn sync_too(x: &u8) -> Pin<Box<dyn Future<Output = u8> + Send + Sync + '_>> {
    Box::pin(async move {
        pause().await;
        *x
    })
}
#[tracked(admit = always)]
fn bounds_the_other_way(x: &u8) -> Pin<Box<dyn Send + Future<Output = u8> + '_>> {
    Box::pin(async move {
        pause().await;
        *x
    })
}
#[tracked(admit = always)]
fn generic<'a, T: Clone + Send + Sync>(x: &'a T) -> BoxFuture<'a, T> {
    async move {
        pause().await;
        x.clone()
    }
    .boxed()
}
#[tracked(admit = always)]
fn opaque(x: &u8) -> impl Future<Output = u8> + Send + '_ {
    async move {
        pause().await;
        *x
    }
}
#[tracked(admit = always)]
fn opaque_and_free(x: &u8) -> impl Future<Output = u8> + Send + Sync + 'static + use<> {
    let x = *x;
    async move {
        pause().await;
        x
    }
}
#[tracked]
fn opaque_result(x: &u8) -> impl Future<Output = std::io::Result<u8>> + Send {
    let x = *x;
    async move {
        pause().await;
        Ok(x)
    }
}
#[tracked]
fn boxed_result(x: &u8) -> BoxFuture<'_, std::io::Result<u8>> {
    async move {
        pause().await;
        Ok(*x)
    }
    .boxed()
}
#[tracked(reject = None)]
fn boxed_option(x: &u8) -> BoxFuture<'_, Option<u8>> {
    async move {
        pause().await;
        Some(*x)
    }
    .boxed()
}

trait Venue {
    fn quote(&self) -> impl Future<Output = u8> + Send;
    fn boxed(self: Box<Self>) -> BoxFuture<'static, u8>;
}
struct Fix(u8);
impl Venue for Fix {
    #[tracked(admit = always)]
    fn quote(&self) -> impl Future<Output = u8> + Send {
        async {
            pause().await;
            self.0
        }
    }
    #[tracked(admit = always)]
    fn boxed(self: Box<Self>) -> BoxFuture<'static, u8> {
        async move {
            pause().await;
            self.0
        }
        .boxed()
    }
}

#[async_trait::async_trait]
trait Desk {
    async fn below(&self, x: &u8) -> std::io::Result<u8>;
    async fn above(&self, x: &u8) -> std::io::Result<u8>;
    async fn by_value(self, x: &u8) -> std::io::Result<u8>
    where
        Self: Sized;
    #[tracked]
    async fn given(&self, x: &u8) -> std::io::Result<u8> {
        pause().await;
        Ok(*x)
    }
    #[tracked(reject = 0)]
    async fn generic<T: Send + Sync + Clone + Into<u8>>(&self, x: &T) -> u8
    where
        Self: Sync,
    {
        pause().await;
        x.clone().into()
    }
}
#[async_trait::async_trait]
impl Desk for Fix {
    #[tracked]
    async fn below(&self, x: &u8) -> std::io::Result<u8> {
        pause().await;
        Ok(self.0 + *x - 7)
    }
    #[tracked]
    async fn above(&self, x: &u8) -> std::io::Result<u8> {
        pause().await;
        let sum = self.0.checked_add(*x).ok_or(std::io::ErrorKind::Other)?;
        Ok(sum - 7)
    }
    #[tracked]
    async fn by_value(self, x: &u8) -> std::io::Result<u8> {
        pause().await;
        Ok(self.0 + *x - 7)
    }
}
#[async_trait::async_trait(?Send)]
trait Local {
    #[tracked(reject = Rc::new(0))]
    async fn given(&self, x: Rc<u8>) -> Rc<u8> {
        pause().await;
        x
    }
}
impl Local for Fix {}

/// One at a time: the count is the process's.
static ALONE: Mutex<()> = Mutex::new(());

fn is_counted<F: Future>(make: impl FnOnce() -> F, check: impl FnOnce(F::Output)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(in_flight(), 0);
    let mut future = Box::pin(make());
    assert_eq!(in_flight(), 0, "before the first poll");
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(in_flight(), 1, "while it waits");
    let output = block_on(future.as_mut());
    assert_eq!(in_flight(), 0, "once it is done");
    drop(future);
    assert_eq!(in_flight(), 0, "left once");
    check(output);
}

fn is_left<F: Future>(make: impl FnOnce() -> F) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut future = pin!(make());
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(in_flight(), 1);
    }
    assert_eq!(in_flight(), 0, "dropped midway");
}

fn is_7(x: u8) {
    assert_eq!(x, 7);
}

#[test]
fn every_spelling_is_counted() {
    is_counted(|| aliased(&7), is_7);
    is_counted(|| of_futures(&7), is_7);
    is_counted(|| twice(&7), is_7);
    is_counted(|| local(&7), |x| is_7(*x));
    is_counted(|| qualified(&7), is_7);
    is_counted(|| sync_too(&7), is_7);
    is_counted(|| bounds_the_other_way(&7), is_7);
    is_counted(|| generic(&7u8), is_7);
    is_counted(|| opaque(&7), is_7);
    is_counted(|| opaque_and_free(&7), is_7);
    is_counted(|| opaque_result(&7), |x| is_7(x.unwrap()));
    is_counted(|| boxed_result(&7), |x| is_7(x.unwrap()));
    is_counted(|| boxed_option(&7), |x| is_7(x.unwrap()));
}

#[test]
fn traits_too() {
    is_counted(|| Fix(7).boxed_here(), is_7);
    is_counted(|| Box::new(Fix(7)).boxed(), is_7);
    let fix = Fix(7);
    is_counted(|| fix.quote(), is_7);
    is_counted(|| fix.below(&7), |x| is_7(x.unwrap()));
    is_counted(|| fix.above(&7), |x| is_7(x.unwrap()));
    is_counted(|| fix.given_desk(&7), |x| is_7(x.unwrap()));
    is_counted(|| Desk::generic(&fix, &7u8), is_7);
    is_counted(|| Local::given(&fix, Rc::new(7)), |x| is_7(*x));
    is_counted(|| Fix(7).by_value(&7), |x| is_7(x.unwrap()));
}

impl Fix {
    #[tracked(admit = always)]
    fn boxed_here(&self) -> BoxFuture<'static, u8> {
        let x = self.0;
        async move {
            pause().await;
            x
        }
        .boxed()
    }

    fn given_desk<'a>(&'a self, x: &'a u8) -> BoxFuture<'a, std::io::Result<u8>> {
        Desk::given(self, x)
    }
}

#[test]
fn a_call_that_is_dropped_is_left() {
    is_left(|| aliased(&7));
    is_left(|| local(&7));
    is_left(|| opaque(&7));
    let fix = Fix(7);
    is_left(|| Desk::given(&fix, &7));
}

#[test]
fn the_types_are_kept() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    let future: BoxFuture<'_, u8> = aliased(&7);
    is_send(&future);
    is_sync(&sync_too(&7));
    is_send(&opaque(&7));
    is_sync(&opaque_and_free(&7));
    fn name(x: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
        twice(&x)
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(block_on(name(7)), 7);
}
