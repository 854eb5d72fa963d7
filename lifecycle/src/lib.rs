//! A service's whole lifecycle from attributes on functions that already exist.

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod context;
mod gate;
mod hook;
mod plan;
mod registry;
mod rejected;
mod render;
mod report;
mod resource;
mod settings;
mod tracked;

pub use context::{item, note, time_left};
pub use gate::CallStats;
pub use hook::{Phase, Step};
#[cfg(feature = "macros")]
pub use lifecycle_macros::{main, on_shutdown, on_start, tracked};
pub use rejected::{RejectReason, Rejected};
pub use report::{CallSite, Calls, Item, Outcome, Reason, Report, ServiceOutcome, StepKind, StepReport};
pub use resource::{ProvideError, Take};
pub use settings::{
    Budget, Builder, Exit, Flavor, Limit, Ready, ReportFormat, Settings, StepSettings, builder, signals,
};
pub use tokio_util::sync::CancellationToken;
pub use tracked::{in_flight, inherit, spawn, spawn_blocking};
