//! A service's whole lifecycle from attributes on functions that already exist.

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod api;
mod context;
mod events;
mod gate;
mod hook;
mod narrator;
mod plan;
mod process;
mod register;
mod registry;
mod rejected;
mod render;
mod report;
mod resource;
mod run;
mod settings;
mod signal;
mod sys;
mod tracked;
mod watchdog;

pub use api::{
    Moment, Shutdown, Stats, cut_off, drained, is_draining, is_ready, is_shutting_down, provide, ready,
    resource, shutdown, state, stats, stop_token, stopping,
};
pub use events::{Event, Events, State, events};
pub use register::{Hook, HookResult, Registration, register};
pub use run::service::ServiceResult;
pub use run::{Service, run};

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
