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

pub use crate::{__collected as collected, __items as items, __step as step};

pub use core::any::TypeId;
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use core::{concat, file, line, module_path, stringify};
pub use std::boxed::Box;
pub use std::process::ExitCode;
pub use tracing::info_span;

pub use self::argument::{Otherwise, arg, last_arg};
pub use self::function::{All, asynchronous, ended, pending, synchronous};
pub use self::outcome::end;

/// `TypeId::of` would be looked up as a method is.
pub fn type_id<T: 'static>() -> TypeId {
    TypeId::of::<T>()
}

pub use crate::collect::{Collected, Left, collect, collect_step};
pub use crate::edge::{AnyNode, EdgeDef, Node, NodeDef, PlaceDef};
pub use crate::expect::ExpectDef;
pub use crate::gate::Gate;
pub use crate::group::{Group, GroupDef};
pub use crate::health::{CheckDef, CheckKeys, HealthCheck};
pub use crate::hook::{
    Answer, CallResult, Missing, Phase, Query, Signature, Step, StepDef, StepExtra, StepKeys, When, strange,
};
pub use crate::plan_view::{ExpectedPlan, PlanTime};
pub use crate::rejected::Rejected;
pub use crate::resource::Inputs;
pub use crate::run::{MainDef, Setup, main};
pub use crate::settings::{Budget, Exit, Flavor, Limit, Ready, ReportFormat, Settings, signals};
#[cfg(feature = "testing")]
pub use crate::testing::{Clock, TIMEOUT as TEST_TIMEOUT, test};
pub use crate::tracked::{Admitted, CallIds, Inside, Known, Site};
pub use crate::worker::{Restart, WorkerDef};
