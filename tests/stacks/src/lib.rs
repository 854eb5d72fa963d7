//! What the programs and the tests of the stacks share.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's own plumbing: a failure is the test's failure"
)]

#[path = "../../src/child.rs"]
pub mod child;
#[path = "../../src/posix.rs"]
pub mod posix;
#[path = "../../src/scene.rs"]
pub mod scene;

pub mod clients;
pub mod shop;
