//! Every shape of function that `#[tracked]` promises: counted while it runs, refused once draining, and otherwise the
//! function it was.
#![allow(async_fn_in_trait)]
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use lifecycle::{Rejected, in_flight, tracked};
use tokio::task::yield_now;
use tracing::instrument;

#[derive(Debug, PartialEq)]
struct Refused;

impl From<Rejected> for Refused {
    fn from(_: Rejected) -> Self {
        Refused
    }
}

type Answer<T = u8> = Result<T, Refused>;

/// Every body ends here, as the only call that is counted.
fn done<T>(value: T) -> Answer<T> {
    assert_eq!(in_flight(), 1, "this call is counted, once");
    Ok(value)
}

async fn done_later<T>(value: T) -> Answer<T> {
    yield_now().await;
    done(value)
}

#[derive(Clone, Default)]
struct Orders(Vec<u8>);

impl Orders {
    #[tracked]
    fn shared(&self) -> Answer<usize> {
        done(self.0.len())
    }
    #[tracked]
    async fn shared_later(&self) -> Answer<&[u8]> {
        done_later(&self.0[..]).await
    }
    #[tracked]
    fn exclusive(&mut self) -> Answer<&mut u8> {
        self.0.push(1);
        done(self.0.last_mut().unwrap())
    }
    #[tracked]
    async fn exclusive_later(&mut self, item: u8) -> Answer<&mut Self> {
        self.0.push(item);
        done_later(self).await
    }
    #[tracked]
    fn owned(self) -> Answer<Vec<u8>> {
        done(self.0)
    }
    #[tracked]
    async fn owned_later(mut self) -> Answer<Self> {
        self.0.clear();
        done_later(self).await
    }
    #[tracked]
    fn boxed(self: Box<Self>) -> Answer<Box<Self>> {
        done(self)
    }
    #[tracked]
    async fn arc(self: Arc<Self>) -> Answer<usize> {
        done_later(self.0.len()).await
    }
    #[tracked]
    fn arc_borrowed(self: &Arc<Self>) -> Answer<Arc<Self>> {
        done(Arc::clone(self))
    }
    #[tracked]
    async fn rc(self: Rc<Self>) -> Answer<Rc<Self>> {
        done_later(self).await
    }
    #[tracked]
    fn pinned(self: Pin<&mut Self>) -> Answer<usize> {
        done(self.0.len())
    }
    #[tracked]
    async fn pinned_later(mut self: Pin<Box<Self>>) -> Answer<usize> {
        self.0.push(1);
        done_later(self.0.len()).await
    }
    #[tracked]
    fn typed(self: &Self, Orders(other): &Self) -> Answer<bool> {
        done(self.0 == *other)
    }
    #[tracked]
    fn without_self(orders: Self) -> Answer<Self> {
        done(orders)
    }
    #[tracked]
    fn later_by_hand(&self) -> impl Future<Output = Answer<usize>> + Send + '_ {
        async move { done_later(self.0.len()).await }
    }
}

#[tracked]
fn generic<T: Clone, const N: usize>(item: T) -> Answer<[T; N]> {
    done(std::array::from_fn(|_| item.clone()))
}

#[tracked]
async fn generic_later<'a, 'b: 'a, T, const N: usize>(one: &'a [T; N], other: &'b [T]) -> Answer<&'a [T]>
where
    T: PartialEq,
{
    done_later(if one == other { &one[..] } else { other }).await
}

#[tracked]
fn impl_trait(name: impl Display, mut f: impl FnMut(&str) -> u8, (a, [b, ..]): (u8, [u8; 2])) -> Answer {
    done(f(&name.to_string()) + a + b)
}

#[tracked]
async fn impl_trait_later(items: impl IntoIterator<Item = u8>, f: &dyn Fn(u8) -> u8) -> Answer {
    let sum = items.into_iter().map(f).sum();
    done_later(sum).await
}

