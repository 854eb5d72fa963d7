//! Types that `#[tracked]` knows, aliased, by full path, and of the user's own.
use lifecycle::tracked;

struct Refused;

impl From<lifecycle::Rejected> for Refused {
    fn from(_: lifecycle::Rejected) -> Self {
        Refused
    }
}

mod aliased {
    use std::boxed::Box as B;
    use std::future::Future as F;
    use std::pin::Pin as P;
    use std::result::Result as R;

    use super::Refused;

    pub type Answer<T> = R<T, Refused>;
    pub type Later<T> = P<B<dyn F<Output = Answer<T>> + Send>>;
    pub type LaterStill = Later<usize>;
}

#[tracked]
async fn result_aliased() -> aliased::Answer<usize> {
    tokio::task::yield_now().await;
    Ok(lifecycle::in_flight())
}

#[tracked]
fn future_aliased() -> aliased::LaterStill {
    Box::pin(async {
        tokio::task::yield_now().await;
        Ok(lifecycle::in_flight())
    })
}

#[tracked]
fn result_qualified() -> ::core::result::Result<usize, Refused> {
    Ok(lifecycle::in_flight())
}

#[tracked]
fn future_qualified()
-> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = ::std::result::Result<usize, Refused>>>> {
    Box::pin(async {
        tokio::task::yield_now().await;
        Ok(lifecycle::in_flight())
    })
}

mod own {
    pub enum Result<T, E> {
        Ok(T),
        Err(E),
    }
    pub struct Pin<T>(pub T);
    pub struct Box<T: ?Sized>(pub std::boxed::Box<T>);
    pub trait Future {
        type Output;
        fn output(&self) -> Self::Output;
    }
    impl Future for usize {
        type Output = usize;
        fn output(&self) -> usize {
            *self
        }
    }
}

#[tracked(reject = own::Result::Err(Refused))]
async fn result_own() -> own::Result<usize, Refused> {
    tokio::task::yield_now().await;
    own::Result::Ok(lifecycle::in_flight())
}

/// A value like any other: counted until the function returns.
#[tracked(reject = own::Pin(own::Box(Box::new(100usize))))]
fn future_own() -> own::Pin<own::Box<dyn own::Future<Output = usize>>> {
    own::Pin(own::Box(Box::new(lifecycle::in_flight())))
}

/// A reference to a future, and one inside of something else, are values too.
#[tracked(reject = vec![])]
fn futures() -> Vec<std::pin::Pin<Box<dyn Future<Output = usize>>>> {
    let now = lifecycle::in_flight();
    vec![Box::pin(async move { now * 10 + lifecycle::in_flight() })]
}

async fn all() -> [Option<usize>; 7] {
    [
        result_aliased().await.ok(),
        future_aliased().await.ok(),
        result_qualified().ok(),
        future_qualified().await.ok(),
        match result_own().await {
            own::Result::Ok(count) => Some(count),
            own::Result::Err(Refused) => None,
        },
        Some(own::Future::output(&*future_own().0.0)).filter(|count| *count != 100),
        match futures().pop() {
            Some(future) => Some(future.await),
            None => None,
        },
    ]
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(lifecycle::run(async {
        let one = Some(1);
        assert_eq!(all().await, [one, one, one, one, one, one, Some(10)]);
        drop(lifecycle::shutdown("the end"));
        lifecycle::drained().await;
        assert_eq!(all().await, [None; 7]);
    }));
    assert_eq!((report.exit_code, report.calls.refused), (0, 7), "{report}");
}
