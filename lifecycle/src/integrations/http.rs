//! `Rejected` in HTTP: 503, and when to come again.

use ::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use ::http::{HeaderValue, Response, StatusCode};

use crate::__private::tracked::Refuse;
use crate::rejected::{RejectReason, Rejected};

/// Another instance is up already, or the same is up again soon.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

impl Rejected {
    pub(crate) const fn text(self) -> &'static str {
        match self.reason() {
            RejectReason::ShuttingDown => "the service is shutting down\n",
            RejectReason::Paused => "the service is paused\n",
        }
    }

    /// 503, `Retry-After`, and where the process goes, `Connection: close`: the next request then finds another one.
    pub(crate) fn respond<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        if self.reason() == RejectReason::ShuttingDown {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// 503.
impl From<Rejected> for StatusCode {
    fn from(_: Rejected) -> Self {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// 503, and why.
impl From<Rejected> for (StatusCode, String) {
    fn from(rejected: Rejected) -> Self {
        (rejected.into(), rejected.to_string())
    }
}

/// 503 with `Retry-After` and, if the service is shutting down, `Connection: close`.
impl<B: From<&'static str>> From<Rejected> for Response<B> {
    fn from(rejected: Rejected) -> Self {
        rejected.respond(B::from(rejected.text()))
    }
}

/// So that a tracked function may return a response as it is.
#[diagnostic::do_not_recommend]
impl<B: From<&'static str>> Refuse for Response<B> {
    fn refuse(rejected: Rejected) -> Self {
        rejected.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_comes_while_the_process_goes_is_to_come_again_on_another_connection() {
        let response = Response::<String>::from(Rejected::new(RejectReason::ShuttingDown));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONNECTION], "close");
        assert_eq!(response.body(), "the service is shutting down\n");
    }

    #[test]
    fn one_who_comes_during_a_pause_keeps_the_connection() {
        let response = Response::<String>::from(Rejected::new(RejectReason::Paused));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert!(!response.headers().contains_key(CONNECTION));
        let (status, why) = <(StatusCode, String)>::from(Rejected::new(RejectReason::Paused));
        assert_eq!((status, &*why), (StatusCode::SERVICE_UNAVAILABLE, "the service is paused"));
    }
}
