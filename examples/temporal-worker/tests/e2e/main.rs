//! The worker as a process, signalled while activities run; what counts is what Temporal and PostgreSQL saw.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod by_hand;
mod scene;
mod shutdown;
mod start;
