//! A server for tonic's services that ends in order, their health service, and `Rejected` as a status.
//!
//! [`TrackLayer`](crate::tower::TrackLayer) makes their calls tracked calls: around `tonic::service::Routes` for [`serve`], or
//! in `Server::builder().layer(…)` for tonic's own server, with `.serve_with_shutdown(address, lifecycle::stopping())`.
//! A call counts until its status has been sent, so a stream is awaited to its end; once the service drains, a new one is
//! answered `UNAVAILABLE`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ::tonic::Status;
use ::tonic::body::Body;
use ::tower_service::Service;
use hyper_util::service::TowerToHyperService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, HealthService};

use super::hyper::{self, Incomings};
use crate::process::lifecycle;
use crate::rejected::Rejected;

/// `UNAVAILABLE`, upon which clients try elsewhere.
impl From<Rejected> for Status {
    fn from(rejected: Rejected) -> Self {
        Status::unavailable(rejected.to_string())
    }
}

/// Serves tonic's `Routes`, or what a layer makes of them, as [`lifecycle::hyper::serve`](crate::hyper::serve) serves a
/// service: until [`stopping`](crate::stopping) resolves, and then to the end of every call.
pub fn serve<L, S, B>(listener: L, routes: S) -> hyper::Serve<L, TowerToHyperService<Incomings<S, Body>>>
where
    S: Service<::http::Request<Body>, Response = ::http::Response<B>, Error = Infallible>,
{
    hyper::serve(listener, TowerToHyperService::new(Incomings::new(routes, Body::new)))
}

/// gRPC's health service, which says of these services, and of the server as a whole (`""`), what
/// [`is_ready`](crate::is_ready) says: `NOT_SERVING` from the signal on, while the server still serves for `lameduck`, and
/// whenever a health check fails or the service is paused.
///
/// A [`TrackLayer`](crate::tower::TrackLayer) neither counts nor refuses its calls. Who watches it is told, and its stream ends when
/// the other calls have.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn health<N: Into<String>>(services: impl IntoIterator<Item = N>) -> HealthServer<impl Health> {
    let reporter = HealthReporter::new();
    let services = services.into_iter().map(Into::into).chain([String::new()]).collect();
    tokio::spawn(follow(reporter.clone(), services));
    HealthServer::new(HealthService::from_health_reporter(reporter))
}

async fn follow(mut reporter: HealthReporter, services: Vec<String>) {
    let mut events = crate::events();
    let mut drained = pin!(lifecycle().drained.cancelled());
    loop {
        let status = if crate::is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in &services {
            reporter.set_service_status(service, status).await;
        }
        // Whatever it is, the answer may be another now.
        let mut event = pin!(events.recv());
        let goes_on = poll_fn(|cx| match drained.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(false),
            Poll::Pending => event.as_mut().poll(cx).map(|event| event.is_some()),
        });
        if !goes_on.await {
            break;
        }
    }
    for service in &services {
        reporter.clear_service_status(service).await;
    }
}
