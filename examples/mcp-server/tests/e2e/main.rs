//! The server as a process, signalled while clients wait for it; what counts is what they saw. The clients are the protocol's
//! own SDKs.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod by_hand;
mod calls;
mod scene;
mod settings;
