//! The backend as a process, signalled while it works; what counts is what its counterparts saw.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

mod by_hand;
mod health;
mod scene;
mod steps;
mod trouble;
