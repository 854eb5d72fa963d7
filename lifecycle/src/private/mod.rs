//! Everything that generated code names. No part of it is a promise to anyone else.

pub mod argument;
pub mod function;
pub mod order;
pub mod outcome;
pub mod path;
pub mod tracked;

/// The line on which a method is called on it: `line!()` knows only that of the outermost attribute.
#[derive(Clone, Copy, Debug)]
pub struct Here;

impl Here {
    /// That line.
    #[track_caller]
    pub const fn line(self) -> u32 {
        std::panic::Location::caller().line()
    }
}

/// Its input. Where the path to this crate leads nowhere, this is the one thing that rustc misses.
#[doc(hidden)]
#[macro_export]
macro_rules! __items {
    ($($items:tt)*) => { $($items)* };
}

pub use crate::__items as items;

pub use core::any::TypeId;
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use core::{concat, file, line, module_path, stringify};
pub use std::boxed::Box;
pub use std::process::ExitCode;

pub use inventory;

pub use crate::edge::{AnyNode, EdgeDef, Node, NodeDef, PlaceDef};
pub use crate::expect::ExpectDef;
pub use crate::gate::Gate;
pub use crate::group::{Group, GroupDef};
pub use crate::health::{CheckDef, CheckKeys, HealthCheck};
pub use crate::hook::{
    CallResult, Function, Missing, Phase, Signature, Step, StepDef, StepExtra, StepKeys, When,
};
pub use crate::plan_view::{ExpectedPlan, PlanTime};
pub use crate::rejected::Rejected;
pub use crate::resource::Inputs;
pub use crate::run::{MainDef, MainEntry, Setup, main};
pub use crate::settings::{Budget, Exit, Flavor, Limit, Ready, ReportFormat, Settings, signals};
#[cfg(feature = "testing")]
pub use crate::testing::{Clock, TIMEOUT as TEST_TIMEOUT, test};
pub use crate::tracked::{Admitted, Inside, Known, Site};
pub use crate::worker::{Restart, WorkerDef};
