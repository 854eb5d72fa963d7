//! A server for axum's routers that ends in order, routes for probes, and `Rejected` as a response.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use lifecycle::tower::TrackLayer;
//! use tokio::net::TcpListener;
//!
//! async fn orders() -> &'static str {
//!     "none"
//! }
//!
//! #[lifecycle::main]
//! async fn main() -> std::io::Result<()> {
//!     let app = Router::new()
//!         .route("/orders", get(orders))
//!         .layer(TrackLayer::new()) // of what is above it
//!         .merge(lifecycle::axum::probes());
//!     let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!     lifecycle::axum::serve(listener, app).await
//! }
//! ```

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use ::axum::body::Body;
use ::axum::extract::{ConnectInfo, Request};
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::{Router, get};
use ::http::StatusCode;
use ::tower_service::Service;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;

use super::hyper::service::Connected;
use super::hyper::{self, Incomings, Listener};
use crate::rejected::Rejected;

/// 503 with `Retry-After` and, if the service is shutting down, `Connection: close`.
impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        self.into()
    }
}

/// Serves a router as [`lifecycle::hyper::serve`](crate::hyper::serve) serves a service, in place of `axum::serve`: until
/// [`stopping`](crate::stopping) resolves, and then to the end of every connection.
///
/// Handlers may extract `ConnectInfo<SocketAddr>`, without `into_make_service_with_connect_info`.
pub fn serve<L, S>(listener: L, app: S) -> Serve<L, S> {
    let mut builder = Builder::new(TokioExecutor::new());
    // As `axum::serve` does, for WebSockets over HTTP/2.
    builder.http2().enable_connect_protocol();
    Serve { inner: hyper::serve(listener, app).builder(builder) }
}

/// A server to be awaited: see [`serve`].
#[must_use = "nothing is served unless it is awaited"]
pub struct Serve<L, S> {
    inner: hyper::Serve<L, S>,
}

impl<L, S> Serve<L, S> {
    /// Ends when this resolves, and not at [`stopping`](crate::stopping).
    pub fn with_graceful_shutdown(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Serve { inner: self.inner.with_graceful_shutdown(signal) }
    }

    /// With limits, timers and windows of your own.
    pub fn builder(self, builder: Builder<TokioExecutor>) -> Self {
        Serve { inner: self.inner.builder(builder) }
    }
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}

impl<L, S> IntoFuture for Serve<L, S>
where
    L: Listener,
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    type Output = std::io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let hyper::Parts { listener, service, builder, signal } = self.inner.into_parts();
        let each = move |from: &L::Addr| {
            let app = TowerToHyperService::new(Incomings::new(service.clone(), Body::new));
            Connected::new(app).with(ConnectInfo(from.clone()))
        };
        Box::pin(hyper::run(listener, builder, signal, each))
    }
}

/// `/ready` says whether requests should be sent here: 200, or 503 with the state and what the health checks have to say.
/// `/live` says that the process answers: 200 to the end, or the platform would kill what still finishes.
///
/// To be merged after the [`TrackLayer`](crate::tower::TrackLayer), which then is of the other routes alone.
pub fn probes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/ready", get(ready)).route("/live", get(|| async { "live\n" }))
}

async fn ready() -> Response {
    match crate::is_ready() {
        true => "ready\n".into_response(),
        false => {
            let why = format!("{:?}\n{}", crate::state(), crate::health());
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}