#[tracked]
fn hidden() -> Answer<impl Iterator<Item = u8> + Clone> {
    done([1, 2].into_iter())
}

#[tracked]
async fn hidden_later() -> Answer<impl Display> {
    done_later("text").await
}

#[tracked(reject = Err(Refused))]
async fn with_a_value(x: u8) -> Answer {
    done_later(x).await
}

#[tracked(reject = None, name = "an option")]
fn option(x: u8) -> Option<u8> {
    done(x).ok()
}

#[tracked(reject = { let text = format!("{}{}", "ref", "used"); text })]
async fn block(x: u8) -> String {
    done_later(x).await.unwrap().to_string()
}

#[tracked]
unsafe fn unsafely(x: *const u8) -> Answer {
    done(unsafe { *x })
}

#[tracked]
#[allow(improper_ctypes_definitions)]
extern "C" fn foreign(x: u8) -> Answer {
    done(x)
}

trait Sends {
    fn name(&self) -> String;

    #[tracked]
    fn send(&self) -> Answer<String> {
        done(self.name())
    }
    #[tracked]
    async fn send_later(&mut self) -> Answer<String> {
        done_later(self.name()).await
    }
    #[tracked]
    fn send_all(self) -> Answer<Vec<String>>
    where
        Self: Sized + Clone,
    {
        done(vec![self.clone().name(), self.name()])
    }
    async fn without_a_default(&self) -> Answer<String>;
    fn boxed(&self) -> BoxFuture<'_, Answer<String>>;
    fn opaque(&self) -> impl Future<Output = Answer<String>> + Send;
}

impl Sends for u8 {
    fn name(&self) -> String {
        self.to_string()
    }
    #[tracked]
    async fn without_a_default(&self) -> Answer<String> {
        done_later(self.name()).await
    }
    #[tracked]
    fn boxed(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async move { done_later(self.name()).await })
    }
    #[tracked]
    fn opaque(&self) -> impl Future<Output = Answer<String>> + Send {
        async { done_later(self.name()).await }
    }
}

#[async_trait]
trait Exchanges: Send + Sync {
    async fn order(&self, size: u8) -> Answer;

    #[tracked]
    async fn cancel<'a>(&'a self, name: &'a str) -> Answer<&'a str> {
        done_later(name).await
    }
    #[tracked]
    async fn reset(&mut self, mut sizes: Vec<u8>, _: &u8) -> Answer<Vec<u8>> {
        sizes.push(1);
        done_later(sizes).await
    }
}

#[async_trait]
impl Exchanges for Orders {
    #[tracked]
    async fn order(&self, size: u8) -> Answer {
        done_later(size).await
    }
}

struct Generic<T>(T);

#[async_trait]
impl<T: Send + Sync> Exchanges for Generic<T> {
    #[instrument(skip(self))]
    #[tracked]
    async fn order(&self, size: u8) -> Answer {
        done_later(size).await
    }
    #[tracked]
    #[instrument(skip_all)]
    async fn cancel<'a>(&'a self, name: &'a str) -> Answer<&'a str> {
        done_later(name).await
    }
}

#[async_trait(?Send)]
trait Local {
    async fn run(&self) -> Answer<Rc<u8>>;
}

#[async_trait(?Send)]
impl Local for u8 {
    #[tracked]
    async fn run(&self) -> Answer<Rc<u8>> {
        done_later(Rc::new(*self)).await
    }
}

#[instrument]
#[tracked]
async fn below_instrument(x: u8) -> Answer {
    done_later(x).await
}

#[tracked]
#[instrument(err(Debug), fields(half = x / 2))]
async fn above_instrument(x: u8) -> Answer {
    done_later(x).await
}

#[instrument(ret)]
#[tracked]
fn below_instrument_now(x: u8) -> Answer {
    done(x)
}

#[tracked]
#[instrument(level = "debug", skip(x))]
fn above_instrument_now<T: Into<u8>>(x: T) -> Answer {
    done(x.into())
}

