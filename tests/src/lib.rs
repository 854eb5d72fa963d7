//! What the process-level tests share.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's own plumbing: a failure is the test's failure"
)]

pub mod child;
pub mod posix;
pub mod scene;
