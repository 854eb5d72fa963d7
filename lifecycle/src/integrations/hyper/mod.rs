//! A server on hyper and hyper-util that ends in order.
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use hyper::body::Incoming;
//! use hyper::service::service_fn;
//! use tokio::net::TcpListener;
//!
//! async fn answer(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new("hello".to_owned()))
//! }
//!
//! #[lifecycle::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!     lifecycle::hyper::serve(listener, service_fn(answer)).await
//! }
//! ```

mod drive;
#[cfg(any(feature = "axum", feature = "tonic"))]
mod incoming;
mod io;
mod listener;
pub(super) mod service;

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, Response};
use ::hyper::body::{Body, Incoming};
use ::hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[cfg(any(feature = "axum", feature = "tonic"))]
pub use self::incoming::Incomings;
pub use self::listener::Listener;
use self::service::Connected;
use crate::integrations::connection::Connection;

/// How long the server waits before it accepts again when the system has no descriptor for another connection.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_secs(1);

/// So many are taken from the backlog at the end, lest clients who come faster than they are accepted keep it open.
const MOST_FROM_BACKLOG: usize = 65_536;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Accepted<L> = std::io::Result<(<L as Listener>::Io, <L as Listener>::Addr)>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Serves HTTP/1 and HTTP/2 on every connection that the listener gives, until [`stopping`](crate::stopping) resolves;
/// then ends in order:
///
/// 1. Connections are accepted until the backlog is empty, and only then the listener is closed: closing it resets those
///    that wait in it.
/// 2. A connection that is serving ends with its response; in HTTP/2 its client is told by `GOAWAY`. One that is quiet ends
///    a quarter of a second later, so that a request which was on its way is answered. Further responses of HTTP/1 carry
///    `Connection: close`.
/// 3. What remains is awaited, upgraded connections too, within the drain: `main` is known to wait for it, as if it had called
///    `stopping()`. When [`cut_off`](crate::cut_off) resolves, who reads an upgraded connection finds its end.
///
/// New requests are refused by [`TrackLayer`](crate::tower::TrackLayer) or by `#[tracked]`, not by the server.
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    let (builder, signal) = (Builder::new(TokioExecutor::new()), Box::pin(crate::stopping()));
    Serve { parts: Parts { listener, service, builder, signal } }
}

/// A server to be awaited: see [`serve`].
#[must_use = "nothing is served unless it is awaited"]
pub struct Serve<L, S> {
    parts: Parts<L, S>,
}

pub(super) struct Parts<L, S> {
    pub(super) listener: L,
    pub(super) service: S,
    pub(super) builder: Builder<TokioExecutor>,
    pub(super) signal: Boxed<()>,
}

impl<L, S> Serve<L, S> {
    /// Ends when this resolves, and not at [`stopping`](crate::stopping): for a server that is not the service's own, such as
    /// one for probes in a worker, which ends with the worker's token.
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.parts.signal = Box::pin(signal);
        self
    }

    /// With limits, timers and windows of your own.
    pub fn builder(mut self, builder: Builder<TokioExecutor>) -> Self {
        self.parts.builder = builder;
        self
    }

    #[cfg(feature = "axum")]
    pub(super) fn into_parts(self) -> Parts<L, S> {
        self.parts
    }
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}

impl<L, S, B> IntoFuture for Serve<L, S>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = std::io::Result<()>;
    type IntoFuture = Boxed<std::io::Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        let Parts { listener, service, builder, signal } = self.parts;
        let each = move |_: &L::Addr| Connected::new(service.clone());
        Box::pin(run(listener, builder, signal, each))
    }
}

/// The same with a service for each connection, that knows whose it is.
pub(super) async fn run<L, S, B>(
    mut listener: L,
    builder: Builder<TokioExecutor>,
    mut signal: Boxed<()>,
    mut each: impl FnMut(&L::Addr) -> Connected<S> + Send + 'static,
) -> std::io::Result<()>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let told = CancellationToken::new();
    // Those that remain are aborted with it.
    let mut connections = JoinSet::new();
    let mut serve = |connections: &mut JoinSet<()>, stream: L::Io, from: &L::Addr| {
        let connection = Connection::default();
        let service = each(from).on(connection.clone(), told.clone());
        let io = TokioIo::new(io::Io::new(stream, connection.clone(), alive.clone()));
        connections.spawn(drive::to_its_end(builder.clone(), io, service, connection, told.clone()));
    };
    while let Some(accepted) = poll_fn(|cx| accept(&mut listener, &mut signal, &mut connections, cx)).await {
        match accepted {
            Ok((stream, from)) => serve(&mut connections, stream, &from),
            Err(error) if listener::passes(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted for the moment");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
    for (stream, from) in listener.backlog().take(MOST_FROM_BACKLOG) {
        serve(&mut connections, stream, &from);
    }
    told.cancel();
    drop(alive);
    let _ = all_gone.recv().await;
    Ok(())
}

/// The next connection, or none any more.
fn accept<L: Listener>(
    listener: &mut L,
    signal: &mut Boxed<()>,
    connections: &mut JoinSet<()>,
    cx: &mut Context<'_>,
) -> Poll<Option<Accepted<L>>> {
    while let Poll::Ready(Some(_)) = connections.poll_join_next(cx) {}
    if signal.as_mut().poll(cx).is_ready() {
        return Poll::Ready(None);
    }
    listener.poll_accept(cx).map(Some)
}
