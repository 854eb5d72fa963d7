//! The user's service on one connection: each request says which connection it is on, each response whether it ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::header::CONNECTION;
use ::http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, Version};
use ::hyper::body::Incoming;
use ::hyper::service::Service;
use pin_project_lite::pin_project;
use tokio_util::sync::CancellationToken;

use crate::gate::REQUESTS;
use crate::integrations::connection::{Busy, Connection};

/// A service, and what its requests are told of their connection.
pub(in crate::integrations) struct Connected<S> {
    service: S,
    extensions: Extensions,
}

impl<S> Connected<S> {
    pub(in crate::integrations) fn new(service: S) -> Self {
        Connected { service, extensions: Extensions::new() }
    }

    #[cfg(feature = "axum")]
    pub(in crate::integrations) fn with<T: Clone + Send + Sync + 'static>(mut self, told: T) -> Self {
        self.extensions.insert(told);
        self
    }

    pub(super) fn on(mut self, connection: Connection, told: CancellationToken) -> OnConnection<S> {
        self.extensions.insert(connection.clone());
        OnConnection { service: self.service, extensions: self.extensions, connection, told }
    }
}

pub(super) struct OnConnection<S> {
    service: S,
    extensions: Extensions,
    connection: Connection,
    /// The server ends.
    told: CancellationToken,
}

impl<S, B> Service<Request<Incoming>> for OnConnection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Responding<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let http1 = request.version() <= Version::HTTP_11;
        let connects = request.method() == Method::CONNECT;
        request.extensions_mut().extend(self.extensions.clone());
        let busy = self.connection.request(!http1);
        Responding {
            future: self.service.call(request),
            http1,
            connects,
            busy: Some(busy),
            connection: self.connection.clone(),
            told: self.told.clone(),
        }
    }
}

pin_project! {
    pub(super) struct Responding<F> {
        #[pin]
        future: F,
        http1: bool,
        connects: bool,
        busy: Option<Busy>,
        connection: Connection,
        told: CancellationToken,
    }
}

impl<F, B, E> Future for Responding<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.future.poll(cx));
        if let (Ok(response), true) = (&mut response, *this.http1) {
            let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if switches || *this.connects && response.status().is_success() {
                this.connection.upgrade(&REQUESTS);
            }
            if !switches && this.told.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        this.busy.take();
        Poll::Ready(response)
    }
}
