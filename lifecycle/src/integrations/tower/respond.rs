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
use crate::context;
#[cfg(feature = "hyper-util")]
use crate::integrations::connection::Connection;
use crate::process::lifecycle;
use crate::rejected::Rejected;
use crate::tracked::Admitted;

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

    /// The service's own response, in whose body the call goes on.
    fn respond<B>(&self, response: Response<B>, call: Option<Admitted>) -> Response<TrackBody<B>> {
        let (mut parts, body) = response.into_parts();
        let body = if self.upgrades(parts.status) {
            self.hold(call);
            TrackBody::untracked(body)
        } else {
            let is_event_stream = is_of(&parts.headers, "text/event-stream");
            let ends = call.as_ref().filter(|_| is_event_stream).map(|call| {
                let early = self.event_streams_end_early;
                let ends = if early { &lifecycle().stopping } else { call.0.gate().cut_off() };
                Box::pin(ends.clone().cancelled_owned())
            });
            TrackBody::new(body, call, ends)
        };
        if self.http1 && parts.status != StatusCode::SWITCHING_PROTOCOLS && lifecycle().triggered().is_some()
        {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Response::from_parts(parts, body)
    }

    /// The call lasts as long as the connection, where somebody knows how long that is.
    fn hold(&self, call: Option<Admitted>) {
        #[cfg(feature = "hyper-util")]
        if let (Some(connection), Some(call)) = (&self.connection, call) {
            connection.upgrade(call.0.gate());
            connection.hold(call);
        }
        #[cfg(not(feature = "hyper-util"))]
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
        Taken { #[pin] request: Taken<F> },
        Refused { head: Head, rejected: Rejected },
    }
}

pin_project! {
    struct Taken<F> {
        // `None` once it has ended or was cut.
        #[pin]
        future: Option<F>,
        head: Head,
        // After the future.
        call: Option<Admitted>,
    }

    impl<F> PinnedDrop for Taken<F> {
        fn drop(this: Pin<&mut Self>) {
            drop(this.end());
        }
    }
}

impl<F> Taken<F> {
    /// Drops the future inside the call, which goes on.
    fn end(self: Pin<&mut Self>) -> Option<Admitted> {
        let mut this = self.project();
        let _marked = this.call.as_ref().map(|call| context::enter(call.0));
        this.future.set(None);
        this.call.take()
    }
}

impl<F> ResponseFuture<F> {
    fn taken(head: Head, call: Option<Admitted>, future: F) -> Self {
        ResponseFuture { way: Way::Taken { request: Taken { future: Some(future), head, call } } }
    }

    pub(super) fn counted(head: Head, call: Admitted, future: F) -> Self {
        Self::taken(head, Some(call), future)
    }

    /// It is exempt, or a part of another call.
    pub(super) fn uncounted(head: Head, future: F) -> Self {
        Self::taken(head, None, future)
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

impl<F, B, E> Future for Taken<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TrackBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        if this.call.as_ref().is_some_and(|call| call.0.is_frozen()) {
            drop(self.end());
            return Poll::Pending;
        }
        let response = {
            let _marked = this.call.as_ref().map(|call| context::enter(call.0));
            ready!(future.poll(cx))
        };
        let call = self.as_mut().end();
        Poll::Ready(response.map(|response| self.head.respond(response, call)))
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TrackBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::Taken { request } => request.poll(cx),
            WayProjection::Refused { head, rejected } => Poll::Ready(Ok(head.refuse(*rejected))),
        }
    }
}
