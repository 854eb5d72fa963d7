//! A service's whole lifecycle from attributes on functions that already exist.

mod hook;
#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod render;
mod report;
mod resource;

pub use hook::{Phase, Step};
pub use report::Report;
pub use resource::{ProvideError, Take};
pub use tokio_util::sync::CancellationToken;
