//! A layer that makes each request of a service a tracked call.
//!
//! ```
//! use axum::{Router, routing::get};
//! use lifecycle::tower::TrackLayer;
//!
//! let app: Router = Router::new()
//!     .route("/orders", get(|| async { "none" }))
//!     .layer(TrackLayer::new().exempt("/live").exempt("/ready"));
//! ```
//!
//! A request is counted from when the service gets it to its response's last frame, so a stream is awaited to its end; a
//! connection that is upgraded, as a WebSocket's, under [`lifecycle::hyper::serve`](crate::hyper::serve) and what
//! stands on it until it is closed, elsewhere with [`upgraded`]. What a request calls of `#[tracked]` functions is part of it.
//!
//! Once the service drains, a request is answered 503 with `Retry-After` and `Connection: close`; one whose content
//! type is `application/grpc`, with the status `UNAVAILABLE`. From the signal on every response of HTTP/1 carries
//! `Connection: close`, so that clients come back on another connection, to another instance.

mod body;
mod policy;
mod respond;

use std::fmt;
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::request::Parts;
use ::http::{Request, Response};
use ::tower_layer::Layer;
use ::tower_service::Service;
use http_body::Body;
use tokio::sync::oneshot;

pub use self::body::TrackBody;
use self::policy::Policy;
use self::respond::Head;
pub use self::respond::ResponseFuture;
use crate::context;
use crate::group::{Group, Requests};
use crate::tracked::{Admission, admit, inherit};

/// Makes a service's requests tracked calls: see the [module](self).
#[derive(Clone)]
pub struct TrackLayer {
    policy: Policy,
}

impl TrackLayer {
    /// Of the group [`Requests`](crate::Requests). Reports call the requests by the place of this call.
    #[track_caller]
    pub fn new() -> Self {
        TrackLayer { policy: Policy::new(Requests::gate, Location::caller()) }
    }

    /// Of another group, which closes and drains at a place of its own.
    #[track_caller]
    pub fn group<G: Group>() -> Self {
        TrackLayer { policy: Policy::new(G::gate, Location::caller()) }
    }

    /// Requests of exactly this path are neither counted nor refused: what probes ask. None is by itself, but for gRPC's
    /// health service, `/grpc.health.v1.Health/…`.
    pub fn exempt(mut self, path: impl Into<String>) -> Self {
        self.policy.exempt_path(path.into());
        self
    }

    /// The same for the requests of which this is true.
    pub fn exempt_if(mut self, is_exempt: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.policy.exempt_if(Box::new(is_exempt));
        self
    }

    /// Streams of server-sent events end when [`stopping`](crate::stopping) resolves, between two events, and their clients
    /// come back elsewhere. Without it they are awaited as any response is, and end when [`cut_off`](crate::cut_off)
    /// resolves: right for streams that have an end of their own, such as a long answer told piece by piece.
    pub fn end_event_streams(mut self) -> Self {
        self.policy.event_streams_end_early = true;
        self
    }
}

impl Default for TrackLayer {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TrackLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TrackLayer {
    type Service = Track<S>;

    fn layer(&self, inner: S) -> Track<S> {
        Track { inner, policy: self.policy.clone() }
    }
}

/// A service whose requests are tracked calls: see the [module](self).
#[derive(Clone)]
pub struct Track<S> {
    inner: S,
    policy: Policy,
}

impl<S: fmt::Debug> fmt::Debug for Track<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Track").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, A, B> Service<Request<A>> for Track<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data: From<&'static [u8]>>,
{
    type Response = Response<TrackBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let head = Head::of(&parts, &self.policy);
        let exempt = self.policy.is_exempt(&parts);
        let request = Request::from_parts(parts, body);
        if exempt {
            return ResponseFuture::uncounted(head, self.inner.call(request));
        }
        match admit(self.policy.site) {
            Admission::Counted(admitted) => {
                let future = {
                    let _marked = context::enter(admitted.0);
                    self.inner.call(request)
                };
                ResponseFuture::counted(head, admitted, future)
            }
            Admission::Nested => ResponseFuture::uncounted(head, self.inner.call(request)),
            Admission::Refused(rejected) => ResponseFuture::refused(head, rejected),
        }
    }
}

/// Makes what a connection is upgraded to a part of the request that upgrades it, which counts until it has ended: for a
/// server that is not [`lifecycle::hyper::serve`](crate::hyper::serve) and does not stand on it.
///
/// For axum: `upgrade.on_upgrade(lifecycle::tower::upgraded(talk))`. The call that the caller is in goes on in the task to
/// come, whose calls are therefore admitted; the task hears of the shutdown by [`stopping`](crate::stopping).
pub fn upgraded<T, F>(
    then: impl FnOnce(T) -> F + Send + 'static,
) -> impl FnOnce(T) -> Pin<Box<dyn Future<Output = F::Output> + Send>> + Send + 'static
where
    T: Send + 'static,
    F: Future<Output: Send> + Send + 'static,
{
    let (give, given) = oneshot::channel();
    // Decided here, where the caller still is in the call.
    let call = Box::pin(inherit(async move {
        match given.await {
            Ok(connection) => then(connection).await,
            Err(_) => pending().await,
        }
    }));
    move |connection| {
        drop(give.send(connection));
        call
    }
}
