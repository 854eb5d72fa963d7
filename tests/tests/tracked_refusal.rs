//! What a refused call returns: by its type, by `reject`, or never refused. Its body does not run, and its arguments are
//! dropped as by an early return.

mod support;

use std::future::Future;
use std::io;
use std::pin::Pin;

use futures_util::future::{BoxFuture, FutureExt};
use lifecycle::{RejectReason, Rejected, tracked};
use support::{D, block_on, log, logged};

#[derive(Debug, PartialEq)]
struct Api(RejectReason);
impl From<Rejected> for Api {
    fn from(rejected: Rejected) -> Self {
        Api(rejected.reason())
    }
}
type Answer = Result<u8, Api>;
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
const REFUSED: Answer = Err(Api(RejectReason::ShuttingDown));

#[tracked]
async fn by_type() -> Answer {
    log("ran");
    Ok(1)
}
#[tracked]
fn by_type_sync() -> Answer {
    log("ran");
    Ok(1)
}
#[tracked]
fn by_type_boxed(_: &u8) -> Boxed<'_, Answer> {
    Box::pin(async {
        log("ran");
        Ok(1)
    })
}
#[tracked]
fn by_type_opaque(_: &u8) -> impl Future<Output = Answer> {
    async {
        log("ran");
        Ok(1)
    }
}
#[tracked]
async fn as_an_io_error() -> io::Result<impl Sized> {
    log("ran");
    Ok(1)
}
#[tracked]
async fn itself() -> Result<u8, Rejected> {
    log("ran");
    Ok(1)
}
#[tracked(reject = None)]
async fn given() -> Option<u8> {
    log("ran");
    Some(1)
}
#[tracked(reject = a + 1)]
async fn from_an_argument(a: u8) -> u8 {
    log("ran");
    a
}
#[tracked(reject = "no".into())]
fn given_sync() -> Box<str> {
    log("ran");
    "yes".into()
}
#[tracked(reject = 7)]
fn given_boxed(x: &u8) -> BoxFuture<'_, u8> {
    async move {
        log("ran");
        *x
    }
    .boxed()
}
#[tracked(reject = 7)]
fn given_opaque(x: u8) -> impl Future<Output = u8> {
    async move {
        log("ran");
        x
    }
}
#[tracked(reject = vec![].into_iter())]
fn given_hidden() -> impl Iterator<Item = u8> {
    log("ran");
    vec![1].into_iter()
}
#[tracked(admit = always)]
async fn never() -> u8 {
    1
}
#[tracked(admit = always)]
fn never_sync() -> u8 {
    1
}
#[tracked(admit = always)]
fn never_boxed() -> BoxFuture<'static, u8> {
    async { 1 }.boxed()
}
#[tracked(admit = always)]
async fn calls_another() -> Answer {
    by_type().await
}

struct Desk;
#[async_trait::async_trait]
trait Trading {
    async fn order(&self, item: &str) -> Answer;
}
#[async_trait::async_trait]
impl Trading for Desk {
    #[tracked]
    async fn order(&self, _: &str) -> Answer {
        log("ran");
        Ok(1)
    }
}

/// The plain twin of a call that is refused.
async fn plain(a: D, _: D, (b, _): (D, D), c: D) -> u8 {
    if a.0.len() == 1 {
        return 7;
    }
    drop((b, c));
    1
}
#[tracked(reject = 7)]
async fn refused(a: D, _: D, (b, _): (D, D), c: D) -> u8 {
    drop((a, b, c));
    1
}
#[tracked(reject = 7)]
fn refused_sync(a: D, _: D, (b, _): (D, D), c: D) -> u8 {
    drop((a, b, c));
    1
}

/// One test: there is one lifecycle in a process.
#[tokio::test(flavor = "current_thread")]
async fn a_refused_call_returns_what_it_should() {
    assert_eq!(by_type().await, Ok(1));
    assert_eq!(logged(), ["ran"]);

    let report = lifecycle::run(async {}).await;
    assert_eq!(report.exit_code, 0, "{report}");

    assert_eq!(by_type().await, REFUSED);
    assert_eq!(by_type_sync(), REFUSED);
    assert_eq!(by_type_boxed(&1).await, REFUSED);
    assert_eq!(by_type_opaque(&1).await, REFUSED);
    assert_eq!(as_an_io_error().await.err().unwrap().to_string(), "the service is shutting down");
    assert_eq!(itself().await.unwrap_err().reason(), RejectReason::ShuttingDown);
    assert_eq!(given().await, None);
    assert_eq!(from_an_argument(3).await, 4);
    assert_eq!(&*given_sync(), "no");
    assert_eq!(given_boxed(&1).await, 7);
    assert_eq!(given_opaque(1).await, 7);
    assert_eq!(given_hidden().count(), 0);
    assert_eq!(Desk.order("book").await, REFUSED);
    assert_eq!(logged(), [""; 0], "no body ran");

    assert_eq!(never().await + never_sync() + never_boxed().await, 3);
    assert_eq!(calls_another().await, Ok(1), "a call inside an admitted one is not refused");
    assert_eq!(logged(), ["ran"]);

    let arguments = || (D("a"), D("_"), (D("b"), D("b_")), D("c"));
    let order = |call: &dyn Fn(D, D, (D, D), D) -> u8| {
        let (a, wild, b, c) = arguments();
        assert_eq!(call(a, wild, b, c), 7);
        logged()
    };
    let expected = order(&|a, wild, b, c| block_on(plain(a, wild, b, c)));
    assert_eq!(order(&|a, wild, b, c| block_on(refused(a, wild, b, c))), expected);
    assert_eq!(expected, ["c", "b", "b_", "_", "a"]);
    // A sync call's arguments are dropped with its body, whose patterns have not been matched: last first.
    assert_eq!(order(&refused_sync), ["c", "b", "b_", "_", "a"]);
}
