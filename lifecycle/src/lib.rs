//! A service's whole lifecycle from attributes on functions that already exist.
//!
//! Annotate functions; the library collects them at link time, starts them in an order that follows from what they
//! need, and on a signal ends them in order: no new requests, the running ones awaited, then each step within its own
//! time and all of it within a deadline that a watchdog holds. A report says what happened.
//!
//! ```no_run
//! use lifecycle::{Take, on_shutdown, on_start, tracked};
//!
//! # mod db {
//! #     #[derive(Clone)] pub struct Pool;
//! #     impl Pool {
//! #         pub async fn open() -> std::io::Result<Self> { Ok(Pool) }
//! #         pub async fn insert(&self, _: &str) -> std::io::Result<u64> { Ok(1) }
//! #         pub async fn close(self) {}
//! #     }
//! # }
//! use db::Pool;
//!
//! #[on_start] // what it returns is found by its type
//! async fn open_db() -> std::io::Result<Pool> {
//!     Pool::open().await
//! }
//!
//! #[tracked] // awaited at the shutdown, refused once it has begun
//! async fn create_order(db: &Pool, item: &str) -> std::io::Result<u64> {
//!     db.insert(item).await
//! }
//!
//! #[on_shutdown(timeout = "2s")]
//! async fn close_db(Take(db): Take<Pool>) {
//!     db.close().await
//! }
//!
//! #[lifecycle::main(grace = "25s")]
//! async fn main(db: Pool) -> std::io::Result<()> {
//!     create_order(&db, "book").await?;
//!     lifecycle::stopping().await;
//!     Ok(())
//! }
//! ```
//!
//! The free functions act on the process's one lifecycle. A library should rather take a future such as [`stopping`]
//! from its caller than call it.
//!
//! # Features
//!
//! - `journal` (default): what happens can be kept in a file, for the next run to know; implies `serde`.
//! - `macros` (default): the attributes.
//! - `metrics`: figures of calls, steps and health for whatever recorder of the `metrics` facade is installed.
//! - `serde`: `Serialize` and `Deserialize` for [`Report`], `Serialize` for [`Stats`] and [`Plan`]. The report's JSON
//!   ([`Report::to_json`]) needs no feature.
//! - `axum`, `http`, `rmcp`, `tonic`: [`Rejected`] in these stacks, so that a `#[tracked]` function may return axum's
//!   `Response` or an `http::Response`, or a `Result` whose error is `StatusCode`, `(StatusCode, String)`, `tonic::Status` or
//!   rmcp's `ErrorData`. `rmcp` needs Rust 1.88.
//! - `tower`: `tower::TrackLayer`, which makes each request of an HTTP service a tracked call. `hyper-util`: `hyper::serve`, a
//!   server that ends without losing a connection. `axum` implies both, and adds `axum::serve`; `tonic` too, with `tonic::serve` and
//!   the health service `tonic::health`.
//! - `systemd`: tells systemd of the start, of the shutdown and of what runs, and feeds its watchdog. No dependency.
//! - `terminal` (default): what runs, live, at the foot of a terminal. No dependency.
//! - `testing` (default): [`testing`] and, with `macros`, `#[lifecycle::test]`. It turns on tokio's `test-util`.

#[cfg(not(unix))]
compile_error!("lifecycle needs Unix signals and poll(2); it does not support this platform yet");

/// Its examples are compiled; those that need other crates are by a test of `examples/quickstart`.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod api;
#[cfg(feature = "macros")]
mod attributes;
mod by_type;
mod clock;
mod collect;
mod compensation;
mod context;
mod edge;
mod events;
mod expect;
mod gate;
mod group;
mod health;
mod hook;
mod integrations;
#[cfg(feature = "journal")]
mod journal;
#[cfg(not(feature = "journal"))]
#[allow(dead_code, reason = "nothing of it is ever made")]
#[path = "journal/absent.rs"]
mod journal;
#[cfg(feature = "metrics")]
mod meter;
mod narrator;
mod pause;
mod plan;
mod plan_view;
mod process;
mod rare;
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
#[cfg(feature = "systemd")]
mod systemd;
#[cfg(feature = "testing")]
pub mod testing;
mod tracked;
mod watchdog;
mod worker;

pub use api::{
    Admitting, GroupStats, Moment, Shutdown, Stats, admitting, cut_off, dead_letters, drained, health,
    is_draining, is_ready, is_shutting_down, pause, previous_run, provide, ready, resource, resume, shutdown,
    state, stats, stop_token, stopping,
};
#[cfg(feature = "macros")]
pub use attributes::{component, group, health_check, main, on_shutdown, on_start, tracked, worker};
pub use events::{Event, Events, State, events};
pub use register::{Hook, HookResult, Register, Registration, WhenResult, register};
pub use run::service::ServiceResult;
pub use run::{Service, run};

pub use context::{item, note, time_left};
pub use edge::Node;
pub use gate::CallStats;
pub use group::{Group, Requests};
pub use health::{Check, CheckHealth, CheckStatus, Health, HealthCheck};
pub use hook::{Phase, Step};
#[cfg(feature = "axum")]
pub use integrations::axum;
#[cfg(feature = "hyper-util")]
pub use integrations::hyper;
#[cfg(feature = "tonic")]
pub use integrations::tonic;
#[cfg(feature = "tower")]
pub use integrations::tower;
pub use journal::{DeadLetter, PreviousRun, UncleanRun, UnfinishedStep};
#[cfg(all(feature = "macros", feature = "testing"))]
pub use lifecycle_macros::test;
pub use plan_view::{
    ChainLink, Follows, LeftOut, Phases, Plan, PlanCheck, PlanErrors, PlanStep, StepPolicy, WorstCase, plan,
};
pub use rejected::{RejectReason, Rejected};
pub use report::{
    Attempt, CallSite, Calls, Item, Outcome, Reason, Report, RunningCall, ServiceOutcome, StepKind,
    StepReport, WorkerReport,
};
pub use resource::{ProvideError, Take};
pub use settings::{
    Budget, Builder, CheckSettings, Exit, Flavor, Limit, Ready, ReportFormat, Settings, StepSettings,
    builder, signals,
};
pub use tokio_util::sync::CancellationToken;
pub use tracked::{in_flight, inherit, spawn, spawn_blocking};
pub use worker::{Restart, Worker, WorkerEvent};
