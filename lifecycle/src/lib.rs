//! A service's whole lifecycle from attributes on functions that already exist.

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod hook;
mod plan;
mod registry;
mod render;
mod report;
mod resource;
mod settings;

pub use hook::{Phase, Step};
pub use report::{CallSite, Calls, Item, Outcome, Reason, Report, ServiceOutcome, StepKind, StepReport};
pub use resource::{ProvideError, Take};
pub use settings::{
    Budget, Builder, Exit, Flavor, Limit, Ready, ReportFormat, Settings, StepSettings, builder, signals,
};
pub use tokio_util::sync::CancellationToken;
