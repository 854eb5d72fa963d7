//! What a tracked call that is not admitted returns.

use std::error::Error;
use std::fmt;
use std::io;

/// The service did not admit a tracked call: it is shutting down, or paused.
///
/// A `#[tracked]` function that returns `Result<T, E>` with `E: From<Rejected>` returns this error in place of running.
///
/// ```
/// # struct Receipt;
/// enum ApiError {
///     Unavailable,
///     // …
/// }
/// impl From<lifecycle::Rejected> for ApiError {
///     fn from(_: lifecycle::Rejected) -> Self {
///         ApiError::Unavailable
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rejected {
    reason: RejectReason,
}

/// Why a call was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// The service is shutting down; this process will admit nothing more.
    ShuttingDown,
    /// The service is paused and may resume.
    Paused,
}

impl Rejected {
    /// The error itself, for testing what is made of it.
    pub const fn new(reason: RejectReason) -> Self {
        Rejected { reason }
    }

    /// Why the call was not admitted.
    pub const fn reason(&self) -> RejectReason {
        self.reason
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RejectReason::ShuttingDown => "the service is shutting down",
            RejectReason::Paused => "the service is paused",
        })
    }
}

impl Error for Rejected {}

impl From<Rejected> for io::Error {
    fn from(rejected: Rejected) -> Self {
        io::Error::other(rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why() {
        assert_eq!(Rejected::new(RejectReason::ShuttingDown).to_string(), "the service is shutting down");
        assert_eq!(Rejected::new(RejectReason::Paused).to_string(), "the service is paused");
    }

    #[test]
    fn an_io_error_keeps_it() {
        let rejected = Rejected::new(RejectReason::Paused);
        let error = io::Error::from(rejected);
        assert_eq!(error.to_string(), "the service is paused");
        assert_eq!(error.get_ref().and_then(|inner| inner.downcast_ref()), Some(&rejected));
    }
}
