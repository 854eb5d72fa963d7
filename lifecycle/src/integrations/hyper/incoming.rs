//! Services of frameworks that have a body type of their own.

use std::fmt;
use std::task::{Context, Poll};

use ::http::Request;
use ::hyper::body::Incoming;
use ::tower_service::Service;

/// A service that takes its requests with another body than hyper gives them.
pub struct Incomings<S, B> {
    service: S,
    body: fn(Incoming) -> B,
}

impl<S, B> Incomings<S, B> {
    pub(in crate::integrations) fn new(service: S, body: fn(Incoming) -> B) -> Self {
        Incomings { service, body }
    }
}

impl<S: Clone, B> Clone for Incomings<S, B> {
    fn clone(&self) -> Self {
        Incomings { service: self.service.clone(), body: self.body }
    }
}

impl<S, B> fmt::Debug for Incomings<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incomings").finish_non_exhaustive()
    }
}

impl<S: Service<Request<B>>, B> Service<Request<Incoming>> for Incomings<S, B> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> S::Future {
        self.service.call(request.map(self.body))
    }
}
