//! The bot as a process, signalled while it trades; what counts is what its counterparts saw.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod by_hand;
mod fix;
mod rest;
mod scene;
