//! axum: `Rejected` as a response.

use ::axum::response::{IntoResponse, Response};

use crate::rejected::Rejected;

/// 503 with `Retry-After` and, if the service is shutting down, `Connection: close`.
impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        self.into()
    }
}
