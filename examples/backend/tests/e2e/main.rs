//! The backend as processes, signalled while they serve; what counts is what its counterparts saw.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod balancer;
mod by_hand;
mod rolling;
mod scene;
mod serving;
mod shutdown;
mod supervised;