type Later<'a, T = u8> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>;

#[tracked]
fn aliased(x: &u8) -> Later<'_> {
    assert_eq!(in_flight(), 0, "admission is at the first poll");
    Box::pin(async move { done_later(*x).await })
}

#[tracked]
#[instrument(skip_all)]
fn aliased_and_instrumented(x: &u8) -> Later<'_> {
    Box::pin(async move { done_later(*x).await })
}

#[tracked]
fn local(x: Rc<u8>) -> LocalBoxFuture<'static, Answer<Rc<u8>>> {
    Box::pin(async move { done_later(x).await })
}

/// Calls everything; `admitted` says what is to be expected.
async fn all(admitted: bool) {
    macro_rules! check {
        ($($call:expr => $value:expr;)*) => {$(
            let found = $call;
            if admitted {
                assert_eq!(found.unwrap(), $value, "{}", stringify!($call));
            } else {
                assert!(found.is_err(), "refused: {}", stringify!($call));
            }
            assert_eq!(in_flight(), 0, "{}", stringify!($call));
        )*};
    }
    let mut orders = Orders(vec![7]);
    let arc = Arc::new(orders.clone());
    let mut number = 5;
    check! {
        orders.shared() => 1;
        orders.shared_later().await => [7];
        orders.clone().exclusive().map(|last| *last) => 1;
        orders.clone().exclusive_later(2).await.map(|orders| orders.0.len()) => 2;
        orders.clone().owned() => [7];
        orders.clone().owned_later().await.map(|orders| orders.0) => Vec::<u8>::new();
        Box::new(orders.clone()).boxed().map(|orders| orders.0) => [7];
        Arc::clone(&arc).arc().await => 1;
        arc.arc_borrowed().map(|orders| orders.0.len()) => 1;
        Rc::new(orders.clone()).rc().await.map(|orders| orders.0.len()) => 1;
        Pin::new(&mut orders).pinned() => 1;
        Box::pin(orders.clone()).pinned_later().await => 2;
        orders.typed(&arc) => true;
        Orders::without_self(orders.clone()).map(|orders| orders.0) => [7];
        orders.later_by_hand().await => 1;
        generic::<_, 3>("x") => ["x"; 3];
        generic_later(&[1, 2], &[3]).await => [3];
        impl_trait("x", |name| name.len() as u8, (1, [2, 3])) => 4;
        impl_trait_later([1, 2], &|x| x * 2).await => 6;
        hidden().map(Iterator::count) => 2;
        hidden_later().await.map(|text| text.to_string()) => "text";
        with_a_value(1).await => 1;
        option(2).ok_or(()) => 2;
        Ok(block(3).await).and_then(|text| if text == "refused" { Err(()) } else { Ok(text) }) => "3";
        unsafe { unsafely(&4) } => 4;
        foreign(5) => 5;
        number.send() => "5";
        number.send_later().await => "5";
        number.send_all() => ["5", "5"];
        number.without_a_default().await => "5";
        number.boxed().await => "5";
        number.opaque().await => "5";
        Exchanges::order(&orders, 6).await => 6;
        orders.cancel("name").await => "name";
        orders.reset(vec![], &1).await => [1];
        Generic("x").order(6).await => 6;
        Generic("x").cancel("name").await => "name";
        5.run().await => Rc::new(5);
        below_instrument(1).await => 1;
        above_instrument(2).await => 2;
        below_instrument_now(3) => 3;
        above_instrument_now(4) => 4;
        aliased(&5).await => 5;
        aliased_and_instrumented(&6).await => 6;
        local(Rc::new(7)).await => Rc::new(7);
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(lifecycle::run(async {
        all(true).await;
        drop(lifecycle::shutdown("the end"));
        lifecycle::drained().await;
        all(false).await;
    }));
    assert_eq!(report.exit_code, 0, "{report}");

    assert_eq!(report.calls.refused, 45, "{report}");
}
