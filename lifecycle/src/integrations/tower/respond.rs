//! One request on its way: what was seen of it, and its response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::header::{CONNECTION, CONTENT_TYPE};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use pin_project_lite::pin_project;

use super::body::TrackBody;
use super::policy::Policy;
use crate::gate::Site;
#[cfg(feature = "hyper-util")]
use crate::integrations::connection::Connection;
use crate::process::lifecycle;
use crate::rejected::Rejected;
use crate::tracked::{Admitted, Inside, run};

/// What has to be known of a request when its response comes.
pub(super) struct Head {
    http1: bool,
    grpc: bool,
    connects: bool,
    event_streams_end_early: bool,
    #[cfg(feature = "hyper-util")]
    connection: Option<Connection>,
}

impl Head {
    pub(super) fn of(request: &Parts, policy: &Policy) -> Self {
        Head {
            http1: request.version <= Version::HTTP_11,
            grpc: is_of(&request.headers, "application/grpc"),
            connects: request.method == Method::CONNECT,
            event_streams_end_early: policy.event_streams_end_early,
            #[cfg(feature = "hyper-util")]
            connection: request.extensions.get().cloned(),
        }
    }

    fn upgrades(&self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || self.connects && status.is_success()
    }

    /// The service's own response.
    fn respond<B>(&self, response: Response<B>, site: Option<&'static Site>) -> Response<TrackBody<B>> {
        // It counts itself before the call that it comes from has ended.
        let call = site.map_or(Admitted::uncounted(), Site::enter_always);
        let (mut parts, body) = response.into_parts();
        let body = if self.upgrades(parts.status) {
            self.hold(call);
            TrackBody::untracked(body)
        } else if let (Some(site), true) = (site, is_of(&parts.headers, "text/event-stream")) {
            let cut_off = site.gate().cut_off();
            let ends = if self.event_streams_end_early { &lifecycle().stopping } else { cut_off };
            TrackBody::new(body, call, Some(Box::pin(ends.clone().cancelled_owned())))
        } else {
            TrackBody::new(body, call, None)
        };
        if self.http1 && parts.status != StatusCode::SWITCHING_PROTOCOLS && lifecycle().triggered().is_some()
        {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Response::from_parts(parts, body)
    }

    /// The call lasts as long as the connection, where somebody knows how long that is.
    fn hold(&self, call: Admitted) {
        #[cfg(feature = "hyper-util")]
        if let (Some(connection), Some(site)) = (&self.connection, call.site()) {
            connection.upgrade(site.gate());
            connection.hold(call);
            return;
        }
        drop(call);
    }

    fn refuse<B>(&self, rejected: Rejected) -> Response<TrackBody<B>> {
        if self.grpc {
            return self.refuse_grpc(rejected);
        }
        let mut response = rejected.respond(TrackBody::text(rejected.text().as_bytes()));
        if !self.http1 {
            response.headers_mut().remove(CONNECTION);
        }
        response
    }

    /// A response of headers alone, as gRPC has it where nothing but a status is to be said.
    fn refuse_grpc<B>(&self, rejected: Rejected) -> Response<TrackBody<B>> {
        const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");
        let mut response = Response::new(TrackBody::empty());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", UNAVAILABLE);
        headers.insert("grpc-message", HeaderValue::from_static(rejected.text().trim_ascii_end()));
        response
    }
}

/// Whether the content type is this one, or one of its kind (`application/grpc+proto`, `text/event-stream; …`).
fn is_of(headers: &HeaderMap, kind: &str) -> bool {
    let Some(Ok(found)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let (found, rest) = found.split_at_checked(kind.len()).unwrap_or(("", ""));
    found.eq_ignore_ascii_case(kind) && matches!(rest.trim_start().chars().next(), None | Some(';' | '+'))
}

pin_project! {
    /// A tracked request's response to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way<F> {
        Exempt { #[pin] future: Responding<F> },
        Admitted { #[pin] call: Inside<Responding<F>> },
        Refused { head: Head, rejected: Rejected },
    }
}

pin_project! {
    struct Responding<F> {
        #[pin]
        future: F,
        head: Head,
        // Which counts the request, unless another call does.
        site: Option<&'static Site>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn exempt(head: Head, future: F) -> Self {
        ResponseFuture { way: Way::Exempt { future: Responding { future, head, site: None } } }
    }

    pub(super) fn admitted<B, E>(head: Head, admitted: Admitted, future: F) -> Self
    where
        F: Future<Output = Result<Response<B>, E>>,
    {
        let site = admitted.site();
        ResponseFuture { way: Way::Admitted { call: run(admitted, Responding { future, head, site }) } }
    }

    pub(super) fn refused(head: Head, rejected: Rejected) -> Self {
        ResponseFuture { way: Way::Refused { head, rejected } }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> Future for Responding<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TrackBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx));
        Poll::Ready(response.map(|response| this.head.respond(response, *this.site)))
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TrackBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::Exempt { future } => future.poll(cx),
            WayProjection::Admitted { call } => call.poll(cx),
            WayProjection::Refused { head, rejected } => Poll::Ready(Ok(head.refuse(*rejected))),
        }
    }
}
